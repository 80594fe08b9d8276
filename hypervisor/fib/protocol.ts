// What the main thread and the forwarding table's thread say to each other. Owns the shapes only; both ends keep the order in which
// things were said.
import type { VoteLogLevel, VotingStrategy } from '../../configs/model.js';
import type { EngineOptions } from '../../fib/engine.js';
import type { ElectorateState } from '../../voter/electorate.js';
import type { DissentKind, VoterOptions } from '../../voter/types.js';
import type { FibRouteReport } from './status.js';

/** What the thread is started with. */
export interface FibSettings {
  backend: 'kernel' | 'dry-run';
  /** Without the clock, which cannot be copied: its memory is shared. */
  engine: Omit<EngineOptions, 'clock'>;
  clockMemory: SharedArrayBuffer;
  /** Replica names by index. */
  replicas: readonly string[];
  /** Between two checks of the whole table, ms. */
  auditInterval: number;
  /** Prefixes that became installed are reported. */
  reportInstalled: boolean;
  /** A dissent that is older counts as lasting, ms. */
  faultThreshold: number;
  /** What the vote log wants to know. */
  voteLogLevel: VoteLogLevel;
}

/** What can be changed while it runs. */
export interface FibRunTimeSettings {
  strategy: VotingStrategy;
  voter: VoterOptions;
  networks: readonly string[];
  auditInterval: number;
  faultThreshold: number;
}

export interface FibWorkerData extends FibSettings {
  /** An eventfd: signalled after every message. */
  wake: number;
  /** The main thread's `now()` minus the monotonic clock, ms. */
  clockOffset: number;
}

export type ToFib =
  | { kind: 'socket'; replica: number; fd: number; portId: number }
  /** `life`: the number of the replica's start; what is said of it from here on carries it. */
  | { kind: 'reset'; replica: number; life: number }
  /** The processes of its present life. */
  | { kind: 'processes'; replica: number; pids: readonly number[] }
  | { kind: 'electorate'; state: ElectorateState }
  /** Everything that came in before `until` (ms) has come out of the replica's forwarding path. */
  | { kind: 'caught-up'; replica: number; until: number }
  /** Whole UPDATE messages from a replica's tap. */
  | { kind: 'tap'; replica: number; bytes: Uint8Array }
  /** The replica has no say (`on`), or has it again, on these prefixes; IPv4 and IPv6 apart. */
  | { kind: 'abstain'; replica: number; on: boolean; nlri: readonly [Uint8Array, Uint8Array] }
  /** Routes of an earlier life that nobody asked for again may go. */
  | { kind: 'sweep-stale' }
  | { kind: 'configure'; settings: FibRunTimeSettings }
  | { kind: 'vote-log-level'; level: VoteLogLevel }
  | { kind: 'request'; id: number; request: FibRequest }
  | { kind: 'stop'; keep: boolean };

export type FibRequest =
  | { what: 'status' }
  /** No vote counts any more: the replicas are being ended. */
  | { what: 'freeze' }
  | { what: 'routes'; query: FibQuery }
  /** `advertised`: NLRI of what neighbours were told, IPv4 and IPv6 apart. */
  | { what: 'verify'; advertised: readonly [Uint8Array, Uint8Array] }
  /** `id`: of the injection, among those of this replica; null ends it. */
  | { what: 'inject'; replica: number; id: number; injection: FibInjection | null };

/**
 * A fault put between a replica and the forwarding table's votes. `prefixes` without: all that it has. Several hold at once; each alters
 * what the one before has left.
 */
export type FibInjection =
  /** The replica seems not to have its routes. */
  | { kind: 'drop'; prefixes?: readonly string[] }
  /** Its votes stay as they are, whatever it says. */
  | { kind: 'stale'; prefixes?: readonly string[] }
  /** Its routes go by another gateway: `address` (where that is of the family), else a neighbouring address. */
  | { kind: 'gateway'; address?: string; prefixes?: readonly string[] }
  /** It seems to have routes to these prefixes; by `address`, which must be reachable, or without: discarding. */
  | { kind: 'extra'; address?: string; prefixes: readonly string[] }
  /** What it says, its probes too, counts only after `ms`. */
  | { kind: 'delay'; ms: number }
  /** Its kernel refuses what it writes: all, of each `every` the last, or what is for one prefix. Only with netlink. */
  | { kind: 'error'; errno: number | string; every?: number; prefix?: string };

export interface FibRoutes {
  routes: FibRouteReport[];
  /** Those that were left out because of the limit are counted, too. */
  total: number;
}

export interface FibQuery {
  prefix?: string;
  /** Only routes in this state. */
  state?: string;
  limit?: number;
}

/** A replica's stable vote in the forwarding table began or ceased to differ from the majority of the stable votes. */
export interface FibDissent {
  type: 'dissent-begins' | 'dissent-ends';
  replica: number;
  prefix: string;
  kind: DissentKind;
  /** Next hops in words (`via 10.0.0.1 dev eth0`); null for no route. */
  vote: string | null;
  majority: string | null;
  /** When the vote took this value (of a sample: when the dissent began), ms. */
  since: number;
  at: number;
}

/** The open dissents of one replica of one kind, counted on the ballots themselves: exact, whatever news was left out. */
export interface FibDissentCount {
  replica: number;
  kind: DissentKind;
  open: number;
  /** Of these, open for longer than the fault threshold. */
  lasting: number;
  /** When the oldest that is open began, ms. */
  since: number;
  /** Some of those that last (of all while none does), as they are now; at most 20. */
  samples: FibDissent[];
}

/** What is new, at most a hundred of it at a time, and from time to time all that is open. */
export interface FibDissents {
  news: FibDissent[];
  /** News that were too many to be told, since the last time. */
  untold: number;
  /** As they are at `at`; kinds without open dissents are left out. Undefined when they were not counted anew. */
  open: FibDissentCount[] | undefined;
  /** Ms. */
  at: number;
}

/** NLRI of prefixes that the table has from now on, and that it has no longer; IPv4 and IPv6 apart. */
export interface InstalledNlri {
  installed: readonly [Uint8Array, Uint8Array];
  removed: readonly [Uint8Array, Uint8Array];
}

export type FromFib =
  /** Ours that were in the table at start, by family. */
  | { kind: 'ready'; found: readonly [number, number] }
  | { kind: 'failed'; message: string }
  | { kind: 'probe'; replica: number; life: number; n: number }
  /** These replicas have written routes since this was told last (bit set). */
  | { kind: 'writing'; replicas: number }
  | { kind: 'overthrow'; from: number; candidates: number; epoch: number }
  | { kind: 'log'; level: 'error' | 'warn' | 'info' | 'debug'; text: string }
  /** Lines for the vote log. */
  | { kind: 'records'; lines: string[] }
  | ({ kind: 'installed' } & InstalledNlri)
  | { kind: 'dissents'; dissents: FibDissents }
  /** How many ballots have no majority, when that has changed. */
  | { kind: 'without-majority'; ballots: number }
  | { kind: 'fault'; replica: number; life: number; reason: string }
  /** So many bytes of a replica's tap have been worked off. */
  | { kind: 'tapped'; replica: number; life: number; bytes: number }
  /** Some of the routes that were asked for; the rest is in the answer. */
  | { kind: 'part'; id: number; routes: FibRouteReport[] }
  | { kind: 'answer'; id: number; result?: unknown; error?: string }
  | { kind: 'stopped' };
