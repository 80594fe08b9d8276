// Counts how often something happened, and forgets it little by little: one off for each period in which it did not happen again. Owns the
// counts and their bound; time is an argument, ms.

/** Part of the limit that is left when the oldest have been forgotten. */
const AFTER_FORGETTING = 0.9;

interface Count {
  times: number;
  /** When it begins to fade. */
  at: number;
}

export class FadingCounts {
  private readonly counts = new Map<string, Count>();
  private readonly period: number;
  private readonly limit: number;

  /** `period`: ms. `limit`: keys; the oldest are forgotten. */
  constructor(period: number, limit: number) {
    this.period = period;
    this.limit = limit;
  }

  /** How often it happened, less what has faded. */
  get(key: string, now: number): number {
    const count = this.counts.get(key);
    if (count === undefined) return 0;
    return Math.max(0, count.times - Math.floor(Math.max(0, now - count.at) / this.period));
  }

  /** When it happened last, or will have been held until; -Infinity for never. */
  last(key: string): number {
    return this.counts.get(key)?.at ?? -Infinity;
  }

  /** It happened now; `by`: how much that counts. */
  add(key: string, now: number, by = 1): void {
    this.set(key, this.get(key, now) + by, now);
  }

  /** It has happened `times` times at least, the last time now. */
  reach(key: string, times: number, now: number): void {
    this.set(key, Math.max(times, this.get(key, now)), now);
  }

  /** What is left of the count does not fade before this time. */
  holdUntil(key: string, until: number, now: number): void {
    const times = this.get(key, now);
    if (times > 0) this.set(key, times, until);
  }

  delete(key: string): void {
    this.counts.delete(key);
  }

  private set(key: string, times: number, at: number): void {
    this.counts.delete(key);
    this.counts.set(key, { times, at });
    // Looking for the oldest means to step over all that were deleted before it, so it is not done for each.
    if (this.counts.size > this.limit) this.forgetOldest(this.counts.size - Math.ceil(this.limit * AFTER_FORGETTING));
  }

  private forgetOldest(many: number): void {
    for (const oldest of this.counts.keys()) {
      if (many-- <= 0) return;
      this.counts.delete(oldest);
    }
  }
}
