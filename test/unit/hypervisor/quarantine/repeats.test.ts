// How long a message stays that was released before and is suspected again: longer each time, up to an hour; less by and by when it is not;
// each replica and prefix for itself.
import { expect, test } from 'vitest';
import { Repeats } from '../../../../hypervisor/quarantine/repeats.js';
import type { Suspect } from '../../../../replicator/types.js';
import { attributesOf, Bench } from '../../replicator/helpers.js';

const MINUTE = 60_000;
const bench = new Bench();

function suspect(prefix: string, origin: number): Suspect {
  const bytes = bench.announcement(attributesOf(origin), prefix);
  return { neighbor: 0, bytes, time: 0, prefixes: 1, state: false, routes: [] };
}

test('a minute after one release, four times as long after each further one, an hour at most', () => {
  const repeats = new Repeats();
  const minutes: number[] = [];
  let now = 0;
  for (let i = 0; i < 6; i++) {
    // Another form of the route is no other route.
    const probation = repeats.suspected(0, suspect('20.0.1.0/24', i), now);
    minutes.push(probation / MINUTE);
    // While it is withheld it does not prove its innocence, however long that lasts.
    now += probation;
    repeats.released(0, suspect('20.0.1.0/24', i), now);
  }
  expect(minutes).toEqual([0, 1, 4, 16, 60, 60]);
  expect(repeats.suspected(0, suspect('20.0.2.0/24', 1), now)).toBe(0);
  expect(repeats.suspected(1, suspect('20.0.1.0/24', 1), now)).toBe(0);
  repeats.forget(0, suspect('20.0.1.0/24', 9));
  expect(repeats.has(0, suspect('20.0.1.0/24', 1), now)).toBe(false);
});

test('each ten minutes without being suspected take one release off', () => {
  const after = (minutes: number): number => {
    const repeats = new Repeats();
    for (let i = 0; i < 3; i++) repeats.released(0, suspect('20.0.1.0/24', i), 0);
    return repeats.suspected(0, suspect('20.0.1.0/24', 9), minutes * MINUTE) / MINUTE;
  };
  expect([9, 10, 19, 20, 29, 30, 1000].map(after)).toEqual([16, 4, 4, 1, 1, 0, 0]);
});

test('the oldest are forgotten', () => {
  const repeats = new Repeats(2);
  for (const i of [1, 2, 3]) repeats.released(0, suspect(`20.0.${i}.0/24`, i), 0);
  expect([1, 2, 3].map((i) => repeats.has(0, suspect(`20.0.${i}.0/24`, i), 0))).toEqual([false, true, true]);
});
