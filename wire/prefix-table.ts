// Numbers prefixes: every distinct (family, address, length) gets a small dense id, so that everything kept per prefix elsewhere is a
// typed array indexed by id. Owns the ids and the hash table over them; says nothing about routes.
import { IPV4_UNICAST, IPV6_UNICAST, maxPrefixBits } from './family.js';
import type { Family } from './family.js';
import { finish, mix } from './hash.js';
import { formatPrefix, parsePrefix } from './prefix-text.js';

export interface PrefixTableOptions {
  /** Ids to make room for at once; the table grows by doubling. */
  initialCapacity?: number;
  /** Prefixes kept at most (default 4,000,000); further ones get id 0. */
  maxPrefixes?: number;
  /** Start value of the hash. A number that outsiders cannot guess keeps them from choosing prefixes that collide. */
  seed?: number;
}

const DEFAULT_CAPACITY = 1024;
const DEFAULT_MAX_PREFIXES = 4_000_000;

// `kinds` holds family and length in one byte: 0..32 IPv4, 64..192 IPv6, FREE for an id that is not in use.
const IPV6_KIND = 64;
const FREE = 255;

export class PrefixTable {
  /** Prefixes in the table now. */
  size = 0;
  /** Every id ever given out is below this: the length that arrays indexed by id need. */
  limit = 1;

  private readonly maxPrefixes: number;
  private readonly seed: number;
  private kinds: Uint8Array;
  private words: Uint32Array;
  // Address words 1..3 of IPv6 ids, at 3 * id; stays empty as long as there is no IPv6 prefix.
  private tails = new Uint32Array(0);
  // Open addressing with linear probing: ids, 0 = empty; a power of two at least twice the number of ids.
  private slots: Uint32Array;
  private freeIds: number[] = [];
  // The key of the call under way, so that lookups need neither an object nor a string.
  private kind = 0;
  private word0 = 0;
  private word1 = 0;
  private word2 = 0;
  private word3 = 0;

  constructor(options: PrefixTableOptions = {}) {
    const capacity = Math.max(16, options.initialCapacity ?? DEFAULT_CAPACITY);
    this.maxPrefixes = options.maxPrefixes ?? DEFAULT_MAX_PREFIXES;
    this.seed = options.seed ?? 0;
    this.kinds = new Uint8Array(capacity).fill(FREE);
    this.words = new Uint32Array(capacity);
    this.slots = new Uint32Array(slotCount(capacity));
  }

  /**
   * The id of a prefix, a new one if need be. `at` is its first address byte in `buf`, of which only the ceil(bits / 8) bytes that NLRI
   * carries are read; host bits are ignored. Returns 0 when `bits` is out of range or the table is full.
   */
  intern(family: Family, buf: Uint8Array, at: number, bits: number): number {
    if (bits > maxPrefixBits(family)) return 0;
    this.loadKey(family, buf, at, bits);
    const slot = this.probe();
    const found = this.slots[slot];
    return found !== 0 ? found : this.insert(slot);
  }

  /** The id of a prefix, 0 when it is not in the table. Arguments as for `intern`. */
  find(family: Family, buf: Uint8Array, at: number, bits: number): number {
    if (bits > maxPrefixBits(family)) return 0;
    this.loadKey(family, buf, at, bits);
    return this.slots[this.probe()];
  }

  /** Whether an id is in use. */
  has(id: number): boolean {
    return id > 0 && id < this.limit && this.kinds[id] !== FREE;
  }

  family(id: number): Family {
    return this.kinds[id] < IPV6_KIND ? IPV4_UNICAST : IPV6_UNICAST;
  }

  /** Prefix length in bits. */
  bits(id: number): number {
    const kind = this.kinds[id];
    return kind < IPV6_KIND ? kind : kind - IPV6_KIND;
  }

  /** The prefix's hash, 32 bits: the same in every table that was given the same seed. */
  hashOf(id: number): number {
    this.loadStored(id);
    return this.hashKey();
  }

  /** Bytes that the prefix takes as NLRI: length byte and address. */
  nlriSize(id: number): number {
    return 1 + ((this.bits(id) + 7) >> 3);
  }

  /** Writes the prefix as NLRI (RFC 4271 section 4.3) at `at` and returns the offset behind it. */
  writeNlri(id: number, out: Uint8Array, at: number): number {
    const kind = this.kinds[id];
    const bits = kind < IPV6_KIND ? kind : kind - IPV6_KIND;
    out[at] = bits;
    const end = at + 1 + ((bits + 7) >> 3);
    let word = this.words[id];
    for (let to = at + 1, i = 0; to < end; to++, i++) {
      if (i !== 0 && (i & 3) === 0) word = this.tails[3 * id + (i >> 2) - 1];
      out[to] = word >>> (24 - ((i & 3) << 3));
    }
    return end;
  }

  /** `address/length`, e.g. `10.0.0.0/8`. */
  format(id: number): string {
    const nlri = new Uint8Array(17);
    this.writeNlri(id, nlri, 0);
    return formatPrefix(this.family(id), nlri, 1, this.bits(id));
  }

