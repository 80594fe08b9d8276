// Who is given whose messages repaired, because it died too often while broken ones were under way.
import { expect, test } from 'vitest';
import { BrokenFeeds } from '../../../../hypervisor/quarantine/broken-feeds.js';
import type { Suspect } from '../../../../replicator/types.js';
import { attributesOf, Bench } from '../../replicator/helpers.js';

const HOUR = 3_600_000;
const bench = new Bench();

function suspect(neighbor: number, broken: boolean): Suspect {
  const attributes = attributesOf(1);
  // ORIGIN (the first attribute) of 7: RFC 7606 takes that for a withdrawal.
  if (broken) attributes[3] = 7;
  const bytes = bench.announcement(attributes, '20.0.1.0/24');
  return { neighbor, bytes, time: 0, prefixes: 1, state: false, routes: [] };
}

test('after three deaths of broken messages, for that replica and that neighbour alone', () => {
  const feeds = new BrokenFeeds();
  const death = [suspect(0, true), suspect(1, false), suspect(0, true)];
  expect([1, 2, 3, 4].map((at) => feeds.died(0, death, at))).toEqual([[], [], [0], []]);
  const repaired = [0, 1].flatMap((r) => [0, 1].map((n) => feeds.isRepaired(r, n, 5)));
  expect(repaired).toEqual([true, false, false, false]);
});

test('an hour without takes one death off', () => {
  const feeds = new BrokenFeeds();
  for (let i = 0; i < 3; i++) feeds.died(0, [suspect(0, true)], 0);
  expect([HOUR - 1, HOUR].map((now) => feeds.isRepaired(0, 0, now))).toEqual([true, false]);
  expect(feeds.died(0, [suspect(0, true)], HOUR)).toEqual([0]);
});
