// The timer wheel against a sorted list: nothing comes early, nothing is lost, nothing comes twice.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueWheel } from '../../../voter/due-wheel.js';

const WIDTH = 10;

test('every appointment comes up once, not early and at most a slot late', () => {
  const step = fc.record({ id: fc.integer({ min: 1, max: 200 }), in: fc.nat(600), pass: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const wheel = new DueWheel(WIDTH);
      const due = new Map<number, number>();
      let now = 1000;
      const collect = (): void => {
        for (let id = wheel.takeDue(now); id !== 0; id = wheel.takeDue(now)) {
          expect(due.get(id)).toBeLessThanOrEqual(now);
          due.delete(id);
        }
        for (const time of due.values()) expect(time).toBeGreaterThan(now - 2 * WIDTH);
        expect(wheel.size).toBe(due.size);
      };
      for (const s of steps) {
        // A second appointment for the same id changes nothing.
        wheel.add(s.id, now + s.in, now);
        if (!due.has(s.id)) due.set(s.id, now + s.in);
        expect(wheel.has(s.id)).toBe(true);
        now += s.pass;
        collect();
      }
      now += 10_000;
      collect();
      expect(due.size).toBe(0);
    }),
  );
});
