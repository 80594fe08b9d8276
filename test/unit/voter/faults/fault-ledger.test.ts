// What the ledger makes of the dissents of real voters: one finding for each replica, place and kind, nothing against replicas that are
// merely slow or whose routes flap, and numbers that agree with the voters' own whatever was lost on the way.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultLedger, type LedgerContext } from '../../../../voter/faults/fault-ledger.js';
import type { Finding } from '../../../../voter/faults/types.js';
import type { VoterOptions } from '../../../../voter/types.js';
import { Rig, T } from '../helpers.js';

const FAULT = 5 * T;
/** Votes of 100 and above are explained. */
const HABIT = 100;

class LedgerRig extends Rig {
  readonly ledger: FaultLedger;
  readonly news: string[] = [];

  constructor(replicas = 3, options: VoterOptions = {}, more: { maxDissents?: number; maxFindings?: number } = {}) {
    super('continuous-majority', replicas, options);
    const context: LedgerContext = {
      isVoting: (r) => this.electorate.has(r),
      attributes: (id) => (id === 0 ? null : Uint8Array.of(0x40, 1, 1, id)),
      prefixText: (id) => `10.0.${id}.0/24`,
      findPrefix: (text) => Number(text.split('.')[2]),
      placeText: (place) => `at ${place}`,
      explainRefusal: (_r, prefix) => (prefix === '10.0.200.0/24' ? ['refuses'] : undefined),
      explain: ({ vote }) => (vote >= HABIT ? [`habit-${vote - HABIT}`] : undefined),
    };
    this.ledger = new FaultLedger(replicas, context, { faultThreshold: FAULT, ...more });
  }

  override pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + T / 8);
      while (this.voter.tick(this.now, 7));
      const events = this.voter.drainEvents();
      this.events.push(...events);
      this.ledger.voted(0, this.voter, events, this.now);
      this.ledger.tick(this.now);
      for (const { type, finding } of this.ledger.takeNews()) {
        this.news.push(`${type} ${finding.replica} ${finding.cause ?? finding.kind}`);
      }
    }
  }

  get open(): Finding[] {
    return this.ledger.findings().filter((finding) => finding.open);
  }

  /** Prefixes that findings say replica r dissents on. */
  found(r: number): number {
    return this.open.filter(({ replica }) => replica === r).reduce((sum, { prefixes }) => sum + prefixes, 0);
  }
}

