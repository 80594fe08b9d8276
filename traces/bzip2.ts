// Decompresses bzip2 as it comes in, a block at a time (at most 900 kB of input text each), checking every checksum.
// Owns the format and nothing else; reading files and naming them in errors is source.ts. Written for this project because
// whole tables are read on the fly: five times the speed of the packages at hand, and it says where a file is damaged.

const MAX_CODE = 20;
const FAST = 10;
const GROUP = 50;

const CRC = new Uint32Array(256).map((_, i) => {
  let c = i << 24;
  for (let k = 0; k < 8; k++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
  return c >>> 0;
});

/** Damaged input. `offset`: position in the compressed stream, in bytes, near which it was noticed. */
export class Bzip2Error extends Error {
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(reason);
    this.name = 'Bzip2Error';
    this.offset = offset;
  }
}

/** One Huffman table: codes up to FAST bits by direct look-up, longer ones by the canonical limits. */
interface Huffman {
  readonly fast: Uint16Array;
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

function makeHuffman(lengths: Uint8Array, count: number): Huffman {
  const table = {
    fast: new Uint16Array(1 << FAST),
    limit: new Int32Array(MAX_CODE + 2).fill(-1),
    base: new Int32Array(MAX_CODE + 2),
    symbols: new Uint16Array(count),
  };
  let code = 0;
  let index = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    table.base[length] = index - code;
    for (let symbol = 0; symbol < count; symbol++) {
      if (lengths[symbol] !== length) continue;
      table.symbols[index++] = symbol;
      if (length <= FAST && code < 1 << length) {
        const from = code << (FAST - length);
        table.fast.fill((length << 9) | symbol, from, from + (1 << (FAST - length)));
      }
      code++;
    }
    table.limit[length] = code - 1;
    code <<= 1;
  }
  return table;
}

/** Push compressed bytes, take blocks of text with next(). Memory: two blocks and what was pushed and not yet taken. */
export class Bzip2Decoder {
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #acc = 0;
  #accBits = 0;
  /** Stream position of #input[0]. */
  #base = 0;
  /** Block size in units of 100 kB; 0 between streams. */
  #level = 0;
  #streamCrc = 0;
  #text = new Uint32Array(0);
  /** Bytes that must be there before it is worth trying to decode a block. */
  #wanted = 0;
  #started = false;

