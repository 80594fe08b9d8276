// When something last happened to a prefix, told from one thread to another: a fixed table of times over shared memory, indexed by the
// prefix's hash, so that the threads need not agree on ids. Two prefixes that share a slot share the later time; who waits for a prefix
// to be at rest then waits a little longer, and never too short. Owns the table; the hash is PrefixTable's.

/** One slot for each of about a million prefixes: 8 MiB. */
const SLOTS = 1 << 20;

export class PrefixClock {
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;
  private readonly times: Float64Array;

  /** Over the memory of another thread's clock, or over fresh memory. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT);
    this.times = new Float64Array(this.memory);
    if (memory === undefined) this.times.fill(-Infinity);
  }

  /** Something happened at `now` (ms) to the prefix with this hash. */
  note(hash: number, now: number): void {
    this.times[hash & (SLOTS - 1)] = now;
  }

  /** When that was last, ms; -Infinity for never. */
  last(hash: number): number {
    return this.times[hash & (SLOTS - 1)];
  }
}
