// One part of an index: answers which records of its range a filter may want, and counts them by what its columns know, reading as little as it
// can. Owns the search; whether a record is really wanted is decided by who reads it (matcher.ts), so what `candidates` says too much does no
// harm, and `tally` says where it cannot be sure.
import type { Prefix } from '../../wire/prefix-text.js';
import { maxPrefixBits } from '../../wire/family.js';
import type { Matcher } from '../matcher.js';
import { hourOf, NO_KEY, type Summary } from '../summary.js';
import type { BytesSource } from './bytes-source.js';
import { CorruptIndex, Pages } from './pages.js';
import {
  FENCE_EVERY,
  MAX_REPLICAS,
  NO_NEIGHBOR,
  OTHER_REPLICA,
  UNKNOWN_KIND,
  UNKNOWN_NEIGHBOR,
  WIDTH,
  type PartHead,
  type SectionName,
  type Sorted,
} from './part-format.js';

/** Entries that are looked at without reading more. */
const STRIDE = 4096;
/** Names that are longer are not in any list. */
const MAX_NAME = 256;

/** A record's line is somewhere in these bytes of the segment, at their beginning. */
export interface Candidates {
  starts: Float64Array;
  ends: Float64Array;
}

/** Reads the keys of the i-th record out of a column's values and its time; undefined: they were left out. */
interface KeyReader {
  column?: SectionName;
  width: number;
  read(values: Buffer | undefined, at: number, i: number): readonly string[] | undefined;
}

export class Part {
  readonly head: PartHead;
  private readonly pages: Pages;

  /** `at`: where the part begins in the source. */
  constructor(head: PartHead, source: BytesSource, at: number) {
    this.head = head;
    this.pages = new Pages(source, at + head.headLength, head.bodyLength, head.pageCrcs);
  }

  /** What may be wanted, in the order of the segment. Throws CorruptIndex. */
  async candidates(matcher: Matcher): Promise<Candidates> {
    const { records, from, to } = this.head;
    const numbers = this.isOut(matcher) ? new Uint32Array(0) : await this.select(matcher);
    const [starts, ends] = [new Float64Array(numbers.length), new Float64Array(numbers.length)];
    const offsets = await this.gather('offset', 4, numbers);
    const behind = await this.gather(
      'offset',
      4,
      numbers.map((n) => Math.min(n + 1, records - 1)),
    );
    for (let i = 0; i < numbers.length; i++) {
      starts[i] = from + offsets.readUInt32LE(4 * i);
      ends[i] = numbers[i] + 1 === records ? to : from + behind.readUInt32LE(4 * i);
      if (starts[i] >= ends[i] || ends[i] > to) throw new CorruptIndex('records in no order');
    }
    return { starts, ends };
  }

  /**
   * Adds what is wanted to a summary, by the columns alone. Returns false, and adds nothing, when they do not tell: some name was left out, or
   * the summary is by something that has no column. Throws CorruptIndex.
   */
  async tally(matcher: Matcher, summary: Summary): Promise<boolean> {
    const keys = this.isSure(matcher) ? this.keysOf(summary.by) : undefined;
    if (keys === undefined) return false;
    const numbers = this.isOut(matcher) ? new Uint32Array(0) : await this.select(matcher);
    const values = keys.column === undefined ? undefined : await this.gather(keys.column, keys.width, numbers);
    const times = await this.gather('time', 8, numbers);
    const prefixes = await this.gather('prefixes', 4, numbers);
    const found = Array.from(numbers, (_, i) => keys.read(values, times.readDoubleLE(8 * i), i));
    if (found.includes(undefined)) return false;
    found.forEach((names, i) => {
      for (const name of names!) summary.count(name, prefixes.readUInt32LE(4 * i), times.readDoubleLE(8 * i));
    });
    return true;
  }

  /** Whether `select` proposes nothing that is not wanted: no name of the filter may be one that was left out. */
  private isSure({ filter, kinds }: Matcher): boolean {
    const { head } = this;
    return (
      (kinds === undefined || !kindValues(head, kinds).has(UNKNOWN_KIND)) &&
      (filter.neighbor === undefined || !neighborValues(head, filter.neighbor).has(UNKNOWN_NEIGHBOR)) &&
      (filter.replica === undefined || replicaMask(head, filter.replica) !== OTHER_REPLICA)
    );
  }

  /** How the keys of a summary are read; undefined where no column has them. */
  private keysOf(by: Summary['by']): KeyReader | undefined {
    const { kinds, neighbors, replicas } = this.head;
    switch (by) {
      case 'hour':
        return { width: 0, read: (_, at) => [hourOf(at)] };
      case 'kind':
        return { column: 'kind', width: 1, read: (values, _, i) => nameAt(kinds, values![i]) };
      case 'neighbor':
        return {
          column: 'neighbor',
          width: 2,
          read: (values, _, i) => {
            const value = values!.readUInt16LE(2 * i);
            return value === NO_NEIGHBOR ? [NO_KEY] : nameAt(neighbors, value);
          },
        };
      case 'replica':
        return {
          column: 'replicas',
          width: 4,
          read: (values, _, i) => {
            const mask = values!.readUInt32LE(4 * i);
            if (mask === 0) return [NO_KEY];
            return mask >>> replicas.length === 0 ? replicas.filter((_name, r) => (mask >>> r) & 1) : undefined;
          },
        };
      default:
        return undefined;
    }
  }

