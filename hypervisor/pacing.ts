// When to stop reading from a neighbour (DESIGN section 3, rule 2): as long as fewer replicas than a majority can take more.
// Pure: backlogs in, a decision out, with hysteresis so that reading does not stutter.

/** Bytes towards one replica for one neighbour above which it counts as busy, and below which it is free again. */
export const HIGH_WATER = 1 << 20;
export const LOW_WATER = 256 << 10;

export class Pacer {
  paused = false;
  /** Since when reading is paused, ms. */
  since = 0;
  private maxPauseMs: number;

  /** `maxPauseMs`: a neighbour is never kept waiting for longer; whoever is behind then gets the current state instead. */
  constructor(maxPauseMs: number) {
    this.maxPauseMs = maxPauseMs;
  }

  configure(maxPauseMs: number): void {
    this.maxPauseMs = maxPauseMs;
  }

  /**
   * Decides anew. `backlogs` holds the bytes that wait for each replica of the electorate (Infinity: its session is not up yet).
   * Returns true when reading should be paused. Without replicas nothing is gained by waiting.
   */
  decide(backlogs: readonly number[], now: number): boolean {
    const needed = Math.floor(backlogs.length / 2) + 1;
    const limit = this.paused ? LOW_WATER : HIGH_WATER;
    let free = 0;
    for (const backlog of backlogs) if (backlog <= limit) free++;
    const busy = backlogs.length > 0 && free < needed;
    if (busy && !this.paused) this.since = now;
    this.paused = busy && now - this.since <= this.maxPauseMs;
    return this.paused;
  }
}
