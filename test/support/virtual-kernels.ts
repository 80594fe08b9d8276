// A virtual kernel behind one replica under test, in the test's own thread: mirrors the real kernel of this namespace, reads
// the replica's netlink sockets every few milliseconds, and keeps its votes as text. What the forwarding table's thread does
// for all replicas at once, without a voter.
import { describeHops } from '../../fib/next-hops.js';
import { KernelMirror } from '../../fib/kernel-mirror.js';
import type { InternalLink } from '../../fib/virtual-kernel/types.js';
import { VirtualKernel } from '../../fib/virtual-kernel/virtual-kernel.js';
import { emptyStats } from '../../hypervisor/fib/kernel/backend.js';
import { KernelReader } from '../../hypervisor/fib/kernel/kernel-reader.js';
import type { Replica } from '../../hypervisor/replicas/replica.js';
import { acknowledgeWrites, close, receiveInto, sendFrom, MAX_DATAGRAM } from '../../preload/native.js';
import { AttributeTable } from '../../wire/attribute-table.js';
import { PrefixTable } from '../../wire/prefix-table.js';

const OWN_PROTOCOL = 179;
const TURN_MS = 2;
/** Datagrams from one socket before the others have their turn. */
const AT_ONCE = 512;
const EAGAIN = -11;

const INTERNAL_LINK: InternalLink = { ifindex: 1_000_000, name: 'btr0', addresses: ['198.18.0.1/32'], connected: [] };

export class TestKernel {
  readonly virtual: VirtualKernel;
  /** What the replica votes for, e.g. `via 10.0.1.2 dev e0`, by prefix. */
  readonly votes = new Map<string, string>();
  readonly overruns: string[] = [];
  readonly prefixes = new PrefixTable();
  private readonly internal: InternalLink;
  private readonly hops = new AttributeTable();
  private readonly mirror = new KernelMirror({ protocol: OWN_PROTOCOL });
  private readonly reader = new KernelReader(OWN_PROTOCOL, emptyStats());
  private readonly sockets = new Set<number>();
  private readonly buffer = new Uint8Array(MAX_DATAGRAM);
  private readonly timer: NodeJS.Timeout;
  private readonly linkName = (ifindex: number): string =>
    ifindex === this.internal.ifindex ? this.internal.name : this.mirror.linkName(ifindex);

  /** Serves every start of the replica until `close`. */
  constructor(replica: Replica, internal: InternalLink = INTERNAL_LINK) {
    this.internal = internal;
    this.virtual = new VirtualKernel({
      mirror: this.mirror,
      prefixes: this.prefixes,
      hops: this.hops,
      bodies: new AttributeTable(),
      internal,
      sink: {
        send: (socket, buf, start, end) => sendFrom(socket, buf, start, end) !== EAGAIN,
        route: (prefix, hops) => this.vote(prefix, hops),
        overrun: (_, reason) => this.overruns.push(reason),
      },
    });
    this.reader.open(undefined);
    this.reader.load((buf, start, end) => this.mirror.apply(buf, start, end));
    replica.on('netlink', (fd, portId) => {
      this.sockets.add(fd);
      this.virtual.open(fd, portId);
      if (this.virtual.acksWrites) acknowledgeWrites(fd);
    });
    replica.on('exit', () => {
      for (const fd of this.sockets) close(fd);
      this.sockets.clear();
      this.virtual.reset();
    });
    this.timer = setInterval(() => this.turn(), TURN_MS);
  }

  /** Refuses route writes with an errno from now on; undefined ends it. */
  refuse(errno: number | undefined): void {
    this.virtual.refuse(errno === undefined ? undefined : { errno });
    if (this.virtual.acksWrites) for (const fd of this.sockets) acknowledgeWrites(fd);
  }

  /** Requests so far by name of the message type. */
  requests(name: string): number {
    return this.virtual.counters.requests[name] ?? 0;
  }

  /** Route writes so far that changed something, and those that would have failed. */
  get writes(): number {
    const { routesAdded, routesReplaced, routesDeleted, errors, conflicts } = this.virtual.counters;
    const failed = [...Object.values(errors), ...Object.values(conflicts)];
    return routesAdded + routesReplaced + routesDeleted + failed.reduce((sum, count) => sum + count, 0);
  }

  close(): void {
    clearInterval(this.timer);
    this.reader.close();
    for (const fd of this.sockets) close(fd);
    this.sockets.clear();
  }

  private vote(prefix: number, hops: number): void {
    const text = this.prefixes.format(prefix);
    if (hops === 0) this.votes.delete(text);
    else this.votes.set(text, describeHops(this.hops.get(hops), this.linkName));
  }

  private turn(): void {
    this.reader.readEvents((buf, start, end) => this.kernelMessage(buf, start, end));
    for (const fd of [...this.sockets]) this.serve(fd);
  }

  private kernelMessage(buf: Uint8Array, start: number, end: number): void {
    const change = this.mirror.apply(buf, start, end);
    if (change !== undefined) this.virtual.changed(change);
  }

  private serve(fd: number): void {
    if (this.virtual.wantsWrite(fd)) this.virtual.writable(fd);
    for (let i = 0; i < AT_ONCE; i++) {
      const length = receiveInto(fd, this.buffer);
      if (length === EAGAIN) return;
      if (length <= 0) {
        this.sockets.delete(fd);
        this.virtual.close(fd);
        close(fd);
        return;
      }
      this.virtual.receive(fd, this.buffer, 0, length);
    }
  }
}
