// How often a client may ask.
import { expect, test } from 'vitest';
import { RateLimit } from '../../../hypervisor/http/rate-limit.js';

const taken = (limit: RateLimit, client: string, now: number, times: number): number =>
  Array.from({ length: times }, () => limit.take(client, now)).filter(Boolean).length;

test('two hundred at once, then fifty a second, each client by itself', () => {
  const limit = new RateLimit();
  expect(taken(limit, 'a', 0, 300)).toBe(200);
  expect(taken(limit, 'b', 0, 300)).toBe(200);
  expect(taken(limit, 'a', 1000, 300)).toBe(50);
  expect(taken(limit, 'a', 3_600_000, 300)).toBe(200);
});

test('what is charged has to be paid off first', () => {
  const limit = new RateLimit();
  taken(limit, 'a', 0, 195);
  limit.charge('a', 0, 20);
  expect(limit.take('a', 0)).toBe(false);
  // 15 of debt and the price of one: 16 fiftieths of a second.
  expect(limit.take('a', 310)).toBe(false);
  expect(limit.take('a', 320)).toBe(true);
});

test('guessing tokens goes on at less than three a second', () => {
  const limit = new RateLimit();
  let guesses = 0;
  for (let ms = 0; ms < 60_000; ms++) {
    if (!limit.take('a', ms)) continue;
    guesses++;
    limit.charge('a', ms, 20);
  }
  expect(guesses).toBeLessThan(3 * 60);
  expect(guesses).toBeGreaterThan(60);
});

test('clients that are forgotten are those who asked least recently', () => {
  const limit = new RateLimit();
  taken(limit, 'old', 0, 200);
  taken(limit, 'keen', 0, 200);
  for (let i = 0; i < 1022; i++) limit.take(`client ${i}`, 0);
  expect(limit.take('keen', 0)).toBe(false);
  limit.take('one more', 0);
  expect(limit.take('keen', 0)).toBe(false);
  expect(limit.take('old', 0)).toBe(true);
});
