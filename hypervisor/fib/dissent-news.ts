// What the forwarding table's votes say against replicas, for whoever finds faults: dissents as they begin and end, while they are few, and
// exact counts of those that are open. Owns the mapping to names and words; ages and counts are fib/dissent-ages.ts.
import { DissentAges } from '../../fib/dissent-ages.js';
import type { DissentCount } from '../../fib/dissent-ages.js';
import type { FibEngine } from '../../fib/engine.js';
import type { DissentEvent, DissentKind, VoterEvent } from '../../voter/types.js';
import { hopsInWords } from './fib-journal.js';
import type { FibDissent, FibDissentCount, FibDissents } from './protocol.js';

/** Dissents told one by one, per turn. */
const SPELLED_OUT = 100;

export class DissentNews {
  private readonly engine: FibEngine;
  private readonly ages: DissentAges;

  /** `threshold`: older dissents last, ms. */
  constructor(engine: FibEngine, replicas: number, threshold: number) {
    this.engine = engine;
    this.ages = new DissentAges({
      voter: engine.voter,
      replicas,
      limit: () => engine.prefixes.limit,
      threshold,
    });
  }

  configure(threshold: number): void {
    this.ages.configure(threshold);
  }

  /** Once per turn with what the voter has reported; looks at a slice of the ballots. Undefined: nothing to tell. */
  take(events: readonly VoterEvent[], now: number): FibDissents | undefined {
    this.ages.note(events);
    const counts = this.ages.step(now);
    const dissents = events.filter(isDissent);
    if (counts === undefined && dissents.length === 0) return undefined;
    return {
      news: dissents.slice(0, SPELLED_OUT).map((event) => this.words(event)),
      untold: Math.max(0, dissents.length - SPELLED_OUT),
      open: counts?.map((count) => this.count(count, now)),
      at: now,
    };
  }

  private words({ type, replica, prefix, kind, vote, majority, since, at }: DissentEvent): FibDissent {
    return {
      type,
      replica,
      prefix: this.engine.prefixes.format(prefix),
      kind,
      vote: hopsInWords(this.engine, vote),
      majority: hopsInWords(this.engine, majority),
      since,
      at,
    };
  }

  private count({ samples, ...count }: DissentCount, now: number): FibDissentCount {
    return { ...count, samples: samples.map((prefix) => this.sample(count.replica, count.kind, prefix, now)) };
  }

  private sample(replica: number, kind: DissentKind, prefix: number, at: number): FibDissent {
    const { voter } = this.engine;
    const since = this.ages.since(prefix, replica);
    const [vote, majority] = [voter.currentVote(replica, prefix), voter.verdict(prefix)];
    return this.words({ type: 'dissent-begins', replica, prefix, kind, vote, majority, since, at });
  }
}

function isDissent(event: VoterEvent): event is DissentEvent {
  return event.type === 'dissent-begins' || event.type === 'dissent-ends';
}
