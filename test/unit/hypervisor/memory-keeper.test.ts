// When freed memory is given back: after growth, once, and not while it is under way; and that the C library does it.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { MemoryKeeper } from '../../../hypervisor/memory-keeper.js';

const MB = 2 ** 20;

function rig() {
  const now = { resident: 100 * MB, given: 0, done: (): void => undefined };
  const keeper = new MemoryKeeper({
    interval: 1000,
    growth: 10 * MB,
    resident: () => now.resident,
    giveBack: () => {
      now.given++;
      return new Promise<void>((resolve) => (now.done = resolve));
    },
  });
  return { now, keeper };
}

test('after growth only, once an interval, and not while it is under way', async () => {
  const { now, keeper } = rig();
  keeper.tick(0);
  now.resident = 109 * MB;
  keeper.tick(1000);
  expect(now.given).toBe(0);
  now.resident = 150 * MB;
  keeper.tick(1999);
  expect(now.given, 'looked at once an interval').toBe(0);
  keeper.tick(2000);
  keeper.tick(3000);
  keeper.tick(4000);
  expect(now.given).toBe(1);
  now.resident = 120 * MB;
  now.done();
  await Promise.resolve();
  now.resident = 129 * MB;
  keeper.tick(5000);
  expect(now.given, 'from what was left').toBe(1);
  now.resident = 130 * MB;
  keeper.tick(6000);
  expect(now.given).toBe(2);
});

test('what gave nothing back in the middle of a burst is tried again, more and more rarely', async () => {
  const { now, keeper } = rig();
  const at: number[] = [];
  keeper.tick(0);
  now.resident = 150 * MB;
  for (let second = 1; second <= 60; second++) {
    const { given } = now;
    keeper.tick(second * 1000);
    if (now.given === given) continue;
    at.push(second);
    if (at.length === 6) now.resident = 110 * MB;
    now.done();
    await Promise.resolve();
  }
  expect(at, 'at last it did').toEqual([1, 3, 7, 15, 31, 47]);
});

test('growth since a try that gave nothing back is tried at once', async () => {
  const { now, keeper } = rig();
  keeper.tick(0);
  now.resident = 150 * MB;
  for (const second of [1, 3, 7]) {
    keeper.tick(second * 1000);
    now.done();
    await Promise.resolve();
  }
  now.resident = 159 * MB;
  keeper.tick(8000);
  expect(now.given).toBe(3);
  now.resident = 160 * MB;
  keeper.tick(9000);
  expect(now.given).toBe(4);
});

test('what shrinks by itself is the new measure', () => {
  const { now, keeper } = rig();
  keeper.tick(0);
  now.resident = 50 * MB;
  keeper.tick(1000);
  now.resident = 60 * MB;
  keeper.tick(2000);
  expect(now.given).toBe(1);
});

test('the C library gives back what is free between what is in use', () => {
  // Many small buffers, of which only every hundredth stays: the heap's end stays in use.
  const script = `
    import { giveFreedMemoryBack } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../../dist/preload/native.js'))};
    let kept = Array.from({ length: 40_000 }, () => new Uint8Array(4000).fill(1));
    kept = kept.filter((_, i) => i % 100 === 0);
    gc(); gc();
    const before = process.memoryUsage.rss();
    await giveFreedMemoryBack();
    console.log(kept.length, before - process.memoryUsage.rss());
  `;
  const args = ['--expose-gc', '--input-type=module', '-e', script];
  const [kept, given] = execFileSync(process.execPath, args, { encoding: 'utf8' }).split(' ').map(Number);
  expect(kept).toBe(400);
  expect(given).toBeGreaterThan(10 * MB);
});
