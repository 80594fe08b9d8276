// Takes the lines of one range of a segment and makes a part of an index out of them. Owns the collecting and the sorting; memory is bounded
// by the range (`isFull`). The layout is part-format.ts, what a record is about facts.ts.
import { crc32 } from 'node:zlib';
import { forEachAs, forEachPrefix, neighborOf, prefixCountOf, replicasOf, timeOf } from '../facts.js';
import { parseRecord } from '../record-text.js';
import type { LogRecord } from '../types.js';
import { GrowingBytes, GrowingWords } from './growing.js';
import {
  encodePart,
  FENCE_EVERY,
  MAX_RECORDS,
  MAX_REPLICAS,
  NO_NEIGHBOR,
  OTHER_REPLICA,
  PART_BYTES,
  PART_POSTINGS,
  SECTIONS,
  SORTED,
  TAIL,
  UNKNOWN_KIND,
  UNKNOWN_NEIGHBOR,
  WIDTH,
  type PartFacts,
  type SectionName,
  type Sorted,
} from './part-format.js';

/** Longer names are not kept: nothing of ours has such. */
const MAX_NAME = 256;
/** A record number takes the low 26 bits of a key, a prefix length the six above, the address the upper half. */
const RECORD_BITS = 26;
const RECORD_MASK = MAX_RECORDS - 1;

export class PartBuilder {
  readonly from: number;
  /** End of the last line that was added. */
  to: number;
  private records = 0;
  private skipped = 0;
  private first = Infinity;
  private last = -Infinity;
  private readonly kinds = new Map<string, number>();
  private readonly neighbors = new Map<string, number>();
  private readonly replicas = new Map<string, number>();
  private readonly lengths = { v4: new Set<number>(), v6: new Set<number>() };
  private readonly offsets = new GrowingWords();
  private readonly times: number[] = [];
  private readonly kindColumn = new GrowingBytes();
  private readonly neighborColumn: number[] = [];
  private readonly replicaColumn = new GrowingWords();
  private readonly prefixColumn = new GrowingWords();
  /** Pairs of words that are sorted as one number: length and record, address. */
  private readonly v4 = new GrowingWords();
  /** Addresses in network order; lengths; records. */
  private readonly v6 = new GrowingBytes();
  private readonly v6Bits = new GrowingBytes();
  private readonly v6Records = new GrowingWords();
  /** Pairs of words: record, AS. */
  private readonly as = new GrowingWords();
  private readonly seenAs = new Set<number>();

  /** `from`: where the range begins in the segment, bytes. */
  constructor(from: number) {
    this.from = from;
    this.to = from;
  }

  get isFull(): boolean {
    const postings = this.v4.length / 2 + this.v6Records.length + this.as.length / 4;
    return this.to - this.from >= PART_BYTES || postings >= PART_POSTINGS;
  }

  get isEmpty(): boolean {
    return this.to === this.from;
  }

  /** The next line (without newline) begins at `offset` and ends before `end` (newline included). Lines that were left out are no records. */
  add(line: string, offset: number, end: number): void {
    this.to = end;
    const record = parseRecord(line);
    if (record === undefined) {
      if (line !== '') this.skipped++;
      return;
    }
    const number = this.records++;
    this.addColumns(record, offset);
    forEachPrefix(record, (family, bytes, at, bits) => {
      if (family === 0) this.addV4(bytes, at, bits, number);
      else this.addV6(bytes, at, bits, number);
    });
    this.seenAs.clear();
    forEachAs(record, (as) => {
      if (this.seenAs.has(as)) return;
      this.seenAs.add(as);
      this.as.push(number);
      this.as.push(as);
    });
  }

  /** Something between the last line and `end` was too long to be read. */
  pass(end: number): void {
    this.to = end;
    this.skipped++;
  }

  /** Nothing but what says nothing lies between the last line and `end`. */
  extend(end: number): void {
    this.to = Math.max(this.to, end);
  }

  /** The finished part. `tail`: the last bytes of the range, as many as `TAIL` or all. */
  encode(tail: Uint8Array): Buffer {
    const sections: Partial<Record<SectionName, Buffer>> = {
      offset: this.offsets.bytes(),
      time: Buffer.from(Float64Array.from(this.times).buffer),
      kind: this.kindColumn.bytes(),
      neighbor: Buffer.from(Uint16Array.from(this.neighborColumn).buffer),
      replicas: this.replicaColumn.bytes(),
      prefixes: this.prefixColumn.bytes(),
      ...this.sortedV4(),
      ...this.sortedV6(),
      ...this.sortedAs(),
    };
    const places: Partial<Record<SectionName, [number, number]>> = {};
    const chunks: Buffer[] = [];
    let at = 0;
    for (const name of SECTIONS) {
      const bytes = sections[name]!;
      places[name] = [at, bytes.length];
      chunks.push(bytes);
      at += bytes.length;
    }
    const fences = Object.fromEntries(SORTED.map((name) => [name, fencesOf(name, sections[name]!)]));
    const facts: PartFacts = {
      records: this.records,
      skipped: this.skipped,
      first: this.records === 0 ? 0 : this.first,
      last: this.records === 0 ? 0 : this.last,
      kinds: [...this.kinds.keys()],
      neighbors: [...this.neighbors.keys()],
      replicas: [...this.replicas.keys()],
      lengths: { v4: [...this.lengths.v4].sort((a, b) => a - b), v6: [...this.lengths.v6].sort((a, b) => a - b) },
      sections: places as Record<SectionName, [number, number]>,
    };
    return encodePart({
      from: this.from,
      to: this.to,
      tailCrc: crc32(tail.subarray(Math.max(0, tail.length - TAIL))),
      facts,
      fences: fences as Record<Sorted, Buffer>,
      body: Buffer.concat(chunks),
    });
  }

