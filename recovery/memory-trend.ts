// Does the memory of a replica grow and grow? A table that is loaded is one jump, or a few; a leak is growth in most of many short
// intervals, so their median tells one from the other. Pure.
import { medianOf } from './rolling.js';

/** The last so many intervals of so many samples each are looked at. */
export const INTERVALS = 10;
export const SAMPLES = 30;
/** Growth within an hour that is a reason to worry: a share of what it has … */
const SHARE_PER_HOUR = 0.5;
/** … but at least so many bytes, and so many times what the others grow. */
const BYTES_PER_HOUR = 64 * 2 ** 20;
const TIMES_OTHERS = 4;
const HOUR_MS = 3_600_000;

export class MemoryTrend {
  /** Share of its memory by which it grows in an hour; NaN while too little is known. */
  share = NaN;
  private readonly rates = new Float64Array(INTERVALS);
  private readonly scratch = new Float64Array(INTERVALS);
  private intervals = 0;
  private samples = 0;
  private from = 0;
  private since = 0;
  /** Bytes per ms. */
  private rate = 0;
  private bytes = 0;

  /** Returns true when an interval is complete and the trend is known: time to look at it. */
  add(bytes: number, now: number): boolean {
    if (this.samples++ === 0) {
      this.from = bytes;
      this.since = now;
    }
    if (this.samples <= SAMPLES || now <= this.since) return false;
    this.rates[this.intervals++ % INTERVALS] = (bytes - this.from) / (now - this.since);
    this.from = bytes;
    this.since = now;
    this.samples = 1;
    if (this.intervals < INTERVALS) return false;
    this.scratch.set(this.rates);
    this.rate = medianOf(this.scratch);
    this.bytes = bytes;
    this.share = (this.rate * HOUR_MS) / Math.max(bytes, 1);
    return true;
  }

  /** Growth as a share of what is too much; `others`: the median of their shares. */
  relation(others: number): number {
    const limit = Math.max(SHARE_PER_HOUR, BYTES_PER_HOUR / Math.max(this.bytes, 1), TIMES_OTHERS * others);
    return this.share / limit;
  }

  text(bytes: number): string {
    const mib = (value: number): string => `${Math.round(value / 2 ** 20)} MiB`;
    return `grows by ${mib(this.rate * HOUR_MS)} of memory in an hour, it has ${mib(bytes)}`;
  }
}
