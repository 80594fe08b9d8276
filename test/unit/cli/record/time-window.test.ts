// How people say when.
import { describe, expect, test } from 'vitest';
import { parseMoment, parseWindow } from '../../../../cli/record/time-window.js';

const NOW = new Date(2026, 2, 14, 12, 0, 0).getTime();
const local = (...of: [number, number, number, number, number, number?]): number => new Date(...of).getTime();

describe('a moment', () => {
  test.each([
    ['2026-03-14T09:30:00Z', Date.UTC(2026, 2, 14, 9, 30)],
    ['2026-03-14T09:30', local(2026, 2, 14, 9, 30)],
    ['9:30', local(2026, 2, 14, 9, 30)],
    ['09:30:15', local(2026, 2, 14, 9, 30, 15)],
    // Later than now: it was yesterday.
    ['14:03', local(2026, 2, 13, 14, 3)],
    ['30m', NOW - 1_800_000],
    ['90s', NOW - 90_000],
  ])('%s', (text, expected) => {
    expect(parseMoment(text, '--since', NOW)).toBe(expected);
  });

  test.each(['', 'yesterday', '25:00', '2026-03-99', '-5m'])('not %j', (text) => {
    expect(() => parseMoment(text, '--since', NOW)).toThrow('--since is a time');
  });
});

test('a window: the last hour unless something else is said, and never backwards', () => {
  expect(parseWindow(undefined, undefined, NOW)).toEqual({ since: NOW - 3_600_000, until: NOW });
  expect(parseWindow('2h', '1h', NOW)).toEqual({ since: NOW - 7_200_000, until: NOW - 3_600_000 });
  expect(() => parseWindow('1h', '2h', NOW)).toThrow('--since is not before --until');
});
