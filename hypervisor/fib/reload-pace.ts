// When the kernel's state is read anew after events were lost. That takes seconds where tables are huge, and events that crowd may be
// lost again meanwhile: reading must not become all that the thread does, for the replicas' writes wait. Owns the decision only.

/** At least so long between two readings, in times of what the last one took, and ms. */
const PAUSE_SHARE = 9;
const PAUSE_MS = 1000;

export class ReloadPace {
  /** Events were lost since the last reading began. */
  wanted = false;
  private startedAt = -Infinity;
  private endedAt = -Infinity;

  /** Events were lost. Returns false when that was known. */
  lost(): boolean {
    const isNews = !this.wanted;
    this.wanted = true;
    return isNews;
  }

  /** Whether to read now. */
  isDue(now: number): boolean {
    if (!this.wanted) return false;
    const pause = Math.max(PAUSE_MS, PAUSE_SHARE * (this.endedAt - this.startedAt));
    return !(now < this.endedAt + pause);
  }

  begin(now: number): void {
    this.wanted = false;
    this.startedAt = now;
  }

  end(now: number): void {
    this.endedAt = now;
  }
}
