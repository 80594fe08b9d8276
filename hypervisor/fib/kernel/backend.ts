// What the forwarding table's thread needs of a routing table: the interface of the backends (the real kernel, and one in memory
// for those without privileges). Owns the words of that interface; netlink and system calls are the implementations' own.
import type { RouteBatch } from '../../../fib/route-batch.js';
import type { AttributeTable } from '../../../wire/attribute-table.js';
import type { Family } from '../../../wire/family.js';
import type { PrefixTable } from '../../../wire/prefix-table.js';

/** How the router's own routes are told from everybody else's. */
export interface OwnRoutes {
  /** Routing table, 1..2^32-1; 254 is `main`. */
  table: number;
  /** rtm_protocol, 5..255; 179 (`btr`) unless configured. */
  protocol: number;
  /** RTA_PRIORITY, 1..2^32-1; 179 unless configured. */
  metric: number;
}

/** What the ids in a batch mean. */
export interface RouteTables {
  readonly prefixes: PrefixTable;
  /** Next-hop sets, wire/netlink/next-hop-set.ts. */
  readonly hops: AttributeTable;
}

/** Takes the netlink message at start..end of `buf` (header included); the bytes are valid during the call only. */
export type MessageVisitor = (buf: Uint8Array, start: number, end: number) => void;

/**
 * Takes one of our own routes: `dst` holds 4 or 16 address bytes, the next-hop set is the first `hopsLength` bytes of `hops`, in
 * canonical form; 0 means that this route of ours is of a kind that the hypervisor does not write. Valid during the call only.
 */
export type OwnRouteVisitor = (
  family: Family,
  dst: Uint8Array,
  bits: number,
  hops: Uint8Array,
  hopsLength: number,
) => void;

/** A walk over our own routes, in slices so that other work can be done in between. */
export interface OwnDump {
  /** Visits the next slice (some hundred routes). False when that was the last one; `error` says whether it was the end. */
  step(): boolean;
  /** Why the walk ended early; what was not visited is then unknown. */
  readonly error: string | undefined;
}

export interface BackendStats {
  /** Changes carried out, by kind. */
  created: number;
  replaced: number;
  deleted: number;
  /** Changes refused. */
  refused: number;
  /** Messages read from the event socket, and how often it ran over. */
  events: number;
  overruns: number;
  /** System calls for writing (send and receive). */
  writeCalls: number;
}

export function emptyStats(): BackendStats {
  return { created: 0, replaced: 0, deleted: 0, refused: 0, events: 0, overruns: 0, writeCalls: 0 };
}

export interface FibBackend {
  readonly name: 'kernel' | 'dry-run';
  /** To be polled for reading: then `readEvents` has something. -1 when closed, or when there is nothing to poll. */
  readonly eventFd: number;
  readonly stats: BackendStats;
  /** Opens the sockets. Throws BackendError. Events are collected from here on, so `loadMirror` after it misses nothing. */
  open(): void;
  /**
   * Reads everything of the kernel that is not ours: links, addresses, rules, neighbours, netconf, and all routes but those that
   * carry our protocol. Blocks until it is done. Throws BackendError when the kernel does not answer.
   */
  loadMirror(apply: MessageVisitor): void;
  /**
   * Reads what has happened since, at most some thousand messages at a time; never blocks. Changes made by `write` are left out,
   * those that others made to our routes are not. `overrun`: messages were lost, the mirror must be loaded again and our own
   * routes dumped.
   */
  readEvents(apply: MessageVisitor): 'ok' | 'overrun';
  /** Carries out a batch, in order, and fills in its `errors`. A change that fails does not touch the others. */
  write(batch: RouteBatch): void;
  /**
   * Starts to visit our own routes. One walk at a time: a walk that is under way is given up. What is written meanwhile may be visited
   * as it was or as it is, and a route may be visited twice.
   */
  startDump(visit: OwnRouteVisitor): OwnDump;
  /**
   * Removes routes that carry our protocol in our table, but another metric: an earlier configuration's, which nothing else would ever
   * remove. Returns how many.
   */
  removeStrays(): number;
  /** The kernel's own words for the last refusal with this errno, if it had any ("Nexthop has invalid gateway"). */
  refusal(errno: number): string | undefined;
  close(): void;
}

/** The backend cannot work here; the message says what is missing, `hint` what to do about it. */
export class BackendError extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'BackendError';
    this.hint = hint;
  }
}
