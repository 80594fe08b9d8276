// The log of groups: what is forgotten, what is left, and that an empty one does not keep the room of a whole table.
import { expect, test } from 'vitest';
import { GroupLog } from '../../../replicator/group-log.js';

const ids = Uint32Array.from({ length: 100_000 }, (_, i) => i);

function contents(log: GroupLog): [number, number[]][] {
  const groups: [number, number[]][] = [];
  log.forEach((route, some) => groups.push([route, [...some]]));
  return groups;
}

test('forgets up to a place, and goes on', () => {
  const log = new GroupLog();
  log.append(7, ids, 0, 3, 0);
  const place = log.position;
  log.append(8, ids, 3, 5, 0);
  log.dropUntil(place);
  expect(contents(log)).toEqual([[8, [3, 4]]]);
  log.append(9, ids, 5, 6, 0);
  expect(contents(log)).toEqual([
    [8, [3, 4]],
    [9, [5]],
  ]);
  expect(log.written).toBe(6);
});

test('empty again, it gives up the room that a whole table took', () => {
  const log = new GroupLog();
  for (let at = 0; at < ids.length; at += 10) log.append(1, ids, at, at + 10, 0);
  expect(log.room).toBeGreaterThan(ids.byteLength);
  log.dropUntil(log.position);
  expect(log.room).toBeLessThan(32 * 1024);
  log.append(2, ids, 0, 2, 0);
  expect(contents(log)).toEqual([[2, [0, 1]]]);
});
