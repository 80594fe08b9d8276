// What verbs write to stdout: lines for people, with nothing in them that a terminal acts on, and JSON. Owns that whoever reads slowly is
// waited for, so that long answers do not pile up in memory.
import { once } from 'node:events';
import process from 'node:process';
import { safeJson, safeText } from './safe-text.js';

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Each line is made safe: what is meant to be a line break is between lines. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await write(`${lines.map((line) => safeText(line, Infinity)).join('\n')}\n`);
}

/** One value; with `lines` on one line. */
export function printJson(value: unknown, { lines = false } = {}): Promise<void> {
  return write(`${safeJson(value, lines ? undefined : 2)}\n`);
}