  push(chunk: Uint8Array): void {
    const rest = this.#input.length - this.#at;
    const joined = new Uint8Array(rest + chunk.length);
    joined.set(this.#input.subarray(this.#at));
    joined.set(chunk, rest);
    this.#base += this.#at;
    this.#input = joined;
    this.#at = 0;
  }

  /** The next block's text. Undefined: push more, or with `final` (no more will come) the end. Throws Bzip2Error. */
  next(final: boolean): Uint8Array | undefined {
    for (;;) {
      const available = this.#input.length - this.#at;
      if (available === 0 && this.#level === 0 && this.#accBits < 8) {
        if (final && !this.#started) throw this.#error('empty file');
        return undefined;
      }
      if (!final && available < this.#wanted) return undefined;
      const saved = [this.#at, this.#acc, this.#accBits, this.#level, this.#streamCrc] as const;
      const text = this.#level === 0 ? this.#openStream() : this.#block();
      if (this.#overrun()) {
        if (final) throw new Bzip2Error('the file ends in the middle of a block', this.#base + this.#input.length);
        [this.#at, this.#acc, this.#accBits, this.#level, this.#streamCrc] = saved;
        this.#wanted = Math.max(2 * available, 16);
        return undefined;
      }
      this.#started = true;
      this.#wanted = this.#level === 0 ? 4 : this.#level * 100_000 + 50_000;
      if (text !== undefined) return text;
    }
  }

  /** Bits were read that are not there yet (they read as zero, so no loop can run away). */
  #overrun(): boolean {
    return this.#at - (this.#accBits >> 3) > this.#input.length;
  }

  #error(reason: string): Bzip2Error {
    return new Bzip2Error(reason, this.#base + Math.min(this.#at, this.#input.length));
  }

  /** At most 24 bits. */
  #bits(n: number): number {
    while (this.#accBits < n) {
      this.#acc = (this.#acc << 8) | (this.#input[this.#at++] ?? 0);
      this.#accBits += 8;
    }
    this.#accBits -= n;
    return (this.#acc >>> this.#accBits) & ((1 << n) - 1);
  }

  #word(): number {
    return ((this.#bits(16) << 16) | this.#bits(16)) >>> 0;
  }

  #openStream(): undefined {
    this.#bits(this.#accBits & 7);
    const magic = this.#bits(24);
    const level = this.#bits(8) - 0x30;
    if (this.#overrun()) return;
    if (magic !== 0x425a68 || level < 1 || level > 9) {
      throw this.#error(this.#started ? 'there is something else behind the end of the data' : 'not bzip2 data');
    }
    this.#level = level;
    this.#streamCrc = 0;
    if (this.#text.length < level * 100_000) this.#text = new Uint32Array(level * 100_000);
  }

  #block(): Uint8Array | undefined {
    const magic = [this.#bits(24), this.#bits(24)];
    const crc = this.#word();
    if (magic[0] === 0x177245 && magic[1] === 0x385090) {
      if (!this.#overrun() && crc !== this.#streamCrc) throw this.#error('checksum of the whole stream does not match');
      this.#level = 0;
      return undefined;
    }
    if (this.#overrun()) return undefined;
    if (magic[0] !== 0x314159 || magic[1] !== 0x265359) throw this.#error('no block starts where one should');
    if (this.#bits(1) === 1) throw this.#error('randomised blocks (bzip2 0.9.0 and before) are not supported');
    const origin = this.#bits(24);
    try {
      const count = this.#symbols();
      if (this.#overrun()) return undefined;
      if (origin >= count) throw this.#error('block has its origin outside');
      const text = this.#invert(origin, count);
      if (text.crc !== crc) throw this.#error('checksum of a block does not match');
      this.#streamCrc = (((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ crc) >>> 0;
      return text.bytes;
    } catch (error) {
      // Missing bytes read as zeros and look like damage; more input may cure it, or next() says that there is none.
      if (this.#overrun()) return undefined;
      throw error;
    }
  }

  /** Reads which bytes occur, the code tables and the coded text up to its end mark; returns the number of bytes. */
  #symbols(): number {
    const used: number[] = [];
    const ranges = this.#bits(16);
    for (let i = 0; i < 16; i++) {
      if ((ranges & (0x8000 >> i)) === 0) continue;
      const map = this.#bits(16);
      for (let j = 0; j < 16; j++) if ((map & (0x8000 >> j)) !== 0) used.push(16 * i + j);
    }
    const groups = this.#bits(3);
    const selectorCount = this.#bits(15);
    if (used.length === 0 || groups < 2 || groups > 6 || selectorCount === 0)
      throw this.#error('block header is damaged');
    const order = [0, 1, 2, 3, 4, 5];
    const selectors = new Uint8Array(selectorCount);
    for (let i = 0; i < selectorCount; i++) {
      let j = 0;
      while (this.#bits(1) === 1) if (++j >= groups) throw this.#error('selector is damaged');
      order.unshift(...order.splice(j, 1));
      selectors[i] = order[0];
    }
    const tables: Huffman[] = [];
    for (let g = 0; g < groups; g++) tables.push(this.#codeTable(used.length + 2));
    return this.#codedText(tables, selectors, used);
  }

  #codeTable(symbolCount: number): Huffman {
    const lengths = new Uint8Array(symbolCount);
    let length = this.#bits(5);
    for (let i = 0; i < symbolCount; i++) {
      for (;;) {
        if (length < 1 || length > MAX_CODE) throw this.#error('code length is damaged');
        if (this.#bits(1) === 0) break;
        length += this.#bits(1) === 0 ? 1 : -1;
      }
      lengths[i] = length;
    }
    return makeHuffman(lengths, symbolCount);
  }

  /** The hot loop: Huffman codes, runs and move-to-front. Fills #text with bytes. */
  #codedText(tables: Huffman[], selectors: Uint8Array, used: number[]): number {
    const input = this.#input;
    const text = this.#text;
    const limit = this.#level * 100_000;
    const front = Uint8Array.from(used);
    const endMark = used.length + 1;
    let { fast, limit: codeLimit, base, symbols } = tables[selectors[0]];
    let [at, acc, accBits] = [this.#at, this.#acc, this.#accBits];
    let [count, run, weight, left, selector] = [0, 0, 1, GROUP, 1];
    try {
      for (;;) {
        if (left === 0) {
          if (selector >= selectors.length) throw this.#error('block has more codes than it says');
          ({ fast, limit: codeLimit, base, symbols } = tables[selectors[selector++]]);
          left = GROUP;
        }
        left--;
        while (accBits < MAX_CODE) {
          acc = (acc << 8) | (at < input.length ? input[at] : 0);
          at++;
          accBits += 8;
        }
        let symbol = fast[(acc >>> (accBits - FAST)) & ((1 << FAST) - 1)];
        if (symbol !== 0) {
          accBits -= symbol >>> 9;
          symbol &= 511;
        } else {
          let length = 1;
          let code = (acc >>> (accBits - 1)) & 1;
          while (code > codeLimit[length]) {
            if (++length > MAX_CODE) throw this.#error('undefined code');
            code = (acc >>> (accBits - length)) & ((1 << length) - 1);
          }
          accBits -= length;
          symbol = symbols[code + base[length]] ?? endMark;
        }
        if (symbol <= 1) {
          run += weight << symbol;
          weight <<= 1;
          if (run > limit) throw this.#error('run is longer than a block');
          continue;
        }
        if (run > 0) {
          if (count + run > limit) throw this.#error('block is longer than it may be');
          text.fill(front[0], count, count + run);
          count += run;
          run = 0;
          weight = 1;
        }
        if (symbol === endMark) break;
        if (count >= limit) throw this.#error('block is longer than it may be');
        const byte = front[symbol - 1];
        if (symbol < 16) for (let i = symbol - 1; i > 0; i--) front[i] = front[i - 1];
        else front.copyWithin(1, 0, symbol - 1);
        front[0] = byte;
        text[count++] = byte;
      }
      return count;
    } finally {
      [this.#at, this.#acc, this.#accBits] = [at, acc, accBits];
    }
  }

  /** Undoes the Burrows-Wheeler transform and the first run-length coding. */
  #invert(origin: number, count: number): { bytes: Uint8Array; crc: number } {
    const text = this.#text;
    const starts = new Uint32Array(257);
    for (let i = 0; i < count; i++) starts[(text[i] & 255) + 1]++;
    for (let i = 0; i < 256; i++) starts[i + 1] += starts[i];
    for (let i = 0; i < count; i++) text[starts[text[i] & 255]++] |= i << 8;
    let out = new Uint8Array(count + (count >> 2) + 1024);
    let [size, crc, same, last] = [0, 0xffffffff, 0, -1];
    let next = text[origin] >>> 8;
    for (let i = 0; i < count; i++) {
      const entry = text[next];
      next = entry >>> 8;
      const byte = entry & 255;
      const repeats = same === 4 ? byte : 1;
      if (size + repeats > out.length) {
        const larger = new Uint8Array(2 * out.length);
        larger.set(out);
        out = larger;
      }
      if (same === 4) {
        for (let k = 0; k < repeats; k++) {
          out[size++] = last;
          crc = (crc << 8) ^ CRC[(crc >>> 24) ^ last];
        }
        same = 0;
        last = -1;
        continue;
      }
      same = byte === last ? same + 1 : 1;
      last = byte;
      out[size++] = byte;
      crc = (crc << 8) ^ CRC[(crc >>> 24) ^ byte];
    }
    return { bytes: out.subarray(0, size), crc: ~crc >>> 0 };
  }
}
