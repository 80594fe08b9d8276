// One netlink socket of the daemon as the kernel sees it: groups and options, what waits to be read, the dump under way.
// Owns the order and the limit of what waits; what is said is made elsewhere.
import {
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
} from '../../wire/netlink/constants.js';
import type { Dump } from './dump.js';
import type { KernelSink } from './types.js';

/** Groups that can be joined: Linux has fewer than forty. */
const MAX_GROUP = 64;

export class KernelSocket {
  readonly id: number;
  readonly portId: number;
  /** NETLINK_CAP_ACK: an error does not repeat the request. */
  capped = false;
  /** NETLINK_EXT_ACK: an error says why in words. */
  extended = false;
  /** NETLINK_GET_STRICT_CHK: dump requests are checked and filter. */
  strict = false;
  dump: Dump | undefined;
  private readonly sink: KernelSink;
  private readonly maxQueued: number;
  private readonly groups = new Uint8Array(MAX_GROUP + 1);
  private queue: Uint8Array[] = [];
  private head = 0;
  private queued = 0;
  private overrun = false;

  constructor(id: number, portId: number, sink: KernelSink, maxQueued: number) {
    this.id = id;
    this.portId = portId;
    this.sink = sink;
    this.maxQueued = maxQueued;
  }

  /** Whether there is something that waits for room. */
  get waiting(): boolean {
    return this.head < this.queue.length || this.dump !== undefined;
  }

  joined(group: number): boolean {
    return this.groups[group] === 1;
  }

  /** bind(2): the first 32 groups as a mask, in place of those joined before. */
  bind(mask: number): void {
    for (let group = 1; group <= 32; group++) this.groups[group] = (mask >>> (group - 1)) & 1;
  }

  /** setsockopt(2) at level SOL_NETLINK. Options that change nothing here are taken too. */
  setOption(option: number, value: number): void {
    if (option === NETLINK_ADD_MEMBERSHIP || option === NETLINK_DROP_MEMBERSHIP) {
      if (value >= 1 && value <= MAX_GROUP) this.groups[value] = option === NETLINK_ADD_MEMBERSHIP ? 1 : 0;
    } else if (option === NETLINK_CAP_ACK) this.capped = value !== 0;
    else if (option === NETLINK_EXT_ACK) this.extended = value !== 0;
    else if (option === NETLINK_GET_STRICT_CHK) this.strict = value !== 0;
  }

  /** Sends a datagram, behind what waits already. */
  send(buf: Uint8Array, start: number, end: number): void {
    if (this.head === this.queue.length && this.sink.send(this.id, buf, start, end)) return;
    if (this.queued + end - start > this.maxQueued) {
      if (!this.overrun) this.sink.overrun(this.id, `over ${this.maxQueued} bytes wait in netlink socket ${this.id}`);
      this.overrun = true;
      return;
    }
    this.queued += end - start;
    this.queue.push(buf.slice(start, end));
  }

  /** Sends what waits; false when there is no room for all of it. */
  flush(): boolean {
    while (this.head < this.queue.length) {
      const datagram = this.queue[this.head]!;
      if (!this.sink.send(this.id, datagram, 0, datagram.length)) return false;
      this.queued -= datagram.length;
      this.head++;
    }
    this.queue = [];
    this.head = 0;
    return true;
  }

  /** Sends a datagram now or not at all: for dumps, which make their datagrams when there is room. */
  offer(buf: Uint8Array, start: number, end: number): boolean {
    return this.sink.send(this.id, buf, start, end);
  }
}
