// Ballots on which nobody has a say, because every member of the electorate abstains. What is out stays for a time, as it does when no
// replica is left; then those who abstain vote, for want of others: a route that is gone must not stay for ever. Owns since when that is so.

export class Silence {
  private hold: number;
  /** Since when, ms, oldest first. */
  private readonly since = new Map<number, number>();
  private readonly ended = new Set<number>();

  /** `hold`: how long it lasts, ms. */
  constructor(hold: number) {
    this.hold = hold;
  }

  /** From now on it lasts so long, ms. */
  configure(hold: number): void {
    this.hold = hold;
  }

  /** Nobody has a say on `prefix`, or somebody has. */
  note(prefix: number, silent: boolean, now: number): void {
    if (!silent) {
      if (this.since.size > 0) this.since.delete(prefix);
      if (this.ended.size > 0) this.ended.delete(prefix);
    } else if (!this.ended.has(prefix) && !this.since.has(prefix)) this.since.set(prefix, now);
  }

  /** Whether it has lasted long enough. */
  isOver(prefix: number): boolean {
    return this.ended.has(prefix);
  }

  /** A ballot whose silence has just ended; 0 for none. To be asked until there is none. */
  takeEnded(now: number): number {
    for (const [prefix, since] of this.since) {
      if (now - since < this.hold) return 0;
      this.since.delete(prefix);
      this.ended.add(prefix);
      return prefix;
    }
    return 0;
  }
}