  /** The head alone says that nothing is wanted. */
  private isOut({ filter, kinds, prefix }: Matcher): boolean {
    const { head } = this;
    if (head.records === 0) return true;
    if (filter.from !== undefined && head.last < filter.from) return true;
    if (filter.to !== undefined && head.first > filter.to) return true;
    if (prefix !== undefined && head.lengths[prefix.family === 0 ? 'v4' : 'v6'].length === 0) return true;
    if (kinds !== undefined && kindValues(head, kinds).size === 0) return true;
    if (filter.neighbor !== undefined && neighborValues(head, filter.neighbor).size === 0) return true;
    return filter.replica !== undefined && replicaMask(head, filter.replica) === 0;
  }

  private async select(matcher: Matcher): Promise<Uint32Array> {
    const { filter, prefix, kinds } = matcher;
    const { head } = this;
    let numbers: Uint32Array | undefined;
    if (prefix !== undefined) numbers = await this.withPrefix(prefix, matcher);
    if (filter.as !== undefined) numbers = both(numbers, await this.withAs(filter.as));
    numbers ??= Uint32Array.from({ length: head.records }, (_, i) => i);
    if (kinds !== undefined) {
      const values = kindValues(head, kinds);
      numbers = await this.filtered('kind', 1, numbers, (bytes, i) => values.has(bytes[i]));
    }
    if (filter.neighbor !== undefined) {
      const values = neighborValues(head, filter.neighbor);
      numbers = await this.filtered('neighbor', 2, numbers, (bytes, i) => values.has(bytes.readUInt16LE(2 * i)));
    }
    if (filter.replica !== undefined) {
      const mask = replicaMask(head, filter.replica);
      numbers = await this.filtered('replicas', 4, numbers, (bytes, i) => (bytes.readUInt32LE(4 * i) & mask) !== 0);
    }
    const { from = -Infinity, to = Infinity } = filter;
    if (head.first >= from && head.last <= to) return numbers;
    return this.filtered('time', 8, numbers, (bytes, i) => {
      const at = bytes.readDoubleLE(8 * i);
      return at >= from && at <= to;
    });
  }

  private async filtered(
    name: SectionName,
    width: number,
    numbers: Uint32Array,
    keep: (bytes: Buffer, i: number) => boolean,
  ): Promise<Uint32Array> {
    const bytes = await this.gather(name, width, numbers);
    return numbers.filter((_, i) => keep(bytes, i));
  }

  /** The column's values of these records, one after the other. */
  private async gather(name: SectionName, width: number, numbers: Uint32Array): Promise<Buffer> {
    const [start, length] = this.head.sections[name];
    if (numbers.length * width === length) return this.pages.bytes(start, length);
    const values = Buffer.allocUnsafe(numbers.length * width);
    // Many are cheaper to take out of the whole column.
    const whole = numbers.length > 256 ? await this.pages.bytes(start, length) : undefined;
    for (let i = 0; i < numbers.length; i++) {
      const at = numbers[i] * width;
      if (whole !== undefined) whole.copy(values, i * width, at, at + width);
      else (await this.pages.bytes(start + at, width)).copy(values, i * width);
    }
    return values;
  }

  private async withPrefix(wanted: Prefix, { match }: Matcher): Promise<Uint32Array> {
    const name = wanted.family === 0 ? 'v4' : 'v6';
    const found: number[] = [];
    const low = Buffer.from(wanted.address);
    if (match === 'covered') {
      const high = lastAddress(low, wanted.bits);
      await this.note(name, low, high, (bits) => bits >= wanted.bits, found);
    } else {
      const lengths = match === 'exact' ? [wanted.bits] : this.head.lengths[name].filter((bits) => bits <= wanted.bits);
      for (const length of lengths) {
        if (length > maxPrefixBits(wanted.family)) continue;
        const address = firstAddress(low, length);
        await this.note(name, address, address, (bits) => bits === length, found);
      }
    }
    return ascending(found);
  }

  /** Notes the records of the entries from `low` to `high` whose length is wanted. */
  private async note(
    name: 'v4' | 'v6',
    low: Buffer,
    high: Buffer,
    wanted: (bits: number) => boolean,
    found: number[],
  ): Promise<void> {
    const [from, to] = await this.range(name, low, high);
    const [bitsStart] = this.head.sections[`${name}-bits`];
    const [recordStart] = this.head.sections[`${name}-record`];
    for (let at = from; at < to; at += STRIDE) {
      const count = Math.min(STRIDE, to - at);
      const bits = await this.pages.bytes(bitsStart + at, count);
      const records = await this.pages.bytes(recordStart + 4 * at, 4 * count);
      for (let i = 0; i < count; i++) {
        if (!wanted(bits[i])) continue;
        const record = records.readUInt32LE(4 * i);
        if (record >= this.head.records) throw new CorruptIndex('no such record');
        found.push(record);
      }
    }
  }

