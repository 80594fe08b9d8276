// Dissents become patterns: equal differences are one, whatever the order they come in; what is over is over; verdicts are sentences.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeOf, keyOfChanges } from '../../../../hypervisor/explain/patterns/changes.js';
import { PatternBook, type Occurrence } from '../../../../hypervisor/explain/patterns/pattern-book.js';
import type { FindingReport } from '../../../../hypervisor/status.js';

const AT = Date.parse('2026-11-21T14:03:00Z');
const PLACES = ['10.0.0.2', '10.0.1.2'];

function dissent(more: Partial<Occurrence> = {}): Occurrence {
  return {
    ...{ replica: 'frr', kind: 'different', place: PLACES[0], prefixes: ['192.0.2.0/24'] },
    ...{ vote: { ORIGIN: 'IGP' }, majority: { ORIGIN: 'IGP', MED: '0' } },
    diff: [{ attribute: 'MED', majority: '0', vote: null }],
    ...{ against: ['bird', 'openbgpd'], first: AT, last: AT, open: true, known: [], finding: null, ...more },
  };
}

function finding(more: Partial<FindingReport> = {}): FindingReport {
  return {
    ...{ id: 1, replica: 'frr', kind: 'different', cause: null, place: PLACES[0], open: true },
    ...{ first: '2026-11-21T10:00:00.000Z', last: '2026-11-21T14:04:00.000Z', since: '2026-11-21T14:03:00.000Z' },
    ...{ prefixes: 1, total: 1, samples: ['192.0.2.0/24'], example: null, text: '', ...more },
  };
}

function patternsOf(occurrences: readonly Occurrence[]) {
  const book = new PatternBook();
  for (const occurrence of occurrences) book.add(occurrence);
  return book.patterns();
}

describe('how one attribute differs', () => {
  const how = (attribute: string, majority: string | null, vote: string | null) => {
    const { how: kind, vote: said, majority: expected } = changeOf({ attribute, majority, vote });
    return [kind, said, expected];
  };

  test.each<[string, string | null, string | null, unknown[]]>([
    ['MED', '0', null, ['absent', null, '0']],
    ['MED', null, '77', ['added', '77', null]],
    ['NEXT_HOP', '10.0.0.1', '10.0.0.9', ['other', '10.0.0.9', '10.0.0.1']],
    ['COMMUNITIES', '65001:1 65001:2', '65001:1', ['lacks', null, '65001:2']],
    ['COMMUNITIES', '65001:1', '65001:1 65001:9', ['adds', '65001:9', null]],
    ['COMMUNITIES', '65001:1 65001:2', '65001:1 65001:9', ['swaps', '65001:9', '65001:2']],
    ['AS_PATH', '65001 1 2', '65000 65001 1 2', ['longer', '65000', null]],
    ['AS_PATH', '65001 1 1 1 2', '65001 1 2', ['shorter', null, '1 1']],
    ['AS_PATH', '65001 1 2', '65001 2 1', ['other', '65001 2 1', '65001 1 2']],
    ['attr 99', 'x (0xc0630001)', 'x (0xe0630001)', ['other', 'flags 0xe0', 'flags 0xc0']],
  ])('%s: %s, but %s', (attribute, majority, vote, expected) => {
    expect(how(attribute, majority, vote)).toEqual(expected);
  });

  const path = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 });

  test('what was put into a path is found, wherever it was put', () => {
    fc.assert(
      fc.property(path, path, fc.nat(6), (short, inserted, where) => {
        fc.pre(inserted.length > 0);
        const at = Math.min(where, short.length);
        const long = [...short.slice(0, at), ...inserted, ...short.slice(at)];
        const text = (list: number[]): string => list.join(' ');
        const longer = changeOf({ attribute: 'AS_PATH', majority: text(short), vote: text(long) });
        expect(longer.how).toBe('longer');
        expect(longer.vote!.split(' ')).toHaveLength(inserted.length);
        expect(changeOf({ attribute: 'AS_PATH', majority: text(long), vote: text(short) })).toMatchObject({
          ...{ how: 'shorter', majority: longer.vote },
        });
      }),
    );
  });

  test('of sets the order does not count, and both sides can be had back', () => {
    const set = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(set, set, (vote, majority) => {
        const change = changeOf({ attribute: 'COMMUNITIES', majority: majority.join(' '), vote: vote.join(' ') });
        const words = (text: string | null): number[] =>
          text === null || text === '' ? [] : text.split(' ').map(Number);
        const extra = vote.filter((one) => !majority.includes(one));
        const missing = majority.filter((one) => !vote.includes(one));
        if (extra.length + missing.length === 0) expect(change.how).toBe('other');
        else expect([words(change.vote), words(change.majority)]).toEqual([extra, missing]);
      }),
    );
  });

  test('kilobytes of an attribute are cut', () => {
    expect(changeOf({ attribute: 'attr 99', majority: null, vote: 'x'.repeat(5000) }).vote).toHaveLength(201);
  });

  test('the values are not part of the kind', () => {
    const key = (vote: string): string => keyOfChanges([changeOf({ attribute: 'MED', majority: '0', vote })]);
    expect(key('1')).toBe(key('2'));
  });
});

