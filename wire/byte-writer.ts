// A growing byte buffer for building messages. Owns the buffer; what the bytes mean is the caller's business.

const INITIAL_CAPACITY = 4096;

/**
 * Bytes 0..length of `buffer` are written. The buffer is replaced when it grows, so do not keep it across writes.
 * All numbers are written in network byte order and cut to their width.
 */
export class ByteWriter {
  buffer: Uint8Array;
  length = 0;

  constructor(initialCapacity = INITIAL_CAPACITY) {
    this.buffer = new Uint8Array(initialCapacity);
  }

  /** Makes sure that `count` more bytes fit without another growth. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.buffer[this.length++] = value >>> 8;
    this.buffer[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.buffer[this.length++] = value >>> 24;
    this.buffer[this.length++] = value >>> 16;
    this.buffer[this.length++] = value >>> 8;
    this.buffer[this.length++] = value;
  }

  /** Overwrites two bytes written before, for lengths that are known only afterwards. */
  setU16(at: number, value: number): void {
    this.buffer[at] = value >>> 8;
    this.buffer[at + 1] = value;
  }

  /** Appends bytes start..end of `source` (all of it by default). */
  bytes(source: Uint8Array, start = 0, end: number = source.length): void {
    const count = end - start;
    if (count <= 0) return;
    this.reserve(count);
    copyBytes(source, start, end, this.buffer, this.length);
    this.length += count;
  }

  /** Forgets what was written and keeps the memory. */
  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const copy = this.buffer.slice(0, this.length);
    this.length = 0;
    return copy;
  }
}

// Below this many bytes a plain loop beats `set`, which needs a view object per call.
const LOOP_LIMIT = 96;

/** Copies bytes start..end of `source` to `target` at `at`; the two must not overlap. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > LOOP_LIMIT) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let from = start, to = at; from < end; from++, to++) target[to] = source[from];
}
