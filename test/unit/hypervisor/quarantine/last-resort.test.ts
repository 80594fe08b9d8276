// Who is given a route that nobody carries, and how often.
import { expect, test } from 'vitest';
import { LastResort } from '../../../../hypervisor/quarantine/last-resort.js';
import type { QuarantineEntry } from '../../../../replicator/types.js';

const MINUTE = 60_000;

function entry(id: number, replica: number, at: number, neighbor = 0): QuarantineEntry {
  const suspect = { neighbor, bytes: new Uint8Array(), time: 0, prefixes: 1, state: false, routes: [1] };
  return { id, replica, suspect, reason: '', at, status: 'suspect' };
}

test('the replica that holds it longest gets all that it is not given because of', () => {
  const holders = [[entry(1, 0, 500)], [entry(2, 1, 900), entry(3, 1, 100)], [entry(4, 2, 300)]];
  expect(new LastResort().give('10.0.0.0/8', holders, 1000).map(({ id }) => id)).toEqual([2, 3]);
});

test('at once, then 1, 2, 4 and 8 minutes apart, and never more than ten', () => {
  const lastResort = new LastResort();
  const given: number[] = [];
  for (let second = 0; second <= 40 * 60; second += 15) {
    if (lastResort.give('10.0.0.0/8', [[entry(1, 0, 0)]], second * 1000).length > 0) given.push(second / 60);
  }
  expect(given).toEqual([0, 1, 3, 7, 15, 25, 35]);
});

test('each neighbour and prefix for itself; the oldest are forgotten', () => {
  const lastResort = new LastResort(2);
  const ids = (prefix: number, neighbor: number): number[] =>
    lastResort.give(`10.${prefix}.0.0/16`, [[entry(1, 0, 0, neighbor)]], MINUTE).map(({ id }) => id);
  expect([ids(7, 0), ids(7, 0), ids(7, 1), ids(7, 0), ids(8, 0), ids(7, 0)]).toEqual([[1], [], [1], [], [1], [1]]);
});

test('nobody may be given it', () => {
  expect(new LastResort().give('10.0.0.0/8', [], 0)).toEqual([]);
});