  /** The id of a prefix given as text, a new one if need be; 0 when the text is no prefix or the table is full. */
  parse(text: string): number {
    const prefix = parsePrefix(text);
    return prefix ? this.intern(prefix.family, prefix.address, 0, prefix.bits) : 0;
  }

  /** As `parse`, but 0 for a prefix that is not in the table. */
  findText(text: string): number {
    const prefix = parsePrefix(text);
    return prefix ? this.find(prefix.family, prefix.address, 0, prefix.bits) : 0;
  }

  /** Frees every id whose entry in `used` is 0 or missing, for reuse by later prefixes. Returns how many were freed. */
  sweep(used: Uint8Array): number {
    let freed = 0;
    for (let id = 1; id < this.limit; id++) {
      if (this.kinds[id] === FREE || (id < used.length && used[id] !== 0)) continue;
      this.kinds[id] = FREE;
      this.freeIds.push(id);
      freed++;
    }
    this.size -= freed;
    if (freed > 0) this.rebuildSlots(this.slots.length);
    return freed;
  }

  private loadKey(family: Family, buf: Uint8Array, at: number, bits: number): void {
    this.word0 = readWord(buf, at, bits);
    if (family === IPV4_UNICAST) {
      this.kind = bits;
      return;
    }
    this.kind = bits + IPV6_KIND;
    this.word1 = bits > 32 ? readWord(buf, at + 4, bits - 32) : 0;
    this.word2 = bits > 64 ? readWord(buf, at + 8, bits - 64) : 0;
    this.word3 = bits > 96 ? readWord(buf, at + 12, bits - 96) : 0;
  }

  /** The slot that holds the loaded key, or the empty one where it belongs. */
  private probe(): number {
    const mask = this.slots.length - 1;
    let slot = this.hashKey() & mask;
    for (;;) {
      const id = this.slots[slot];
      if (id === 0 || this.matches(id)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private matches(id: number): boolean {
    if (this.words[id] !== this.word0 || this.kinds[id] !== this.kind) return false;
    if (this.kind < IPV6_KIND) return true;
    const tail = 3 * id;
    const tails = this.tails;
    return tails[tail] === this.word1 && tails[tail + 1] === this.word2 && tails[tail + 2] === this.word3;
  }

  private hashKey(): number {
    let hash = mix(this.seed ^ this.kind, this.word0);
    if (this.kind >= IPV6_KIND) hash = mix(mix(mix(hash, this.word1), this.word2), this.word3);
    return finish(hash);
  }

  private insert(slot: number): number {
    if (this.size >= this.maxPrefixes) return 0;
    const id = this.freeIds.pop() ?? this.limit++;
    if (id >= this.kinds.length) this.growIds();
    this.kinds[id] = this.kind;
    this.words[id] = this.word0;
    if (this.kind >= IPV6_KIND) this.storeTail(id);
    this.size++;
    if (this.size * 2 > this.slots.length) this.rebuildSlots(this.slots.length * 2);
    else this.slots[slot] = id;
    return id;
  }

  private storeTail(id: number): void {
    const at = 3 * id;
    if (at + 3 > this.tails.length) {
      const grown = new Uint32Array(3 * this.kinds.length);
      grown.set(this.tails);
      this.tails = grown;
    }
    this.tails[at] = this.word1;
    this.tails[at + 1] = this.word2;
    this.tails[at + 2] = this.word3;
  }

  private growIds(): void {
    const capacity = this.kinds.length * 2;
    const kinds = new Uint8Array(capacity).fill(FREE);
    kinds.set(this.kinds);
    const words = new Uint32Array(capacity);
    words.set(this.words);
    this.kinds = kinds;
    this.words = words;
  }

  private rebuildSlots(count: number): void {
    const slots = new Uint32Array(count);
    const mask = count - 1;
    for (let id = 1; id < this.limit; id++) {
      if (this.kinds[id] === FREE) continue;
      this.loadStored(id);
      let slot = this.hashKey() & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
  }

  private loadStored(id: number): void {
    this.kind = this.kinds[id];
    this.word0 = this.words[id];
    if (this.kind < IPV6_KIND) return;
    this.word1 = this.tails[3 * id];
    this.word2 = this.tails[3 * id + 1];
    this.word3 = this.tails[3 * id + 2];
  }
}

/** Up to 32 bits at `at` as an unsigned word, bits behind `bits` cleared; reads only the bytes that hold them. */
function readWord(buf: Uint8Array, at: number, bits: number): number {
  if (bits > 24) {
    const word = (buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3];
    return bits >= 32 ? word >>> 0 : (word & (-1 << (32 - bits))) >>> 0;
  }
  let word = bits > 0 ? buf[at] << 24 : 0;
  if (bits > 8) word |= buf[at + 1] << 16;
  if (bits > 16) word |= buf[at + 2] << 8;
  return bits === 0 ? 0 : (word & (-1 << (32 - bits))) >>> 0;
}

/** The power of two that holds `capacity` ids at a load of at most one half. */
function slotCount(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2));
}
