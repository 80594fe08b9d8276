// Numbers byte strings (route attributes): equal bytes, equal id. Owns one copy of each distinct string in a single arena. The strings are
// opaque here; whoever wants equal routes to have equal bytes canonicalises them first (bgp/canonical.ts).
import { copyBytes } from './byte-writer.js';
import { finish, mix } from './hash.js';

export interface AttributeTableOptions {
  /** Distinct strings kept at most (default 2,000,000); further ones get id 0. */
  maxEntries?: number;
  /** Bytes kept at most (default 512 MiB); strings that do not fit get id 0. */
  maxBytes?: number;
  /** Start value of the hash. A number that outsiders cannot guess keeps them from choosing strings that collide. */
  seed?: number;
}

const INITIAL_IDS = 1024;
const INITIAL_ARENA = 64 * 1024;
const DEFAULT_MAX_ENTRIES = 2_000_000;
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

// In the arena each string is preceded by its id, so that a sweep can compact it in one walk.
const HEADER = 4;

export class AttributeTable {
  /** Strings in the table now. */
  size = 0;
  /** Every id ever given out is below this: the length that arrays indexed by id need. */
  limit = 1;

  private readonly maxEntries: number;
  private readonly maxBytes: number;
  private readonly seed: number;
  private arena = new Uint8Array(INITIAL_ARENA);
  private used = 0;
  private starts = new Uint32Array(INITIAL_IDS);
  private lengths = new Uint32Array(INITIAL_IDS);
  private hashes = new Uint32Array(INITIAL_IDS);
  private live = new Uint8Array(INITIAL_IDS);
  // Open addressing with linear probing: ids, 0 = empty; a power of two at least twice the number of ids.
  private slots = new Uint32Array(INITIAL_IDS * 2);
  private freeIds: number[] = [];

  constructor(options: AttributeTableOptions = {}) {
    this.maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.seed = options.seed ?? 0;
  }

  /** Bytes that the strings take in the arena. */
  get bytes(): number {
    return this.used;
  }

  /** The id of the bytes start..end of `buf`, a new one if need be; 0 when the table is full. */
  intern(buf: Uint8Array, start: number, end: number): number {
    const hash = this.hash(buf, start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (let id = this.slots[slot]; id !== 0; id = this.slots[slot]) {
      if (this.hashes[id] === hash && this.matches(id, buf, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    return this.insert(buf, start, end, hash, slot);
  }

  /** The bytes of an id: a view, valid until the next `intern` or `sweep`, not to be written to. */
  get(id: number): Uint8Array {
    const start = this.starts[id];
    return this.arena.subarray(start, start + this.lengths[id]);
  }

  /** Length of an id's bytes. */
  length(id: number): number {
    return this.lengths[id];
  }

  /** Copies an id's bytes to `out` at `at` and returns the offset behind them. */
  copyTo(id: number, out: Uint8Array, at: number): number {
    const start = this.starts[id];
    const length = this.lengths[id];
    copyBytes(this.arena, start, start + length, out, at);
    return at + length;
  }

  /** Whether an id is in use. */
  has(id: number): boolean {
    return id > 0 && id < this.limit && this.live[id] !== 0;
  }

  /** Frees every id whose entry in `used` is 0 or missing and compacts the arena. Returns how many ids were freed. */
  sweep(used: Uint8Array): number {
    let freed = 0;
    let to = 0;
    for (let from = 0; from < this.used;) {
      const id = readId(this.arena, from);
      const length = HEADER + this.lengths[id];
      if (id < used.length && used[id] !== 0) {
        if (to !== from) this.arena.copyWithin(to, from, from + length);
        this.starts[id] = to + HEADER;
        to += length;
      } else {
        this.live[id] = 0;
        this.freeIds.push(id);
        freed++;
      }
      from += length;
    }
    this.used = to;
    this.size -= freed;
    if (freed > 0) this.rebuildSlots(this.slots.length);
    return freed;
  }

  private hash(buf: Uint8Array, start: number, end: number): number {
    let hash = this.seed ^ (end - start);
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = mix(hash, buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16) | (buf[at + 3] << 24));
    }
    let rest = 0;
    for (; at < end; at++) rest = (rest << 8) | buf[at];
    return finish(mix(hash, rest));
  }

  private matches(id: number, buf: Uint8Array, start: number, end: number): boolean {
    if (this.lengths[id] !== end - start) return false;
    const arena = this.arena;
    for (let at = start, own = this.starts[id]; at < end; at++, own++) {
      if (buf[at] !== arena[own]) return false;
    }
    return true;
  }

  private insert(buf: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const length = end - start;
    if (this.size >= this.maxEntries || this.used + HEADER + length > this.maxBytes) return 0;
    this.reserveArena(HEADER + length);
    const id = this.freeIds.pop() ?? this.limit++;
    if (id >= this.starts.length) this.growIds();
    writeId(this.arena, this.used, id);
    this.starts[id] = this.used + HEADER;
    this.lengths[id] = length;
    this.hashes[id] = hash;
    this.live[id] = 1;
    copyBytes(buf, start, end, this.arena, this.used + HEADER);
    this.used += HEADER + length;
    this.size++;
    if (this.size * 2 > this.slots.length) this.rebuildSlots(this.slots.length * 2);
    else this.slots[slot] = id;
    return id;
  }

  private reserveArena(count: number): void {
    if (this.used + count <= this.arena.length) return;
    const grown = new Uint8Array(Math.max(this.used + count, Math.min(this.arena.length * 2, this.maxBytes)));
    grown.set(this.arena.subarray(0, this.used));
    this.arena = grown;
  }

  private growIds(): void {
    const capacity = this.starts.length * 2;
    this.starts = growWords(this.starts, capacity);
    this.lengths = growWords(this.lengths, capacity);
    this.hashes = growWords(this.hashes, capacity);
    const live = new Uint8Array(capacity);
    live.set(this.live);
    this.live = live;
  }

  private rebuildSlots(count: number): void {
    const slots = new Uint32Array(count);
    const mask = count - 1;
    for (let id = 1; id < this.limit; id++) {
      if (this.live[id] === 0) continue;
      let slot = this.hashes[id] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
  }
}

function growWords(words: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(capacity);
  grown.set(words);
  return grown;
}

function writeId(arena: Uint8Array, at: number, id: number): void {
  arena[at] = id;
  arena[at + 1] = id >>> 8;
  arena[at + 2] = id >>> 16;
  arena[at + 3] = id >>> 24;
}

function readId(arena: Uint8Array, at: number): number {
  return (arena[at] | (arena[at + 1] << 8) | (arena[at + 2] << 16) | (arena[at + 3] << 24)) >>> 0;
}
