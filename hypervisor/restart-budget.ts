// How long to wait before a replica is started again: at once the first time, then longer and longer while it keeps failing.
// Pure; starting it is replica-port.ts.

export interface RestartOptions {
  /** First delay, ms. */
  firstMs: number;
  /** Longest delay, ms. */
  longestMs: number;
  /** A replica that lived this long starts with the first delay again, ms. */
  forgiveMs: number;
}

export const RESTART_DEFAULTS: RestartOptions = { firstMs: 100, longestMs: 60_000, forgiveMs: 60_000 };

export class RestartBudget {
  restarts = 0;
  private failures = 0;
  private startedAt = -Infinity;
  private readonly options: RestartOptions;

  constructor(options: RestartOptions = RESTART_DEFAULTS) {
    this.options = options;
  }

  started(now: number): void {
    this.startedAt = now;
  }

  /** The replica ended at `now`. Returns after how many ms it is to be started again. */
  failed(now: number): number {
    if (now - this.startedAt >= this.options.forgiveMs) this.failures = 0;
    const delay = Math.min(this.options.firstMs * 4 ** this.failures, this.options.longestMs);
    this.failures++;
    this.restarts++;
    return delay;
  }
}
