// The rules of DESIGN section 3 under thousands of seeded runs, and the proof that each checker can fail.
// A failing seed is printed with its scenario; `npm run simulate -- --seeds 1 --first SEED` repeats it.
import { describe, expect, test } from 'vitest';
import { CHECKERS, simulate } from '../../simulation/simulate.js';
import type { Sabotage } from '../../simulation/world.js';

/** More with BTR_SEEDS; `npm run simulate` does any number without vitest. */
const SEEDS = Number(process.env.BTR_SEEDS ?? 1200);
const PART = 300;
const parts = Array.from({ length: Math.ceil(SEEDS / PART) }, (_, i) => i * PART + 1);

describe('the rules hold', () => {
  test.each(parts)(
    'seeds from %i',
    (first) => {
      for (let seed = first; seed < first + PART; seed++) {
        const { violation, scenario } = simulate(seed);
        expect(violation, `seed ${seed}: ${JSON.stringify(scenario)}`).toBeUndefined();
      }
    },
    120_000,
  );
});

// Seeds that found something once: an overthrow that put a ballot under observation twice.
test.each([10_955])('seed %i, which once failed', (seed) => {
  expect(simulate(seed).violation).toBeUndefined();
});

test('the same seed makes the same run', () => {
  for (const seed of [3, 17, 42]) expect(simulate(seed)).toEqual(simulate(seed));
});

describe('a router with a defect is found out', () => {
  test.each<{ sabotage: Sabotage; checker: string }>([
    { sabotage: 'first-vote', checker: 'verdicts' },
    { sabotage: 'no-lag', checker: 'accusations' },
    { sabotage: 'lost-emission', checker: 'quiet' },
    { sabotage: 'wrong-emission', checker: 'emissions' },
    { sabotage: 'departure-withdraws', checker: 'departures' },
    { sabotage: 'passed-on-reset', checker: 'sessions' },
    { sabotage: 'unbounded', checker: 'bounds' },
  ])('$sabotage, by the checker "$checker" alone', ({ sabotage, checker }) => {
    const alone = CHECKERS.filter(({ name }) => name === checker);
    expect(alone).toHaveLength(1);
    let caught: string | undefined;
    for (let seed = 1; seed <= 60 && caught === undefined; seed++) caught = simulate(seed, alone, sabotage).violation;
    expect(caught).toContain(` ${checker}: `);
  });
});
