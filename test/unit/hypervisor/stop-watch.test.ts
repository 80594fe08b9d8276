// A process that is stopped for good is told from one that is stopped for a moment, and it is not looked at all the time.
import { expect, test } from 'vitest';
import { StopWatch } from '../../../hypervisor/stop-watch.js';

const THRESHOLD = 10_000;

/** Asks every 50 ms for two minutes. When it was found, ms, and how often was looked. */
function found(isStopped: (now: number) => boolean, restarts: readonly number[] = []): [number, number] {
  let [now, looks] = [0, 0];
  const watch = new StopWatch(() => {
    looks++;
    return isStopped(now);
  });
  for (; now < 120_000; now += 50) {
    if (restarts.includes(now)) watch.restart();
    if (watch.isStopped(now, THRESHOLD)) return [now, looks];
  }
  return [Infinity, looks];
}

test('who is stopped for good is found after the threshold, and looked at ten times within it', () => {
  expect(found((now) => now >= 20_000)).toEqual([30_000, 31]);
});

test('who goes on now and then is not found', () => {
  expect(found((now) => now % 9000 < 8000)[0]).toBe(Infinity);
});

test('a new start begins anew', () => {
  expect(found((now) => now >= 2000, [8000])[0]).toBe(18_000);
});
