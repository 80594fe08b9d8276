// What can be asked of the ballots about one neighbour's prefixes: who says what, who has a say, what came of it. Owns these answers; what
// changes them is update-voter.ts.
import { CONTESTED, NO_MAJORITY, OSCILLATING, type Ballots } from './ballots.js';
import type { Dissents } from './dissents.js';
import type { Electorate } from './electorate.js';
import type { Silence } from './silence.js';
import { supporters } from './tally.js';
import type { Rule } from './types.js';

export abstract class BallotView {
  protected readonly electorate: Electorate;
  protected readonly ballots: Ballots;
  protected readonly dissents: Dissents;
  protected readonly silence: Silence;
  /** Ballots on which members disagree with the verdict. */
  protected contested = 0;

  constructor(electorate: Electorate, ballots: Ballots, dissents: Dissents, silence: Silence) {
    this.electorate = electorate;
    this.ballots = ballots;
    this.dissents = dissents;
    this.silence = silence;
  }

  /** What should be advertised: attribute id, 0 for nothing. */
  verdict(prefix: number): number {
    return prefix < this.ballots.limit ? this.ballots.verdict[prefix] : 0;
  }

  /** What the neighbour holds, as far as known: attribute id, 0 for nothing, 0xffffffff for anything. */
  advertised(prefix: number): number {
    return prefix < this.ballots.limit ? this.ballots.advertised[prefix] : 0;
  }

  /** What replica `r` says, member or not. */
  currentVote(r: number, prefix: number): number {
    return prefix < this.ballots.limit ? this.ballots.votes[prefix * this.ballots.replicas + r] : 0;
  }

  /** Whether replica `r` has no say of its own on `prefix`, member or not. */
  abstains(r: number, prefix: number): boolean {
    return prefix < this.ballots.limit && ((this.ballots.abstaining[prefix] >>> r) & 1) === 1;
  }

  /** Whether the word of replica `r` counts on `prefix` now. */
  hasSay(r: number, prefix: number): boolean {
    return (((prefix < this.ballots.limit ? this.voters(prefix) : this.electorate.members) >>> r) & 1) === 1;
  }

  /** By which rule the verdict came about. */
  rule(prefix: number): Rule {
    return prefix < this.ballots.limit ? this.ballots.rule(prefix) : 'none';
  }

  /** Bitmask of the members with a say on `prefix` that agree with the verdict. */
  agreement(prefix: number): number {
    if (prefix >= this.ballots.limit) return this.electorate.members;
    const { votes, replicas, verdict } = this.ballots;
    return supporters(votes, prefix * replicas, this.voters(prefix), verdict[prefix]);
  }

  /** Bitmask of the replicas that are in dissent on `prefix`. */
  dissenters(prefix: number): number {
    return prefix < this.ballots.limit ? this.ballots.dissent[prefix] : 0;
  }

  /** Ballots on which replica `r` is in dissent. */
  dissentCount(r: number): number {
    return this.dissents.counts[r];
  }

  /** Calls `visit` for each ballot with dissent, in id order, until it returns false. `dissenters`: bitmask. O(all). */
  forEachDissent(visit: (prefix: number, dissenters: number) => boolean): void {
    this.dissents.forEach(visit);
  }

  /** The first ballot with dissent whose id is `from` or more; 0 when there is none. O(all) at worst, and quick. */
  nextDissent(from: number): number {
    return this.dissents.next(from);
  }

  /** The same of those that are contested. */
  nextContested(from: number): number {
    const { ballots } = this;
    if (this.contested === 0) return 0;
    for (let prefix = Math.max(1, from); prefix < ballots.limit; prefix++)
      if (ballots.has(prefix, CONTESTED)) return prefix;
    return 0;
  }

  /** How long ago replica `r` changed its vote, ms (wraps after 49 days); undefined for a prefix that nobody has voted on. */
  voteAge(r: number, prefix: number, now: number): number | undefined {
    const { ballots } = this;
    if (prefix >= ballots.limit) return undefined;
    const changed = ballots.changed[prefix * ballots.replicas + r];
    return changed === 0 ? undefined : ballots.age(changed, now);
  }

  /** Whether all votes are stable without a majority, or the ballot does not come to rest. */
  trouble(prefix: number): 'no-majority' | 'oscillating' | undefined {
    if (prefix >= this.ballots.limit) return undefined;
    if (this.ballots.has(prefix, OSCILLATING)) return 'oscillating';
    return this.ballots.has(prefix, NO_MAJORITY) ? 'no-majority' : undefined;
  }

  isContested(prefix: number): boolean {
    return prefix < this.ballots.limit && this.ballots.has(prefix, CONTESTED);
  }

  /** The members that do not abstain on this ballot; all of them when nobody else had a say for too long. */
  protected voters(prefix: number): number {
    const { members } = this.electorate;
    const own = members & ~this.ballots.abstaining[prefix];
    return own === 0 && this.silence.isOver(prefix) ? members : own;
  }
}
