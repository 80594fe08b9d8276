// The side file of a segment is a row of parts, each about one range of the segment: a head that is read whole, and a body of columns that
// is read by pages. Owns the layout, and the checks that make a head worth believing (docs/vote-log.md has it as a table). All numbers are
// little-endian, addresses in network order.
import { crc32 } from 'node:zlib';

export const MAGIC = Buffer.from('BTRVLIX1', 'latin1');
/** Body bytes that share a checksum and are read together. */
export const PAGE = 4096;
/** Bytes at the end of the range by which a part recognises its segment. */
export const TAIL = 4096;
/** Heads are small; a longer one is none of ours. */
const MAX_HEAD = 4 << 20;
const MAX_BODY = 1 << 29;
export const FIXED = 48;

/** A segment's range is indexed when it has grown to so many bytes or named so many prefixes: it bounds the memory that takes. */
export const PART_BYTES = 16 << 20;
export const PART_POSTINGS = 1 << 20;
/** Record numbers take 26 bits where they are sorted. */
export const MAX_RECORDS = 1 << 26;

/** Values of columns that stand for "look into the record". */
export const UNKNOWN_KIND = 255;
export const UNKNOWN_NEIGHBOR = 65_535;
/** Of a record that has no neighbour. */
export const NO_NEIGHBOR = 65_534;
export const MAX_REPLICAS = 31;
export const OTHER_REPLICA = 0x80000000;

/** Entries for each of which the head has the first address (or AS number) of their page. */
export const FENCE_EVERY = { v4: 1024, v6: 256, as: 1024 } as const;
export const WIDTH = { v4: 4, v6: 16, as: 4 } as const;
export type Sorted = keyof typeof WIDTH;
export const SORTED: readonly Sorted[] = ['v4', 'v6', 'as'];

export const SECTIONS = [
  // By record: where it begins in the range, time, kind, neighbour, replicas, number of prefixes.
  'offset',
  'time',
  'kind',
  'neighbor',
  'replicas',
  'prefixes',
  // By prefix, sorted by address and length: address, length, record.
  'v4',
  'v4-bits',
  'v4-record',
  'v6',
  'v6-bits',
  'v6-record',
  // By AS, sorted: number; where its records begin in the list (one more at the end); differences of record numbers, 7 bits a byte.
  'as',
  'as-start',
  'as-records',
] as const;
export type SectionName = (typeof SECTIONS)[number];

/** What the head says in JSON. */
export interface PartFacts {
  records: number;
  /** Lines of the range that are no records. */
  skipped: number;
  /** Earliest and latest time, ms since 1970. */
  first: number;
  last: number;
  kinds: string[];
  neighbors: string[];
  replicas: string[];
  /** Prefix lengths that occur. */
  lengths: { v4: number[]; v6: number[] };
  /** Offset in the body and length, bytes. */
  sections: Record<SectionName, [number, number]>;
}

export interface PartHead extends PartFacts {
  headLength: number;
  bodyLength: number;
  /** The range of the segment: whole lines, bytes. */
  from: number;
  to: number;
  tailCrc: number;
  fences: Record<Sorted, Buffer>;
  pageCrcs: Buffer;
}

export interface PartContents {
  from: number;
  to: number;
  tailCrc: number;
  facts: PartFacts;
  fences: Record<Sorted, Buffer>;
  body: Buffer;
}

/** Head and body, one behind the other. */
export function encodePart({ from, to, tailCrc, facts, fences, body }: PartContents): Buffer {
  const json = Buffer.from(JSON.stringify(facts), 'utf8');
  const pages = Math.ceil(body.length / PAGE);
  const fenceBytes = SORTED.reduce((sum, name) => sum + fences[name].length, 0);
  const headLength = FIXED + json.length + fenceBytes + 4 * pages;
  const head = Buffer.alloc(headLength);
  MAGIC.copy(head);
  head.writeUInt32LE(headLength, 8);
  head.writeUInt32LE(body.length, 12);
  head.writeDoubleLE(from, 16);
  head.writeDoubleLE(to, 24);
  head.writeUInt32LE(tailCrc, 36);
  head.writeUInt32LE(json.length, 40);
  let at = FIXED;
  for (const bytes of [json, ...SORTED.map((name) => fences[name])]) at += bytes.copy(head, at);
  for (let page = 0; page < pages; page++) {
    at = head.writeUInt32LE(crc32(body.subarray(page * PAGE, (page + 1) * PAGE)), at);
  }
  head.writeUInt32LE(crc32(head), 32);
  return Buffer.concat([head, body]);
}

