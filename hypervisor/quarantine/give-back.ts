// When a replica is given back what nothing could be shown of, and how much of it at a time. Owns that only a replica that has been well for a
// while is put to this test, that a group has proven harmless before the next one follows, and that those which are suspected most come
// last and in the smallest groups: should one kill, it takes few others with it. Pure: time is an argument, ms.

/** Messages in one group, by how often each has killed (repeats.ts): for 0 and 1, 2, and 3 or more times. */
const GROUPS = [4096, 4096, 256, 16];
const PREFIXES = 16_384;

export interface GiveBackOptions {
  /** How long it must have been well for each death in `memory`, ms. Default a minute. */
  calm?: number;
  /** Deaths that count for that at most. Default 5. */
  deaths?: number;
  /** Default ten minutes. */
  memory?: number;
  /** What was given back is proven when the replica has worked off what came in so much later, ms. Default 2 s. */
  proof?: number;
  /** A replica that is too busy to prove anything is believed to have worked it off after this time, ms. Default a minute. */
  patience?: number;
}

/** What may be given back. */
export interface Due {
  id: number;
  /** How often it has killed. */
  times: number;
  prefixes: number;
}

interface State {
  /** The last ones, oldest first. */
  deaths: number[];
  givenAt: number;
  provenUntil: number;
}

export class GiveBack {
  private readonly options: Required<GiveBackOptions>;
  private readonly states: State[];

  constructor(replicas: number, options: GiveBackOptions = {}) {
    this.options = { calm: 60_000, deaths: 5, memory: 600_000, proof: 2000, patience: 60_000, ...options };
    this.states = Array.from({ length: replicas }, () => ({
      deaths: [],
      givenAt: -Infinity,
      provenUntil: -Infinity,
    }));
  }

  /** Replica `r` has died of what it was given. Returns until when that which was given back to it had proven harmless, ms. */
  died(r: number, now: number): number {
    const { deaths, provenUntil } = this.states[r];
    deaths.push(now);
    if (deaths.length > this.options.deaths) deaths.shift();
    return provenUntil;
  }

  /** Something is given back to replica `r`, for whatever reason. */
  given(r: number, now: number): void {
    this.states[r].givenAt = now;
  }

  /**
   * Whether replica `r` may be given more back. `caughtUp`: what came in before this time it has worked off in this life, ms; -Infinity for
   * one that does not run or is not through with its tables.
   */
  isOpen(r: number, caughtUp: number, now: number): boolean {
    const { calm, memory, proof, patience } = this.options;
    const state = this.states[r];
    const { givenAt } = state;
    if (caughtUp === -Infinity) return false;
    const proven = caughtUp > givenAt + proof || now - givenAt >= patience;
    if (proven) state.provenUntil = givenAt;
    const deaths = state.deaths.filter((at) => now - at < memory);
    const wellSince = deaths.at(-1) ?? -Infinity;
    return proven && caughtUp > wellSince && now - wellSince >= calm * deaths.length;
  }
}

/** What of all that is due for one replica goes first, and together: those that are suspected least. */
export function nextGroup(due: readonly Due[]): Due[] {
  const rank = ({ times }: Due): number => Math.min(times, GROUPS.length);
  const lowest = due.reduce((least, one) => Math.min(least, rank(one)), Infinity);
  // One that has killed more often than there are groups for comes alone.
  const size = GROUPS[lowest] ?? 1;
  const group: Due[] = [];
  let prefixes = 0;
  for (const one of due) {
    if (rank(one) !== lowest) continue;
    if (group.length > 0 && (group.length >= size || prefixes + one.prefixes > PREFIXES)) break;
    group.push(one);
    prefixes += one.prefixes;
  }
  return group;
}
