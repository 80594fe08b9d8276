// Lines of a file, a block at a time and in bounded memory. Owns the cutting; what a line says is record-text.ts.
import type { FileHandle } from 'node:fs/promises';
import { MAX_LINE } from './record-text.js';

/** Small enough that parsing one block does not hold up an event loop for more than a few ms. */
const BLOCK = 256 * 1024;

/** Whole lines, without their newlines. */
export interface LineBlock {
  lines: string[];
  /** Where each line begins in the file. */
  offsets: number[];
  /** Where the next block begins. */
  end: number;
}

export interface LineRange {
  from: number;
  to: number;
  /** The last line counts though no newline follows. */
  unfinished?: boolean;
  /** Told of lines that are too long to be read. */
  tooLong?: () => void;
}

/** The lines that begin at `from` (the beginning of one) and later, and end before `to`. */
export async function* lineBlocks(file: FileHandle, range: LineRange): AsyncGenerator<LineBlock> {
  let buffer = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  let base = range.from;
  let skipping = false;
  while (base + filled < range.to) {
    if (filled === buffer.length) {
      if (filled >= MAX_LINE) {
        // Nothing of it is kept: the rest is passed over until its end.
        if (!skipping) range.tooLong?.();
        skipping = true;
        base += filled;
        filled = 0;
      } else {
        const bigger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(bigger, 0, 0, filled);
        buffer = bigger;
      }
    }
    const room = Math.min(BLOCK, buffer.length - filled, range.to - base - filled);
    const { bytesRead } = await file.read(buffer, filled, room, base + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
    const block: LineBlock = { lines: [], offsets: [], end: base };
    let start = 0;
    for (let end; start < filled && (end = buffer.subarray(0, filled).indexOf(10, start)) >= 0; start = end + 1) {
      if (skipping) skipping = false;
      else if (end > start) {
        block.lines.push(buffer.toString('utf8', start, end));
        block.offsets.push(base + start);
      }
    }
    buffer.copy(buffer, 0, start, filled);
    filled -= start;
    base += start;
    block.end = base;
    if (block.lines.length > 0) yield block;
  }
  if (filled > 0 && range.unfinished === true && !skipping) {
    yield { lines: [buffer.toString('utf8', 0, filled)], offsets: [base], end: base + filled };
  }
}
