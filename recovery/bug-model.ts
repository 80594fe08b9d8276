// When bugs strike and for how long, as the evaluation of the bug-tolerant router has it: inter-arrival times and durations are exponentially
// distributed, and which replica is hit, and how, is drawn evenly. Owns the draws; what a bug does, and to which prefixes, is decided outside.

export interface BugModelOptions<Kind> {
  /** Mean time from one bug to the next, over all of `replicas`, ms. */
  meanInterval: number;
  /** Mean time that a bug lasts, ms. */
  meanDuration: number;
  kinds: readonly Kind[];
  /** Replica indices. */
  replicas: readonly number[];
}

export interface Bug<Kind> {
  /** Counted from the one before, ms. */
  after: number;
  duration: number;
  kind: Kind;
  replica: number;
}

/** The next bug; `random` gives numbers 0 ≤ x < 1 (the same numbers make the same bugs). `kinds` and `replicas` must not be empty. */
export function nextBug<Kind>(options: BugModelOptions<Kind>, random: () => number): Bug<Kind> {
  const { meanInterval, meanDuration, kinds, replicas } = options;
  return {
    after: exponential(meanInterval, random()),
    duration: exponential(meanDuration, random()),
    kind: pick(kinds, random()),
    replica: pick(replicas, random()),
  };
}

/**
 * Draws `wanted` distinct values out of those that `each` visits, all with the same chance (reservoir sampling), in the order of the
 * draws. Fewer when there are not so many.
 */
export function sample(wanted: number, each: (visit: (value: number) => void) => void, random: () => number): number[] {
  const chosen: number[] = [];
  let seen = 0;
  each((value) => {
    seen++;
    if (chosen.length < wanted) {
      chosen.push(value);
      return;
    }
    const place = Math.floor(random() * seen);
    if (place < wanted) chosen[place] = value;
  });
  return chosen;
}

/** mulberry32: a small generator of numbers 0 ≤ x < 1 that is the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function exponential(mean: number, u: number): number {
  return -mean * Math.log(1 - u);
}

function pick<T>(values: readonly T[], u: number): T {
  return values[Math.floor(u * values.length)];
}
