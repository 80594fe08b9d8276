// The routes that one replica wrote: body ids by prefix id, with Linux's key rules (key-rules.ts). A prefix with one route, which is nearly
// every prefix, takes one word; further routes of a prefix are in a map. Owns the table; what a route means as a vote is votes.ts.
import type { Family } from '../../wire/family.js';
import { IPV4_UNICAST } from '../../wire/family.js';
import { EEXIST, ENOBUFS, ENOENT, ESRCH } from '../../wire/netlink/constants.js';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../../wire/netlink/constants.js';
import { deleteRoute, matchesKey, takesPlace, writeRoute } from './key-rules.js';
import type { RoutePattern } from './key-rules.js';
import type { RouteBodies } from './route-bodies.js';

/** In a prefix's word: its routes, two or more, are in the map. */
const SEVERAL = 0x80000000;
const INITIAL = 1024;

export class OwnRoutes {
  /** Routes in all tables. */
  size = 0;
  added = 0;
  replaced = 0;
  deleted = 0;
  private readonly bodies: RouteBodies;
  private readonly maxRoutes: number;
  private readonly maxPerPrefix: number;
  private words = new Uint32Array(INITIAL);
  private readonly lists = new Map<number, number[]>();

  constructor(bodies: RouteBodies, limits: { routes: number; routesPerPrefix: number }) {
    this.bodies = bodies;
    this.maxRoutes = limits.routes;
    this.maxPerPrefix = limits.routesPerPrefix;
  }

  /** Prefix ids with routes are below this. */
  get limit(): number {
    return this.words.length;
  }

  /** Whether the prefix has a route. */
  has(prefix: number): boolean {
    return prefix < this.words.length && this.words[prefix] !== 0;
  }

  /** The prefix's only route; 0 when it has none or several. */
  single(prefix: number): number {
    const word = prefix < this.words.length ? this.words[prefix] : 0;
    return (word & SEVERAL) === 0 ? word : 0;
  }

  /** The routes of a prefix that has several, else undefined. In the order in which Linux prefers them within a table. */
  several(prefix: number): readonly number[] | undefined {
    return prefix < this.words.length && (this.words[prefix] & SEVERAL) !== 0 ? this.lists.get(prefix) : undefined;
  }

  /** The next-hop set by which the main table forwards to the prefix, 0 for none. */
  votedHops(prefix: number): number {
    const single = this.single(prefix);
    if (single !== 0) return this.bodies.votedHops(single);
    for (const body of this.several(prefix) ?? []) {
      const hops = this.bodies.votedHops(body);
      if (hops !== 0) return hops;
    }
    return 0;
  }

  /** RTM_NEWROUTE with `flags`. Returns an errno, 0 for success. */
  write(family: Family, prefix: number, body: number, flags: number): number {
    if (prefix >= this.words.length) this.grow(prefix);
    const word = this.words[prefix];
    if (word === 0) {
      if ((flags & NLM_F_CREATE) === 0 && (family === IPV4_UNICAST || (flags & NLM_F_REPLACE) !== 0)) return ENOENT;
      if (this.size >= this.maxRoutes) return ENOBUFS;
      this.words[prefix] = body;
      this.size++;
      this.added++;
      return 0;
    }
    if (word === body) {
      // The very same route: the two families agree on what the flags make of it.
      if ((flags & NLM_F_EXCL) !== 0 || (flags & NLM_F_REPLACE) === 0) return EEXIST;
      return 0;
    }
    if ((word & SEVERAL) === 0 && (flags & (NLM_F_EXCL | NLM_F_REPLACE)) === NLM_F_REPLACE) {
      if (takesPlace(this.bodies, family, word, body)) {
        this.words[prefix] = body;
        this.replaced++;
        return 0;
      }
    }
    return this.writeBeside(family, prefix, body, flags);
  }

  /** RTM_DELROUTE. Returns an errno, ESRCH when no route matches. */
  delete(family: Family, prefix: number, pattern: RoutePattern): number {
    if (!this.has(prefix)) return ESRCH;
    const word = this.words[prefix];
    if ((word & SEVERAL) === 0 && pattern.hops.length === 0) {
      if (!matchesKey(this.bodies, family, word, pattern)) return ESRCH;
      this.words[prefix] = 0;
      this.size--;
      this.deleted++;
      return 0;
    }
    const list = this.list(prefix);
    const before = list.length;
    const error = deleteRoute(this.bodies, family, list, pattern);
    this.store(prefix, list);
    this.size += list.length - before;
    if (error === 0) this.deleted++;
    return error;
  }

  /** Removes the prefix's routes whose bodies are marked. Returns how many went. */
  remove(prefix: number, marked: Uint8Array): number {
    if (!this.has(prefix)) return 0;
    const single = this.single(prefix);
    if (single !== 0 && marked[single] === 0) return 0;
    const list = this.list(prefix);
    const kept = list.filter((body) => marked[body] === 0);
    this.store(prefix, kept);
    this.size += kept.length - list.length;
    return list.length - kept.length;
  }

  clear(): void {
    this.words.fill(0);
    this.lists.clear();
    this.size = 0;
  }

  /** Sets used[prefix] and usedBodies[body] for all routes. */
  mark(used: Uint8Array | undefined, usedBodies: Uint8Array | undefined): void {
    const { words } = this;
    for (let prefix = 1; prefix < words.length; prefix++) {
      const word = words[prefix];
      if (word === 0) continue;
      if (used !== undefined) used[prefix] = 1;
      if (usedBodies === undefined) continue;
      if ((word & SEVERAL) === 0) usedBodies[word] = 1;
      else for (const body of this.lists.get(prefix) ?? []) usedBodies[body] = 1;
    }
  }

  private writeBeside(family: Family, prefix: number, body: number, flags: number): number {
    const list = this.list(prefix);
    const before = list.length;
    const error = writeRoute(this.bodies, family, list, body, flags);
    if (error !== 0) return error;
    if (list.length > before && (list.length > this.maxPerPrefix || this.size >= this.maxRoutes)) return ENOBUFS;
    this.store(prefix, list);
    this.size += list.length - before;
    if (list.length > before) this.added++;
    else this.replaced++;
    return 0;
  }

  /** A copy of the prefix's routes, to work on. */
  private list(prefix: number): number[] {
    const word = this.words[prefix];
    return (word & SEVERAL) === 0 ? [word] : [...(this.lists.get(prefix) ?? [])];
  }

  private store(prefix: number, list: number[]): void {
    if (list.length > 1) {
      this.words[prefix] = SEVERAL;
      this.lists.set(prefix, list);
      return;
    }
    if ((this.words[prefix] & SEVERAL) !== 0) this.lists.delete(prefix);
    this.words[prefix] = list[0] ?? 0;
  }

  private grow(prefix: number): void {
    const grown = new Uint32Array(Math.max(prefix + 1, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}
