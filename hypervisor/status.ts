// The shape of `btr status --json`: what a running hypervisor says of itself. Public: scripts and dashboards read it,
// so fields are added, not renamed. Filled in by router.ts; shown by cli/commands/status.ts.
import type { ReplicaPhase } from '../recovery/types.js';
import type { FaultCounts } from '../voter/faults/types.js';
import type { AttributeDifference } from '../wire/bgp/describe.js';
import type { FaultPattern } from './explain/types.js';
import type { FibStatus } from './fib/status.js';

/** `stopped`: the hypervisor itself is ending. */
export type ReplicaState = ReplicaPhase | 'stopped';

export interface NeighborStatus {
  address: string;
  as: number;
  /** RFC 4271 state name. */
  state: string;
  /** Seconds since the session was established; 0 when it is not. */
  uptime: number;
  /** Times an established session was lost. */
  flaps: number;
  /** Prefixes the neighbour has announced to us and not withdrawn. */
  prefixesIn: number;
  /** Prefixes the neighbour has been sent and that were not withdrawn. */
  prefixesOut: number;
  messagesIn: number;
  messagesOut: number;
  /** Reading is held back because the replicas that the verdict needs are busy. */
  paused: boolean;
  /** Graceful restart (RFC 4724) was agreed: it may keep our routes while the router restarts. */
  gracefulRestart: boolean;
  /** Families of which it has told everything since the session came up, as far as it says so (End-of-RIB). */
  endOfRib: string[];
  lastError: string | null;
}

export interface ReplicaStatus {
  name: string;
  kind: string;
  version: string;
  pid: number | null;
  state: ReplicaState;
  /** When that state began, ISO 8601. */
  since: string;
  /** In how many ms it will be started again; null when that is not planned. */
  nextStart: number | null;
  /** `warm` or `cold`: votes only in somebody's place. */
  standby: 'no' | 'warm' | 'cold';
  /** Starts after the first one. */
  restarts: number;
  sessionsUp: number;
  sessions: number;
  /** How long the probe that is out has been out, ms. */
  lagMs: number;
  /** Bytes that wait to be delivered to it. */
  backlogBytes: number;
  /** Ballots on which its stable vote differs from the majority. */
  dissents: number;
  /** Open faults, faults found since the start, and open findings that are known differences (`btr faults`). */
  faults: FaultCounts;
  /** Prefixes on which it has no say: because of messages withheld from it, or because it keeps being wrong about them. */
  abstains: { quarantined: number; muted: number };
  /** Votes cast since the hypervisor started. */
  votes: number;
  /** Null while it does not run, and with `early-warning.enabled: false`. */
  health: HealthStatus | null;
  lastError: string | null;
}

/** What a replica uses and how it answers, between the last two samples (docs/early-warning.md). */
export interface HealthStatus {
  /** Processor seconds per second, all its processes. */
  cpu: number;
  /** Resident bytes, all its processes. */
  memory: number;
  /** Round trip of the last probe, or how long the present one is out. */
  latencyMs: number;
  /** UPDATEs that it sends to neighbours. */
  messagesPerSecond: number;
  warnings: { kind: 'cpu' | 'latency' | 'output' | 'growth'; since: string; text: string }[];
}

export interface BallotCounts {
  total: number;
  unanimous: number;
  contested: number;
  withoutMajority: number;
}

/** Something that the operator should know and that lasts. */
export interface Alarm {
  /** `quorum`: fewer replicas vote than configured; `tolerance`: one more fault cannot be outvoted; `no-majority`: ballots that nobody wins; `reload`: one has failed. */
  kind: 'quorum' | 'tolerance' | 'no-majority' | 'reload';
  text: string;
  /** ISO 8601. */
  since: string;
}

export interface HttpStatus {
  url: string;
  /** No token is needed: for everything, or for the looking glass. */
  open: boolean;
  lookingGlass: boolean;
}

