// The ring of samples behind the charts: what it keeps, and how several points become one.
import { expect, test } from 'vitest';
import { Merger, Series } from '../../../../hypervisor/http/dashboard/series.js';

test('a series keeps the last points, oldest first, and knows what was not measured', () => {
  const series = new Series(['t', 'value'], 3);
  for (let t = 1; t <= 5; t++) series.push([t, t === 4 ? NaN : t / 3]);
  expect(series.size).toBe(3);
  expect(series.columns()).toEqual({ t: [3, 4, 5], value: [1, null, 1.667] });
});

test('points become one column by column: mean, largest, last; what was not measured does not count', () => {
  const merger = new Merger(['mean', 'max', 'last', 'mean']);
  merger.add([1, -5, 7, NaN]);
  merger.add([NaN, -9, 8, NaN]);
  merger.add([2, -7, NaN, NaN]);
  expect(merger.size).toBe(3);
  expect([...merger.take()]).toEqual([1.5, -5, 8, NaN]);
  expect(merger.size).toBe(0);
  merger.add([4, -1, 2, 3]);
  expect([...merger.take()]).toEqual([4, -1, 2, 3]);
});
