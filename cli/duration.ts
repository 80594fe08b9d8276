// Lengths of time as they are typed: `500ms`, `10s`, `2m`, `1.5h`. A bare number means seconds.
import { UserError } from './errors.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds, above 0. `option` is named in the error. Throws UserError. */
export function parseDuration(text: string, option: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const value = digits === undefined ? NaN : Number(digits) * UNITS[unit];
  if (!(value > 0)) throw new UserError(`${option} is a length of time (500ms, 10s, 2m), not "${text}"`, 2);
  return value;
}
