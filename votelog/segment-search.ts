// Finds and counts records in one segment: through its index where there is one to be believed, line by line where not. Owns that choice, and
// the indexes that are made in memory for ranges without one that are asked about again.
import type { FileHandle } from 'node:fs/promises';
import { FileSource, MemorySource } from './index/bytes-source.js';
import { CorruptIndex } from './index/pages.js';
import { PartBuilder } from './index/part-builder.js';
import { decodeHead, headLengthOf, PART_BYTES, TAIL } from './index/part-format.js';
import { Part, type Candidates } from './index/part.js';
import { partsOf } from './index/segment-index.js';
import { lineBlocks } from './lines.js';
import type { Matcher } from './matcher.js';
import { parseRecord } from './record-text.js';
import { scan } from './scan.js';
import type { Summary } from './summary.js';
import type { LogRecord } from './types.js';

/** Bytes of a segment that are read and parsed together. */
const WINDOW = 256 * 1024;
/** Indexes in memory take so much together, bytes; then the oldest goes. */
const MEMORY = 128 << 20;
/** It is not worth while to index less than that, bytes. */
const WORTH = 1 << 20;

/** A part of the segment with what is known of it; the last ones may have no index. */
interface Range {
  from: number;
  to: number;
  part?: Part | undefined;
}

export interface SearchOptions {
  file: FileHandle;
  /** Undefined when there is none. */
  index: FileHandle | undefined;
  newestFirst: boolean;
  skip: (lines: number) => void;
}

export class SegmentSearch {
  /** By segment and range: asked about once, or its part in memory. */
  private readonly made = new Map<string, { part: Part; bytes: number } | undefined>();
  private madeBytes = 0;

  /** The records wanted of a segment, some at a time. */
  async *records(matcher: Matcher, options: SearchOptions): AsyncGenerator<LogRecord[]> {
    const { file, newestFirst } = options;
    const { size, ino } = await file.stat();
    const ranges = await this.ranges(options, size);
    if (newestFirst) ranges.reverse();
    for (const range of ranges) {
      const part = range.part ?? (await this.remembered(file, ino, range));
      yield* this.search({ ...range, part }, matcher, options);
    }
  }

  /** Adds the records wanted of a segment to a summary. */
  async summarise(matcher: Matcher, summary: Summary, options: SearchOptions): Promise<void> {
    const { file, skip } = options;
    const { size, ino } = await file.stat();
    for (const range of await this.ranges(options, size)) {
      const part = range.part ?? (await this.remembered(file, ino, range));
      if (part !== undefined && (await believed(part.tally(matcher, summary))) === true) {
        skip(part.head.skipped);
        continue;
      }
      for await (const records of this.search({ ...range, part }, matcher, options)) {
        for (const record of records) summary.add(record);
      }
    }
  }

  /** The records wanted of a range. */
  private async *search(range: Range, matcher: Matcher, options: SearchOptions): AsyncGenerator<LogRecord[]> {
    const { file, newestFirst, skip } = options;
    const { part } = range;
    const candidates = part === undefined ? undefined : await believed(part.candidates(matcher));
    if (candidates === undefined) {
      yield* scan(file, matcher, { ...range, newestFirst, skip: () => skip(1) });
    } else {
      skip(part!.head.skipped);
      yield* read(file, candidates, matcher, newestFirst);
    }
  }

  /** The parts of the side file, and the rest of the segment in pieces of which each could be a part. */
  private async ranges({ file, index }: SearchOptions, size: number): Promise<Range[]> {
    const parts = index === undefined ? [] : await partsOf(new FileSource(index), new FileSource(file), size);
    const ranges: Range[] = parts.map((part) => ({ from: part.head.from, to: part.head.to, part }));
    for (let from = ranges.at(-1)?.to ?? 0; from < size;) {
      const to = await this.lineEnd(file, from + PART_BYTES, size);
      ranges.push({ from, to });
      from = to;
    }
    return ranges;
  }

  /** The beginning of the first line at or behind `at`, or `size`. */
  private async lineEnd(file: FileHandle, at: number, size: number): Promise<number> {
    const buffer = Buffer.allocUnsafe(WINDOW);
    for (let from = at - 1; from < size; from += WINDOW) {
      const { bytesRead } = await file.read(buffer, 0, WINDOW, from);
      const end = buffer.subarray(0, bytesRead).indexOf(10);
      if (end >= 0) return Math.min(size, from + end + 1);
      if (bytesRead === 0) break;
    }
    return size;
  }

  /** An index in memory of a range without one; made when it is asked about for the second time. */
  private async remembered(file: FileHandle, ino: number, range: Range): Promise<Part | undefined> {
    if (range.to - range.from < WORTH) return undefined;
    const key = `${ino} ${range.from} ${range.to}`;
    if (!this.made.has(key)) {
      if (this.made.size < 65_536) this.made.set(key, undefined);
      return undefined;
    }
    const known = this.made.get(key);
    if (known !== undefined) return known.part;
    const encoded = await build(file, range);
    const head = decodeHead(encoded.subarray(0, headLengthOf(encoded)));
    if (head === undefined) return undefined;
    const made = { part: new Part(head, new MemorySource(encoded), 0), bytes: encoded.length };
    this.made.set(key, made);
    this.madeBytes += made.bytes;
    for (const [old, entry] of this.made) {
      if (this.madeBytes <= MEMORY) break;
      if (entry === undefined || old === key) continue;
      this.madeBytes -= entry.bytes;
      this.made.set(old, undefined);
    }
    return made.part;
  }
}

/** What an index answers; undefined when it turns out to be broken. */
async function believed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CorruptIndex) return undefined;
    throw error;
  }
}

async function build(file: FileHandle, { from, to }: Range): Promise<Buffer> {
  const builder = new PartBuilder(from);
  for await (const block of lineBlocks(file, { from, to, unfinished: true, tooLong: () => builder.pass(builder.to) })) {
    block.lines.forEach((line, i) => {
      builder.add(line, block.offsets[i], i + 1 < block.lines.length ? block.offsets[i + 1] : block.end);
    });
  }
  builder.extend(to);
  const length = Math.min(TAIL, to - from);
  return builder.encode(await new FileSource(file).read(to - length, length));
}

/** Reads candidates, many at a time where they lie close together, and keeps what is really wanted. */
async function* read(
  file: FileHandle,
  { starts, ends }: Candidates,
  matcher: Matcher,
  newestFirst: boolean,
): AsyncGenerator<LogRecord[]> {
  const source = new FileSource(file);
  const count = starts.length;
  for (let done = 0; done < count;) {
    // Candidates first..last, whose bytes fit into a window.
    let [first, last] = newestFirst ? [count - 1 - done, count - 1 - done] : [done, done];
    if (newestFirst) while (first > 0 && ends[last] - starts[first - 1] <= WINDOW) first--;
    else while (last + 1 < count && ends[last + 1] - starts[first] <= WINDOW) last++;
    done += last - first + 1;
    const base = starts[first];
    const bytes = await source.read(base, ends[last] - base);
    const records: LogRecord[] = [];
    for (let i = first; i <= last; i++) {
      const record = recordIn(bytes.subarray(starts[i] - base, ends[i] - base));
      if (record !== undefined && matcher.matches(record)) records.push(record);
    }
    if (newestFirst) records.reverse();
    if (records.length > 0) yield records;
  }
}

/** The record of the first line. */
function recordIn(bytes: Buffer): LogRecord | undefined {
  const end = bytes.indexOf(10);
  return parseRecord(bytes.toString('utf8', 0, end < 0 ? bytes.length : end));
}
