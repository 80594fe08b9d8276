// Collects routes in a window of bounded size and gives them back grouped by equal attributes, so that one UPDATE carries many prefixes.
// A RIB is in order of prefix, and prefixes that share attributes lie near each other, seldom side by side.
import { finish, mix } from '../wire/hash.js';
import type { Family } from '../wire/family.js';

const EMPTY = -1;
const MAX_NLRI = 17;

/** Default routes in the window. */
export const DEFAULT_WINDOW = 8192;

/** What the grouper hands over, one group after the other. */
export interface GroupReceiver {
  /** A group starts: its attributes as they were given, bytes start..end. False: skip the group's prefixes. */
  group(family: Family, variant: number, attrs: Uint8Array, start: number, end: number): boolean;
  prefix(nlri: Uint8Array, start: number, end: number): void;
  groupEnd(): void;
}

export class RouteGrouper {
  readonly #window: number;
  readonly #table: Int32Array;
  readonly #hashes: Int32Array;
  readonly #keys: Int32Array;
  readonly #slots: Int32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #following: Int32Array;
  readonly #nlri: Uint8Array;
  #arena = new Uint8Array(1 << 18);
  #arenaLength = 0;
  #groups = 0;
  #routes = 0;

  constructor(window = DEFAULT_WINDOW) {
    const array = () => new Int32Array(window);
    this.#window = window;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(2 * window))).fill(EMPTY);
    this.#hashes = array();
    this.#keys = array();
    this.#slots = array();
    this.#starts = array();
    this.#ends = array();
    this.#heads = array();
    this.#tails = array();
    this.#following = array();
    this.#nlri = new Uint8Array(window * MAX_NLRI);
  }

  /** The window is full: flush() before the next add(). */
  get full(): boolean {
    return this.#routes === this.#window;
  }

  add(
    family: Family,
    variant: number,
    attrs: Uint8Array,
    start: number,
    end: number,
    nlri: Uint8Array,
    nlriStart: number,
    nlriEnd: number,
  ): void {
    const group = this.#groupOf((variant << 1) | family, attrs, start, end);
    const route = this.#routes++;
    let at = route * MAX_NLRI;
    for (let from = nlriStart; from < nlriEnd; from++) this.#nlri[at++] = nlri[from];
    this.#following[route] = EMPTY;
    if (this.#heads[group] === EMPTY) this.#heads[group] = route;
    else this.#following[this.#tails[group]] = route;
    this.#tails[group] = route;
  }

  /** Hands over all groups, in the order of their first route, and empties the window. */
  flush(to: GroupReceiver): void {
    for (let group = 0; group < this.#groups; group++) {
      const key = this.#keys[group];
      const wanted = to.group((key & 1) as Family, key >> 1, this.#arena, this.#starts[group], this.#ends[group]);
      if (!wanted) continue;
      for (let route = this.#heads[group]; route !== EMPTY; route = this.#following[route]) {
        const at = route * MAX_NLRI;
        to.prefix(this.#nlri, at, at + 1 + ((this.#nlri[at] + 7) >> 3));
      }
      to.groupEnd();
    }
    for (let group = 0; group < this.#groups; group++) this.#table[this.#slots[group]] = EMPTY;
    this.#groups = 0;
    this.#routes = 0;
    this.#arenaLength = 0;
  }

  #groupOf(key: number, attrs: Uint8Array, start: number, end: number): number {
    let hash = key;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = mix(hash, attrs[at] | (attrs[at + 1] << 8) | (attrs[at + 2] << 16) | (attrs[at + 3] << 24));
    }
    for (; at < end; at++) hash = mix(hash, attrs[at]);
    hash = finish(hash) | 0;
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (let group = this.#table[slot]; group !== EMPTY; group = this.#table[slot]) {
      if (this.#hashes[group] === hash && this.#keys[group] === key && this.#same(group, attrs, start, end))
        return group;
      slot = (slot + 1) & mask;
    }
    const group = this.#groups++;
    this.#table[slot] = group;
    this.#slots[group] = slot;
    this.#hashes[group] = hash;
    this.#keys[group] = key;
    this.#heads[group] = EMPTY;
    this.#keep(group, attrs, start, end);
    return group;
  }

  #same(group: number, attrs: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[group];
    if (this.#ends[group] - from !== end - start) return false;
    const arena = this.#arena;
    for (let i = 0; i < end - start; i++) if (arena[from + i] !== attrs[start + i]) return false;
    return true;
  }

  #keep(group: number, attrs: Uint8Array, start: number, end: number): void {
    const needed = this.#arenaLength + end - start;
    if (needed > this.#arena.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#arena.length));
      larger.set(this.#arena.subarray(0, this.#arenaLength));
      this.#arena = larger;
    }
    this.#arena.set(attrs.subarray(start, end), this.#arenaLength);
    this.#starts[group] = this.#arenaLength;
    this.#ends[group] = needed;
    this.#arenaLength = needed;
  }
}
