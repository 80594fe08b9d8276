// The delay line: every message waits at least its draw, nobody overtakes, nothing waits for ever, and memory is bounded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DelayLine, draw } from '../../../recovery/delays.js';

describe('draw', () => {
  test('is uniform in the range, and nothing without one', () => {
    expect(draw(undefined, () => 0.9)).toBe(0);
    expect([0, 0.5, 1 - Number.EPSILON].map((r) => Math.round(draw({ from: 1, to: 10 }, () => r) * 10))).toEqual([
      10, 55, 100,
    ]);
  });
});

describe('delay line', () => {
  test('holds every arrival for its draw, in order, and no longer than the longest draw and a millisecond', () => {
    const range = { from: 1, to: 10 };
    const steps = fc.array(fc.record({ gap: fc.double({ min: 0, max: 4, noNaN: true }), arrives: fc.boolean() }), {
      maxLength: 60,
    });
    const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(steps, draws, (path, randoms) => {
        let drawn = 0;
        const line = new DelayLine(range, () => randoms[drawn++ % randoms.length]);
        let [now, horizon] = [0, -Infinity];
        const waiting: number[] = [];
        const look = (): void => {
          const next = line.horizon(now);
          expect(next).toBeGreaterThanOrEqual(horizon);
          horizon = next;
          while (waiting.length > 0 && Math.floor(waiting[0]) <= horizon) {
            expect(now - waiting.shift()!).toBeGreaterThanOrEqual(range.from);
          }
        };
        for (const { gap, arrives } of path) {
          now += gap;
          if (arrives) {
            waiting.push(now);
            line.arrived(now);
          }
          look();
          if (waiting.length > 0) expect(line.nextDue()).toBeLessThanOrEqual(waiting.at(-1)! + range.to + 1);
        }
        while (waiting.length > 0) {
          expect(line.nextDue()).toBeGreaterThan(now);
          now = line.nextDue();
          look();
        }
        expect(line.nextDue()).toBe(Infinity);
      }),
    );
  });

  test('keeps a bounded number of marks: what comes later shares the last one', () => {
    // Ever longer draws, so that no two marks have the same due time.
    let draws = 0;
    const line = new DelayLine({ from: 0, to: 60_000 }, () => Math.min(0.999, draws++ / 100_000));
    for (let at = 0; at < 20_000; at++) line.arrived(at);
    let marks = 0;
    for (let now = 20_000; line.nextDue() !== Infinity; now = line.nextDue()) {
      line.horizon(now);
      marks++;
    }
    expect(marks).toBeLessThanOrEqual(4097);
    expect(line.horizon(1e9)).toBe(19_999);
  });
});
