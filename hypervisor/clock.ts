// The one clock of the running process: monotonic milliseconds since it started. The pure cores get these numbers as arguments.
import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** A thread's own clock starts with the thread; this brings it to the process's. */
let offset = 0;

/** Monotonic time in milliseconds (fractional) since the process started; never goes back. */
export function now(): number {
  return performance.now() + offset;
}

/** The system's monotonic clock in milliseconds: the same in every thread. */
export function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** In another thread: makes `now()` tell the time of the thread where `now() - monotonic()` was `difference`. */
export function followClock(difference: number): void {
  offset = monotonic() + difference - performance.now();
  startedAt = Date.now() - now();
}

let startedAt = Date.now() - performance.now();

let lastMillisecond = -1;
let lastText = '';

/** The wall-clock time, in ms since 1970 (fractional), of a moment given by `now()`. */
export function wallTime(at: number): number {
  return startedAt + at;
}

/** The wall-clock time, in ISO 8601 with milliseconds, of a moment given by `now()`. Many calls fall into one millisecond. */
export function wallClock(at: number): string {
  const millisecond = Math.floor(startedAt + at);
  if (millisecond !== lastMillisecond) {
    lastMillisecond = millisecond;
    lastText = new Date(millisecond).toISOString();
  }
  return lastText;
}
