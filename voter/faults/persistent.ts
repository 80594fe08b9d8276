// What of the open findings against one replica has lasted for so long that something must be done about it. Owns the counting over
// places: one wrong route is a dissent towards every neighbour, but one prefix.
import type { FindingRecord } from './finding-book.js';
import type { PersistentDissent, Place } from './types.js';
import { describeFinding } from './words.js';

/** Most prefixes that are handed on. */
const MAX_PREFIXES = 1000;

/** What prefix ids and places are called. */
export interface Words {
  prefixText(id: number): string;
  /** The id of a prefix, 0 when it is unknown. */
  findPrefix(text: string): number;
  /** `towards 10.0.0.2`, `in the forwarding table`. */
  placeText(place: Place): string;
}

/** Dissents in `records` that were found at `until` or before; undefined when there are none. Distinct prefixes are counted up to `most`. */
export function persistentDissent(
  records: readonly FindingRecord[],
  until: number,
  most: number,
  words: Words,
): PersistentDissent | undefined {
  const prefixes = new Set<number>();
  let [forwarding, since] = [0, Infinity];
  let worst: FindingRecord | undefined;
  for (const record of records) {
    const oldest = oldestOf(record);
    if (oldest > until) continue;
    collect(record, until, most, prefixes);
    for (const sample of record.counted.lasting > 0 ? record.samples : []) addFound(prefixes, words.findPrefix(sample));
    forwarding += record.counted.lasting;
    since = Math.min(since, oldest);
    if (worst === undefined || record.prefixes > worst.prefixes) worst = record;
  }
  if (worst === undefined) return undefined;
  return {
    // Where it is wrong towards neighbours and in the table, it usually is about the same prefixes.
    count: Math.max(Math.min(prefixes.size, most), forwarding),
    since,
    prefixes: [...prefixes].slice(0, MAX_PREFIXES),
    text: describeFinding(worst, words.placeText(worst.place ?? 'fib')),
  };
}

function oldestOf({ since, counted }: FindingRecord): number {
  if (counted.lasting > 0) return counted.since;
  // Prefixes are in the order in which they were found.
  for (const at of since.values()) return at;
  return Infinity;
}

function collect({ since }: FindingRecord, until: number, most: number, prefixes: Set<number>): void {
  for (const [prefix, at] of since) {
    if (at > until || prefixes.size >= most) return;
    prefixes.add(prefix);
  }
}

function addFound(prefixes: Set<number>, prefix: number): void {
  if (prefix !== 0) prefixes.add(prefix);
}