describe('findings', () => {
  test.each([
    { kind: 'missing', votes: [7, 7, 0] },
    { kind: 'extra', votes: [0, 0, 7] },
    { kind: 'different', votes: [7, 7, 8] },
    { kind: 'known-difference', votes: [7, 7, HABIT] },
  ] as const)('$kind: one for all prefixes, with an example, until the last has ended', ({ kind, votes }) => {
    const rig = new LedgerRig();
    for (let prefix = 1; prefix <= 30; prefix++) rig.vote(prefix, ...votes);
    rig.pass(2 * T);
    expect(rig.ledger.findings()).toHaveLength(1);
    const [finding] = rig.ledger.findings();
    expect(finding).toMatchObject({ replica: 2, kind, place: 0, open: true, prefixes: 30, total: 30 });
    expect(finding.samples).toHaveLength(20);
    const bytes = (id: number): Uint8Array | null => (id === 0 ? null : Uint8Array.of(0x40, 1, 1, id));
    expect(finding.example).toEqual({ prefix: '10.0.1.0/24', vote: bytes(votes[2]), majority: bytes(votes[0]) });
    for (let prefix = 1; prefix <= 29; prefix++) rig.vote(prefix, undefined, undefined, votes[0]);
    rig.pass(T);
    expect(finding).toMatchObject({ open: true, prefixes: 1 });
    rig.vote(30, undefined, undefined, votes[0]);
    rig.pass(T);
    expect(finding).toMatchObject({ open: false, prefixes: 0, total: 30 });
    expect(rig.news).toEqual([`begins 2 ${kind}`, `ends 2 ${kind}`]);
    const fault = kind === 'known-difference' ? 0 : 1;
    expect(rig.ledger.counts(2)).toEqual({ open: 0, found: fault, known: 0 });
    expect(rig.ledger.counts(0)).toEqual({ open: 0, found: 0, known: 0 });
  });

  test('what comes back within the hour is the same finding, later another', () => {
    const rig = new LedgerRig();
    const once = (): void => {
      rig.vote(1, 7, 7, 8);
      rig.pass(2 * T);
      rig.vote(1, 7, 7, 7);
      rig.pass(2 * T);
    };
    once();
    once();
    expect(rig.ledger.findings()).toMatchObject([{ id: 1, total: 2, open: false }]);
    rig.now += 3_601_000;
    once();
    expect(rig.ledger.findings().map(({ id, total }) => [id, total])).toEqual([
      [2, 1],
      [1, 2],
    ]);
  });

  test('a wrong vote that becomes another wrong vote, and a fault that becomes a habit', () => {
    const rig = new LedgerRig();
    rig.vote(1, 7, 7, HABIT);
    rig.pass(2 * T);
    rig.vote(1, undefined, undefined, 8);
    rig.pass(2 * T);
    expect(rig.open).toMatchObject([{ kind: 'different', prefixes: 1 }]);
    rig.vote(1, undefined, undefined, HABIT);
    rig.pass(2 * T);
    rig.vote(2, 7, 7, HABIT + 1);
    rig.pass(2 * T);
    expect(rig.open).toMatchObject([{ kind: 'known-difference', prefixes: 2, text: 'habit-0, habit-1' }]);
  });

  test('system events are one finding for each cause, open until the replica votes again', () => {
    const rig = new LedgerRig();
    rig.pass(T);
    const fault = { replica: 1, cause: 'crash' as const, reason: 'exited with signal SIGSEGV', at: rig.now };
    rig.ledger.system(fault);
    rig.electorate.leave(1);
    rig.pass(T);
    rig.ledger.system({ ...fault, reason: 'exited with signal SIGABRT', at: rig.now });
    rig.ledger.system({ ...fault, cause: 'session', neighbor: 0, at: rig.now });
    rig.pass(T);
    expect(rig.open).toMatchObject([
      { kind: 'system', cause: 'session', place: 0, total: 1 },
      { kind: 'system', cause: 'crash', place: undefined, total: 2, text: 'exited with signal SIGABRT' },
    ]);
    rig.electorate.join(1);
    rig.pass(T);
    expect(rig.open).toEqual([]);
    expect(rig.ledger.counts(1)).toEqual({ open: 0, found: 2, known: 0 });
    expect(rig.news).toEqual(['begins 1 crash', 'begins 1 session', 'ends 1 crash', 'ends 1 session']);
  });

  test('a replica that leaves dissents no longer, nor does anybody to a neighbour that is gone', () => {
    const rig = new LedgerRig();
    rig.vote(1, 7, 7, 8);
    rig.vote(2, 7, 7);
    rig.pass(2 * T);
    expect(rig.open).toHaveLength(2);
    rig.electorate.leave(2);
    rig.pass(T);
    expect(rig.open).toEqual([]);
    rig.electorate.join(2);
    rig.pass(3 * T);
    expect(rig.open).toHaveLength(2);
    rig.ledger.placeGone(0, rig.now);
    expect(rig.open).toEqual([]);
  });

  test('those that are over are bounded, those that are open stay', () => {
    const rig = new LedgerRig(5, {}, { maxFindings: 3 });
    rig.vote(1, 7, 7, 7, 7, 8);
    rig.pass(2 * T);
    for (let i = 0; i < 10; i++) {
      rig.now += 3_601_000;
      rig.ledger.system({ replica: 0, cause: 'killed', reason: 'killed', at: rig.now });
      rig.electorate.leave(0);
      rig.pass(T);
      rig.electorate.join(0);
      rig.pass(T);
    }
    expect(rig.ledger.findings().map(({ id, open }) => [id, open])).toEqual([
      [1, true],
      [11, false],
      [10, false],
    ]);
    expect(rig.ledger.counts(0).found).toBe(10);
  });

  test('of the forwarding table the thread’s own counts are taken', () => {
    const rig = new LedgerRig();
    const sample = { prefix: '10.0.9.0/24', vote: 'via 10.0.0.1 dev a', majority: null };
    const dissent = { replica: 2, kind: 'extra' as const, open: 40, lasting: 30, since: rig.now, samples: [sample] };
    rig.ledger.forwarded([dissent], rig.now);
    expect(rig.open).toMatchObject([{ replica: 2, kind: 'extra', place: 'fib', prefixes: 40, example: sample }]);
    expect(rig.ledger.persistent(2, rig.now + FAULT)).toMatchObject({ count: 30, prefixes: [9], since: rig.now });
    expect(rig.ledger.persistent(1, rig.now + FAULT)).toBeUndefined();
    rig.ledger.forwarded([dissent, { ...dissent, replica: 7 }], rig.now);
    expect(rig.open).toHaveLength(1);
    rig.ledger.forwarded([], rig.now);
    expect(rig.open).toEqual([]);
    expect(rig.ledger.persistent(2, rig.now + FAULT)).toBeUndefined();
  });
});

