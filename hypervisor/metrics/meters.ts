// What is counted while the router runs, for metrics and for the dashboard. Owns the counters that nobody else keeps; how they are shown is
// decided by those who read them. The call sites are hot: `decided` runs for every prefix that goes out and allocates nothing.
import type { Finding, FindingKind, SystemCause } from '../../voter/faults/types.js';
import type { DissentKind, Rule, VoterEvent } from '../../voter/types.js';
import { FAMILIES, type Family } from '../../wire/family.js';
import { Histogram } from './histogram.js';

/** A group of verdicts that went out: prefixes ids[from..to) of one family, decided by the replicas in `agree` (a bit mask). */
export interface DecidedGroup {
  family: Family;
  /** 0: withdrawn. */
  attributes: number;
  agree: number;
  ids: Uint32Array;
  from: number;
  to: number;
}

/**
 * With how many of the electorate behind it a verdict went out: all; more than half; fewer (a master, a preferred replica, or others abstain).
 */
export const OUTCOMES = ['unanimous', 'majority', 'minority'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Upper bounds of the latency's buckets, seconds. */
export const LATENCY_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
] as const;
/** What goes out so long after its last input was not caused by it, ms. */
const LONGEST_LATENCY_MS = 300_000;

export interface MeterParts {
  /** When the last input for a prefix came in, ms (Replicator.inputTime). */
  inputTime(prefix: number): number;
  /** Of a known prefix. */
  family(prefix: number): Family;
  /** Bit mask of the electorate. */
  members(): number;
}

/** A count for each of several keys, made as they come; their number must be bounded by what the keys are. */
export class Tally<Key extends string> {
  private readonly counts = new Map<Key, number>();

  add(key: Key, count = 1): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + count);
  }

  of(key: Key): number {
    return this.counts.get(key) ?? 0;
  }

  [Symbol.iterator](): IterableIterator<[Key, number]> {
    return this.counts.entries();
  }
}

export class Meters {
  /** Prefixes that went out (announced or withdrawn) since the start, as all that follows. */
  decisions = 0;
  /** Prefixes by family and outcome: `outcomes[family][OUTCOMES.indexOf(…)]`. */
  readonly outcomes = FAMILIES.map(() => new Float64Array(OUTCOMES.length));
  /** Seconds from a neighbour's input to the verdict that goes out because of it, per prefix. */
  readonly latency = new Histogram(LATENCY_BOUNDS);
  /** Ballots whose votes are all stable without a majority, by family. */
  readonly ties = new Float64Array(FAMILIES.length);
  /** Verdicts of contested ballots, by the rule that made them. */
  readonly contested = new Tally<Rule>();
  /** Stable votes that began to differ from the majority, by replica and kind. */
  readonly dissents = new Tally<`${number} ${DissentKind}`>();
  readonly overthrows = new Tally<`${number}`>();
  oscillations = 0;
  /** By replica, kind and cause. */
  readonly findings = new Tally<`${number} ${FindingKind} ${SystemCause | ''}`>();
  /** Messages that were withheld from a replica, by replica, neighbour and what the replica did. */
  readonly quarantined = new Tally<`${number} ${number} ${SystemCause}`>();
  private readonly parts: MeterParts;
  /** By neighbour: what came in before that time (ms) goes out again for another reason than that it came in. */
  private readonly since: number[] = [];

  constructor(parts: MeterParts) {
    this.parts = parts;
  }

  /** `n`: the neighbour that it went to; `at` in ms. */
  decided(n: number, group: DecidedGroup, at: number): void {
    const { ids, from, to } = group;
    this.decisions += to - from;
    this.outcomes[group.family][outcomeOf(group.agree, this.parts.members())] += to - from;
    this.measure(n, ids, from, to, at);
  }

  /** Neighbour `n` is told everything from the beginning (its session came up, it asked again): that is no latency. */
  retold(n: number, at: number): void {
    this.since[n] = at;
  }

  /** What the voter of neighbour `n` has reported. */
  voterEvents(n: number, events: readonly VoterEvent[]): void {
    for (const event of events) {
      if (event.type === 'dissent-begins') this.dissents.add(`${event.replica} ${event.kind}`);
      else if (event.type === 'verdict') this.contested.add(event.rule);
      else if (event.type === 'no-majority') this.ties[this.parts.family(event.prefix)]++;
      else if (event.type === 'oscillation-begins') this.oscillations++;
      else if (event.type === 'overthrow') this.overthrown(n, event.from, event.at);
    }
  }

  /** A finding was made or has ended. */
  finding(type: 'begins' | 'ends', { replica, kind, cause }: Finding): void {
    if (type === 'begins') this.findings.add(`${replica} ${kind} ${cause ?? ''}`);
  }

  private overthrown(n: number, from: number, at: number): void {
    this.overthrows.add(`${from}`);
    this.retold(n, at);
  }

  /** Prefixes of one group mostly came in together: their bucket is looked up once for each time. */
  private measure(n: number, ids: Uint32Array, from: number, to: number, at: number): void {
    const { latency, parts } = this;
    const since = Math.max(this.since[n] ?? -Infinity, at - LONGEST_LATENCY_MS);
    let [last, bucket] = [NaN, 0];
    for (let k = from; k < to; k++) {
      const input = parts.inputTime(ids[k]);
      if (!(input > since)) continue;
      const seconds = Math.max(0, at - input) / 1000;
      if (input !== last) {
        last = input;
        bucket = latency.bucketOf(seconds);
      }
      latency.counts[bucket]++;
      latency.sum += seconds;
    }
  }
}

function outcomeOf(agree: number, members: number): number {
  if (agree === members) return 0;
  return 2 * bits(agree) > bits(members) ? 1 : 2;
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
