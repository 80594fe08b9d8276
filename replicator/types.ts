// The words of the replicator's interface: forms of delivery, what a feed is like, and what was in flight to a replica. No behaviour.

/**
 * In which form a feed hands on what the neighbour sends. `raw`: byte for byte; `repaired`: the same, but what RFC 7606 wants treated as a
 * withdrawal is one and what it wants discarded is gone; `normalised`: everything encoded anew, one family per message, IPv4 in classic
 * NLRI, attributes in the order of their types, no flags but the needed ones.
 */
export type Delivery = 'raw' | 'repaired' | 'normalised';

export interface FeedOptions {
  /** Longest message that the session may carry, default 4096 (65535 with RFC 8654). */
  maxMessageLength?: number;
  /** Default `raw`. */
  deliver?: Delivery;
  /**
   * While the feed gives the current state for the first time: prefixes that may be under way unproven (by probes that came back). Default:
   * no limit, unless the replica is to be treated with care (`Withholding.isCareful`).
   */
  window?: number;
}

export interface FeedStats {
  replica: number;
  neighbor: number;
  live: boolean;
  /** Bytes; an estimate while not live. */
  backlog: number;
  overflows: number;
  tooLong: number;
  /** Messages and groups that were in flight for so long that they are not remembered any more: a death cannot be blamed on them. */
  forgotten: number;
}

/** A message that was handed to a replica and has not proven harmless: no probe sent well after it has come back yet. */
export interface Suspect {
  neighbor: number;
  /** The whole BGP message in the form in which the replica got it, AS numbers of 4 bytes. A copy. */
  bytes: Uint8Array;
  /** When the neighbour sent it (ms, whole); for one out of the current state, about when it was written. */
  time: number;
  /** Prefixes in it, announced or withdrawn. */
  prefixes: number;
  /** Out of the current state (fresh encoding) rather than the neighbour's own message. */
  state: boolean;
  /** The route attributes that it announces, as attribute ids: valid until the next sweep of the table, so hand it on at once. */
  routes: readonly number[];
}

export type QuarantineStatus = 'suspect' | 'convicted';

/** A message that replica `replica` is never given again. */
export interface QuarantineEntry {
  /** Unique among all replicas; never used again. */
  id: number;
  replica: number;
  suspect: Suspect;
  reason: string;
  /** When it was quarantined, ms. */
  at: number;
  status: QuarantineStatus;
}

/** Whether replica `replica` has a say on a prefix has changed: with `hold` it does not get a route for it that others get. */
export interface HoldChange {
  replica: number;
  prefix: number;
  hold: boolean;
}

export interface QuarantineStats {
  entries: number;
  /** Prefixes that are withheld from it. */
  withheld: number;
  /** Entries that gave way to newer ones, and suspects that found no room at all. */
  evicted: number;
}
