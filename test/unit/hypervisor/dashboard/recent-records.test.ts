// The vote log's lines as the dashboard gets them: which, how many, how long.
import { expect, test } from 'vitest';
import { RecentRecords } from '../../../../hypervisor/http/dashboard/recent-records.js';

const line = (n: number, more: object = {}): string => JSON.stringify({ v: 1, n, kind: 'verdict', ...more });
const numbers = (records: object[] | undefined): number[] => (records as { n: number }[]).map(({ n }) => n);

test('a burst is cut to twenty lines, and how many are missing is said', () => {
  const recent = new RecentRecords();
  expect(recent.take()).toBeUndefined();
  for (let n = 0; n < 35; n++) recent.note(line(n), 'verdict');
  const news = recent.take()!;
  expect([numbers(news.records), news.leftOut]).toEqual([Array.from({ length: 20 }, (_, n) => n), 15]);
  expect(recent.take()).toBeUndefined();
});

test('what happens all the time is no news', () => {
  const recent = new RecentRecords();
  recent.note(line(1), 'decision');
  recent.note(line(2), 'input');
  recent.note(line(3), 'fault-begins');
  expect(numbers(recent.take()!.records)).toEqual([3]);
});

test('who comes later gets the last 200 lines, whether anybody listened meanwhile or not', () => {
  const recent = new RecentRecords();
  for (let n = 0; n < 300; n++) {
    recent.note(line(n), 'verdict');
    if (n % 10 === 9) recent.skip();
  }
  expect(recent.take()).toBeUndefined();
  expect(numbers(recent.all())).toEqual(Array.from({ length: 200 }, (_, i) => 100 + i));
});

test('long lines are shown without their prefixes, or not at all, and all kept ones together are bounded', () => {
  const recent = new RecentRecords();
  recent.note(line(1, { nlri: { 'ipv4-unicast': 'x'.repeat(20_000) }, prefixes: 5000 }), 'verdict');
  recent.note(line(2, { text: 'x'.repeat(20_000) }), 'verdict');
  const news = recent.take()!;
  expect(news).toEqual({ records: [{ v: 1, n: 1, kind: 'verdict', prefixes: 5000 }], leftOut: 1 });
  for (let n = 0; n < 100; n++) {
    recent.note(line(n, { text: 'x'.repeat(16_000) }), 'verdict');
    recent.skip();
  }
  const kept = recent.all();
  expect(kept).toHaveLength(16);
  expect(kept.at(-1)).toMatchObject({ n: 99 });
});
