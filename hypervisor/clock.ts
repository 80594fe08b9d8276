// The one clock of the running process: monotonic milliseconds since it started. The pure cores get these numbers as arguments.
import { performance } from 'node:perf_hooks';

/** Monotonic time in milliseconds (fractional) since the process started; never goes back. */
export function now(): number {
  return performance.now();
}

const startedAt = Date.now() - performance.now();

let lastMillisecond = -1;
let lastText = '';

/** The wall-clock time, in ISO 8601 with milliseconds, of a moment given by `now()`. Many calls fall into one millisecond. */
export function wallClock(at: number): string {
  const millisecond = Math.floor(startedAt + at);
  if (millisecond !== lastMillisecond) {
    lastMillisecond = millisecond;
    lastText = new Date(millisecond).toISOString();
  }
  return lastText;
}
