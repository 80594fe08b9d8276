// How long replicas have dissented, ballot by ballot, and how often: read off the ballots themselves, a slice at a time, so that the numbers
// are right whatever events were dropped. Owns when each open dissent began; that there is one is the voter's finding.
import type { DissentKind, VoterEvent } from '../voter/types.js';
import type { UpdateVoter } from '../voter/update-voter.js';

/** The open dissents of one replica of one kind. `samples`: ids of prefixes where it lasts (or of any, while none does). */
export interface DissentCount {
  replica: number;
  kind: DissentKind;
  open: number;
  lasting: number;
  /** When the oldest began, ms. */
  since: number;
  samples: number[];
}

export interface DissentAgesParts {
  voter: Pick<UpdateVoter, 'dissenters' | 'currentVote' | 'verdict' | 'stats'>;
  replicas: number;
  /** Prefix ids are below this. */
  limit(): number;
  /** Older dissents last, ms. */
  threshold: number;
}

/** Ballots looked at in one step. */
const STEP = 32_768;
/** Between two passes over all ballots, ms. */
const PASS_APART_MS = 500;
const SAMPLES = 20;

export class DissentAges {
  private readonly parts: DissentAgesParts;
  private threshold: number;
  /** Of prefix p and replica r at [p * replicas + r]: when its open dissent began; 0 = it has none. Empty while there are none at all. */
  private begun = new Float64Array(0);
  private next = 0;
  private passedAt = -Infinity;
  private counts: DissentCount[] = [];
  private told: DissentCount[] = [];

  constructor(parts: DissentAgesParts) {
    this.parts = parts;
    this.threshold = parts.threshold;
  }

  /** Older dissents than this (ms) last, from the next pass on. */
  configure(threshold: number): void {
    this.threshold = threshold;
  }

  /** The events of the voter since the last call: they know when a dissent began to the millisecond. */
  note(events: readonly VoterEvent[]): void {
    for (const event of events) {
      if (event.type === 'dissent-ends') this.forget(event.prefix, event.replica);
      else if (event.type === 'dissent-begins') this.begin(event.prefix, event.replica, event.at);
    }
  }

  /** Looks at some more ballots. Returns the counts when all have been looked at and there is, or was the last time, anything to tell. */
  step(now: number): DissentCount[] | undefined {
    if (this.next === 0) {
      if (now < this.passedAt + PASS_APART_MS) return undefined;
      const open = this.parts.voter.stats().dissents.some((count) => count > 0);
      if (!open && this.told.length === 0) return undefined;
      this.passedAt = now;
      this.next = 1;
      this.counts = [];
    }
    const end = this.parts.limit();
    const until = Math.min(end, this.next + STEP);
    for (let prefix = this.next; prefix < until; prefix++) this.look(prefix, now);
    this.next = until >= end ? 0 : until;
    if (this.next !== 0) return undefined;
    this.told = this.counts;
    if (this.told.length === 0) this.begun = new Float64Array(0);
    return this.told;
  }

  /** When the open dissent of a replica on a prefix began, ms; 0 without one. */
  since(prefix: number, r: number): number {
    return this.begun[prefix * this.parts.replicas + r] ?? 0;
  }

  private look(prefix: number, now: number): void {
    const { begun } = this;
    const { voter, replicas } = this.parts;
    const dissenters = voter.dissenters(prefix);
    for (let r = 0; r < replicas; r++) {
      const at = prefix * replicas + r;
      if (((dissenters >>> r) & 1) === 0) {
        if (at < begun.length) begun[at] = 0;
      } else {
        if (at >= begun.length || begun[at] === 0) this.begin(prefix, r, now);
        this.count(prefix, r, this.begun[at], now);
      }
    }
  }

  private count(prefix: number, replica: number, since: number, now: number): void {
    const kind = this.kindOf(prefix, replica);
    let count = this.counts.find((each) => each.replica === replica && each.kind === kind);
    if (count === undefined) {
      count = { replica, kind, open: 0, lasting: 0, since, samples: [] };
      this.counts.push(count);
    }
    count.open++;
    count.since = Math.min(count.since, since);
    const lasts = now - since >= this.threshold;
    // The first that lasts takes the place of those that do not.
    if (lasts && count.lasting++ === 0) count.samples = [];
    if (count.samples.length < SAMPLES && (lasts || count.lasting === 0)) count.samples.push(prefix);
  }

  private kindOf(prefix: number, replica: number): DissentKind {
    const { voter } = this.parts;
    if (voter.currentVote(replica, prefix) === 0) return 'missing';
    return voter.verdict(prefix) === 0 ? 'extra' : 'different';
  }

  private begin(prefix: number, r: number, at: number): void {
    const { replicas, limit } = this.parts;
    const index = prefix * replicas + r;
    if (index >= this.begun.length) {
      const grown = new Float64Array(Math.max(index + 1, this.begun.length * 2, limit() * replicas));
      grown.set(this.begun);
      this.begun = grown;
    }
    if (this.begun[index] === 0) this.begun[index] = at;
  }

  private forget(prefix: number, r: number): void {
    const index = prefix * this.parts.replicas + r;
    if (index < this.begun.length) this.begun[index] = 0;
  }
}
