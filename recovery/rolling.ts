// The last values of a series, and what is usual about them: statistics that a few wild values do not move. Pure.

/** Makes the median absolute deviation of a normal distribution its standard deviation. */
const NORMAL = 1.4826;

/** The middle of the first `count` values; the mean of both for an even number, NaN for none. Sorts them. */
export function medianOf(values: Float64Array, count = values.length): number {
  const sorted = values.subarray(0, count).sort();
  const middle = count >>> 1;
  return count % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A ring of the last `size` values. */
export class Rolling {
  private readonly values: Float64Array;
  private readonly scratch: Float64Array;
  private next = 0;
  private filled = 0;

  constructor(size: number) {
    this.values = new Float64Array(size);
    this.scratch = new Float64Array(size);
  }

  get count(): number {
    return this.filled;
  }

  add(value: number): void {
    this.values[this.next] = value;
    this.next = (this.next + 1) % this.values.length;
    this.filled = Math.min(this.filled + 1, this.values.length);
  }

  clear(): void {
    this.next = this.filled = 0;
  }

  /** The value `ago` steps before the last one; NaN when there is none. */
  at(ago: number): number {
    if (ago >= this.filled) return NaN;
    return this.values[(this.next - 1 - ago + this.values.length) % this.values.length];
  }

  /** NaN without values, like the next two. */
  median(): number {
    this.scratch.set(this.values);
    return medianOf(this.scratch, this.filled);
  }

  /** Median absolute deviation from `center`, scaled so that it is comparable to a standard deviation. */
  spread(center: number): number {
    for (let i = 0; i < this.filled; i++) this.scratch[i] = Math.abs(this.values[i] - center);
    return NORMAL * medianOf(this.scratch, this.filled);
  }

  max(): number {
    let max = this.filled === 0 ? NaN : -Infinity;
    for (let i = 0; i < this.filled; i++) max = Math.max(max, this.values[i]);
    return max;
  }

  mean(): number {
    let sum = 0;
    for (let i = 0; i < this.filled; i++) sum += this.values[i];
    return sum / this.filled;
  }
}
