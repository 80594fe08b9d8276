// Where the bytes of an index are: a file or memory.
import type { FileHandle } from 'node:fs/promises';

export interface BytesSource {
  /** Exactly so many bytes, fewer at the end. */
  read(at: number, length: number): Promise<Buffer>;
}

export class FileSource implements BytesSource {
  private readonly file: FileHandle;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async read(at: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.file.read(buffer, filled, length - filled, at + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
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
