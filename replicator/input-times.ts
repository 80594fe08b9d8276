// When any neighbour's route for each prefix changed last: what a vote's stability is measured against. Owns these times, and tells them to
// another thread.
import type { PrefixClock } from '../wire/prefix-clock.js';
import type { PrefixTable } from '../wire/prefix-table.js';

export class InputTimes {
  private readonly prefixes: PrefixTable;
  private readonly clock: PrefixClock | undefined;
  /** By prefix id, ms. */
  private times = new Float64Array(256).fill(-Infinity);

  constructor(prefixes: PrefixTable, clock: PrefixClock | undefined) {
    this.prefixes = prefixes;
    this.clock = clock;
  }

  /** Ms; -Infinity for never. */
  of(prefix: number): number {
    return prefix < this.times.length ? this.times[prefix] : -Infinity;
  }

  note(prefix: number, now: number): void {
    if (prefix >= this.times.length) {
      let length = this.times.length;
      while (length <= prefix) length *= 2;
      const grown = new Float64Array(length).fill(-Infinity);
      grown.set(this.times);
      this.times = grown;
    }
    this.times[prefix] = now;
    this.clock?.note(this.prefixes.hashOf(prefix), now);
  }
}
