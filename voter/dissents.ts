// Which replicas are in dissent on which ballots, how many of them, and the events that tell of it. Owns this bookkeeping; when a vote
// is stable and what the majority is, is update-voter.ts.
import type { Ballots } from './ballots.js';
import type { EventLog } from './event-log.js';
import type { DissentEvent, DissentKind } from './types.js';

export class Dissents {
  /** Per replica: ballots on which it is in dissent. */
  readonly counts: Int32Array;
  private readonly ballots: Ballots;
  private readonly events: EventLog;

  constructor(ballots: Ballots, events: EventLog) {
    this.counts = new Int32Array(ballots.replicas);
    this.ballots = ballots;
    this.events = events;
  }

  /** Replica `r`'s stable vote differs from the stable `majority`. Told once: returns whether that is news. */
  begin(prefix: number, r: number, majority: number, now: number): boolean {
    if (!this.set(prefix, r, true)) return false;
    this.report('dissent-begins', prefix, r, majority, now);
    return true;
  }

  /**
   * Ends the dissents on a ballot that have lost their ground: the vote joined the `majority`, there is none to differ from (undefined),
   * or the vote is one of those that are not stable any more (bitmask `moved`).
   */
  end(prefix: number, majority: number | undefined, moved: number, now: number): void {
    const { votes, replicas, dissent } = this.ballots;
    const at = prefix * replicas;
    for (let r = 0; r < replicas; r++) {
      if (((dissent[prefix] >>> r) & 1) === 0) continue;
      if (majority !== undefined && votes[at + r] !== majority && ((moved >>> r) & 1) === 0) continue;
      this.set(prefix, r, false);
      this.report('dissent-ends', prefix, r, majority ?? this.ballots.verdict[prefix], now);
    }
  }

  /** Replicas in the bitmask `gone` have no say any more: their dissents are over, without events (there may be very many). */
  drop(prefix: number, gone: number): void {
    for (let r = 0, rest = this.ballots.dissent[prefix] & gone; rest !== 0; r++, rest >>>= 1) {
      if (rest & 1) this.set(prefix, r, false);
    }
  }

  /** Calls `visit` for each ballot with dissent, in id order, until it returns false. `dissenters`: bitmask. O(all). */
  forEach(visit: (prefix: number, dissenters: number) => boolean): void {
    const { dissent, limit } = this.ballots;
    for (let prefix = 1; prefix < limit; prefix++) {
      if (dissent[prefix] !== 0 && !visit(prefix, dissent[prefix])) return;
    }
  }

  /** The first ballot with dissent whose id is `from` or more; 0 when there is none. */
  next(from: number): number {
    const { dissent, limit } = this.ballots;
    for (let prefix = Math.max(1, from); prefix < limit; prefix++) if (dissent[prefix] !== 0) return prefix;
    return 0;
  }

  private set(prefix: number, r: number, on: boolean): boolean {
    const { dissent } = this.ballots;
    if (((dissent[prefix] >>> r) & 1) === (on ? 1 : 0)) return false;
    dissent[prefix] ^= 1 << r;
    this.counts[r] += on ? 1 : -1;
    return true;
  }

  private report(type: DissentEvent['type'], prefix: number, replica: number, majority: number, now: number): void {
    const { votes, replicas, changed } = this.ballots;
    const at = prefix * replicas + replica;
    const vote = votes[at];
    let kind: DissentKind = 'different';
    if (vote === 0) kind = 'missing';
    else if (majority === 0) kind = 'extra';
    const since = now - this.ballots.age(changed[at], now);
    this.events.add({ type, prefix, replica, kind, vote, majority, since, at: now });
  }
}