export interface RouterStatus {
  version: string;
  pid: number;
  /** Seconds. */
  uptime: number;
  as: number;
  routerId: string;
  strategy: string;
  /** Names of the replicas whose votes count, and the number of the last change. */
  electorate: string[];
  epoch: number;
  master: string | null;
  /** Who follows whom: the master first, then its successors, as far as they vote. Empty with the other strategies. */
  succession: string[];
  quorum: number;
  /** How many of the present electorate may be faulty at the same time without a wrong result: k of 2k + 1. */
  tolerates: number;
  alarms: Alarm[];
  /** True while neighbour sessions are (or may be) open: enough replicas are ready to vote, or were until a moment ago. */
  open: boolean;
  /**
   * After a start: `waiting` until all neighbours have told their routes and the replicas have worked them off (`missing`: whom it waits
   * for), then `resynchronised`; `expired` when that took longer than `fib.stale-routes`. `restarting`: neighbours may hold routes of the last run.
   */
  restart: { state: string; restarting: boolean; missing: string[] };
  neighbors: NeighborStatus[];
  replicas: ReplicaStatus[];
  ballots: BallotCounts;
  /** `full`: routes and votes that found no room (docs/limits.md) since the start. */
  tables: { prefixes: number; attributes: number; attributeBytes: number; full: number };
  /** Null without a forwarding table (`fib.backend: none`), and when it does not answer: then `fibError` says why. */
  fib: FibStatus | null;
  fibError: string | null;
  /** Since the start: UPDATEs from neighbours, and prefixes that went out (announced or withdrawn, once for each neighbour). */
  counters: { updatesIn: number; decisions: number };
  voteLogDropped: number;
  /** How much the hypervisor's log and the vote log say now. */
  logLevels: { log: string; voteLog: string };
  /** The last reload, or the one that runs; null: none since the start. Times in ISO 8601. */
  reload: {
    state: 'running' | 'done' | 'failed';
    file: string;
    started: string;
    ended: string | null;
    text: string;
  } | null;
  /** Where HTTP is served; null when it is off. */
  http: HttpStatus | null;
  /** Resident memory of the hypervisor, bytes. */
  memory: number;
}

/** One replica's word on one ballot. */
export interface BallotVote {
  replica: string;
  /** False: it is not in the electorate now. */
  counts: boolean;
  agrees: boolean;
  /** When it took this value, ISO 8601; null when it never said anything. */
  since: string | null;
  attributes: Record<string, string> | null;
  /** What differs from the verdict (`left`), attribute by attribute; absent when nothing does or one of both is absent. */
  diff?: AttributeDifference[];
}

export interface BallotReport {
  neighbor: string;
  prefix: string;
  verdict: Record<string, string> | null;
  /** What the neighbour holds now. */
  advertised: Record<string, string> | null;
  /** By which rule the verdict came about (voter/types.ts). */
  rule: string;
  /** A replica with a say differs from the verdict. */
  contested: boolean;
  /** All votes are stable and none has a majority, or the ballot does not come to rest. */
  trouble: 'no-majority' | 'oscillating' | null;
  /** Replicas whose stable vote differs from the stable majority. */
  dissent: string[];
  votes: BallotVote[];
}

/** What `btr faults --json` shows. */
export interface FaultsAnswer {
  /** The open ones first, the latest first. */
  findings: FindingReport[];
  /** Findings that are known differences of daemons and were left out. */
  knownDifferences: number;
  /** Ballots that do not come to rest. */
  oscillating: number;
  /** Ballots without a majority although all votes are stable: nobody can be blamed there. */
  withoutMajority: number;
  /** The findings by what is wrong: equal differences together, those first that ask most for something to be done. */
  patterns: FaultPattern[];
}

/** One finding against a replica. */
export interface FindingReport {
  id: number;
  replica: string;
  /** `extra`, `missing`, `different`, `system`, or `known-difference`, which is no fault. */
  kind: string;
  /** Of a system event: `crash`, `hang` … */
  cause: string | null;
  /** Address of the neighbour, `fib` for the forwarding table, null for the whole replica. */
  place: string | null;
  /** Prefixes are in dissent now; of a system event: the replica has not come back to vote. */
  open: boolean;
  /** ISO 8601. */
  first: string;
  last: string;
  /** When the oldest of the dissents that it has now was found; null when there is none. */
  since: string | null;
  /** Prefixes in dissent now. */
  prefixes: number;
  /** Dissents or system events since `first`. */
  total: number;
  samples: string[];
  example: FindingExampleReport | null;
  /** Of a system event the last reason, of a known difference the names of its rules. */
  text: string;
}

export interface FindingExampleReport {
  prefix: string;
  vote: Record<string, string> | null;
  majority: Record<string, string> | null;
  diff: { attribute: string; majority: string | null; vote: string | null }[];
}
