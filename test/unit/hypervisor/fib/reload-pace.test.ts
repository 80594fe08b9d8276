import { expect, test } from 'vitest';
import { ReloadPace } from '../../../../hypervisor/fib/reload-pace.js';

test('the first loss is made good at once', () => {
  const pace = new ReloadPace();
  expect(pace.isDue(0)).toBe(false);
  expect([pace.lost(), pace.lost()]).toEqual([true, false]);
  expect(pace.isDue(0)).toBe(true);
  pace.begin(0);
  pace.end(1);
  expect(pace.isDue(1e9)).toBe(false);
});

test('however fast events are lost, most of the time goes to other things', () => {
  const pace = new ReloadPace();
  const cost = 2000;
  let [now, reading] = [0, 0];
  while (now < 600_000) {
    pace.lost();
    if (pace.isDue(now)) {
      pace.begin(now);
      reading += cost;
      now += cost;
      pace.end(now);
    } else now += 100;
  }
  expect(reading).toBeGreaterThan(0);
  expect(reading / now).toBeLessThan(0.11);
});

test('what is lost while reading is made good, too', () => {
  const pace = new ReloadPace();
  pace.lost();
  pace.begin(0);
  pace.lost();
  pace.end(10);
  expect([pace.isDue(500), pace.isDue(1010)]).toEqual([false, true]);
});
