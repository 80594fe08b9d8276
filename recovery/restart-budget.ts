// How long to wait before a replica is started again, and when to stop trying: at once the first time, then longer and longer while it
// keeps failing, and no more than so often within a window. Starting it is the planner's.
import type { RecoveryOptions } from './types.js';

type BudgetOptions = Pick<
  RecoveryOptions,
  'restartDelay' | 'longestRestartDelay' | 'forgiveAfter' | 'maxRestarts' | 'restartWindow'
>;

/** Each further restart of a row waits so many times as long as the one before. */
const GROWTH = 4;

export class RestartBudget {
  private readonly options: BudgetOptions;
  /** Failures in a row. */
  private row = 0;
  /** Since when it has been at work in this life, ms; Infinity while it has not. */
  private settledAt = Infinity;
  /** When restarts were granted, oldest first; never more than `maxRestarts`. */
  private granted: number[] = [];

  constructor(options: BudgetOptions) {
    this.options = options;
  }

  /** It is synchronised. */
  settled(now: number): void {
    this.settledAt = Math.min(this.settledAt, now);
  }

  /** It ended at `now` (ms). Returns after how many ms it is to be started again; undefined when the budget is spent. */
  failed(now: number): number | undefined {
    const { restartDelay, longestRestartDelay, forgiveAfter, maxRestarts, restartWindow } = this.options;
    if (now - this.settledAt >= forgiveAfter) this.row = 0;
    this.settledAt = Infinity;
    if (maxRestarts > 0) {
      this.granted = this.granted.filter((at) => now - at < restartWindow);
      if (this.granted.length >= maxRestarts) return undefined;
      this.granted.push(now);
    }
    return Math.min(restartDelay * GROWTH ** this.row++, longestRestartDelay);
  }

  /** A new account: somebody has looked into it. */
  clear(): void {
    this.row = 0;
    this.settledAt = Infinity;
    this.granted = [];
  }
}
