// Makes a RIB that looks like a real one, the same for the same seed: for demos and benchmarks where no trace is at hand. The numbers were
// measured on the full feed of AS30844 in the RouteViews jinx RIB of 2014-05-30 (prefix lengths, path lengths, origins, attribute sharing,
// aggregators) and on the route-views2 RIB of 2014-05-23 (ORIGIN, MED, communities). Private, reserved and documentation space and AS numbers
// that are no public ones do not occur.
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { encodePeerIndexTable, encodeRib } from '../wire/mrt/encode.js';
import { writeAttributeHeader } from '../wire/bgp/attributes.js';
import { TraceError } from './source.js';

export interface SyntheticOptions {
  /** IPv4 prefixes, 1..1,000,000. */
  readonly prefixes: number;
  readonly seed: number;
}

/** The peer whose view the table is. */
export const SYNTHETIC_PEER_AS = 30844;
const PEER_ADDRESS = Uint8Array.of(192, 0, 2, 1);
/** 2024-01-01, in seconds since 1970: the same table whenever it is made. */
const TIME = 1704067200;

/** How many prefixes of 497,321 have each length, from /8 on; single longer ones are left out. */
const LENGTHS = [16, 12, 30, 91, 258, 487, 978, 1707, 12966, 7004, 11763, 24674, 34446, 37114, 53134, 46372, 265110];
const SHORTEST = 8;
/** How many have a path of 1, 2, 3, … hops (AS_SETs count one). */
const PATHS = [379, 22339, 147722, 194301, 73475, 26099, 13842, 7365, 4118, 2442, 1139, 886, 1815, 626, 209, 125, 82];
/** Transit ASes right behind the peer, and how many prefixes go through each. */
const TRANSITS = [6939, 3257, 3356, 3491, 9498, 4134, 10026, 20485, 31133, 9002, 9318, 8657, 4788, 58453, 29049];
const TRANSIT_SHARES = [
  157125, 140660, 52271, 20863, 10222, 5377, 5096, 4582, 4545, 4527, 3652, 2630, 2504, 2450, 2241,
];

const SAME_ORIGIN = 0.67;
const SAME_ATTRIBUTES = 0.72;
const NEW_ORIGIN = 0.29;
const NEW_ATTRIBUTES = 0.15;
const PREPENDED = 0.13;
const AGGREGATED = 0.089;
const ATOMIC = 0.064;
const AS_SET = 0.00025;

/** First and one past the last address of space that no table should have, ascending; the end of unicast space last. */
const RESERVED: readonly (readonly [number, number])[] = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/22',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
].map((text) => {
  const [a, b, c, d, bits] = text.split(/[./]/).map(Number);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return [first, first + 2 ** (32 - bits)];
});
const SPACE_START = 2 ** 24;
const SPACE_END = 224 * 2 ** 24;

/** mulberry32: small, and the same everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** An index, as often as its weight says. */
  weighted(weights: readonly number[], total: number): number {
    let at = this.next() * total;
    for (let i = 0; i < weights.length; i++) {
      at -= weights[i];
      if (at < 0) return i;
    }
    return weights.length - 1;
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const [LENGTH_TOTAL, PATH_TOTAL] = [sum(LENGTHS), sum(PATHS)];
/** All prefixes; what the list leaves over goes through one of some hundred others. */
const TRANSIT_TOTAL = 497321;

interface Origin {
  readonly as: number;
  readonly attributes: Uint8Array[];
}

/** Origins and the attribute sets of their routes, made as they are asked for. */
class Origins {
  readonly #random: Random;
  readonly #origins: Origin[] = [];
  /** The origin of every run so far: drawing from it makes big origins grow bigger, as they do. */
  readonly #runs: Origin[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** The origin of the next run of prefixes. */
  draw(): Origin {
    const random = this.#random;
    const fresh = this.#runs.length === 0 || random.next() < NEW_ORIGIN;
    const origin = fresh ? this.#make() : this.#runs[random.below(this.#runs.length)];
    this.#runs.push(origin);
    return origin;
  }

  /** One of the attribute sets of an origin. */
  attributes(origin: Origin): Uint8Array {
    const random = this.#random;
    const { attributes } = origin;
    if (attributes.length > 0 && random.next() >= NEW_ATTRIBUTES) return attributes[random.below(attributes.length)];
    const made = makeAttributes(random, origin.as);
    attributes.push(made);
    return made;
  }

  #make(): Origin {
    const i = this.#origins.length;
    // 2-byte numbers from the range that is in use, and every third a 4-byte one; the factors spread neighbours.
    const as = i % 3 === 2 ? 131_072 + ((i * 101) % 270_000) : publicAs(1000 + ((i * 7919) % 62_000));
    const origin = { as, attributes: [] };
    this.#origins.push(origin);
    return origin;
  }
}

/** AS_TRANS and the peer itself stand aside. */
function publicAs(as: number): number {
  return as === 23456 || as === SYNTHETIC_PEER_AS ? as + 1 : as;
}

function makePath(random: Random, origin: number): number[] {
  const hops = random.weighted(PATHS, PATH_TOTAL) + 1;
  const path = [SYNTHETIC_PEER_AS];
  if (hops > 2) {
    const transit = random.weighted([...TRANSIT_SHARES, TRANSIT_TOTAL - sum(TRANSIT_SHARES)], TRANSIT_TOTAL);
    path.push(TRANSITS[transit] ?? publicAs(1500 + random.below(800) * 13));
  }
  const repeats = hops > 3 && random.next() < PREPENDED ? 1 + random.below(Math.min(3, hops - 3)) : 0;
  while (path.length < hops - 1 - repeats) {
    // Few ASes carry most of the transit.
    const as = publicAs(1200 + Math.floor(random.next() ** 3 * 4000) * 7);
    if (!path.includes(as) && as !== origin) path.push(as);
  }
  for (let i = 0; i <= repeats; i++) path.push(origin);
  return path;
}

