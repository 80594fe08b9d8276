// In what a vote differs from the majority, put so that equal differences of many routes are the same: kinds of difference for each
// attribute, and of lists and paths only what is not common to both. Owns that normal form; collecting is pattern-book.ts.
import type { ChangeKind, DifferenceReport } from '../types.js';

/** One attribute of one vote. `vote`, `majority`: null where there is nothing to say. */
export interface Change {
  attribute: string;
  how: ChangeKind;
  vote: string | null;
  majority: string | null;
}

/** Sets, described as words with spaces between them. */
const LISTS: ReadonlySet<string> = new Set(['COMMUNITIES', 'EXTENDED_COMMUNITIES', 'LARGE_COMMUNITIES']);
/** Longer texts are cut: a neighbour can send attributes of kilobytes. */
const MAX_TEXT = 200;

/** The normal form of a difference. */
export function changeOf({ attribute, majority, vote }: DifferenceReport): Change {
  if (vote === null) return { attribute, how: 'absent', vote: null, majority: cut(majority ?? '') };
  if (majority === null) return { attribute, how: 'added', vote: cut(vote), majority: null };
  const flags = flagsChange(vote, majority);
  if (flags !== undefined) return { attribute, how: 'other', ...flags };
  if (LISTS.has(attribute)) return { attribute, ...listChange(words(vote), words(majority)) };
  if (attribute === 'AS_PATH') return { attribute, ...pathChange(vote, majority) };
  return { attribute, how: 'other', vote: cut(vote), majority: cut(majority) };
}

/** The same for equal kinds of differences in the same attributes, whatever the values. */
export function keyOfChanges(changes: readonly Change[]): string {
  return changes.map(({ attribute, how }) => `${attribute} ${how}`).join(', ');
}

/** Two values that read the same come with their bytes (wire/bgp/describe.ts): if only the flags differ, that is all there is to say. */
function flagsChange(vote: string, majority: string): Pick<Change, 'vote' | 'majority'> | undefined {
  const [, left, leftBytes] = BYTES.exec(vote) ?? [];
  const [, right, rightBytes] = BYTES.exec(majority) ?? [];
  if (leftBytes === undefined || rightBytes === undefined || left !== right) return undefined;
  if (leftBytes.slice(2) !== rightBytes.slice(2)) return undefined;
  return { vote: `flags 0x${leftBytes.slice(0, 2)}`, majority: `flags 0x${rightBytes.slice(0, 2)}` };
}

const BYTES = /^(.*) \(0x([0-9a-f]{4,})\)$/s;

function listChange(vote: readonly string[], majority: readonly string[]): Omit<Change, 'attribute'> {
  const extra = without(vote, majority);
  const missing = without(majority, vote);
  if (extra.length > 0 && missing.length > 0) return { how: 'swaps', vote: joined(extra), majority: joined(missing) };
  if (extra.length > 0) return { how: 'adds', vote: joined(extra), majority: null };
  if (missing.length > 0) return { how: 'lacks', vote: null, majority: joined(missing) };
  return { how: 'other', vote: joined(vote), majority: joined(majority) };
}

/** A path with something in front, in between or behind, or without it; else simply another one. */
function pathChange(vote: string, majority: string): Omit<Change, 'attribute'> {
  const [long, short] = [words(vote), words(majority)];
  if (long.length > short.length) {
    const inserted = inserts(short, long);
    if (inserted !== undefined) return { how: 'longer', vote: joined(inserted), majority: null };
  }
  if (short.length > long.length) {
    const missing = inserts(long, short);
    if (missing !== undefined) return { how: 'shorter', vote: null, majority: joined(missing) };
  }
  return { how: 'other', vote: cut(vote), majority: cut(majority) };
}

/** What has to be put into `short` in one piece to make it `long`; undefined when that is impossible. */
function inserts(short: readonly string[], long: readonly string[]): readonly string[] | undefined {
  let front = 0;
  while (front < short.length && short[front] === long[front]) front++;
  let back = 0;
  while (back < short.length - front && short[short.length - 1 - back] === long[long.length - 1 - back]) back++;
  return front + back === short.length ? long.slice(front, long.length - back) : undefined;
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function without(list: readonly string[], other: readonly string[]): string[] {
  const known = new Set(other);
  return list.filter((word) => !known.has(word));
}

function joined(list: readonly string[]): string {
  return cut(list.join(' '));
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
