// The kernel that one replica sees over rtnetlink: the real kernel's links, addresses, rules, neighbours and foreign routes, and the
// replica's own routes, which go nowhere but into its votes. Owns the replica's sockets and which part answers what; bytes come and go
// through the caller.
import {
  EBUSY,
  ENODEV,
  EOPNOTSUPP,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RTM_BASE,
  RTM_DELROUTE,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWROUTE,
} from '../../wire/netlink/constants.js';
import { encodeError, NetlinkCursor, NetlinkWriter, readU32 } from '../../wire/netlink/message.js';
import { Dump } from './dump.js';
import { DumpRequests } from './dump-requests.js';
import { pushEvent } from './events.js';
import { internalKernel } from './internal-link.js';
import { KernelSocket } from './kernel-socket.js';
import { findLink } from './link-lookup.js';
import { isGet, isIgnoredWrite, messageName } from './message-names.js';
import { OwnTable } from './own-table.js';
import { RouteLookup } from './route-lookup.js';
import { KERNEL_LIMITS } from './types.js';
import type {
  InternalLink,
  KernelCounters,
  KernelLimits,
  KernelSink,
  MirrorChange,
  MirroredKernel,
  Refusal,
  VirtualKernelOptions,
} from './types.js';

/** The shim's own messages: bind(2) with groups, and setsockopt(2) at level SOL_NETLINK. */
export const SHIM_BIND = 0xfff1;
export const SHIM_OPTION = 0xfff2;
/** In nlmsg_flags: the shim has acknowledged this write already, so nothing may be answered. */
export const SHIM_ACKNOWLEDGED = 0x8000;

export class VirtualKernel {
  readonly internal: InternalLink;
  private readonly sink: KernelSink;
  private readonly limits: KernelLimits;
  private readonly kernels: readonly MirroredKernel[];
  private readonly own: OwnTable;
  private readonly dumps: DumpRequests;
  private readonly lookup: RouteLookup;
  private readonly sockets = new Map<number, KernelSocket>();
  private readonly requests = new Uint32Array(COUNTED_TYPES);
  private readonly errors = new Map<number, number>();
  private readonly conflicts = new Map<number, number>();
  private malformed = 0;
  private readonly cursor = new NetlinkCursor();
  private readonly writer = new NetlinkWriter(16384);
  private readonly answered: { request: Uint8Array; start: number; end: number; pid: number; capped: boolean };

  constructor(options: VirtualKernelOptions) {
    this.internal = options.internal;
    this.sink = options.sink;
    this.limits = { ...KERNEL_LIMITS, ...options.limits };
    this.kernels = [options.mirror, internalKernel(options.internal)];
    this.own = new OwnTable(options, this.kernels, this.limits);
    this.dumps = new DumpRequests(this.kernels, (family, table) => this.own.hasTable(family, table));
    this.lookup = new RouteLookup(this.kernels, options.prefixes, this.own.routes, this.own.bodies);
    this.answered = { request: this.writer.buffer, start: 0, end: 0, pid: 0, capped: false };
  }

  /** Sockets open now. */
  get socketCount(): number {
    return this.sockets.size;
  }

  /** Own routes in all tables. */
  get routeCount(): number {
    return this.own.routes.size;
  }

  /** Whether route writes must be answered here: while they are refused on purpose the shim may not acknowledge by itself. */
  get acksWrites(): boolean {
    return this.own.refuses;
  }

  get counters(): KernelCounters {
    const { routes, foreignConflicts, flushed } = this.own;
    const named = (wanted: (type: number) => boolean) =>
      Object.fromEntries(
        [...this.requests.entries()]
          .filter(([type, count]) => count > 0 && wanted(type))
          .map(([type, count]) => [messageName(type), count]),
      );
    return {
      requests: named(() => true),
      ignored: named(isIgnoredWrite),
      routesAdded: routes.added,
      routesReplaced: routes.replaced,
      routesDeleted: routes.deleted,
      errors: Object.fromEntries(this.errors),
      conflicts: Object.fromEntries(this.conflicts),
      foreignConflicts,
      flushed,
      malformed: this.malformed,
    };
  }

  /** A socket of the daemon; `socket` is the caller's number for it, `portId` its netlink port id. false: too many. */
  open(socket: number, portId: number): boolean {
    if (this.sockets.size >= this.limits.sockets) return false;
    this.sockets.set(socket, new KernelSocket(socket, portId, this.sink, this.limits.queuedBytes));
    return true;
  }

  /** One datagram from the daemon: requests, or the shim's own messages about groups and options. */
  receive(socket: number, buf: Uint8Array, start: number, end: number): void {
    const from = this.sockets.get(socket);
    if (from === undefined) return;
    const { cursor } = this;
    cursor.reset(buf, start, end);
    while (cursor.next()) this.request(from, buf);
    if (cursor.error !== undefined) this.malformed++;
  }

  /** There is room again in a socket for which `sink.send` answered false. */
  writable(socket: number): void {
    const to = this.sockets.get(socket);
    if (to !== undefined && to.flush()) this.continueDump(to);
  }

  /** Whether `writable` is waited for: what POLLOUT is to be asked for. */
  wantsWrite(socket: number): boolean {
    return this.sockets.get(socket)?.waiting ?? false;
  }

  close(socket: number): void {
    this.sockets.delete(socket);
  }

