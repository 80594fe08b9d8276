// The shapes of an explanation (`btr votes --explain`, control method `explain`, GET /api/v1/explain) and of fault patterns (`patterns` of
// the control method `faults`). Public: fields are added, not renamed. Texts in them may hold what the network and the daemons said:
// whoever shows them escapes them (cli/output/safe-text.ts does for a terminal).
import type { FibRouteReport } from '../fib/status.js';
import type { BallotVote } from '../status.js';

/** Attributes by name, as people read them; next hops of the forwarding table are under `next hops`. Null: no route. */
export type RouteText = Record<string, string> | null;

/** What of one attribute differs; null where it is missing. */
export interface DifferenceReport {
  attribute: string;
  majority: string | null;
  vote: string | null;
}

/** The story of one prefix: who announces it, what replicas were given and say, what was decided, sent and installed. */
export interface Explanation {
  prefix: string;
  /** When this was put together, ISO 8601; of a log: its last line about the prefix. */
  at: string;
  /** `log`: from the vote log alone, as far as it knows (`unknown` says what it does not). */
  source: 'live' | 'log';
  /** The story in a few sentences, the most important one first. */
  summary: string[];
  /** Who differs from the majority, or did in the log's last word. */
  accused: Accusation[];
  /** Null when it is not known. */
  voting: VotingReport | null;
  /** One for each neighbour. */
  inputs: InputReport[];
  replicas: ReplicaReport[];
  /** One for each neighbour. */
  ballots: BallotStory[];
  /** Null: there is no forwarding table, nobody wants a route there, or it is not known. */
  forwarding: ForwardingStory | null;
  /** What the vote log tells, the oldest first. */
  history: StoryEvent[];
  /** What could not be found out, and why. */
  unknown: string[];
}

/** One replica that says something else than the majority. */
export interface Accusation {
  replica: string;
  kind: 'extra' | 'missing' | 'different';
  /** Addresses of neighbours; `fib` for the forwarding table. */
  places: string[];
  /** ISO 8601; null when it is not known. */
  since: string | null;
  /** Of a log: when it was over. Null: it is not, or the log ends before. */
  until: string | null;
  /** False: it may be late, and nobody blames it yet. */
  stable: boolean;
  /** Towards the first of `places`. Empty when one side has no route. */
  diff: DifferenceReport[];
  vote: RouteText;
  majority: RouteText;
  /** Who says what the majority says. */
  against: string[];
  /** Number of the finding (`btr faults`). */
  finding: number | null;
  /** Names of the known differences of daemons that explain it: then it is no fault (docs/faults.md). */
  known: string[];
}

export interface VotingReport {
  strategy: string;
  electorate: string[];
  epoch: number;
  /** With master-slave. */
  master: string | null;
  /** Ms. */
  stabilityThreshold: number;
  faultThreshold: number;
}

/** What a neighbour said last. `treated-as-withdrawn`: by RFC 7606; `reason` says what was wrong. `down`: it has no session. */
export interface InputReport {
  neighbor: string;
  as: number;
  state: 'announced' | 'withdrawn' | 'treated-as-withdrawn' | 'nothing' | 'down' | 'unknown';
  /** ISO 8601; null when it is not known. */
  since: string | null;
  attributes: RouteText;
  reason: string | null;
  deliveries: DeliveryReport[];
}

/**
 * How far the neighbour's last word has come. `worked-off`: a probe sent after it came back; `delivered`: written, no such probe yet;
 * `waiting`: behind `backlogBytes` for this session; `withheld`: because of the quarantined messages; `no-session`.
 */
export interface DeliveryReport {
  replica: string;
  state: 'worked-off' | 'delivered' | 'waiting' | 'withheld' | 'no-session';
  /** Numbers (`btr quarantine show N`). */
  quarantined: number[];
  backlogBytes: number;
}

export interface ReplicaReport {
  name: string;
  kind: string;
  /** As in `btr status`. */
  state: string;
  /** Its word counts on this prefix; else `reason` says why not. */
  counts: boolean;
  reason: string | null;
  lagMs: number;
}

