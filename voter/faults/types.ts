// The words of fault finding, shared by who reports and who acts: what a replica can be blamed for, and what a finding says. No behaviour.
import type { DissentKind } from '../types.js';

/**
 * System events, the paper's fourth kind of fault. `killed`: a signal from outside (SIGKILL, SIGTERM: nothing that a daemon does to
 * itself); `crash`: any other end (a signal such as SIGSEGV or SIGABRT, with or without a core, or an exit); `session`: an established
 * session was closed without a NOTIFICATION; `notification`: with one; `hang`: alive but no progress on pending input; `stopped`: the
 * same because somebody has stopped its process (SIGSTOP, a debugger); `unanswered`: does not take a session; `broken-update`: sent an UPDATE that RFC 7606 answers with a reset; `kernel`: does not read from its kernel;
 * `start`: could not be started.
 */
export type SystemCause =
  | 'crash'
  | 'killed'
  | 'session'
  | 'notification'
  | 'hang'
  | 'stopped'
  | 'unanswered'
  | 'broken-update'
  | 'kernel'
  | 'start';

/** All that a replica can be blamed for: the three kinds of dissent and a system event. */
export type FaultKind = DissentKind | 'system';

/** `known-difference`: a dissent that is a documented habit of a released daemon (known-differences.ts), and no fault. */
export type FindingKind = FaultKind | 'known-difference';

/** Where a replica dissents: towards a neighbour (its index), or in the forwarding table. */
export type Place = number | 'fib';

export interface SystemFault {
  replica: number;
  cause: SystemCause;
  /** For people: `exited with signal SIGSEGV`, `lost the session 10.0.0.1: sent UPDATE Message Error/…`. */
  reason: string;
  /** The neighbour whose session it was; undefined for internal sessions and for faults of the whole replica. */
  neighbor?: number;
  /** Of a session that was closed: the replica's processes were ending by then. */
  dying?: boolean;
  /** Ms. */
  at: number;
}

/** One prefix of a finding: towards a neighbour canonical attributes, in the forwarding table next hops in words; null for no route. */
export interface FindingExample {
  prefix: string;
  vote: Uint8Array | string | null;
  majority: Uint8Array | string | null;
}

/** Dissents of one replica at one place and of one kind, or its system events of one cause. Times in ms. */
export interface Finding {
  /** Grows from finding to finding. */
  readonly id: number;
  readonly replica: number;
  readonly kind: FindingKind;
  /** Undefined for what is about the whole replica. */
  readonly place: Place | undefined;
  /** Of a system event. */
  readonly cause: SystemCause | undefined;
  /** When it was first seen, and when anything of it began or ended last. */
  readonly first: number;
  readonly last: number;
  /** When the oldest of the dissents that it has now was found; undefined when there is none. */
  readonly oldest: number | undefined;
  /** Prefixes are in dissent now; of a system event: the replica has not come back to vote. */
  readonly open: boolean;
  /** Prefixes in dissent now. */
  readonly prefixes: number;
  /** Dissents, or system events, since `first`. One prefix may have been in dissent several times. */
  readonly total: number;
  /** Prefixes of it, at most 20, the first ones since it last opened. */
  readonly samples: readonly string[];
  readonly example: FindingExample | undefined;
  /** Of a system event the last reason, of a known difference the names of its rules. */
  readonly text: string;
}

/** What speaks against a replica for longer than the fault threshold, unexplained, on prefixes where it has its say. */
export interface PersistentDissent {
  /** Distinct prefixes, counted no further than the ledger was told to. */
  count: number;
  /** When the oldest of these dissents was found, ms. */
  since: number;
  /** Ids of the main thread's prefix table, at most 1000; of dissents in the forwarding table only some. */
  prefixes: readonly number[];
  /** For people: what it does, where, and an example. */
  text: string;
}

/** Of one replica: open faults, faults found since the start, and open findings that are known differences. */
export interface FaultCounts {
  open: number;
  found: number;
  known: number;
}
