// A route that every voter abstains on is carried by nobody, which is worse than the risk of one more death, which the others mask. So what no
// trial speaks against is given back to one of them, the one that holds it longest: at once the first time, then at least 1, 2, 4 … minutes
// apart. Owns who gets it, and how often it was given; time is an argument, ms.
import type { QuarantineEntry } from '../../replicator/types.js';
import { FadingCounts } from './fading-counts.js';

/** The oldest are forgotten. */
const MAX_KEYS = 50_000;
const FADE_MS = 600_000;
const SHORTEST_WAIT_MS = 60_000;

export class LastResort {
  private readonly given: FadingCounts;

  constructor(limit = MAX_KEYS) {
    this.given = new FadingCounts(FADE_MS, limit);
  }

  /**
   * Nobody carries `prefix`. `holders`: for each replica that could be given it, the entries because of which it is not, one at least.
   * Returns the entries that are to be released now; none when it is too early for that.
   */
  give(prefix: string, holders: readonly (readonly QuarantineEntry[])[], now: number): readonly QuarantineEntry[] {
    let chosen: readonly QuarantineEntry[] = [];
    for (const entries of holders) if (since(entries) < since(chosen)) chosen = entries;
    const keys = [...new Set(chosen.map(({ suspect }) => `${suspect.neighbor}/${prefix}`))];
    if (!keys.every((key) => this.isDue(key, now))) return [];
    for (const key of keys) this.given.add(key, now);
    return chosen;
  }

  private isDue(key: string, now: number): boolean {
    const times = this.given.get(key, now);
    return times === 0 || now - this.given.last(key) >= SHORTEST_WAIT_MS * 2 ** (times - 1);
  }
}

function since(entries: readonly QuarantineEntry[]): number {
  return entries.reduce((first, { at }) => Math.min(first, at), Infinity);
}