  /** A new start of the replica: no sockets, no routes (each is reported gone). What is refused on purpose stays so. */
  reset(): void {
    this.sockets.clear();
    this.own.clear();
  }

  /** Something changed in the real kernel: pushed on to the sockets that asked for it. Call it after the mirror has changed. */
  changed(change: MirrorChange): void {
    for (const socket of this.sockets.values()) pushEvent(socket, change);
    this.own.kernelChanged(change);
  }

  /** Refuses route writes on purpose from now on; undefined ends it. */
  refuse(refusal: Refusal | undefined): void {
    this.own.refuseWrites(refusal);
  }

  /** Visits the replica's routes as the daemon wrote them. */
  forEachRoute(visit: (prefix: number, hops: number) => void): void {
    this.own.forEach(visit);
  }

  /** Sets used[id] for every prefix id in use here. `used` must be as long as the table's limit. */
  markPrefixes(used: Uint8Array): void {
    this.own.markPrefixes(used);
  }

  /** Sets used[id] for every id of the two tables in use here. Both must be as long as their table's limit. */
  markAttributes(hopsUsed: Uint8Array, bodiesUsed: Uint8Array): void {
    this.own.markAttributes(hopsUsed, bodiesUsed);
    for (const socket of this.sockets.values()) socket.dump?.forget();
  }

  /** The message under the cursor. */
  private request(from: KernelSocket, buf: Uint8Array): void {
    const { cursor } = this;
    const { type, payload, end } = cursor;
    if (type === SHIM_BIND || type === SHIM_OPTION) {
      if (end - payload < (type === SHIM_BIND ? 4 : 8)) this.malformed++;
      else if (type === SHIM_BIND) from.bind(readU32(buf, payload));
      else from.setOption(readU32(buf, payload), readU32(buf, payload + 4));
      return;
    }
    // What is no request, or no message of rtnetlink, is only acknowledged, and only when it asks for that.
    const handled = (cursor.flags & NLM_F_REQUEST) !== 0 && type >= RTM_BASE && end > payload;
    const error = handled ? this.handle(from, buf) : 0;
    if (error !== STARTED) this.finish(from, buf, error);
  }

  /** Does what is asked. Returns an errno, 0 for success, or STARTED for a dump that answers for itself. */
  private handle(from: KernelSocket, buf: Uint8Array): number {
    const { cursor } = this;
    const { type, payload, end } = cursor;
    this.requests[Math.min(type, COUNTED_TYPES - 1)]++;
    if (type === RTM_NEWROUTE || type === RTM_DELROUTE) {
      return this.own.request(type === RTM_NEWROUTE, buf, payload, end, cursor.flags);
    }
    this.own.reason = undefined;
    if (isIgnoredWrite(type)) return 0;
    if (isGet(type) && (cursor.flags & NLM_F_DUMP) !== 0) return this.startDump(from, buf);
    return this.getOne(from, buf);
  }

  private getOne(from: KernelSocket, buf: Uint8Array): number {
    const { type, payload, end, seq } = this.cursor;
    const { writer } = this;
    writer.reset();
    if (type === RTM_GETROUTE) {
      const error = this.lookup.answer(buf, payload, end, seq, from.portId, writer);
      if (error !== 0) return error;
    } else if (type === RTM_GETLINK) {
      if (!findLink(this.kernels, buf, payload, end, seq, from.portId, writer)) return ENODEV;
    } else {
      return EOPNOTSUPP;
    }
    from.send(writer.buffer, 0, writer.length);
    return 0;
  }

  private startDump(from: KernelSocket, buf: Uint8Array): number {
    const { type, payload, end, seq } = this.cursor;
    if (from.dump !== undefined) return EBUSY;
    const answer = this.dumps.answer(type, buf, payload, end, from.strict);
    if (typeof answer === 'number') return answer;
    const to = { seq, pid: from.portId, filtered: answer.filtered };
    from.dump = new Dump(this.own.dumpParts, to, answer.messages, answer.routes, answer.errno);
    if (from.flush()) this.continueDump(from);
    return STARTED;
  }

  private continueDump(to: KernelSocket): void {
    if (to.dump?.run(this.writer, (buf, start, end) => to.offer(buf, start, end)) === true) to.dump = undefined;
  }

  /** Answers the message under the cursor, if it wants an answer. */
  private finish(from: KernelSocket, buf: Uint8Array, error: number): void {
    const { cursor, answered, writer } = this;
    if ((cursor.flags & SHIM_ACKNOWLEDGED) !== 0) {
      if (error !== 0) this.conflicts.set(error, (this.conflicts.get(error) ?? 0) + 1);
      return;
    }
    if (error === 0 && (cursor.flags & NLM_F_ACK) === 0) return;
    if (error !== 0) this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
    answered.request = buf;
    answered.start = cursor.start;
    answered.end = cursor.end;
    answered.pid = from.portId;
    answered.capped = from.capped;
    writer.reset();
    encodeError(writer, answered, error, error !== 0 && from.extended ? this.own.reason : undefined);
    from.send(writer.buffer, 0, writer.length);
  }
}

/** Instead of an errno: a dump was started, which ends with NLMSG_DONE instead of an acknowledgement. */
const STARTED = -1;

/** Types are counted one by one below this; what is above is counted as one. */
const COUNTED_TYPES = 128;
