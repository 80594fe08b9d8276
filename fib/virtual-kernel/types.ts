// What a virtual kernel is given and what it reports: its place in the engine. The kernel itself is virtual-kernel.ts.
import type { AttributeTable } from '../../wire/attribute-table.js';
import type { Family } from '../../wire/family.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { MirrorKind } from '../kernel-mirror.js';

export type { MirrorChange, MirrorKind } from '../kernel-mirror.js';

/** What a virtual kernel needs of the mirror of the real kernel (kernel-mirror.ts): nobody's own BGP routes are in it. */
export interface MirroredKernel {
  /** Visits whole netlink messages (RTM_NEW…); `family` undefined: all. A visited message is never modified afterwards. */
  forEach(kind: MirrorKind, family: Family | undefined, visit: (message: Uint8Array) => void): void;
}

/** The link that only replicas see: their addresses towards the hypervisor and the networks behind it are connected there. */
export interface InternalLink {
  /** Must not be an index of the real kernel. */
  ifindex: number;
  name: string;
  /** With prefix length: `198.18.0.1/32`. */
  addresses: readonly string[];
  /** Prefixes with a route of scope link over it. */
  connected: readonly string[];
}

/** Route writes are refused on purpose with `errno`: of each `every` the last, or those for `prefix`, or all. */
export interface Refusal {
  errno: number;
  every?: number;
  prefix?: number;
}

export interface KernelSink {
  /** Hands a datagram to the daemon's socket; bytes start..end are valid during the call. false: no room now, see `writable`. */
  send(socket: number, buf: Uint8Array, start: number, end: number): boolean;
  /** The replica's vote for a prefix changed. `hops` is an id of the hop table, 0 = no route. */
  route(prefix: number, hops: number): void;
  /** A socket's queue is over its limit and lost messages: the daemon's view may be wrong from here on. Reported once per socket. */
  overrun(socket: number, reason: string): void;
}

export interface VirtualKernelOptions {
  mirror: MirroredKernel;
  /** The FIB side's prefixes; marked by `markPrefixes`. */
  prefixes: PrefixTable;
  /** Canonical next-hop sets (next-hops.ts). */
  hops: AttributeTable;
  /** Routes as they are dumped, without their destination; may be shared by the virtual kernels of all replicas. */
  bodies: AttributeTable;
  internal: InternalLink;
  sink: KernelSink;
  limits?: Partial<KernelLimits>;
}

export interface KernelLimits {
  /** Sockets that a replica may have open at once. */
  sockets: number;
  /** Own routes of a replica in all tables; further ones are refused with ENOBUFS. */
  routes: number;
  /** Routes of one prefix (tables, metrics, siblings). */
  routesPerPrefix: number;
  /** Bytes waiting for a socket that the daemon does not read. */
  queuedBytes: number;
}

export const KERNEL_LIMITS: KernelLimits = {
  sockets: 32,
  routes: 4_000_000,
  routesPerPrefix: 64,
  queuedBytes: 4 * 1024 * 1024,
};

export interface KernelCounters {
  /** Requests by message type name, e.g. `RTM_GETLINK`. */
  requests: Record<string, number>;
  routesAdded: number;
  routesReplaced: number;
  routesDeleted: number;
  /** Requests answered with an error, by errno. */
  errors: Record<number, number>;
  /** Route writes that the shim had acknowledged already and that Linux would have refused, by errno. */
  conflicts: Record<number, number>;
  /** Writes acknowledged without effect (links, addresses, neighbours, rules), by message type name. */
  ignored: Record<string, number>;
  /** Route writes that met a route of the real kernel with the same key. */
  foreignConflicts: number;
  /** Own routes that went because their link did. */
  flushed: number;
  /** Datagrams that were not netlink. */
  malformed: number;
}
