// Silence is a hang, unless no processor was to be had; and what /proc says of that.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, test } from 'vitest';
import { HangWatch } from '../../../hypervisor/hang-watch.js';
import { ProbeTracker } from '../../../hypervisor/probe-tracker.js';
import { longestWait, MAX_THREADS, waitsOf } from '../../../hypervisor/replicas/processor-wait.js';

describe('a silent daemon', () => {
  /** Asks every 100 ms from 0 on; a probe goes out at 0. Returns when it is found to hang, ms. `share`: of its time that its thread waits. */
  function foundAfter(share: (now: number) => number, life: readonly number[] = []): number {
    const tracker = new ProbeTracker({ busyIntervalMs: 200, idleIntervalMs: 1000, hangMs: 10_000 });
    let waited = 5000;
    const watch = new HangWatch(tracker, (at) => ({
      at,
      threads: new Map([['/proc/1/task/1', { ran: String(at), waited, isReady: false }]]),
    }));
    tracker.send(0);
    for (let now = 0; now < 200_000; now += 100) {
      waited += 100 * share(now);
      if (life.includes(now)) tracker.life(now);
      if (watch.isHung(now)) return now;
    }
    return Infinity;
  }

  test('that has a processor hangs after the threshold', () => {
    expect(foundAfter(() => 0)).toBe(10_100);
  });

  test('that waits for one half of the time is given twice as long, from where its silence was noticed on', () => {
    const found = foundAfter(() => 0.5);
    expect(found).toBeGreaterThan(18_500);
    expect(found).toBeLessThan(20_500);
  });

  test('that waits all the time is given six thresholds', () => {
    expect(foundAfter(() => 1)).toBe(60_100);
  });

  test('that waited before a sign of life has that not counted again', () => {
    const found = foundAfter((now) => (now < 9000 ? 1 : 0), [9000]);
    expect(found).toBe(19_100);
  });
});

describe('waits for a processor', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'btr-waits-'));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function thread(pid: number, tid: number, schedstat: string, { children = '', state = 'S' } = {}): void {
    const directory = `${root}/${pid}/task/${tid}`;
    mkdirSync(directory, { recursive: true });
    if (schedstat !== '') writeFileSync(`${directory}/schedstat`, schedstat);
    writeFileSync(`${directory}/stat`, `${tid} (a) R ) ${state} 1 2 3\n`);
    writeFileSync(`${directory}/children`, children);
  }

  test('are those of all threads of a process and its children; what the kernel does not tell is none', () => {
    thread(7, 7, '111 2500000 9\n', { children: '8 9' });
    thread(7, 71, '1 7000000 9\n');
    thread(8, 8, '1 1000000 9\n');
    thread(9, 9, '');
    const before = waitsOf([7, 10], 1000, root);
    expect([...before.threads.values()].map(({ waited }) => waited)).toEqual([2.5, 7, 1]);
    thread(7, 7, '111 4500000 9\n', { children: '8 9' });
    thread(8, 8, '1 2000000 9\n');
    expect(longestWait(before, waitsOf([7], 2000, root))).toBe(2);
  });

  test('go on while a thread is ready and has not run; who has run, or sleeps, does not wait', () => {
    thread(7, 7, '111 2000000 9\n', { state: 'R' });
    const before = waitsOf([7], 1000, root);
    expect(longestWait(before, waitsOf([7], 4000, root))).toBe(3000);
    thread(7, 7, '112 2000000 9\n', { state: 'R' });
    expect(longestWait(before, waitsOf([7], 4000, root))).toBe(0);
    thread(7, 7, '111 2000000 9\n', { state: 'S' });
    expect(longestWait(before, waitsOf([7], 4000, root))).toBe(0);
  });

  test('of a daemon with masses of threads, those of some are read', () => {
    for (let tid = 7; tid < 7 + MAX_THREADS + 3; tid++) thread(7, tid, '1 1 1\n', { children: '8' });
    thread(8, 8, '1 1 1\n');
    expect(waitsOf([7], 0, root).threads.size).toBe(MAX_THREADS);
  });

  test('a new thread, and one that is gone, have not waited', () => {
    const one = { ran: '1', waited: 1000, isReady: true };
    expect(longestWait({ at: 0, threads: new Map([['a', one]]) }, { at: 9, threads: new Map([['b', one]]) })).toBe(0);
  });

  test('are told by this kernel of a process that runs', () => {
    const { threads } = waitsOf([process.pid], 0);
    expect(threads.size).toBeGreaterThan(1);
    expect(Math.max(...[...threads.values()].map(({ waited }) => waited))).toBeGreaterThan(0);
  });
});
