// Writes the side file of a segment as the segment grows: collects lines, and appends a part whenever enough have come together. Owns the
// side file; synchronous, for a thread that may wait for the disk. An index that cannot be written is done without.
import { closeSync, ftruncateSync, openSync, readSync, writeSync, fstatSync } from 'node:fs';
import type { BytesSource } from './bytes-source.js';
import { PartBuilder } from './part-builder.js';
import { TAIL } from './part-format.js';
import { partsOf } from './segment-index.js';
import { MAX_LINE } from '../record-text.js';

/** Bytes of a segment that are read at a time. */
const CHUNK = 1 << 20;

export class IndexFile {
  /** Bytes of the side file. */
  size = 0;
  private fd: number | undefined;
  private readonly segment: number;
  private builder: PartBuilder;
  /** The rest of an endless line is passed over. */
  private rest = Buffer.alloc(0);
  private skipping = false;

  private constructor(fd: number, segment: number, covered: number, size: number) {
    this.fd = fd;
    this.segment = segment;
    this.size = size;
    this.builder = new PartBuilder(covered);
  }

  /**
   * The side file at `path` for the segment behind the descriptor `segment` (readable), of `size` bytes: what is sound of it is kept, and
   * what the segment has beyond is read. Throws what the file system throws.
   */
  static async open(path: string, segment: number, size: number): Promise<IndexFile> {
    const fd = openSync(path, 'a+', 0o640);
    try {
      const parts = await partsOf(descriptor(fd), descriptor(segment), size);
      const kept = parts.reduce((sum, { head }) => sum + head.headLength + head.bodyLength, 0);
      if (kept !== fstatSync(fd).size) ftruncateSync(fd, kept);
      const file = new IndexFile(fd, segment, parts.at(-1)?.head.to ?? 0, kept);
      file.readUntil(size);
      return file;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** An empty side file for an empty segment. Throws what the file system throws. */
  static create(path: string, segment: number): IndexFile {
    return new IndexFile(openSync(path, 'a+', 0o640), segment, 0, 0);
  }

  /** Whole lines (with their newlines) were appended to the segment. */
  add(text: Buffer): void {
    this.take(text);
  }

  /** Nothing more comes: what is left becomes a part. */
  finish(): void {
    if (!this.builder.isEmpty) this.writePart();
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  /** Takes what the segment has beyond what is known of it, up to `size`. */
  readUntil(size: number): void {
    const buffer = Buffer.allocUnsafe(CHUNK);
    this.rest = Buffer.alloc(0);
    this.skipping = false;
    for (let at = this.builder.to; at < size;) {
      const read = readSync(this.segment, buffer, 0, Math.min(CHUNK, size - at), at);
      if (read === 0) return;
      at += read;
      this.take(buffer.subarray(0, read));
    }
  }

  /** The next bytes of the segment, cut anywhere. */
  private take(bytes: Buffer): void {
    let start = 0;
    for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1) {
      this.line(bytes.subarray(start, end));
      if (this.builder.isFull) this.writePart();
    }
    if (start === bytes.length) return;
    const more = bytes.subarray(start);
    // Nobody reads such a line, and it is not kept here either.
    if (this.rest.length + more.length > MAX_LINE) this.skipping = true;
    this.rest = this.rest.length === 0 ? Buffer.from(more) : Buffer.concat([this.rest, more]);
  }

  private line(end: Buffer): void {
    const { builder } = this;
    const start = builder.to;
    const line = this.rest.length === 0 ? end : Buffer.concat([this.rest, end]);
    this.rest = Buffer.alloc(0);
    const next = start + line.length + 1;
    if (this.skipping || line.length > MAX_LINE) builder.pass(next);
    else builder.add(line.toString('utf8'), start, next);
    this.skipping = false;
  }

  private writePart(): void {
    const { builder } = this;
    const tail = Buffer.alloc(Math.min(TAIL, builder.to - builder.from));
    readSync(this.segment, tail, 0, tail.length, builder.to - tail.length);
    this.builder = new PartBuilder(builder.to);
    if (this.fd === undefined) return;
    const part = builder.encode(tail);
    try {
      for (let at = 0; at < part.length;) at += writeSync(this.fd, part, at);
      this.size += part.length;
    } catch {
      // Readers see that it stops here, and read the segment from here on.
      this.close();
    }
  }
}

/** What is behind a descriptor; waits, as everything here does. */
function descriptor(fd: number): BytesSource {
  return {
    read: (at, length) => {
      const buffer = Buffer.alloc(length);
      return Promise.resolve(buffer.subarray(0, readSync(fd, buffer, 0, length, at)));
    },
  };
}
