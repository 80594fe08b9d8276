// What verbs write: lines for people, with nothing in them that a terminal acts on, JSON, and progress on stderr. The only way out for text
// that may have come from the network, from daemons or out of files. Owns that whoever reads slowly is waited for, so that long answers do
// not pile up in memory.
import { once } from 'node:events';
import process from 'node:process';
import { safeJson, safeLines, safeText } from './safe-text.js';

const CLEAR_LINE = '\r\x1b[K';
const CLEAR_SCREEN = '\x1b[H\x1b[2J';

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** Each line is made safe: what is meant to be a line break is between lines. */
export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await write(`${lines.map((line) => safeText(line, Infinity)).join('\n')}\n`);
}

/** Fields with tabs between them, a line for each row: for programs that read on. */
export async function printFields(rows: readonly (readonly string[])[]): Promise<void> {
  const lines = rows.map((row) => row.map((field) => safeText(field)).join('\t'));
  if (lines.length > 0) await write(`${lines.join('\n')}\n`);
}

/** As `printLines`, in place of what a terminal showed so far. */
export async function redrawLines(lines: readonly string[]): Promise<void> {
  if (process.stdout.isTTY) await write(CLEAR_SCREEN);
  await printLines(lines);
}

/** A text that is several lines already (a generated file, say). */
export async function printText(text: string): Promise<void> {
  await write(safeLines(text));
}

/** One value; with `lines` on one line. */
export function printJson(value: unknown, { lines = false } = {}): Promise<void> {
  return write(`${safeJson(value, lines ? undefined : 2)}\n`);
}

/** On stderr: what is said beside the result. */
export function printNote(text: string): void {
  process.stderr.write(`${safeText(text)}\n`);
}

/** On stderr: a line that the next one overwrites; without a terminal plain lines. */
export function printProgress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `${CLEAR_LINE}${safeText(text)}` : `${safeText(text)}\n`);
}

/** Removes the last progress line. */
export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
}

/** On stderr: why it did not work, in as many lines as the text has. */
export function printError(text: string): void {
  process.stderr.write(`${safeLines(`btr: ${text}`)}\n`);
}
