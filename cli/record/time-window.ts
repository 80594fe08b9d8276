// The window of time that `btr record bundle` is asked for: `--since 14:03 --until 10m`. Owns how people may write a moment.
import { parseDuration } from '../duration.js';
import { UserError } from '../errors.js';

/** Milliseconds since 1970; both ends belong to it. */
export interface TimeWindow {
  since: number;
  until: number;
}

const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;

/** ISO 8601 (with a time zone, or in local time), a time of the last 24 hours (`14:03`, local), or so long ago (`30m`). Throws UserError. */
export function parseMoment(text: string, option: string, now: number): number {
  const clock = CLOCK.exec(text);
  if (clock !== null) {
    const moment = new Date(now);
    moment.setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0);
    if (moment.getTime() > now) moment.setDate(moment.getDate() - 1);
    return moment.getTime();
  }
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const moment = Date.parse(text);
    if (!Number.isNaN(moment)) return moment;
  }
  try {
    return now - parseDuration(text, option);
  } catch {
    throw new UserError(`${option} is a time (2026-03-14T15:09, 15:09) or how long ago (30m), not "${text}"`, 2);
  }
}

/** Default: the last hour. */
export function parseWindow(since: string | undefined, until: string | undefined, now = Date.now()): TimeWindow {
  const window = {
    since: parseMoment(since ?? '1h', '--since', now),
    until: until === undefined ? now : parseMoment(until, '--until', now),
  };
  if (window.since >= window.until) throw new UserError('--since is not before --until', 2);
  return window;
}
