// How long dissents have been open and how many they are, against ballots that change as they like and events that may be lost.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DissentAges } from '../../../fib/dissent-ages.js';
import type { DissentCount } from '../../../fib/dissent-ages.js';
import type { DissentEvent, VoterStats } from '../../../voter/types.js';

const REPLICAS = 3;
const THRESHOLD = 5000;

/** Ballots with dissents that are set by hand, and the numbers that follow from them. */
class Bench {
  readonly open = new Map<string, { prefix: number; r: number; at: number }>();
  limit = 10;
  readonly ages: DissentAges;

  constructor() {
    this.ages = new DissentAges({
      voter: {
        dissenters: (prefix) =>
          [0, 1, 2].reduce((mask, r) => (this.open.has(`${prefix} ${r}`) ? mask | (1 << r) : mask), 0),
        // Replica 0 has no route, replica 1 one that nobody else has, replica 2 another.
        currentVote: (r) => (r === 0 ? 0 : 7),
        verdict: (prefix) => (prefix % 2 === 1 ? 0 : 8),
        stats: () => ({ dissents: [0, 1, 2].map((r) => this.of(r).length) }) as VoterStats,
      },
      replicas: REPLICAS,
      limit: () => this.limit,
      threshold: THRESHOLD,
    });
  }

  of(r: number): { prefix: number; r: number; at: number }[] {
    return [...this.open.values()].filter((each) => each.r === r);
  }

  set(prefix: number, r: number, on: boolean, now: number, told: boolean): void {
    const key = `${prefix} ${r}`;
    if (this.open.has(key) === on) return;
    if (on) this.open.set(key, { prefix, r, at: now });
    else this.open.delete(key);
    const type = on ? 'dissent-begins' : 'dissent-ends';
    const event: DissentEvent = { type, prefix, replica: r, kind: 'extra', vote: 0, majority: 0, since: now, at: now };
    if (told) this.ages.note([event]);
  }

  pass(now: number): DissentCount[] {
    for (let left = 100; left > 0; left--) {
      const counts = this.ages.step(now);
      if (counts !== undefined) return counts;
    }
    throw new Error('a pass that does not end');
  }
}

describe('open dissents', () => {
  it('cost nothing while there are none, and their end is told once', () => {
    const bench = new Bench();
    expect(bench.ages.step(0)).toBeUndefined();
    bench.set(3, 1, true, 1000, true);
    expect(bench.ages.step(1000)).toMatchObject([{ replica: 1, kind: 'extra', open: 1, lasting: 0, since: 1000 }]);
    expect(bench.ages.step(1100)).toBeUndefined();
    bench.set(3, 1, false, 1200, true);
    expect(bench.ages.step(2000)).toEqual([]);
    expect(bench.ages.step(3000)).toBeUndefined();
  });

  it('last from the threshold on; those that do are the samples, twenty at most', () => {
    const bench = new Bench();
    bench.limit = 100;
    for (let prefix = 2; prefix < 60; prefix += 2) bench.set(prefix, 2, true, 1000 + prefix, true);
    bench.set(4, 0, true, 3000, true);
    expect(bench.pass(1000 + THRESHOLD + 10)).toMatchObject([
      { replica: 2, kind: 'different', open: 29, lasting: 5, since: 1002, samples: [2, 4, 6, 8, 10] },
      { replica: 0, kind: 'missing', open: 1, lasting: 0, since: 3000, samples: [4] },
    ]);
    expect(bench.pass(20_000)[0]!.samples).toHaveLength(20);
    expect([bench.ages.since(6, 2), bench.ages.since(6, 1)]).toEqual([1006, 0]);
  });

  it('are looked at a slice at a time where there are very many', () => {
    const bench = new Bench();
    bench.limit = 100_000;
    bench.set(99_999, 1, true, 1000, false);
    expect(bench.ages.step(1000)).toBeUndefined();
    expect(bench.pass(1000)).toMatchObject([{ open: 1, since: 1000, samples: [99_999] }]);
  });

  it('are counted right whatever is told of them, and are as old as a pass can know', () => {
    const change = fc.record({
      prefix: fc.integer({ min: 1, max: 9 }),
      r: fc.nat(REPLICAS - 1),
      on: fc.boolean(),
      told: fc.boolean(),
      wait: fc.nat(3000),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const bench = new Bench();
        let now = 1000;
        for (const { prefix, r, on, told, wait } of changes) {
          bench.set(prefix, r, on, now, told);
          bench.ages.step(now);
          now += wait;
        }
        bench.set(1, 1, true, now, false);
        now += 500;
        const counts = bench.pass(now);
        for (let r = 0; r < REPLICAS; r++) {
          const mine = counts.filter((count) => count.replica === r);
          expect(mine.reduce((sum, { open }) => sum + open, 0)).toBe(bench.of(r).length);
          for (const { since, samples } of mine) {
            expect(since).toBeLessThanOrEqual(now);
            for (const prefix of samples) expect(bench.open.has(`${prefix} ${r}`)).toBe(true);
          }
        }
      }),
    );
  });
});
