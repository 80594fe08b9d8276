// Reads a range of a segment line by line, forwards or backwards: what is done where no index helps. Owns the order; memory stays bounded.
import type { FileHandle } from 'node:fs/promises';
import { lineBlocks, type LineBlock } from './lines.js';
import type { Matcher } from './matcher.js';
import { parseRecord } from './record-text.js';
import type { LogRecord } from './types.js';

/** Bytes that are looked at together when going backwards. */
const STEP = 1 << 20;

export interface ScanRange {
  /** The beginning of a line. */
  from: number;
  to: number;
  newestFirst: boolean;
  /** Called for each line that is no record. */
  skip: () => void;
}

/** The records wanted, some at a time. */
export async function* scan(file: FileHandle, matcher: Matcher, range: ScanRange): AsyncGenerator<LogRecord[]> {
  if (range.newestFirst) yield* backwards(file, matcher, range);
  else yield* forwards(file, matcher, range);
}

async function* forwards(file: FileHandle, matcher: Matcher, range: ScanRange): AsyncGenerator<LogRecord[]> {
  const { from, to, skip } = range;
  for await (const block of lineBlocks(file, { from, to, unfinished: true, tooLong: skip })) {
    const found = wanted(block, matcher, from, to, skip);
    if (found.length > 0) yield found;
  }
}

async function* backwards(file: FileHandle, matcher: Matcher, range: ScanRange): AsyncGenerator<LogRecord[]> {
  for (let to = range.to; to > range.from; to -= STEP) {
    const from = Math.max(range.from, to - STEP);
    const found: LogRecord[] = [];
    // A line belongs to the step that it begins in. From the byte before: what is left of a line there is taken for one that begins too early.
    const start = from === range.from ? from : from - 1;
    for await (const block of lineBlocks(file, { from: start, to: range.to, unfinished: true, tooLong: range.skip })) {
      found.push(...wanted(block, matcher, from, to, range.skip));
      if (block.end >= to) break;
    }
    if (found.length > 0) yield found.reverse();
  }
}

function wanted(block: LineBlock, matcher: Matcher, from: number, to: number, skip: () => void): LogRecord[] {
  const found: LogRecord[] = [];
  block.lines.forEach((line, i) => {
    if (block.offsets[i] < from || block.offsets[i] >= to) return;
    const record = parseRecord(line);
    if (record === undefined) skip();
    else if (matcher.matches(record)) found.push(record);
  });
  return found;
}