export interface VoteStory extends BallotVote {
  /** When it took this value, ISO 8601; null when it never said anything. */
  since: string | null;
  /** Neither it nor its input has changed for the stability threshold, and the replica has caught up. */
  stable: boolean;
  /** Why it is not stable: it changed lately, its input did, or the replica has not worked that off. */
  unstable: 'vote' | 'input' | 'lag' | null;
  /** A stable vote against a stable majority. */
  dissents: boolean;
  /** Why it does not count. */
  silenced: string | null;
}

/** What the replicas say towards one neighbour, and what comes of it. */
export interface BallotStory {
  /** Address; of a log also `fib`. */
  neighbor: string;
  verdict: RouteText;
  /** voter/types.ts; `none`: nothing was decided yet. `log`: not known. */
  rule: string;
  /** The rule in words. */
  decided: string;
  /** Who has a say here, and who of them agrees with the verdict. */
  voters: string[];
  agree: string[];
  contested: boolean;
  trouble: 'no-majority' | 'oscillating' | null;
  votes: VoteStory[];
  emission: EmissionReport;
}

/**
 * What the neighbour is told. `advertised`, `nothing` (there is no route, and it holds none), `loop` (its own AS is in the path: it would drop
 * it), `family` (not negotiated), `gated` (waits for the kernel), `oversized` (does not fit a message), `pending` (about to be written),
 * `down` (no session), `unknown` (of a log).
 */
export interface EmissionReport {
  state: 'advertised' | 'nothing' | 'loop' | 'family' | 'gated' | 'oversized' | 'pending' | 'down' | 'unknown';
  /** What it holds of us, as far as known. */
  holds: RouteText;
  /** In words. */
  text: string;
}

export interface ForwardingStory extends FibRouteReport {
  /** In words: does the kernel have the verdict, and if not, why. */
  text: string;
}

/** One line of the vote log that concerns the prefix. */
export interface StoryEvent {
  /** ISO 8601. */
  t: string;
  kind: string;
  /** Address of a neighbour, or `fib`. */
  place: string | null;
  replica: string | null;
  text: string;
}

/** Dissents that have the same difference, or system events of one cause: what `btr faults` ranks. */
export interface FaultPattern {
  /** The same for the same pattern, call after call. */
  key: string;
  replica: string;
  /** `extra`, `missing`, `different`, `system`; `known-difference` is no fault. */
  kind: string;
  /** Of a system event: `crash`, `hang` … */
  cause: string | null;
  /** Names of known differences. */
  known: string[];
  /** In what it differs, by attribute; empty where one side has no route. */
  changes: PatternChange[];
  /** Addresses of neighbours, `fib`; empty for what is about the whole replica. */
  places: string[];
  /** Distinct prefixes; with `atLeast` there are more. */
  prefixes: number;
  atLeast: boolean;
  /** Dissents, or system events. */
  count: number;
  /** Now; of a log: at its end. */
  open: boolean;
  /** ISO 8601. */
  first: string;
  last: string;
  /** Who agrees with the majority, in what was looked at. */
  against: string[];
  examples: PatternExample[];
  /** Numbers of findings. */
  findings: number[];
  /** The verdict in one sentence. */
  text: string;
  /** What to do about it, and commands to begin with. */
  advice: string;
  commands: string[];
}

export interface PatternExample {
  prefix: string;
  place: string;
  vote: RouteText;
  majority: RouteText;
}

/**
 * How one attribute differs. `absent`: the replica has it not; `added`: only the replica has it; `other`: another value; `adds`, `lacks`,
 * `swaps`: of a list (communities) some members are there that should not be, are missing, or both; `longer`, `shorter`: an AS path with ASes
 * before, behind or in it that the majority has not, or without some of them.
 */
export type ChangeKind = 'absent' | 'added' | 'other' | 'adds' | 'lacks' | 'swaps' | 'longer' | 'shorter';

export interface PatternChange {
  attribute: string;
  how: ChangeKind;
  /** What it says, and what the majority says; of lists and paths only what differs. */
  vote: ValueSummary;
  majority: ValueSummary;
}

/** The values that were seen: all of them, or with `more` the first few. Empty: there is none on this side. */
export interface ValueSummary {
  values: string[];
  more: boolean;
}
