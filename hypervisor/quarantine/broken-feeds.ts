// A replica that is given everything byte for byte (`deliver: raw`) can be killed by each new form of a broken message until its restart budget
// is used up. Who has died often while broken messages of one neighbour were under way therefore gets this neighbour's messages repaired, as
// is the default, until that has not happened for a while. Owns who that is; time is an argument, ms.
import type { Suspect } from '../../replicator/types.js';
import { parseUpdate, SOUND, UpdateView } from '../../wire/bgp/update.js';
import { ALL_FAMILIES } from '../../wire/family.js';
import { FadingCounts } from './fading-counts.js';

/** So many deaths are enough: less than a third of what the restart budget allows by default. */
export const ENOUGH_DEATHS = 3;
/** One death less counts for each such time without one. */
const FADE_MS = 3_600_000;
/** Pairs of replica and neighbour; the oldest are forgotten. */
const MAX_PAIRS = 10_000;

const view = new UpdateView();

export class BrokenFeeds {
  private readonly deaths = new FadingCounts(FADE_MS, MAX_PAIRS);

  /** Replica `r` died while these were under way. Returns the neighbours whose messages it gets repaired because of that, from its next start on. */
  died(r: number, suspects: readonly Suspect[], now: number): number[] {
    const broken = new Set<number>();
    for (const { neighbor, bytes } of suspects) if (!broken.has(neighbor) && isBroken(bytes)) broken.add(neighbor);
    return [...broken].filter((n) => {
      const before = this.isRepaired(r, n, now);
      this.deaths.add(`${r}/${n}`, now);
      return !before && this.isRepaired(r, n, now);
    });
  }

  /** Whether what neighbour `n` sends reaches replica `r` only repaired. */
  isRepaired(r: number, n: number, now: number): boolean {
    return this.deaths.get(`${r}/${n}`, now) >= ENOUGH_DEATHS;
  }
}

/** Whether RFC 7606 makes something else of it than it says. Which kind of neighbour sent it does not matter much for that. */
function isBroken(bytes: Uint8Array): boolean {
  return parseUpdate(bytes, 0, bytes.length, { as4: true, ebgp: true, families: ALL_FAMILIES }, view) !== SOUND;
}
