// Cuts a stream of bytes into MRT records (RFC 6396 section 2). Owns the common header, the extended timestamp and the
// length limit; bodies are decoded elsewhere. Does not copy a record that lies whole inside the chunk it came in.
import { MrtType, u16, u32, type MrtError } from './types.js';

const HEADER = 12;
const EXTENDED = new Set<number>([MrtType.BGP4MP_ET, 33, 49]);

/** Default for the longest record accepted, in bytes. Real ones exceed 64 KiB (a prefix with some hundred paths). */
export const DEFAULT_MAX_RECORD = 1 << 20;

/**
 * Feed chunks with push(), take records with next(); the fields describe the current record until the next call of either.
 * After an error nothing more comes out: the stream cannot be resynchronised.
 */
export class MrtFramer {
  readonly maxRecord: number;
  buffer: Uint8Array = new Uint8Array(0);
  /** First byte of the body, behind the extended timestamp if there is one. */
  start = 0;
  /** One past the last byte of the body. */
  end = 0;
  type = 0;
  subtype = 0;
  /** Seconds since 1970. */
  seconds = 0;
  /** 0 in records without the extended timestamp. */
  microseconds = 0;
  /** Position of the record's header in the whole stream, in bytes. */
  offset = 0;
  error: MrtError | undefined;
  #at = 0;
  /** Stream position of buffer[0]. */
  #base = 0;

  constructor(maxRecord: number = DEFAULT_MAX_RECORD) {
    this.maxRecord = maxRecord;
  }

  /** The record's time in milliseconds since 1970. */
  get time(): number {
    return this.seconds * 1000 + this.microseconds / 1000;
  }

  /** Bytes that were pushed and not yet handed out. */
  get pending(): number {
    return this.buffer.length - this.#at;
  }

  /** Length that the pending bytes say their record has, header included; 0 when not even the header is there. */
  get pendingRecordLength(): number {
    return this.pending < HEADER ? 0 : HEADER + u32(this.buffer, this.#at + 8);
  }

  /** Stream position of the first pending byte. */
  get position(): number {
    return this.#base + this.#at;
  }

  /** Takes the next chunk of the stream. The framer keeps it until its records are read: do not change it. */
  push(chunk: Uint8Array): void {
    this.#base += this.#at;
    if (this.#at === this.buffer.length) {
      this.buffer = chunk;
    } else {
      const joined = new Uint8Array(this.pending + chunk.length);
      joined.set(this.buffer.subarray(this.#at));
      joined.set(chunk, this.pending);
      this.buffer = joined;
    }
    this.#at = 0;
  }

  /** True: a record is described by the fields. False: more bytes are needed, or `error` says what is wrong. */
  next(): boolean {
    const { buffer } = this;
    const at = this.#at;
    if (this.error !== undefined || buffer.length - at < HEADER) return false;
    const length = u32(buffer, at + 8);
    if (length > this.maxRecord) {
      return this.#fail(`record of ${length} bytes is longer than the limit of ${this.maxRecord}`, at);
    }
    if (buffer.length - at - HEADER < length) return false;
    this.seconds = u32(buffer, at);
    this.type = u16(buffer, at + 4);
    this.subtype = u16(buffer, at + 6);
    this.offset = this.#base + at;
    this.start = at + HEADER;
    this.end = this.start + length;
    this.microseconds = 0;
    this.#at = this.end;
    if (EXTENDED.has(this.type)) {
      if (length < 4) return this.#fail(`record of type ${this.type} has no room for its extended timestamp`, at);
      this.microseconds = u32(buffer, this.start);
      this.start += 4;
    }
    return true;
  }

  #fail(reason: string, at: number): false {
    this.error = { reason, at: this.#base + at };
    return false;
  }
}