  private addColumns(record: LogRecord, offset: number): void {
    const at = timeOf(record);
    this.first = Math.min(this.first, at);
    this.last = Math.max(this.last, at);
    this.offsets.push(offset - this.from);
    this.times.push(at);
    this.kindColumn.push(numberFor(this.kinds, record.kind, UNKNOWN_KIND));
    const neighbor = neighborOf(record);
    this.neighborColumn.push(
      neighbor === undefined ? NO_NEIGHBOR : numberFor(this.neighbors, neighbor, NO_NEIGHBOR, UNKNOWN_NEIGHBOR),
    );
    let replicas = 0;
    for (const name of replicasOf(record)) {
      const r = numberFor(this.replicas, name, MAX_REPLICAS);
      replicas |= r === MAX_REPLICAS ? OTHER_REPLICA : 1 << r;
    }
    this.replicaColumn.push(replicas >>> 0);
    this.prefixColumn.push(Math.min(prefixCountOf(record), 0xffffffff));
  }

  private addV4(bytes: Uint8Array, at: number, bits: number, record: number): void {
    let address = 0;
    const size = (bits + 7) >> 3;
    for (let i = 0; i < 4; i++) address = (address << 8) | (i < size ? bytes[at + i] : 0);
    if (bits < 32) address &= bits === 0 ? 0 : -1 << (32 - bits);
    this.v4.push(((bits << RECORD_BITS) | record) >>> 0);
    this.v4.push(address >>> 0);
    this.lengths.v4.add(bits);
  }

  private addV6(bytes: Uint8Array, at: number, bits: number, record: number): void {
    for (let i = 0; i < 16; i++) {
      const kept = Math.min(8, Math.max(0, bits - 8 * i));
      this.v6.push(kept === 0 ? 0 : bytes[at + i] & (0xff00 >> kept));
    }
    this.v6Bits.push(bits);
    this.v6Records.push(record);
    this.lengths.v6.add(bits);
  }

  private sortedV4(): Partial<Record<SectionName, Buffer>> {
    const keys = this.v4.sortedPairs();
    const count = keys.length / 2;
    const [address, bits, record] = [Buffer.alloc(4 * count), Buffer.alloc(count), new Uint32Array(count)];
    for (let i = 0; i < count; i++) {
      const low = keys[2 * i];
      address.writeUInt32BE(keys[2 * i + 1], 4 * i);
      bits[i] = low >>> RECORD_BITS;
      record[i] = low & RECORD_MASK;
    }
    return { v4: address, 'v4-bits': bits, 'v4-record': Buffer.from(record.buffer) };
  }

  private sortedV6(): Partial<Record<SectionName, Buffer>> {
    const count = this.v6Records.length;
    const [from, fromBits, fromRecord] = [this.v6.bytes(), this.v6Bits.bytes(), this.v6Records.words()];
    const order = sortedOrder(from, fromBits, count);
    const [address, bits, record] = [Buffer.alloc(16 * count), Buffer.alloc(count), new Uint32Array(count)];
    order.forEach((entry, i) => {
      from.copy(address, 16 * i, 16 * entry, 16 * entry + 16);
      bits[i] = fromBits[entry];
      record[i] = fromRecord[entry];
    });
    return { v6: address, 'v6-bits': bits, 'v6-record': Buffer.from(record.buffer) };
  }

  private sortedAs(): Partial<Record<SectionName, Buffer>> {
    const pairs = this.as.sortedPairs();
    const numbers = new GrowingWords();
    const starts = new GrowingWords();
    const list = new GrowingBytes();
    let previous = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const [record, as] = [pairs[i], pairs[i + 1]];
      if (i === 0 || as !== pairs[i - 1]) {
        numbers.push(as);
        starts.push(list.length);
        previous = 0;
      }
      list.pushVariable(record - previous);
      previous = record;
    }
    starts.push(list.length);
    const sorted = numbers.bytes();
    sorted.swap32();
    return { as: sorted, 'as-start': starts.bytes(), 'as-records': list.bytes() };
  }
}

/** The number of `name`, a new one if need be; `unknown` when there are `most` of them already, or it is too long. */
function numberFor(numbers: Map<string, number>, name: string, most: number, unknown = most): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  if (numbers.size >= most || name.length > MAX_NAME) return unknown;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}

/** Numbers of the entries by address and length: by the first word natively, the few that share it by comparison. */
function sortedOrder(addresses: Buffer, bits: Buffer, count: number): Uint32Array {
  const pairs = new GrowingWords();
  for (let i = 0; i < count; i++) {
    pairs.push(i);
    pairs.push(addresses.readUInt32BE(16 * i));
  }
  const sorted = pairs.sortedPairs();
  const order = Uint32Array.from({ length: count }, (_, i) => sorted[2 * i]);
  const compare = (a: number, b: number): number =>
    addresses.compare(addresses, 16 * b, 16 * b + 16, 16 * a, 16 * a + 16) || bits[a] - bits[b] || a - b;
  for (let start = 0, end; start < count; start = end) {
    for (end = start + 1; end < count && sorted[2 * end + 1] === sorted[2 * start + 1];) end++;
    if (end - start > 1) order.subarray(start, end).sort(compare);
  }
  return order;
}

function fencesOf(name: Sorted, section: Buffer): Buffer {
  const width = WIDTH[name];
  const every = FENCE_EVERY[name] * width;
  const fences = Buffer.alloc(width * Math.ceil(section.length / every));
  for (let i = 0; i * every < section.length; i++) section.copy(fences, i * width, i * every, i * every + width);
  return fences;
}