function makeAttributes(random: Random, origin: number): Uint8Array {
  const out = new Uint8Array(600);
  let at = 0;
  const header = (flags: number, type: number, length: number) =>
    (at = writeAttributeHeader(out, at, flags, type, length));
  const u32 = (value: number) => {
    for (const shift of [24, 16, 8, 0]) out[at++] = value >>> shift;
  };
  header(0x40, 1, 1);
  out[at++] = random.next() < 0.89 ? 0 : 2;
  const path = makePath(random, origin);
  const set = random.next() < AS_SET;
  header(0x40, 2, 2 + 4 * path.length + (set ? 10 : 0));
  out[at++] = 2;
  out[at++] = path.length;
  path.forEach(u32);
  if (set) {
    out[at++] = 1;
    out[at++] = 2;
    u32(origin);
    u32(publicAs(3000 + random.below(50_000)));
  }
  header(0x40, 3, 4);
  out.set(PEER_ADDRESS, at);
  at += 4;
  if (random.next() < 0.38) {
    header(0x80, 4, 4);
    u32(random.next() < 0.6 ? 0 : random.below(1000));
  }
  const aggregated = random.next();
  if (aggregated < ATOMIC) header(0x40, 6, 0);
  if (aggregated < AGGREGATED) {
    header(0xc0, 7, 8);
    u32(origin);
    u32((198 << 24) | random.below(1 << 16));
  }
  const communities = random.next() < 0.49 ? 1 + Math.floor(-Math.log(1 - random.next()) * 4) : 0;
  if (communities > 0) {
    const count = Math.min(communities, 30);
    header(0xc0, 8, 4 * count);
    const tagger = path[Math.min(1, path.length - 1)] & 0xffff;
    for (let i = 0; i < count; i++) u32(((tagger << 16) | (100 * (i + 1) + random.below(20))) >>> 0);
  }
  return out.slice(0, at);
}

/** Prefixes in the order of a RIB, each once: address and length strictly ascending. */
class PrefixWalk {
  address = SPACE_START;
  bits = 0;
  readonly #random: Random;
  #cursor = SPACE_START;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Moves on; `left`: how many prefixes are still to come, this one included. */
  next(left: number): void {
    const random = this.#random;
    const share = (SPACE_END - this.#cursor) / left;
    let bits = random.weighted(LENGTHS, LENGTH_TOTAL) + SHORTEST;
    // Where the space gets narrow, what is left has to be small.
    while (bits < 24 && 2 ** (32 - bits) > (SPACE_END - this.#cursor) / 8) bits++;
    if (share < 600) bits = 24;
    const size = 2 ** (32 - bits);
    const gap = Math.floor(random.next() * Math.max(0, Math.min(share - 3000, 20_000)));
    let address = Math.ceil((this.#cursor + gap) / size) * size;
    if (address < this.address || (address === this.address && bits <= this.bits)) address += size;
    for (const [first, end] of RESERVED) {
      if (address < end && address + size > first) address = Math.ceil(end / size) * size;
    }
    this.address = address;
    this.bits = bits;
    // What follows a short prefix lies mostly inside it, as more specific routes do.
    const nested = bits <= 16 || (bits < 22 && (share < 6000 || random.next() < 0.4));
    this.#cursor = nested ? address : address + size;
  }
}

/** The table as MRT records (TABLE_DUMP_V2): the peer index table, then one record for each prefix. */
export function* syntheticTable({ prefixes, seed }: SyntheticOptions): Generator<Uint8Array, void, void> {
  const random = new Random(seed);
  const origins = new Origins(random);
  const walk = new PrefixWalk(random);
  const id = PEER_ADDRESS;
  yield encodePeerIndexTable(TIME, id, 'synthetic', [{ address: PEER_ADDRESS, as: SYNTHETIC_PEER_AS, id }]);
  let origin = origins.draw();
  let attributes = origins.attributes(origin);
  for (let i = 0; i < prefixes; i++) {
    if (random.next() >= SAME_ORIGIN) {
      origin = origins.draw();
      attributes = origins.attributes(origin);
    } else if (random.next() >= SAME_ATTRIBUTES) attributes = origins.attributes(origin);
    walk.next(prefixes - i);
    const { address, bits } = walk;
    const nlri = Uint8Array.of(bits, address >>> 24, address >>> 16, address >>> 8).subarray(0, 1 + ((bits + 7) >> 3));
    yield encodeRib(TIME, 0, i, nlri, [{ peerIndex: 0, originatedTime: TIME, attributes }]);
  }
}

/** Joins small records into chunks that are worth a write. */
function* chunked(records: Iterable<Uint8Array>): Generator<Uint8Array, void, void> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for (const record of records) {
    pending.push(record);
    size += record.length;
    if (size < 1 << 17) continue;
    yield Buffer.concat(pending);
    pending = [];
    size = 0;
  }
  yield Buffer.concat(pending);
}

/** Writes the table to `file`, compressed when its name ends in .gz. Throws TraceError. */
export async function writeSyntheticTable(file: string, options: SyntheticOptions): Promise<void> {
  const source = Readable.from(chunked(syntheticTable(options)));
  try {
    if (file.endsWith('.gz')) await pipeline(source, zlib.createGzip({ level: 6 }), createWriteStream(file));
    else await pipeline(source, createWriteStream(file));
  } catch (error) {
    throw new TraceError(file, 0, `cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
