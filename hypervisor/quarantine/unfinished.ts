// Deaths whose messages were never tried, or not to an end, because too many trials waited, no instance could be had, time was up or deaths
// followed no pattern. Owns which of them is tried again, and when: a minute later, then four times as long each time. Pure: time is an
// argument, ms.
import type { Death } from './repeats.js';

export interface UnfinishedOptions {
  /** The oldest are given up. Default 64. */
  limit?: number;
  /** Before the first trial is held again, and at most; ms. Default a minute and an hour. */
  shortest?: number;
  longest?: number;
}

/** Messages of one death. */
export interface UnfinishedDeath {
  replica: number;
  death: Death;
  /** Quarantine numbers. */
  ids: readonly number[];
  /** How often they were tried. */
  tries: number;
}

export class Unfinished {
  private readonly options: Required<UnfinishedOptions>;
  private readonly deaths: (UnfinishedDeath & { due: number })[] = [];

  constructor(options: UnfinishedOptions = {}) {
    this.options = { limit: 64, shortest: 60_000, longest: 3_600_000, ...options };
  }

  /** Returns those that are given up for it. */
  add(one: UnfinishedDeath, now: number): UnfinishedDeath | undefined {
    const { limit, shortest, longest } = this.options;
    this.deaths.push({ ...one, due: now + Math.min(shortest * 4 ** Math.max(0, one.tries - 1), longest) });
    return this.deaths.length > limit ? this.deaths.shift() : undefined;
  }

  /** The next that is due, of those replicas that are `ready`. */
  take(ready: (replica: number) => boolean, now: number): UnfinishedDeath | undefined {
    const next = this.deaths.findIndex(({ replica, due }) => due <= now && ready(replica));
    return next < 0 ? undefined : this.deaths.splice(next, 1)[0];
  }
}
