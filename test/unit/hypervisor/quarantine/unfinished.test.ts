// Which death is tried again, and when.
import { expect, test } from 'vitest';
import { Unfinished } from '../../../../hypervisor/quarantine/unfinished.js';

const MINUTE = 60_000;
const death = { at: 0, suspects: 1, provenUntil: 0 };
const one = (replica: number, tries: number) => ({ replica, death, ids: [replica], tries });

test('a minute later, whether it was never tried or once; then four times as long each time, an hour at most', () => {
  const waits = [0, 1, 2, 3, 4, 5, 9].map((tries) => {
    const unfinished = new Unfinished();
    unfinished.add(one(0, tries), 0);
    for (let minute = 0; minute <= 100; minute++) if (unfinished.take(() => true, minute * MINUTE)) return minute;
    return undefined;
  });
  expect(waits).toEqual([1, 1, 4, 16, 60, 60, 60]);
});

test('only of a replica that is ready; the oldest first, each once', () => {
  const unfinished = new Unfinished();
  for (const replica of [0, 1, 2]) unfinished.add(one(replica, 0), 0);
  const take = (): number | undefined => unfinished.take((replica) => replica !== 1, MINUTE)?.replica;
  expect([take(), take(), take()]).toEqual([0, 2, undefined]);
});

test('the oldest is given up when there are too many', () => {
  const unfinished = new Unfinished({ limit: 2 });
  expect([0, 1, 2].map((replica) => unfinished.add(one(replica, 0), 0)?.replica)).toEqual([undefined, undefined, 0]);
});
