// The two tables that number prefixes and attribute sets for everybody, and their sweeping: ids that nobody uses any more are freed
// when a table has doubled since the last sweep. Owns when to sweep; who uses what is asked of the holders.
import { randomInt } from 'node:crypto';
import { AttributeTable } from '../wire/attribute-table.js';
import { PrefixTable } from '../wire/prefix-table.js';

/** Something that holds ids of the tables. */
export interface IdHolder {
  markAttributes(used: Uint8Array): void;
  markPrefixes(used: Uint8Array): void;
}

/** Below this many entries a sweep is not worth its pause. */
const SWEEP_FLOOR = 200_000;

export class Tables {
  readonly prefixes: PrefixTable;
  readonly attributes: AttributeTable;
  /** Of the prefixes' hashes. */
  readonly seed: number;
  private attributesAfterSweep = 0;
  private prefixesAfterSweep = 0;

  constructor(limits: { maxPrefixes: number; maxAttributes: number; maxAttributeBytes: number }) {
    const { maxPrefixes, maxAttributes: maxEntries, maxAttributeBytes: maxBytes } = limits;
    // A neighbour that cannot guess the seed cannot choose prefixes or attributes that collide.
    this.seed = randomInt(2 ** 31);
    this.prefixes = new PrefixTable({ maxPrefixes, seed: this.seed });
    this.attributes = new AttributeTable({ maxEntries, maxBytes, seed: randomInt(2 ** 31) });
  }

  /** Frees unused ids where it pays. Returns true when attribute ids were freed (caches keyed by them are stale then). */
  sweepIfGrown(holders: readonly IdHolder[]): boolean {
    if (this.prefixes.size > Math.max(SWEEP_FLOOR, 2 * this.prefixesAfterSweep)) {
      const used = new Uint8Array(this.prefixes.limit);
      for (const holder of holders) holder.markPrefixes(used);
      this.prefixes.sweep(used);
      this.prefixesAfterSweep = this.prefixes.size;
    }
    if (this.attributes.size <= Math.max(SWEEP_FLOOR, 2 * this.attributesAfterSweep)) return false;
    const used = new Uint8Array(this.attributes.limit);
    for (const holder of holders) holder.markAttributes(used);
    this.attributes.sweep(used);
    this.attributesAfterSweep = this.attributes.size;
    return true;
  }
}
