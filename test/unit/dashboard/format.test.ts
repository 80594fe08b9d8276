// Numbers and times as the dashboard shows them.
import { expect, test } from 'vitest';
import { pageModule } from '../../support/page-module.js';

type Format = Record<'count' | 'short' | 'milliseconds' | 'bytes' | 'duration', (value: unknown) => string> & {
  percent(part: number, whole: number): string;
  clock(time: string | number, now?: number): string;
  since(time: string, now: number): string;
  list(names: string[]): string;
  many(value: number, one: string, more?: string): string;
};
const format = await pageModule<Format>('format.js');

test.each([
  ['count', 1234567.4, '1,234,567'],
  ['count', undefined, '–'],
  ['short', 0, '0'],
  ['short', 0.26, '0.3'],
  ['short', 9.96, '10'],
  ['short', 2.04, '2'],
  ['short', 9994, '9,994'],
  ['short', 9996, '10 k'],
  ['short', 12_345, '12.3 k'],
  ['short', 99_960, '100 k'],
  ['short', 999_499, '999 k'],
  ['short', 999_600, '1 M'],
  ['short', 12_345_678, '12 M'],
  ['short', NaN, '–'],
  ['milliseconds', 0, '0 ms'],
  ['milliseconds', 0.0421, '42 µs'],
  ['milliseconds', 0.0996, '0.1 ms'],
  ['milliseconds', 9.96, '10 ms'],
  ['milliseconds', 999.6, '1 s'],
  ['milliseconds', 1234, '1.2 s'],
  ['milliseconds', 12_345, '12 s'],
  ['milliseconds', null, '–'],
  ['bytes', 1023, '1023 B'],
  ['bytes', 1536, '1.5 KiB'],
  ['bytes', 512 << 20, '512 MiB'],
  ['duration', 59.4, '59 s'],
  ['duration', 252, '4 min 12 s'],
  ['duration', 11_100, '3 h 5 min'],
  ['duration', 791_999, '9 d 3 h'],
  ['duration', -5, '0 s'],
] as const)('%s(%j) is %s', (name, value, text) => {
  expect(format[name](value)).toBe(text);
});

test('nearly all is never 100 %', () => {
  expect(format.percent(10, 10)).toBe('100 %');
  expect(format.percent(999_999_999, 1_000_000_000)).toBe('99.999 %');
  expect(format.percent(396, 400)).toBe('99 %');
  expect(format.percent(1, 3)).toBe('33.3 %');
  expect(format.percent(0, 0)).toBe('–');
});

test('times are in UTC, as in the logs, with the day when it is another', () => {
  const now = Date.parse('2026-03-01T00:10:00Z');
  expect(format.clock('2026-03-01T00:03:22.999Z', now)).toBe('00:03:22');
  expect(format.clock(Date.parse('2026-02-28T23:59:59Z'), now)).toBe('2026-02-28 23:59:59');
  expect(format.clock('no time', now)).toBe('–');
  expect(format.since('2026-03-01T00:05:48Z', now)).toBe('00:05:48 (4 min 12 s)');
});

test('names are put together as in a sentence', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(format.list)).toEqual(['', 'a', 'a and b', 'a, b and c']);
  expect([format.many(1, 'prefix', 'prefixes'), format.many(2000, 'ballot')]).toEqual(['1 prefix', '2,000 ballots']);
});
