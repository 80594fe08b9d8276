// The body of a part, read by pages whose checksums are verified. Owns the verification and a small cache.
import { crc32 } from 'node:zlib';
import type { BytesSource } from './bytes-source.js';
import { PAGE } from './part-format.js';

/** An index that is not what it was when it was written; the segment itself has to be read. */
export class CorruptIndex extends Error {}

/** Pages that are kept. */
const KEPT = 64;
/** Bytes that are verified without letting others have a turn. */
const CHUNK = 64 * PAGE;

export class Pages {
  private readonly source: BytesSource;
  private readonly start: number;
  private readonly length: number;
  private readonly crcs: Buffer;
  private readonly kept = new Map<number, Buffer>();

  /** The body is `length` bytes from `start` of the source; `crcs` has four bytes for each page. */
  constructor(source: BytesSource, start: number, length: number, crcs: Buffer) {
    this.source = source;
    this.start = start;
    this.length = length;
    this.crcs = crcs;
  }

  /** Throws CorruptIndex when they are not there or not right. */
  async bytes(at: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    if (at < 0 || at + length > this.length) throw new CorruptIndex('outside of the index');
    const page = Math.floor(at / PAGE);
    if (at + length <= (page + 1) * PAGE) {
      const bytes = await this.page(page);
      return bytes.subarray(at - page * PAGE, at - page * PAGE + length);
    }
    const to = Math.min(this.length, Math.ceil((at + length) / PAGE) * PAGE);
    const chunks: Buffer[] = [];
    for (let from = page * PAGE; from < to; from += CHUNK)
      chunks.push(await this.read(from, Math.min(CHUNK, to - from)));
    const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    return all.subarray(at - page * PAGE, at - page * PAGE + length);
  }

  private async page(page: number): Promise<Buffer> {
    let bytes = this.kept.get(page);
    if (bytes !== undefined) return bytes;
    bytes = await this.read(page * PAGE, Math.min(PAGE, this.length - page * PAGE));
    if (this.kept.size >= KEPT) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(page, bytes);
    return bytes;
  }

  /** Whole pages. */
  private async read(from: number, length: number): Promise<Buffer> {
    const bytes = await this.source.read(this.start + from, length);
    if (bytes.length !== length) throw new CorruptIndex('cut off');
    for (let at = 0; at < length; at += PAGE) {
      const crc = this.crcs.readUInt32LE(4 * ((from + at) / PAGE));
      if (crc32(bytes.subarray(at, at + PAGE)) !== crc) throw new CorruptIndex('a checksum is wrong');
    }
    return bytes;
  }
}
