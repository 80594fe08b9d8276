// A time series of bounded length, column by column. Owns the ring and how several points become one; what is measured is sampler.ts.

/** How one coarse point comes from several fine ones. Points that know nothing of a column (NaN) do not count. */
export type Merge = 'mean' | 'max' | 'last';

/** What is sent: one array for each column, all of one length, oldest first; null where nothing was measured. */
export type Columns = Record<string, (number | null)[]>;

export class Series {
  readonly names: readonly string[];
  private readonly values: Float64Array;
  private readonly capacity: number;
  private next = 0;
  private length = 0;

  /** `capacity`: points; the oldest give way. */
  constructor(names: readonly string[], capacity: number) {
    this.names = names;
    this.capacity = capacity;
    this.values = new Float64Array(names.length * capacity);
  }

  get size(): number {
    return this.length;
  }

  /** One value for each column, in their order. NaN: not measured. */
  push(point: ArrayLike<number>): void {
    for (let c = 0; c < this.names.length; c++) this.values[c * this.capacity + this.next] = point[c];
    this.next = (this.next + 1) % this.capacity;
    this.length = Math.min(this.length + 1, this.capacity);
  }

  /** A copy, rounded to three decimals. */
  columns(): Columns {
    const columns: Columns = {};
    const first = (this.next - this.length + this.capacity) % this.capacity;
    this.names.forEach((name, c) => {
      const column = new Array<number | null>(this.length);
      for (let i = 0; i < this.length; i++) {
        const value = this.values[c * this.capacity + ((first + i) % this.capacity)];
        column[i] = Number.isNaN(value) ? null : Math.round(value * 1000) / 1000;
      }
      columns[name] = column;
    });
    return columns;
  }
}

/** Collects points until there are enough of them for a coarse one. */
export class Merger {
  private readonly rules: readonly Merge[];
  private readonly sums: Float64Array;
  private readonly counts: Uint32Array;
  private points = 0;

  constructor(rules: readonly Merge[]) {
    this.rules = rules;
    this.sums = new Float64Array(rules.length);
    this.counts = new Uint32Array(rules.length);
  }

  get size(): number {
    return this.points;
  }

  add(point: ArrayLike<number>): void {
    this.points++;
    this.rules.forEach((rule, c) => {
      const value = point[c];
      if (Number.isNaN(value)) return;
      if (rule === 'mean') this.sums[c] += value;
      else if (rule === 'last' || this.counts[c] === 0) this.sums[c] = value;
      else this.sums[c] = Math.max(this.sums[c], value);
      this.counts[c]++;
    });
  }

  /** The coarse point; starts anew. */
  take(): Float64Array {
    const point = this.sums.map((sum, c) => {
      if (this.counts[c] === 0) return NaN;
      return this.rules[c] === 'mean' ? sum / this.counts[c] : sum;
    });
    this.sums.fill(0);
    this.counts.fill(0);
    this.points = 0;
    return point;
  }
}
