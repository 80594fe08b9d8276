// The last update per prefix of one neighbour, as the raw route attributes it came with: all that a new replica needs to know.
import type { Family } from '../wire/family.js';
import { FAMILY_COUNT } from '../wire/family.js';

export class History {
  /** Raw route attributes by prefix: attribute id, 0 = absent. Ids beyond the array are absent. */
  routes = new Uint32Array(256);
  /** Prefixes that are present. */
  size = 0;
  /** The same by family; kept by whoever calls `set`, which does not know it. */
  readonly sizes = new Float64Array(FAMILY_COUNT);
  /** Number of the latest message. Wraps; see `isAfter`. */
  sequence = 0;
  /** Per family: number of the message that was the End-of-RIB, undefined when there was none yet. */
  readonly endOfRib: (number | undefined)[] = new Array<number | undefined>(FAMILY_COUNT).fill(undefined);
  /** Ids below this may be present. */
  limit = 1;
  /** Number of the message that changed the prefix last. */
  private changed = new Uint32Array(256);
  /** When that was, ms modulo 2^32; 0 for never. For those who ask what happened, nothing depends on it. */
  private times = new Uint32Array(256);

  get(prefix: number): number {
    return prefix < this.limit ? this.routes[prefix] : 0;
  }

  /** How long ago the prefix changed last, ms (wraps after 49 days); undefined when it never did. */
  age(prefix: number, now: number): number | undefined {
    const at = prefix < this.limit ? this.times[prefix] : 0;
    return at === 0 ? undefined : ((now >>> 0) - at) >>> 0;
  }

  /** Message number `sequence`, of the time `now` (ms), says `attributes` (0: absent) for a prefix. Returns whether that is a change. */
  set(prefix: number, attributes: number, now: number): boolean {
    if (prefix >= this.limit) {
      if (attributes === 0) return false;
      this.reach(prefix);
    }
    const before = this.routes[prefix];
    if (before === attributes) return false;
    this.routes[prefix] = attributes;
    this.changed[prefix] = this.sequence;
    this.times[prefix] = now >>> 0 || 1;
    if (before === 0) this.size++;
    else if (attributes === 0) this.size--;
    return true;
  }

  /** The prefixes that messages after number `sequence` changed, and possibly some that changed 2^31 messages ago. O(all). */
  forEachChangedAfter(sequence: number, visit: (prefix: number) => void): void {
    for (let prefix = 1; prefix < this.limit; prefix++) {
      if (isAfter(this.changed[prefix], sequence)) visit(prefix);
    }
  }

  forEachRoute(visit: (prefix: number) => void): void {
    for (let prefix = 1; prefix < this.limit; prefix++) if (this.routes[prefix] !== 0) visit(prefix);
  }

  /** Whether the End-of-RIB of a family came after message number `sequence`; with undefined, whether it came at all. */
  endOfRibAfter(family: Family, sequence: number | undefined): boolean {
    const at = this.endOfRib[family];
    return at !== undefined && (sequence === undefined || isAfter(at, sequence));
  }

  private reach(prefix: number): void {
    this.limit = prefix + 1;
    let length = this.routes.length;
    if (prefix < length) return;
    while (length <= prefix) length *= 2;
    const routes = new Uint32Array(length);
    routes.set(this.routes);
    this.routes = routes;
    const changed = new Uint32Array(length);
    changed.set(this.changed);
    this.changed = changed;
    const times = new Uint32Array(length);
    times.set(this.times);
    this.times = times;
  }
}

/** Order of message numbers that wrap at 2^32 and lie less than 2^31 apart. */
function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