describe('patterns', () => {
  test('812 prefixes with one difference are one sentence', () => {
    const prefixes = Array.from({ length: 812 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const [pattern, ...others] = patternsOf(
      prefixes.flatMap((prefix) => PLACES.map((place) => dissent({ place, prefixes: [prefix] }))),
    );
    expect(others).toEqual([]);
    expect(pattern.text).toBe(
      'frr differs from bird and openbgpd on 812 prefixes since 2026-11-21 14:03:00Z, always MED absent instead of 0',
    );
    expect(pattern).toMatchObject({ prefixes: 812, count: 1624, atLeast: false, open: true, places: PLACES });
    expect(pattern.commands).toEqual(['btr votes --explain 10.0.0.0/24', 'btr replica restart frr']);
  });

  const occurrence: fc.Arbitrary<Occurrence> = fc
    .record({
      replica: fc.constantFrom('frr', 'bird'),
      place: fc.constantFrom(...PLACES, 'fib'),
      prefix: fc.nat(20),
      value: fc.constantFrom(null, '1', '2'),
      at: fc.nat(1000),
    })
    .map(({ replica, place, prefix, value, at }) =>
      dissent({
        ...{ replica, place, prefixes: [`10.0.${prefix}.0/24`], first: AT + at, last: AT + at },
        diff: [{ attribute: 'MED', majority: '0', vote: value }],
      }),
    );

  test('come out the same in whatever order dissents come in', () => {
    const facts = (occurrences: readonly Occurrence[]) =>
      patternsOf(occurrences)
        .map(({ key, prefixes, count, first, last, places, open }) => ({
          key,
          prefixes,
          count,
          first,
          last,
          places,
          open,
        }))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
    fc.assert(
      fc.property(
        fc
          .array(occurrence, { maxLength: 30 })
          .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(facts(shuffled)).toEqual(facts(list));
        },
      ),
    );
  });

  test('every dissent is counted once, and every prefix', () => {
    fc.assert(
      fc.property(fc.array(occurrence, { maxLength: 30 }), (list) => {
        const patterns = patternsOf(list);
        expect(patterns.reduce((sum, { count }) => sum + count, 0)).toBe(list.length);
        for (const pattern of patterns) {
          const own = list.filter(
            ({ replica, place, diff }) =>
              replica === pattern.replica &&
              (place === 'fib') === pattern.places.includes('fib') &&
              (diff[0].vote === null) === (pattern.changes[0].how === 'absent'),
          );
          expect(pattern.prefixes).toBe(new Set(own.flatMap(({ prefixes }) => prefixes)).size);
        }
      }),
    );
  });

  test('are over when all of their dissents are, whatever ended them', () => {
    const open = (end: (book: PatternBook) => void): boolean => {
      const book = new PatternBook();
      for (const place of PLACES) book.add(dissent({ place, prefixes: ['192.0.2.0/24', '198.51.100.0/24'] }));
      end(book);
      return book.patterns()[0].open;
    };
    const both = ['192.0.2.0/24', '198.51.100.0/24'];
    expect(open(() => undefined)).toBe(true);
    expect(open((book) => book.end('frr', AT, { place: PLACES[0], prefixes: both }))).toBe(true);
    expect(open((book) => PLACES.forEach((place) => book.end('frr', AT, { place, prefixes: both })))).toBe(false);
    expect(open((book) => PLACES.forEach((place) => book.end('frr', AT, { place })))).toBe(false);
    expect(open((book) => book.end('frr', AT, {}))).toBe(false);
    expect(open((book) => book.end('bird', AT, {}))).toBe(true);
    expect(open((book) => book.end('frr', AT, { kind: 'missing' }))).toBe(true);
  });

  test('many values are three, and it is said that there are more', () => {
    const [pattern] = patternsOf(
      ['1', '2', '3', '4'].map((vote, i) =>
        dissent({ prefixes: [`10.0.${i}.0/24`], diff: [{ attribute: 'MED', majority: '0', vote }] }),
      ),
    );
    expect(pattern.changes[0].vote).toEqual({ values: ['1', '2', '3'], more: true });
    expect(pattern.text).toMatch(/, for instance MED 1 instead of 0$/);
  });

  test('two thousand are told apart; what comes beyond is counted', () => {
    const book = new PatternBook();
    for (let i = 0; i < 2010; i++) book.add(dissent({ diff: [{ attribute: `attr ${i}`, majority: null, vote: '1' }] }));
    expect(book.patterns()).toHaveLength(2000);
    expect(book.dropped).toBe(10);
  });
});

describe('findings without single dissents', () => {
  const text = (more: Partial<FindingReport>, against: string[] = []): string => {
    const book = new PatternBook();
    book.addFinding(finding(more), against);
    return book.patterns()[0].text;
  };
  const example = {
    prefix: '192.0.2.0/24',
    vote: { MED: '77' },
    majority: { MED: '0' },
    diff: [{ attribute: 'MED', majority: '0', vote: '77' }],
  };

  test('one example is not said to hold always', () => {
    expect(text({ total: 40, prefixes: 40, example })).toBe(
      'frr differs from the majority on 40 prefixes since 2026-11-21 14:03:00Z, for instance MED 77 instead of 0',
    );
    expect(text({ example }, ['bird'])).toMatch(/^frr differs from bird on one prefix .*, MED 77 instead of 0$/);
  });

  test('what came back counts since it came back, what is over from the first time', () => {
    expect(text({ example })).toContain('since 2026-11-21 14:03:00Z');
    expect(text({ example, open: false, since: null })).toContain('from 2026-11-21 10:00:00Z to 2026-11-21 14:04:00Z');
  });

  test('in the forwarding table the next hops differ', () => {
    const hops = (hop: string) => ({ 'next hops': hop });
    const fib = {
      prefix: '192.0.2.0/24',
      vote: hops('via 10.0.0.9 dev eth0'),
      majority: hops('via 10.0.0.1 dev eth0'),
      diff: [],
    };
    expect(text({ place: 'fib', example: fib }, ['bird', 'openbgpd'])).toBe(
      'frr differs from bird and openbgpd on one prefix in the forwarding table since 2026-11-21 14:03:00Z, ' +
        'next hops via 10.0.0.9 dev eth0 instead of via 10.0.0.1 dev eth0',
    );
  });

  test.each<[Partial<FindingReport>, string]>([
    [
      { cause: 'crash', text: 'exited with signal SIGSEGV' },
      'frr crashed at 2026-11-21 14:04:00Z, and has not voted since: exited with signal SIGSEGV',
    ],
    [
      { cause: 'hang', open: false, total: 3 },
      'frr hung 3 times since 2026-11-21 10:00:00Z, last at 2026-11-21 14:04:00Z',
    ],
    [
      { cause: 'notification', place: PLACES[0], open: false },
      'frr sent a NOTIFICATION towards 10.0.0.2 at 2026-11-21 14:04:00Z',
    ],
    [{ cause: 'something new', open: false }, 'frr failed at 2026-11-21 14:04:00Z'],
  ])('system events: %j', (more, expected) => {
    expect(text({ kind: 'system', place: null, samples: [], prefixes: 0, since: null, ...more })).toBe(expected);
  });

  test('what asks most for something to be done comes first', () => {
    const book = new PatternBook();
    const system = { kind: 'system', place: null, samples: [], prefixes: 0, since: null };
    book.addFinding(finding({ id: 1, replica: 'old', open: false, since: null, last: '2026-11-21T11:00:00.000Z' }));
    book.addFinding(finding({ id: 2, replica: 'known', kind: 'known-difference', text: 'habit' }));
    book.addFinding(finding({ id: 3, replica: 'small' }));
    book.addFinding(finding({ id: 4, replica: 'table', place: 'fib', prefixes: 9, total: 9 }));
    book.addFinding(finding({ id: 5, replica: 'large', prefixes: 9, total: 9 }));
    book.addFinding(
      finding({ ...system, id: 6, replica: 'crashed', cause: 'crash', open: false, last: '2026-11-21T12:00:00.000Z' }),
    );
    book.addFinding(finding({ ...system, id: 7, replica: 'gone', cause: 'crash' }));
    expect(book.patterns().map(({ replica }) => replica)).toEqual([
      ...['gone', 'large', 'table', 'small', 'crashed', 'old', 'known'],
    ]);
  });
});
