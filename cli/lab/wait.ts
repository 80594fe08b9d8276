// Waiting with a deadline for something that can only be asked for, such as another program's state.
// Owns the polling loop and its error; what is asked belongs to the caller.
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, as it should read in the error: "timed out after 10 s: <what>". */
  what: string;
  /** Time allowed, in ms. */
  deadlineMs: number;
  /** Pause between two questions, in ms. */
  intervalMs?: number;
  signal?: AbortSignal;
}

/** The deadline passed. `lastError` is what the predicate threw last, if it threw. */
export class DeadlineError extends Error {
  readonly lastError: unknown;
  constructor(options: WaitOptions, lastError: unknown) {
    const last = lastError instanceof Error ? ` (last answer: ${lastError.message})` : '';
    super(`timed out after ${options.deadlineMs / 1000} s: ${options.what}${last}`);
    this.name = 'DeadlineError';
    this.lastError = lastError;
  }
}

/**
 * Asks until the answer is neither `undefined` nor `false`, and returns it. A predicate that throws counts as "not yet":
 * the program asked is often not even listening at first. Throws DeadlineError, or the signal's reason when aborted.
 */
export async function waitFor<T>(
  predicate: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const end = performance.now() + options.deadlineMs;
  let lastError: unknown;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const answer = await predicate();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= end) throw new DeadlineError(options, lastError);
    await sleep(options.intervalMs ?? 50, undefined, { signal: options.signal });
  }
}
