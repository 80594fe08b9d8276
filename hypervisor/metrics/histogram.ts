// A histogram as Prometheus knows it: how many values fell into which range, and their sum. Owns the buckets; counting allocates nothing.

export class Histogram {
  /** Upper bounds of the buckets, rising; above the last one is one more bucket. */
  readonly bounds: readonly number[];
  /** Values per bucket, not summed up; one more than there are bounds. */
  readonly counts: Float64Array;
  /** Of all values. */
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** All values so far. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The bucket that a value belongs to: the first whose bound is not below it. */
  bucketOf(value: number): number {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) bucket++;
    return bucket;
  }

  add(value: number): void {
    this.counts[this.bucketOf(value)]++;
    this.sum += value;
  }
}

/**
 * The value below which the share `q` (0..1) of `counts` lies (per bucket, as in Histogram), taken to be spread evenly in its bucket;
 * NaN when there are none. Above the last bound it is that bound.
 */
export function quantile(q: number, bounds: readonly number[], counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return NaN;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const from = i === 0 ? 0 : bounds[i - 1];
    if (counts[i] > 0 && below + counts[i] >= q * total) {
      return from + ((bounds[i] - from) * Math.max(0, q * total - below)) / counts[i];
    }
    below += counts[i];
  }
  return bounds[bounds.length - 1];
}
