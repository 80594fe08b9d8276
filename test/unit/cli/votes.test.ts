// What `btr votes` makes of its options, and what it prints: times, prefixes, addresses, ballots.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chosen } from '../../../cli/faults/choose.js';
import { filterOf, parseLimit, parsePrefixOption, parseWhen, prefixFilterOf } from '../../../cli/votes/filters.js';
import { renderBallots } from '../../../cli/votes/render-ballots.js';
import { mostSpecific } from '../../../cli/votes/which-prefix.js';
import type { FaultPattern } from '../../../hypervisor/explain/types.js';
import type { BallotReport } from '../../../hypervisor/status.js';
import { covers, parsePrefix } from '../../../wire/prefix-text.js';

const NOW = Date.parse('2026-11-21T14:03:00Z');

describe('times', () => {
  test.each([
    ['10m', '2026-11-21T13:53:00.000Z'],
    ['1.5h', '2026-11-21T12:33:00.000Z'],
    ['3d', '2026-11-18T14:03:00.000Z'],
    ['500ms', '2026-11-21T14:02:59.500Z'],
    ['9:05', '2026-11-21T09:05:00.000Z'],
    ['14:03:07', '2026-11-21T14:03:07.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z'],
    ['2026-11-20 08:00', '2026-11-20T08:00:00.000Z'],
    ['2026-11-20T08:00+02:00', '2026-11-20T06:00:00.000Z'],
    ['2026-11-20T08:00Z', '2026-11-20T08:00:00.000Z'],
  ])('%s', (typed, expected) => expect(new Date(parseWhen(typed, '--since', NOW)).toISOString()).toBe(expected));

  test.each(['', 'yesterday', '10', '25:99', '-5m', '2026-13-40', 'Nov 21', '10m ago'])('not %j', (typed) => {
    expect(() => parseWhen(typed, '--since', NOW)).toThrow('--since is a time');
  });
});

describe('prefixes', () => {
  test('are made canonical; what is none is refused', () => {
    expect(parsePrefixOption('192.0.2.77/24')).toBe('192.0.2.0/24');
    expect(parsePrefixOption('2001:DB8::1/32')).toBe('2001:db8::/32');
    for (const bad of ['', '192.0.2.0/33', '192.0.2/24', 'x', '192.0.2.0/24 ', '1.1.1.1/', '::/129'])
      expect(() => parsePrefixOption(bad)).toThrow('is no prefix');
  });

  test('options that do not go together', () => {
    const options = { prefix: '192.0.2.0/24', covered: false, covering: false, as: undefined };
    expect(prefixFilterOf(options)).toEqual({ prefix: '192.0.2.0/24' });
    expect(prefixFilterOf({ ...options, covering: true, as: 65001 })).toEqual({
      ...{ prefix: '192.0.2.0/24', match: 'covering', as: 65001 },
    });
    expect(() => prefixFilterOf({ ...options, covered: true, covering: true })).toThrow('exclude each other');
    expect(() => prefixFilterOf({ ...options, prefix: undefined, covered: true })).toThrow('need a prefix');
    for (const as of [-1, 1.5, 2 ** 32, NaN]) expect(() => prefixFilterOf({ ...options, as })).toThrow('AS number');
    for (const limit of [0, -1, 1.5, NaN]) expect(() => parseLimit(limit, 5)).toThrow('from 1');
    expect(filterOf({ since: undefined, replica: 'bird' } as never)).toEqual({ replica: 'bird' });
  });

  test('an address stands for the most specific one that covers it', () => {
    expect(mostSpecific(['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/7'])).toBe('10.1.0.0/16');
    expect(mostSpecific(['nonsense'])).toBeUndefined();
    const address = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(address, fc.uniqueArray(fc.nat(32), { minLength: 1 }), (bytes, lengths) => {
        const around = lengths.map((bits) => parsePrefixOption(`${bytes.join('.')}/${bits}`));
        expect(mostSpecific(around)).toBe(around[lengths.indexOf(Math.max(...lengths))]);
      }),
    );
  });

  test('one covers another when all addresses of it do', () => {
    const prefix = fc.tuple(fc.array(fc.constantFrom(0, 128, 255), { minLength: 4, maxLength: 4 }), fc.nat(32));
    const bitsOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(prefix, prefix, ([a, m], [b, n]) => {
        const [outer, inner] = [parsePrefix(`${a.join('.')}/${m}`)!, parsePrefix(`${b.join('.')}/${n}`)!];
        const same = bitsOf(outer.address).slice(0, m) === bitsOf(inner.address).slice(0, m);
        expect(covers(outer, inner)).toBe(m <= n && same);
      }),
    );
    expect(covers(parsePrefix('::/0')!, parsePrefix('0.0.0.0/0')!)).toBe(false);
  });
});

