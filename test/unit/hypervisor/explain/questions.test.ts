// Questions to `votes` and `faults` as they come over the control socket: anything at all gets an answer or one clear error, and what a
// question is about is judged right.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBallotQuery } from '../../../../hypervisor/ballots/query.js';
import { concerns, parseFaultsQuery, type FaultsQuery } from '../../../../hypervisor/explain/finding-filter.js';
import type { FindingReport } from '../../../../hypervisor/status.js';
import { LogError } from '../../../../votelog/errors.js';
import { Matcher } from '../../../../votelog/matcher.js';
import { INCIDENT } from '../../../support/incident.js';

const context = {
  config: {
    neighbors: [{ address: '10.0.1.2' }, { address: '10.0.2.2' }, { address: '10.0.3.2', removed: true }],
    replicas: [{ name: 'frr' }, { name: 'bird' }],
  },
} as never;

const NAMES = [
  'prefix',
  'match',
  'neighbor',
  'replica',
  'as',
  'state',
  'from',
  'to',
  'limit',
  'after',
  'by',
  'all',
  '__proto__',
];
const question = fc.dictionary(
  fc.constantFrom(...NAMES),
  fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.string({ unit: 'binary' })),
);

describe('any question', () => {
  test.each([
    ['votes', parseBallotQuery],
    ['faults', parseFaultsQuery],
  ])('to %s is understood or refused in words', (_, parse) => {
    fc.assert(
      fc.property(question, (query) => {
        try {
          const filter = parse(query as never, context);
          expect(filter.limit).toBeLessThanOrEqual(20_000);
          expect(Number.isNaN(filter.from + filter.limit)).toBe(false);
        } catch (error) {
          // Not a TypeError: nobody is told of undefined.
          expect((error as Error).constructor).toBe(Error);
          expect((error as Error).message).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('to a log, too', () => {
    fc.assert(
      fc.property(question, fc.constantFrom(...INCIDENT), ({ prefix, ...rest }, record) => {
        let matcher: Matcher;
        try {
          matcher = new Matcher({ ...rest, ...(typeof prefix === 'string' ? { prefix } : {}) } as never);
        } catch (error) {
          expect(error).toBeInstanceOf(LogError);
          return;
        }
        expect(typeof matcher.matches(record)).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });

  test.each<[object, string]>([
    [{ prefix: '192.0.2.0/33' }, 'is no prefix'],
    [{ prefix: ['192.0.2.0/24', {}] }, 'is no prefix'],
    [{ match: 'like' }, '"match" is'],
    [{ neighbor: '10.9.9.9' }, 'there is no neighbour 10.9.9.9'],
    [{ neighbor: '10.0.3.2' }, 'there is no neighbour'],
    [{ replica: 'x' }, 'there is no replica "x"; there are: frr, bird'],
    [{ as: 'many' }, '"as" is a number'],
    [{ state: '__proto__' }, 'there are no ballots of the kind'],
    [{ by: 'colour' }, 'there is no summary by'],
    [{ after: '0:0; drop' }, '"after" is what'],
  ])('%j', (query, message) => expect(() => parseBallotQuery(query as never, context)).toThrow(message));
});

describe('what a finding is about', () => {
  const finding: FindingReport = {
    ...{
      id: 1,
      replica: 'bird',
      kind: 'different',
      cause: null,
      place: '10.0.2.2',
      open: true,
      first: '',
      last: '',
      since: null,
    },
    ...{ prefixes: 1, total: 1, samples: ['192.0.2.0/24'], text: '' },
    example: { prefix: '192.0.2.0/24', vote: { AS_PATH: '65001 {7 8}' }, majority: null, diff: [] },
  };
  const is = (query: FaultsQuery, more: Partial<FindingReport> = {}): boolean =>
    concerns({ ...finding, ...more }, query, parseFaultsQuery(query, context));

  test.each<[FaultsQuery, boolean]>([
    [{}, true],
    [{ neighbor: '10.0.2.2' }, true],
    [{ neighbor: '10.0.1.2' }, false],
    [{ neighbor: 'fib' }, false],
    [{ prefix: '192.0.2.0/24' }, true],
    [{ prefix: '192.0.2.0/25' }, false],
    [{ prefix: '192.0.0.0/16', match: 'covered' }, true],
    [{ prefix: '192.0.0.0/16' }, false],
    [{ prefix: '192.0.2.128/25', match: 'covering' }, true],
    [{ prefix: '2001:db8::/32', match: 'covered' }, false],
    [{ as: 8 }, true],
    [{ as: 65 }, false],
  ])('%j: %s', (query, expected) => expect(is(query)).toBe(expected));

  test('the forwarding table is a place, and a crash has none', () => {
    expect(is({ neighbor: 'fib' }, { place: 'fib' })).toBe(true);
    expect(is({ neighbor: '10.0.1.2' }, { place: null })).toBe(true);
    expect(is({ prefix: '192.0.2.0/24' }, { place: null, samples: [], example: null })).toBe(false);
  });
});
