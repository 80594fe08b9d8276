// How long a message stays that was released before and is suspected again: longer each time that it is to blame, up to an hour; less by and
// by when it is not suspected; each replica and prefix for itself.
import { expect, test } from 'vitest';
import { Repeats, type Death } from '../../../../hypervisor/quarantine/repeats.js';
import type { Suspect } from '../../../../replicator/types.js';
import { attributesOf, Bench } from '../../replicator/helpers.js';

const MINUTE = 60_000;
const bench = new Bench();

function suspect(prefix: string, origin: number): Suspect {
  const bytes = bench.announcement(attributesOf(origin), prefix);
  return { neighbor: 0, bytes, time: 0, prefixes: 1, state: false, routes: [] };
}

/** Dies, with only a few under way, once in so many minutes: what was released before has proven harmless by then, or has not. */
function death(minutes: number, rest: Partial<Death> = {}): Death {
  return { at: minutes * MINUTE, suspects: 3, provenUntil: Infinity, ...rest };
}

/** Minutes that it stays after each of so many deaths, when it is given back each time its probation is over. */
function probations(deaths: number, rest: Partial<Death>): number[] {
  const repeats = new Repeats();
  let now = 0;
  return Array.from({ length: deaths }, (_, i) => {
    // Another form of the route is no other route.
    const [{ stays }] = repeats.suspected(0, [suspect('20.0.1.0/24', i)], { ...death(0, rest), at: now }, now);
    // While it is withheld it does not prove its innocence, however long that lasts.
    now += stays;
    repeats.released(0, suspect('20.0.1.0/24', i), now);
    return stays / MINUTE;
  });
}

test('a minute after one release, four times as long after each further one, an hour at most', () => {
  expect(probations(6, {})).toEqual([0, 1, 4, 16, 60, 60]);
});

test('each replica and prefix for itself; who is vouched for is unknown', () => {
  const repeats = new Repeats();
  repeats.released(0, suspect('20.0.1.0/24', 1), 0);
  const has = (replica: number, prefix: string): boolean => repeats.has(replica, suspect(prefix, 7), 0);
  expect([has(0, '20.0.1.0/24'), has(0, '20.0.2.0/24'), has(1, '20.0.1.0/24')]).toEqual([true, false, false]);
  repeats.forget(0, suspect('20.0.1.0/24', 9));
  expect(has(0, '20.0.1.0/24')).toBe(false);
});

test('one in a crowd is hardly to blame', () => {
  expect(probations(6, { suspects: 1000 })).toEqual([0, 1, 1, 1, 1, 1]);
  // Sixteen together are blamed as each alone is, twice as many half as much.
  expect(probations(6, { suspects: 16 })).toEqual([0, 1, 4, 16, 60, 60]);
  expect(probations(6, { suspects: 32 })).toEqual([0, 1, 1, 4, 4, 16]);
});

test('one in a crowd that has not proven harmless since it was given back is to blame as if it had been alone', () => {
  expect(probations(6, { suspects: 1000, provenUntil: -Infinity })).toEqual([0, 1, 4, 16, 60, 60]);
});

test('a death counts once for a prefix, however many messages about it were under way', () => {
  const repeats = new Repeats();
  const five = [1, 2, 3, 4, 5].map((origin) => suspect('20.0.1.0/24', origin));
  const stays = (minutes: number): number[] =>
    repeats.suspected(0, five, death(minutes), minutes * MINUTE).map((one) => one.stays / MINUTE);
  expect(stays(0)).toEqual([0, 0, 0, 0, 0]);
  for (const one of five) repeats.released(0, one, 0);
  expect(stays(0)).toEqual([1, 1, 1, 1, 1]);
  for (const one of five) repeats.released(0, one, MINUTE);
  expect(stays(1)).toEqual([4, 4, 4, 4, 4]);
});

test('each ten minutes without being suspected take one time off', () => {
  const after = (minutes: number): number => {
    const repeats = new Repeats();
    const one = suspect('20.0.1.0/24', 1);
    for (let i = 0; i < 3; i++) {
      repeats.suspected(0, [one], death(0), 0);
      repeats.released(0, one, 0);
    }
    return repeats.suspected(0, [one], death(minutes), minutes * MINUTE)[0].stays / MINUTE;
  };
  expect([9, 10, 19, 20, 29, 30, 1000].map(after)).toEqual([16, 4, 4, 1, 1, 0, 0]);
});

test('the oldest are forgotten', () => {
  const repeats = new Repeats({ limit: 2 });
  for (const i of [1, 2, 3]) repeats.released(0, suspect(`20.0.${i}.0/24`, i), 0);
  expect([1, 2, 3].map((i) => repeats.has(0, suspect(`20.0.${i}.0/24`, i), 0))).toEqual([false, true, true]);
});