describe('routes that a daemon is known to refuse', () => {
  const [known, other] = ['10.0.200.0/24', '10.0.9.0/24'].map((prefix) => ({ prefix, vote: null, majority: 'via a' }));

  test.each([
    { what: 'all', open: 50, samples: [known, known], faults: 0, habits: 50 },
    { what: 'some', open: 50, samples: [known, other], faults: 49, habits: 1 },
    { what: 'none', open: 50, samples: [other], faults: 50, habits: 0 },
  ])('$what of what is missing in the forwarding table', ({ open, samples, faults, habits }) => {
    const rig = new LedgerRig();
    rig.ledger.forwarded([{ replica: 2, kind: 'missing', open, lasting: open, since: rig.now, samples }], rig.now);
    const of = (kind: string): number => rig.open.find((finding) => finding.kind === kind)?.prefixes ?? 0;
    expect([of('missing'), of('known-difference')]).toEqual([faults, habits]);
    expect(rig.ledger.persistent(2, rig.now + FAULT)?.count ?? 0).toBe(faults);
    rig.ledger.forwarded([], rig.now);
    expect(rig.open).toEqual([]);
  });
});

describe('nothing is found against', () => {
  test('a replica that is behind, or hangs', () => {
    const rig = new LedgerRig();
    rig.caughtUp[2] = rig.now - 1;
    for (let prefix = 1; prefix <= 50; prefix++) {
      rig.inputs.set(prefix, rig.now);
      rig.vote(prefix, 7, 7);
    }
    rig.pass(30 * T);
    expect(rig.ledger.findings()).toEqual([]);
    for (let prefix = 1; prefix <= 50; prefix++) rig.vote(prefix, undefined, undefined, 7);
    rig.caughtUp[2] = Infinity;
    rig.pass(10 * T);
    expect(rig.ledger.findings()).toEqual([]);
  });

  test('anybody while a route flaps: that is an oscillation', () => {
    const rig = new LedgerRig();
    for (let i = 0; i < 60; i++) {
      rig.inputs.set(1, rig.now);
      const value = 7 + (i & 1);
      rig.vote(1, value, value);
      rig.pass(T / 8);
      rig.vote(1, undefined, undefined, value);
      rig.pass(T / 2);
    }
    rig.pass(5 * T);
    expect(rig.log.filter((line) => !line.startsWith('verdict'))).toEqual(['oscillation-begins', 'oscillation-ends']);
    expect(rig.ledger.findings()).toEqual([]);
  });

  test('healthy replicas, whatever their delays and whatever the order of inputs', () => {
    const input = fc.record({
      prefix: fc.integer({ min: 1, max: 4 }),
      value: fc.nat(3),
      gap: fc.integer({ min: 0, max: 3 * T }),
      delays: fc.array(fc.integer({ min: 0, max: 8 * T }), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 25 }), (inputs) => {
        const rig = new LedgerRig();
        // Each replica works its inputs off in order; it has caught up with all that came before the first it still has to do.
        const queues: { due: number; at: number; prefix: number; value: number }[][] = [[], [], []];
        const run = (ms: number): void => {
          for (const end = rig.now + ms; rig.now < end;) {
            queues.forEach((queue, r) => {
              while (queue.length > 0 && queue[0].due <= rig.now) {
                const { prefix, value } = queue.shift()!;
                rig.voter.vote(r, prefix, value, rig.now);
              }
              rig.caughtUp[r] = queue.length > 0 ? queue[0].at : Infinity;
            });
            rig.pass(Math.min(T / 8, end - rig.now));
          }
        };
        for (const { prefix, value, gap, delays } of inputs) {
          rig.inputs.set(prefix, rig.now);
          delays.forEach((delay, r) => {
            const before = queues[r].at(-1)?.due ?? 0;
            queues[r].push({ due: Math.max(before, rig.now + delay), at: rig.now, prefix, value });
            rig.caughtUp[r] = Math.min(rig.caughtUp[r], queues[r][0].at);
          });
          run(gap);
        }
        run(20 * T);
        expect(rig.ledger.findings()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what lasts', () => {
  test('is told after the fault threshold, without known differences, and of each prefix once', () => {
    const rig = new LedgerRig();
    const second = new LedgerRig();
    for (const prefix of [1, 2, 3]) {
      rig.vote(prefix, 7, 7, prefix === 3 ? HABIT : 8);
      second.vote(prefix, 7, 7, prefix === 3 ? HABIT : 8);
    }
    rig.pass(2 * T);
    second.now = rig.now - 2 * T;
    second.pass(2 * T);
    rig.ledger.voted(1, second.voter, second.events, rig.now);
    const found = Math.max(...rig.open.map(({ first }) => first));
    expect(rig.ledger.persistent(2, found + FAULT - 1)).toBeUndefined();
    expect(rig.ledger.persistent(2, found + FAULT + 300)).toMatchObject({ count: 2, prefixes: [1, 2], since: found });
    expect(rig.ledger.persistent(2, found + FAULT + 300)!.text).toMatch(/other routes .*10\.0\.1\.0\/24.*ORIGIN/);
    expect(rig.ledger.persistent(0, found + FAULT + 300)).toBeUndefined();
    for (const voter of [rig.voter, second.voter]) for (const prefix of [1, 2]) voter.abstain(2, prefix, rig.now);
    rig.pass(2 * T);
    rig.ledger.voted(1, second.voter, [], rig.now);
    expect(rig.ledger.persistent(2, rig.now + 2 * FAULT)).toBeUndefined();
    expect(rig.open.map(({ kind }) => kind)).toEqual(['known-difference', 'known-difference']);
  });

  test('is not told of a dissent that began again', () => {
    const rig = new LedgerRig();
    rig.vote(1, 7, 7, 8);
    rig.pass(2 * T);
    for (let i = 0; i < 5; i++) {
      rig.vote(1, undefined, undefined, 7);
      rig.vote(1, undefined, undefined, 8);
      rig.pass(3 * T);
      expect(rig.ledger.persistent(2, rig.now)).toBeUndefined();
    }
    rig.pass(FAULT);
    expect(rig.ledger.persistent(2, rig.now)).toMatchObject({ count: 1, prefixes: [1] });
  });
});

describe('the number of dissents is the voter’s own', () => {
  test('when events were dropped', () => {
    const rig = new LedgerRig(3, { maxEvents: 5 });
    for (let prefix = 1; prefix <= 40; prefix++) rig.vote(prefix, 7, 7, prefix % 2 ? 0 : HABIT);
    rig.pass(3 * T);
    expect(rig.voter.stats().eventsDropped).toBeGreaterThan(0);
    expect(rig.open.map(({ kind, prefixes }) => [kind, prefixes])).toContainEqual(['missing', 20]);
    expect(rig.found(2)).toBe(40);
    for (let prefix = 1; prefix <= 40; prefix++) rig.vote(prefix, undefined, undefined, 7);
    rig.pass(2 * T);
    expect(rig.open).toEqual([]);
  });

  test('up to the bound on dissents that are followed', () => {
    const rig = new LedgerRig(3, {}, { maxDissents: 10 });
    for (let prefix = 1; prefix <= 40; prefix++) rig.vote(prefix, 7, 7);
    rig.pass(4 * T);
    expect(rig.found(2)).toBe(10);
    for (let prefix = 1; prefix <= 30; prefix++) rig.vote(prefix, undefined, undefined, 7);
    rig.pass(3 * T);
    expect(rig.found(2)).toBe(10);
    for (let prefix = 31; prefix <= 40; prefix++) rig.vote(prefix, undefined, undefined, 7);
    rig.pass(3 * T);
    expect(rig.open).toEqual([]);
  });

  const step = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant('vote' as const),
        r: fc.nat(3),
        prefix: fc.integer({ min: 1, max: 5 }),
        value: fc.constantFrom(0, 7, 8, HABIT),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom('join', 'leave', 'forget', 'session'), r: fc.nat(3) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('abstain', 'release'),
        r: fc.nat(3),
        prefix: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3 * T }) }) },
  );

  test('after anything that voters do without a word', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(3, 65536), (steps, maxEvents) => {
        const rig = new LedgerRig(4, { maxEvents });
        for (const s of steps) {
          if (s.kind === 'vote') rig.voter.vote(s.r, s.prefix, s.value, rig.now);
          else if (s.kind === 'join') rig.electorate.join(s.r);
          else if (s.kind === 'leave') rig.electorate.leave(s.r);
          else if (s.kind === 'forget') rig.voter.forget(s.r);
          else if (s.kind === 'session') rig.ledger.placeGone(0, rig.now);
          else if (s.kind === 'pass') rig.pass(s.ms);
          else if ('prefix' in s) rig.voter[s.kind](s.r, s.prefix, rig.now);
        }
        rig.pass(4 * T);
        for (let r = 0; r < 4; r++) expect(rig.found(r)).toBe(rig.voter.dissentCount(r));
        for (const finding of rig.open) expect(finding.prefixes).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
