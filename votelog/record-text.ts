// From a line of the vote log to a record. Lines may come from anywhere and be anything.
import type { LogRecord } from './types.js';

/** The longest line that is read, bytes; a group of 65,536 IPv6 prefixes takes a third of that. */
export const MAX_LINE = 8 * 2 ** 20;

/** The record in a line; undefined when it is none (torn, not JSON, without kind or time). */
export function parseRecord(line: string): LogRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const record = value as LogRecord;
  return typeof record.kind === 'string' && typeof record.t === 'string' && !Number.isNaN(Date.parse(record.t))
    ? record
    : undefined;
}

const KIND = '"kind":"';
/** Version, time and clock come first and are short. */
const WITHIN = 96;

/** The kind of a line that this program wrote, without parsing it; undefined for any other. */
export function kindOfLine(line: string): string | undefined {
  const at = line.indexOf(KIND);
  if (at < 0 || at > WITHIN) return undefined;
  const start = at + KIND.length;
  const end = line.indexOf('"', start);
  return end < 0 ? undefined : line.slice(start, end);
}