describe('ballots', () => {
  const ballot: BallotReport = {
    ...{
      neighbor: '10.0.2.2',
      prefix: '192.0.2.0/24',
      verdict: { AS_PATH: '1 2', MED: '0' },
      advertised: null,
      rule: 'majority',
    },
    ...{ contested: true, trouble: null, dissent: ['frr'] },
    votes: [
      {
        ...{
          replica: 'frr',
          counts: true,
          agrees: false,
          since: '2026-11-21T14:03:12.345Z',
          attributes: { AS_PATH: '1 2' },
        },
        diff: [{ attribute: 'MED', left: '0', right: undefined }],
      },
      { replica: 'bird', counts: true, agrees: true, since: null, attributes: { AS_PATH: '1 2', MED: '0' } },
      { replica: 'openbgpd', counts: false, agrees: false, since: '2026-11-21T14:00:00.000Z', attributes: null },
    ],
  };

  test('say who says what', () => {
    expect(renderBallots([ballot])).toEqual([
      '192.0.2.0/24 to 10.0.2.2',
      '    verdict: AS_PATH 1 2; MED 0',
      '    ≠ frr          differs since 2026-11-21 14:03:12Z',
      '        MED: verdict 0 — frr (none)',
      '    = bird         agrees',
      '    · openbgpd     no route since 2026-11-21 14:00:00Z (has no say now)',
    ]);
  });

  test('or only who differs, and in what', () => {
    const trouble = { ...ballot, trouble: 'no-majority' as const, votes: ballot.votes.slice(0, 2) };
    expect(renderBallots([trouble], { differences: true })).toEqual([
      '192.0.2.0/24 to 10.0.2.2 (nobody has a majority: it stays as it was)',
      '    ≠ frr          differs since 2026-11-21 14:03:12Z',
      '        MED: verdict 0 — frr (none)',
    ]);
    const unanimous = { ...ballot, votes: ballot.votes.slice(1, 2) };
    expect(renderBallots([unanimous], { differences: true })).toEqual([]);
  });
});

test('patterns are chosen by kind or cause, place, whether they last, and when', () => {
  const pattern = (more: Partial<FaultPattern>): FaultPattern =>
    ({
      ...{ kind: 'different', cause: null, places: ['10.0.2.2'], open: true },
      ...{ first: '2026-11-21T10:00:00Z', last: '2026-11-21T11:00:00Z', ...more },
    }) as FaultPattern;
  const all = [
    pattern({ key: 'open' }),
    pattern({ key: 'over', open: false }),
    pattern({ key: 'table', places: ['fib'] }),
    pattern({ key: 'crash', kind: 'system', cause: 'crash', places: [], open: false }),
  ];
  const keys = (more: object): string[] =>
    chosen(all, { kind: undefined, open: false, ...more } as never).map(({ key }) => key);
  expect(keys({})).toHaveLength(4);
  expect(keys({ kind: ['system'] })).toEqual(['crash']);
  expect(keys({ kind: ['crash,different'] })).toHaveLength(4);
  expect(keys({ neighbor: 'fib' })).toEqual(['table']);
  expect(keys({ open: true })).toEqual(['open', 'table']);
  expect(keys({ since: '2026-11-21T11:30' })).toEqual(['open', 'table']);
  expect(keys({ until: '2026-11-21T09:00' })).toEqual([]);
});
