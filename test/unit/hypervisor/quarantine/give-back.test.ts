// A replica gets back what nothing was found against when it has been well for as long as it died often, one group after the other has proven
// harmless, those that are suspected most last and alone.
import { expect, test } from 'vitest';
import { GiveBack, nextGroup } from '../../../../hypervisor/quarantine/give-back.js';

const MINUTE = 60_000;

/** The first whole minute at which the replica, well all the time, may be given something; undefined within an hour. */
function opens(giveBack: GiveBack, replica = 0): number | undefined {
  for (let minute = 0; minute < 60; minute++) {
    const now = minute * MINUTE;
    if (giveBack.isOpen(replica, now, now)) return minute;
  }
  return undefined;
}

test('a minute of calm for each of the last deaths, five at most, those of the last ten minutes', () => {
  const after = (...deaths: number[]): number | undefined => {
    const giveBack = new GiveBack(2);
    for (const minute of deaths) giveBack.died(0, minute * MINUTE);
    expect(opens(giveBack, 1)).toBe(0);
    return opens(giveBack);
  };
  expect(after()).toBe(0);
  expect(after(0.1)).toBe(2);
  expect(after(0.1, 0.2, 0.3)).toBe(4);
  expect(after(...Array.from({ length: 50 }, (_, i) => i / 100))).toBe(6);
  // The first five are over ten minutes ago when the last one has been for one.
  expect(after(0, 0, 0, 0, 0, 10)).toBe(11);
});

test('not one that does not run, nor one that has proven nothing since it died', () => {
  const giveBack = new GiveBack(1);
  expect(giveBack.isOpen(0, -Infinity, 5 * MINUTE)).toBe(false);
  giveBack.died(0, MINUTE);
  expect(giveBack.isOpen(0, MINUTE - 1, 5 * MINUTE)).toBe(false);
  expect(giveBack.isOpen(0, 4 * MINUTE, 5 * MINUTE)).toBe(true);
});

test('one group after the other has proven harmless; what has not when the replica dies is told', () => {
  const giveBack = new GiveBack(1);
  giveBack.given(0, 1000);
  expect(giveBack.isOpen(0, 2999, 3100)).toBe(false);
  expect(giveBack.died(0, 3200)).toBe(-Infinity);
  expect(giveBack.isOpen(0, 3201, 3300)).toBe(false);
  giveBack.given(0, 3_000_000);
  expect(giveBack.died(0, 3_001_000)).toBe(1000);
  // One that is kept too busy to prove anything is believed after a minute.
  expect(giveBack.isOpen(0, 3_001_001, 3_059_000)).toBe(false);
  giveBack.isOpen(0, 3_001_001, 3_060_000);
  expect(giveBack.died(0, 3_061_000)).toBe(3_000_000);
});

test('a group: those that are suspected least, many of them, and alone who killed again and again', () => {
  const due = (times: number, count: number, prefixes = 1) =>
    Array.from({ length: count }, (_, i) => ({ id: times * 10_000 + i, times, prefixes }));
  const sizes = (...all: ReturnType<typeof due>[]): number[] => {
    let left = all.flat();
    const groups: number[] = [];
    while (left.length > 0 && groups.length < 12) {
      const group = nextGroup(left);
      expect(new Set(group.map(({ times }) => times)).size).toBe(1);
      left = left.filter((one) => !group.includes(one));
      groups.push(group.length);
    }
    return groups;
  };
  expect(sizes([])).toEqual([]);
  expect(sizes(due(4, 2), due(3, 20), due(2, 300), due(1, 5000))).toEqual([4096, 904, 256, 44, 16, 4, 1, 1]);
  // Not more prefixes than a replica takes in a moment, but one message at least.
  expect(sizes(due(1, 5, 8000))).toEqual([2, 2, 1]);
  expect(sizes(due(1, 2, 20_000))).toEqual([1, 1]);
});
