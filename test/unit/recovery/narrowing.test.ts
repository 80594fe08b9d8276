// Narrowing a death down, against model instances that die of sets of messages.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Narrowing, type NarrowingOptions, type TrialVerdict } from '../../../recovery/narrowing.js';

/** Says, of everything an instance has been fed since its start and what it is fed now, whether it dies. */
type Fatal = (before: readonly number[], now: readonly number[]) => boolean;

interface Trial {
  verdicts: TrialVerdict[];
  starts: number;
  fed: number;
}

function run(messages: number, fatal: Fatal, options?: NarrowingOptions): Trial {
  const narrowing = new Narrowing(messages, options);
  let before: number[] = [];
  let fed = 0;
  for (let steps = 0; ; steps++) {
    if (steps > 100_000) throw new Error('it never ends');
    const step = narrowing.next();
    if (step.kind === 'done') return { verdicts: narrowing.verdicts, starts: narrowing.starts, fed };
    if (step.kind === 'start') {
      before = [];
      narrowing.started();
      continue;
    }
    fed += step.messages.length;
    if (fatal(before, step.messages)) narrowing.killed();
    else narrowing.survived();
    before = before.concat(step.messages);
  }
}

const of = (verdicts: readonly TrialVerdict[], verdict: TrialVerdict): number[] =>
  verdicts.flatMap((each, message) => (each === verdict ? [message] : []));

describe('narrowing', () => {
  test('one message alone is convicted after one death', () => {
    expect(run(1, () => true)).toMatchObject({ verdicts: ['convicted'], starts: 1 });
  });

  test('nothing dies: not reproduced, one instance', () => {
    const { verdicts, starts, fed } = run(500, () => false);
    expect(new Set(verdicts)).toEqual(new Set(['not-reproduced']));
    expect([starts, fed]).toEqual([1, 500]);
  });

  test('more messages than a call can take arguments', () => {
    const { verdicts } = run(300_000, () => false);
    expect(of(verdicts, 'not-reproduced')).toHaveLength(300_000);
  });

  test('no messages: nothing to do', () => {
    expect(run(0, () => true)).toEqual({ verdicts: [], starts: 0, fed: 0 });
  });

  test('one culprit among thousands takes a handful of instances', () => {
    const { verdicts, starts } = run(4000, (_, now) => now.includes(2345));
    expect(of(verdicts, 'convicted')).toEqual([2345]);
    expect(of(verdicts, 'cleared')).toHaveLength(3999);
    expect(starts).toBeLessThanOrEqual(5);
  });

  test('property: messages that kill alone are convicted, and nobody else', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 300 })
          .chain((n) => fc.record({ n: fc.constant(n), guilty: fc.uniqueArray(fc.nat(n - 1), { maxLength: 6 }) })),
        fc.integer({ min: 2, max: 20 }),
        ({ n, guilty }, pieces) => {
          const { verdicts } = run(n, (_, now) => now.some((message) => guilty.includes(message)), {
            pieces,
            maxStarts: 1000,
          });
          expect(of(verdicts, 'convicted')).toEqual([...guilty].sort((a, b) => a - b));
          expect(of(verdicts, 'untried')).toEqual([]);
        },
      ),
    );
  });

  test('property: one that kills only in a state that an earlier one made', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(), (n, a, b) => {
        const maker = a % (n - 1);
        const killer = maker + 1 + (b % (n - maker - 1));
        const fatal: Fatal = (before, now) => {
          const all = [...before, ...now];
          return now.includes(killer) && all.includes(maker);
        };
        const { verdicts } = run(n, fatal);
        expect(of(verdicts, 'convicted')).toEqual([killer]);
        expect(of(verdicts, 'cleared')).toHaveLength(n - 1);
      }),
    );
  });

  test('deaths that come later than the wait behind a step release nobody', () => {
    const { verdicts, starts } = run(20, (before) => before.includes(7));
    expect(of(verdicts, 'cleared')).toEqual([]);
    expect(of(verdicts, 'not-reproduced')).toEqual([]);
    expect(starts).toBeLessThan(64);
  });

  test('property: whatever kills, what is cleared has been survived together by one instance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
        fc.integer({ min: 2, max: 8 }),
        (n, sets, pieces) => {
          const deadly = sets.map((set) => set.filter((message) => message < n)).filter((set) => set.length > 0);
          const kills = (all: readonly number[]): boolean =>
            deadly.some((set) => set.every((message) => all.includes(message)));
          const { verdicts } = run(n, (before, now) => kills([...before, ...now]), { pieces, maxStarts: 1000 });
          const free = [...of(verdicts, 'cleared'), ...of(verdicts, 'not-reproduced')];
          expect(kills(free)).toBe(false);
        },
      ),
    );
  });

  test('messages that kill only when they come in one go stay together', () => {
    const { verdicts } = run(40, (_, now) => now.includes(3) && now.includes(30));
    expect(new Set(verdicts)).toEqual(new Set(['convicted']));
  });

  test('an instance that does not start ends the trial; nothing is said of anybody', () => {
    const narrowing = new Narrowing(5);
    while (narrowing.next().kind === 'start') narrowing.killed();
    expect(narrowing.next()).toEqual({ kind: 'done' });
    expect(new Set(narrowing.verdicts)).toEqual(new Set(['untried']));
    expect(narrowing.starts).toBe(3);
  });

  test('the number of instances is bounded: what is not known then is untried', () => {
    const { verdicts, starts } = run(1000, (_, now) => now.some((message) => message % 2 === 0), { maxStarts: 6 });
    expect(starts).toBe(6);
    expect(of(verdicts, 'cleared')).toEqual([]);
    expect(of(verdicts, 'untried').length).toBeGreaterThan(0);
  });

  test('giving up: what was convicted stays so, the others are untried', () => {
    const narrowing = new Narrowing(3, { pieces: 3 });
    narrowing.next();
    narrowing.started();
    narrowing.next();
    narrowing.killed();
    narrowing.next();
    narrowing.started();
    narrowing.next();
    narrowing.killed();
    narrowing.giveUp();
    expect(narrowing.next()).toEqual({ kind: 'done' });
    expect(narrowing.verdicts).toEqual(['convicted', 'untried', 'untried']);
  });

  test('a death while nothing is fed is put down to what was fed before', () => {
    const narrowing = new Narrowing(2, { pieces: 2 });
    narrowing.next();
    narrowing.started();
    narrowing.next();
    narrowing.survived();
    narrowing.killed();
    expect(narrowing.next()).toEqual({ kind: 'start' });
    narrowing.started();
    expect(narrowing.next()).toEqual({ kind: 'feed', messages: [0] });
  });
});
