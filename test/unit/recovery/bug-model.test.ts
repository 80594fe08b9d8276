// The bug model: its means, its fairness, and that a seed draws the same bugs again.
import { describe, expect, it } from 'vitest';
import { nextBug, sample, seededRandom } from '../../../recovery/bug-model.js';

const MODEL = { meanInterval: 10_000, meanDuration: 5000, kinds: ['drop', 'extra'] as const, replicas: [0, 2] };
const DRAWS = 20_000;

function draw(seed: number) {
  const random = seededRandom(seed);
  return Array.from({ length: DRAWS }, () => nextBug(MODEL, random));
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the bug model', () => {
  it('draws exponentially distributed times and everything else evenly', () => {
    const bugs = draw(7);
    const intervals = bugs.map(({ after }) => after);
    expect(mean(intervals) / MODEL.meanInterval).toBeCloseTo(1, 1);
    expect(mean(bugs.map(({ duration }) => duration)) / MODEL.meanDuration).toBeCloseTo(1, 1);
    // Of an exponential distribution, not only the mean: the share above it is 1/e.
    expect(intervals.filter((t) => t > MODEL.meanInterval).length / DRAWS).toBeCloseTo(Math.exp(-1), 1);
    expect(bugs.filter(({ kind }) => kind === 'drop').length / DRAWS).toBeCloseTo(0.5, 1);
    expect(new Set(bugs.map(({ replica }) => replica))).toEqual(new Set([0, 2]));
    expect(bugs.every(({ after, duration }) => after >= 0 && Number.isFinite(after + duration))).toBe(true);
  });

  it('draws the same with the same seed, and something else with another', () => {
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });
});

describe('sample', () => {
  const from = (n: number) => (visit: (value: number) => void) => {
    for (let i = 0; i < n; i++) visit(i);
  };

  it('draws distinct values, and all where there are not enough', () => {
    const some = sample(10, from(1000), seededRandom(1));
    expect(new Set(some).size).toBe(10);
    expect(sample(10, from(3), seededRandom(1))).toEqual([0, 1, 2]);
    expect(sample(1, from(0), seededRandom(1))).toEqual([]);
  });

  it('gives every value the same chance', () => {
    const random = seededRandom(5);
    const hits = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) for (const value of sample(2, from(10), random)) hits[value]++;
    for (const hit of hits) expect(hit / 4000).toBeCloseTo(1, 0.9);
  });
});