/** Length of the head that begins with these bytes (at least 16 of them); undefined when none does. */
export function headLengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const length = bytes.readUInt32LE(8);
  return length >= FIXED && length <= MAX_HEAD ? length : undefined;
}

/** A head from its bytes; undefined unless all of it makes sense. */
export function decodeHead(bytes: Buffer): PartHead | undefined {
  if (headLengthOf(bytes) !== bytes.length) return undefined;
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0, 32);
  if (crc32(copy) !== bytes.readUInt32LE(32)) return undefined;
  const bodyLength = bytes.readUInt32LE(12);
  const [from, to] = [bytes.readDoubleLE(16), bytes.readDoubleLE(24)];
  const jsonEnd = FIXED + bytes.readUInt32LE(40);
  if (bodyLength > MAX_BODY || !Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to <= from)
    return undefined;
  if (jsonEnd > bytes.length) return undefined;
  const facts = decodeFacts(bytes.toString('utf8', FIXED, jsonEnd), bodyLength);
  if (facts === undefined) return undefined;
  const fences: Partial<Record<Sorted, Buffer>> = {};
  let at = jsonEnd;
  for (const name of SORTED) {
    const length = WIDTH[name] * Math.ceil(facts.sections[name][1] / WIDTH[name] / FENCE_EVERY[name]);
    fences[name] = bytes.subarray(at, (at += length));
  }
  if (bytes.length - at !== 4 * Math.ceil(bodyLength / PAGE)) return undefined;
  const tailCrc = bytes.readUInt32LE(36);
  const pageCrcs = bytes.subarray(at);
  return {
    ...facts,
    headLength: bytes.length,
    bodyLength,
    from,
    to,
    tailCrc,
    fences: fences as PartHead['fences'],
    pageCrcs,
  };
}

function decodeFacts(json: string, bodyLength: number): PartFacts | undefined {
  let facts: PartFacts;
  try {
    facts = JSON.parse(json) as PartFacts;
    return soundFacts(facts, bodyLength) ? facts : undefined;
  } catch {
    // Also what a check stumbles over: the checksum is no secret, and anybody can have written this.
    return undefined;
  }
}

function soundFacts(facts: PartFacts, bodyLength: number): boolean {
  const { records, skipped, first, last, kinds, neighbors, replicas, lengths, sections } = facts;
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const areTexts = (list: unknown, most: number): boolean =>
    Array.isArray(list) && list.length <= most && list.every((text) => typeof text === 'string');
  const areLengths = (list: unknown): boolean => Array.isArray(list) && list.length <= 129 && list.every(isCount);
  if (!isCount(records) || records > MAX_RECORDS || !isCount(skipped)) return false;
  if (typeof first !== 'number' || typeof last !== 'number') return false;
  if (!areTexts(kinds, UNKNOWN_KIND) || !areTexts(neighbors, NO_NEIGHBOR) || !areTexts(replicas, MAX_REPLICAS))
    return false;
  if (!areLengths(lengths.v4) || !areLengths(lengths.v6)) return false;
  for (const name of SECTIONS) {
    const [offset, length] = sections[name];
    if (!isCount(offset) || !isCount(length) || offset + length > bodyLength) return false;
  }
  const rows = { offset: 4, time: 8, kind: 1, neighbor: 2, replicas: 4, prefixes: 4 } as const;
  for (const [name, width] of Object.entries(rows)) {
    if (sections[name as SectionName][1] !== records * width) return false;
  }
  for (const name of ['v4', 'v6'] as const) {
    const entries = sections[`${name}-bits`][1];
    if (sections[name][1] !== entries * WIDTH[name] || sections[`${name}-record`][1] !== entries * 4) return false;
  }
  return sections['as'][1] % 4 === 0 && sections['as-start'][1] === sections['as'][1] + 4;
}
