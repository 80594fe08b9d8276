// Waiting in tests: for a condition with a deadline, never for a time.
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves when `condition` holds; rejects, naming `what`, when it does not within `limit` ms. */
export async function waitFor(condition: () => boolean, what: string, limit = 20_000): Promise<void> {
  const deadline = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${limit} ms in vain for: ${what}`);
    await delay(5);
  }
}
