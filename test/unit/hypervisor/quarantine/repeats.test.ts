// How long a message stays that was released before and is suspected again: longer each time, up to an hour; each replica and prefix for itself.
import { expect, test } from 'vitest';
import { Repeats } from '../../../../hypervisor/quarantine/repeats.js';
import type { Suspect } from '../../../../replicator/types.js';
import { attributesOf, Bench } from '../../replicator/helpers.js';

const bench = new Bench();

function suspect(prefix: string, origin: number): Suspect {
  const bytes = bench.announcement(attributesOf(origin), prefix);
  return { neighbor: 0, bytes, time: 0, prefixes: 1, state: false, routes: [] };
}

test('a minute after one release, four times as long after each further one, an hour at most', () => {
  const repeats = new Repeats();
  const minutes: number[] = [];
  for (let i = 0; i < 6; i++) {
    // Another form of the route is no other route.
    minutes.push(repeats.probation(0, suspect('20.0.1.0/24', i)) / 60_000);
    repeats.released(0, suspect('20.0.1.0/24', i));
  }
  expect(minutes).toEqual([0, 1, 4, 16, 60, 60]);
  expect(repeats.probation(0, suspect('20.0.2.0/24', 1))).toBe(0);
  expect(repeats.probation(1, suspect('20.0.1.0/24', 1))).toBe(0);
  repeats.forget(0, suspect('20.0.1.0/24', 9));
  expect(repeats.has(0, suspect('20.0.1.0/24', 1))).toBe(false);
});

test('the oldest are forgotten', () => {
  const repeats = new Repeats(2);
  for (const i of [1, 2, 3]) repeats.released(0, suspect(`20.0.${i}.0/24`, i));
  expect([1, 2, 3].map((i) => repeats.has(0, suspect(`20.0.${i}.0/24`, i)))).toEqual([false, true, true]);
});
