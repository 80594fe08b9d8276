// Where the bytes of an index are: a file or memory. Owns how a file is read: a question to a big log makes thousands of small reads, and one that
// goes through a thread costs many times what it costs to take bytes out of the page cache. So they are made at once, and others have their turn in between.
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';

export interface BytesSource {
  /** Exactly so many bytes, fewer at the end. */
  read(at: number, length: number): Promise<Buffer>;
}

/** Larger reads go through a thread, bytes. */
const AT_ONCE = 256 * 1024;
/** After so long others have their turn, ms. */
const TURN_MS = 4;

let turnAt = 0;

export class FileSource implements BytesSource {
  private readonly file: FileHandle;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async read(at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const read = await this.some(buffer, filled, at + filled);
      if (read === 0) break;
      filled += read;
    }
    return buffer.subarray(0, filled);
  }

  private async some(buffer: Buffer, from: number, at: number): Promise<number> {
    const length = buffer.length - from;
    if (length > AT_ONCE) return (await this.file.read(buffer, from, length, at)).bytesRead;
    const start = performance.now();
    if (start - turnAt > TURN_MS) {
      await turn();
      turnAt = performance.now();
    }
    return readSync(this.file.fd, buffer, from, length, at);
  }
}

export class MemorySource implements BytesSource {
  private readonly buffer: Buffer;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  read(at: number, length: number): Promise<Buffer> {
    return Promise.resolve(this.buffer.subarray(at, at + length));
  }
}
