// How long to wait before a replica is started again, and when to stop trying: at once the first time, then longer and longer while it
// keeps failing, and no more than so often within a window. A failure that is explained, so that it cannot come again, does not count. Starting
// it is the planner's.
import type { RecoveryOptions } from './types.js';

type BudgetOptions = Pick<
  RecoveryOptions,
  'restartDelay' | 'longestRestartDelay' | 'forgiveAfter' | 'maxRestarts' | 'restartWindow'
>;

/** Each further restart of a row waits so many times as long as the one before. */
const GROWTH = 4;
/** Explained failures that count for nothing within the window; further ones do: what is kept from a replica can have given way to other poison. */
const MAX_EXPLAINED = 100;

export class RestartBudget {
  private readonly options: BudgetOptions;
  /** Failures in a row. */
  private row = 0;
  /** Since when it has been at work in this life, ms; Infinity while it has not. */
  private settledAt = Infinity;
  /** When restarts were granted, oldest first; never more than `maxRestarts`. */
  private granted: number[] = [];
  /** Failures that were explained, as `granted`; never more than MAX_EXPLAINED. */
  private excused: number[] = [];

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

  /**
   * What it died of at `diedAt` (ms) is known, and kept from it from now on: the restart that followed counts against nothing. To be called
   * once for a death. That takes a trial each time, so who can think of ever new poison still cannot have it restarted without pause.
   */
  explained(diedAt: number): void {
    this.excused = this.excused.filter((at) => diedAt - at < this.options.restartWindow);
    if (this.excused.length >= MAX_EXPLAINED) return;
    this.excused.push(diedAt);
    const grant = this.granted.findIndex((at) => at >= diedAt);
    if (grant >= 0) this.granted.splice(grant, 1);
    this.row = Math.max(0, this.row - 1);
  }

  /** A new account: somebody has looked into it. */
  clear(): void {
    this.row = 0;
    this.settledAt = Infinity;
    this.granted = [];
  }
}