  private async withAs(as: number): Promise<Uint32Array> {
    if (!Number.isInteger(as) || as < 0 || as > 0xffffffff) return new Uint32Array(0);
    const key = Buffer.alloc(4);
    key.writeUInt32BE(as);
    const [from, to] = await this.range('as', key, key);
    if (to > from) {
      const [startsAt] = this.head.sections['as-start'];
      const [listAt, listLength] = this.head.sections['as-records'];
      const starts = await this.pages.bytes(startsAt + 4 * from, 8);
      const [start, end] = [starts.readUInt32LE(0), starts.readUInt32LE(4)];
      if (start > end || end > listLength) throw new CorruptIndex('no such list');
      return listed(await this.pages.bytes(listAt + start, end - start), this.head.records);
    }
    return new Uint32Array(0);
  }

  /** The entries whose key lies between the two, both included: [from, to). */
  private async range(name: Sorted, low: Buffer, high: Buffer): Promise<[number, number]> {
    return [await this.lowerBound(name, low, false), await this.lowerBound(name, high, true)];
  }

  /** The first entry whose key is not less than `key`, or with `behind` the first that is greater. */
  private async lowerBound(name: Sorted, key: Buffer, behind: boolean): Promise<number> {
    const width = WIDTH[name];
    const [start, length] = this.head.sections[name];
    const precedes = (keys: Buffer, i: number): boolean => {
      const order = keys.compare(key, 0, width, i * width, (i + 1) * width);
      return order < 0 || (behind && order === 0);
    };
    const fences = this.head.fences[name];
    const block = Math.max(0, firstNot(fences.length / width, (i) => precedes(fences, i)) - 1);
    const first = block * FENCE_EVERY[name];
    const count = Math.min(FENCE_EVERY[name], length / width - first);
    const keys = await this.pages.bytes(start + first * width, Math.max(0, count) * width);
    return first + firstNot(Math.max(0, count), (i) => precedes(keys, i));
  }
}

function nameAt(names: readonly string[], value: number): string[] | undefined {
  return value < names.length ? [names[value]] : undefined;
}

/** The least i below `count` for which `holds` is false (it holds for all before); `count` when there is none. */
function firstNot(count: number, holds: (i: number) => boolean): number {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (holds(middle)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** In ascending order, each once. */
function ascending(found: readonly number[]): Uint32Array {
  const sorted = Uint32Array.from(found).sort();
  return sorted.filter((number, i) => i === 0 || number !== sorted[i - 1]);
}

/** What is in both of two ascending lists. */
function both(left: Uint32Array | undefined, right: Uint32Array): Uint32Array {
  if (left === undefined) return right;
  let at = 0;
  return left.filter((n) => {
    while (at < right.length && right[at] < n) at++;
    return right[at] === n;
  });
}

/** The records, below `records`, of a list of differences, seven bits a byte. */
function listed(bytes: Buffer, records: number): Uint32Array {
  const found: number[] = [];
  let record = 0;
  for (let at = 0; at < bytes.length;) {
    let difference = 0;
    let shift = 0;
    let byte;
    do {
      if (at >= bytes.length || shift > 28) throw new CorruptIndex('a list ends in the middle');
      byte = bytes[at++];
      difference |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    record += difference >>> 0;
    if (record >= records) throw new CorruptIndex('no such record');
    found.push(record);
  }
  return ascending(found);
}

function firstAddress(address: Buffer, bits: number): Buffer {
  return Buffer.from(address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i)))));
}

function lastAddress(address: Buffer, bits: number): Buffer {
  return Buffer.from(address.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, bits - 8 * i)))));
}

/** The column value that may stand for a name: its number, or "unknown" where names were left out; undefined when it is not there. */
function valueOf(names: readonly string[], name: string, most: number, unknown: number): number | undefined {
  const known = names.indexOf(name);
  if (known >= 0) return known;
  return names.length >= most || name.length > MAX_NAME ? unknown : undefined;
}

function kindValues({ kinds }: PartHead, wanted: ReadonlySet<string>): Set<number> {
  const values = [...wanted].map((kind) => valueOf(kinds, kind, UNKNOWN_KIND, UNKNOWN_KIND));
  return new Set(values.filter((value) => value !== undefined));
}

function neighborValues({ neighbors }: PartHead, wanted: string): Set<number> {
  const value = valueOf(neighbors, wanted, NO_NEIGHBOR, UNKNOWN_NEIGHBOR);
  return new Set(value === undefined ? [] : [value]);
}

function replicaMask({ replicas }: PartHead, wanted: string): number {
  const value = valueOf(replicas, wanted, MAX_REPLICAS, MAX_REPLICAS);
  if (value === undefined) return 0;
  return value === MAX_REPLICAS ? OTHER_REPLICA : 1 << value;
}
