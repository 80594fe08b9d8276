// Prefixes on which a replica keeps being wrong, so that its votes on them do not count. Owns when they are held and let go; that it
// abstains is carried out by abstentions.ts.
import type { UpdateVoter } from '../../voter/update-voter.js';
import { MUTED, type Abstentions } from '../abstentions.js';

/** A prefix stays muted for so long at least, ms; then it is let go when the replica agrees with the verdict everywhere. */
export const MUTED_MS = 600_000;
/** Between two looks at what can be let go, ms. */
const REVIEW_MS = 10_000;

export class Mutes {
  private readonly abstentions: Abstentions;
  private readonly voters: () => readonly UpdateVoter[];
  /** Per replica: prefix id to when it was muted, ms. */
  private readonly muted: Map<number, number>[];
  private nextReview = 0;

  constructor(replicas: number, abstentions: Abstentions, voters: () => readonly UpdateVoter[]) {
    this.abstentions = abstentions;
    this.voters = voters;
    this.muted = Array.from({ length: replicas }, () => new Map<number, number>());
  }

  count(r: number): number {
    return this.muted[r].size;
  }

  hold(r: number, prefixes: readonly number[], now: number): void {
    for (const prefix of prefixes) {
      this.muted[r].set(prefix, now);
      this.abstentions.hold(r, prefix, MUTED, now);
    }
  }

  /** Replica `r` has its say everywhere again. */
  release(r: number, now: number): void {
    for (const prefix of this.muted[r].keys()) this.abstentions.lift(r, prefix, MUTED, now);
    this.muted[r].clear();
  }

  tick(now: number): void {
    if (now < this.nextReview) return;
    this.nextReview = now + REVIEW_MS;
    this.muted.forEach((muted, r) => {
      for (const [prefix, since] of muted) {
        if (now - since < MUTED_MS || !this.agrees(r, prefix)) continue;
        muted.delete(prefix);
        this.abstentions.lift(r, prefix, MUTED, now);
      }
    });
  }

  private agrees(r: number, prefix: number): boolean {
    return this.voters().every((voter) => voter.currentVote(r, prefix) === voter.verdict(prefix));
  }
}
