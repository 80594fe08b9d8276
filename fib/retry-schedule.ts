// When to write a prefix again: after a refusal with growing distance, or after somebody else interfered. One appointment per prefix,
// exact times beside a timer wheel. What is to be written then is looked up by installer.ts.
import { DueWheel } from '../voter/due-wheel.js';

/** The wheel reaches 62 slots ahead; appointments beyond are looked at and made again. */
const SLOTS_PER_FIRST_DELAY = 8;

export class RetrySchedule {
  private readonly wheel: DueWheel;
  private times = new Float64Array(0);

  /** `firstDelay`: the shortest distance between two attempts, ms; appointments come up to an eighth of it late. */
  constructor(firstDelay: number) {
    this.wheel = new DueWheel(Math.max(1, firstDelay / SLOTS_PER_FIRST_DELAY));
  }

  has(prefix: number): boolean {
    return this.wheel.has(prefix);
  }

  /** Whether there is an appointment that lies in the future. */
  isAhead(prefix: number, now: number): boolean {
    return this.wheel.has(prefix) && this.times[prefix] > now;
  }

  /** Replaces an earlier appointment. One that lies later than the old one may come late by up to 62 slots, never early. */
  at(prefix: number, time: number, now: number): void {
    if (prefix >= this.times.length) this.grow(prefix);
    this.times[prefix] = time;
    this.wheel.add(prefix, time, now);
  }

  /** Takes one prefix whose time has come, 0 when there is none. */
  takeDue(now: number): number {
    for (;;) {
      const prefix = this.wheel.takeDue(now);
      if (prefix === 0) return 0;
      const time = this.times[prefix];
      if (time > now) this.wheel.add(prefix, time, now);
      else return prefix;
    }
  }

  private grow(prefix: number): void {
    let length = Math.max(256, this.times.length);
    while (length <= prefix) length *= 2;
    const times = new Float64Array(length);
    times.set(this.times);
    this.times = times;
  }
}
