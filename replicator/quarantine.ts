// What replicas are never given again because they may have died of it. A message is known again by the route attributes that it announces,
// or, where it announces nothing, by its own. Owns the entries and these fingerprints; feeds look them up, and who has no say on which
// prefix because of them is holds.ts. Why a message is suspect, and whether rightly, is decided elsewhere.
import { SOUND } from '../wire/bgp/update.js';
import type { UpdateVerdict, UpdateView } from '../wire/bgp/update.js';
import { attributeKey, KeySet } from './fingerprint.js';
import type { QuarantineEntry, Suspect } from './types.js';

const NO_KEY = new Uint8Array(0);

interface Entry extends QuarantineEntry {
  /** Empty when it is known by its routes. */
  key: Uint8Array;
}

/** What is withheld from one replica. */
export class Withheld {
  /** Attribute ids of routes, each with the entries that it stands in. */
  readonly routes = new Map<number, Set<number>>();
  readonly keys = new KeySet();
  /** Oldest first. */
  readonly entries = new Map<number, Entry>();
  /** Entries that gave way to newer ones, and suspects that found no room at all. */
  evicted = 0;
}

export class Quarantine {
  /** Whether there is any entry: while there is none, nothing that comes in need be looked at. */
  active = false;
  private readonly maxEntries: number;
  private readonly replicas: Withheld[] = [];
  private nextId = 1;

  /** `maxEntries`: per replica. */
  constructor(maxEntries: number) {
    this.maxEntries = maxEntries;
  }

  of(r: number): Withheld {
    while (this.replicas.length <= r) this.replicas.push(new Withheld());
    return this.replicas[r];
  }

  /** The number of replicas that there may be entries for. */
  get size(): number {
    return this.replicas.length;
  }

  /**
   * Makes an entry of each of the suspects, as many of the last as there may be; older entries give way. `keyOf` gives the key of one that
   * announces nothing; `announced`, asked when somebody has to give way, which routes neighbours announce now. Returns the ids, 0 for those
   * without an entry, and adds routes that were not withheld before, or are not any more, to `changed`.
   */
  add(
    r: number,
    suspects: readonly Suspect[],
    reason: string,
    now: number,
    keyOf: (suspect: Suspect) => Uint8Array,
    announced: () => (route: number) => boolean,
    changed: Set<number>,
  ): number[] {
    const withheld = this.of(r);
    const ids = new Array<number>(suspects.length).fill(0);
    // From the last to the first, so that those that find no room are the oldest.
    const fresh: [number, Suspect, Uint8Array][] = [];
    for (let i = suspects.length - 1; i >= 0; i--) {
      const suspect = suspects[i];
      const key = suspect.routes.length > 0 ? NO_KEY : keyOf(suspect);
      if (suspect.routes.length === 0 && key.length === 0) continue;
      if (fresh.length < this.maxEntries) fresh.push([i, suspect, key.slice()]);
      else withheld.evicted++;
    }
    for (const [i, suspect, key] of fresh.reverse()) {
      const id = (ids[i] = this.nextId++);
      withheld.entries.set(id, { id, replica: r, suspect, reason, at: now, status: 'suspect', key });
      for (const route of suspect.routes) {
        const ids = withheld.routes.get(route);
        ids?.add(id);
        if (ids !== undefined) continue;
        withheld.routes.set(route, new Set([id]));
        changed.add(route);
      }
      if (key.length > 0) withheld.keys.add(key);
    }
    if (withheld.entries.size > this.maxEntries) this.evict(withheld, ids, announced(), changed);
    this.active = this.replicas.some(({ entries }) => entries.size > 0);
    return ids;
  }

  /** Removes an entry and adds routes that are not withheld any more to `changed`. Returns it, undefined for an unknown one. */
  remove(id: number, changed: Set<number>): QuarantineEntry | undefined {
    const entry = this.lookUp(id);
    if (!entry) return undefined;
    this.drop(this.of(entry.replica), entry, changed);
    this.active = this.replicas.some(({ entries }) => entries.size > 0);
    return entry;
  }

  convict(id: number): boolean {
    const entry = this.lookUp(id);
    if (!entry) return false;
    entry.status = 'convicted';
    return true;
  }

  find(id: number): QuarantineEntry | undefined {
    return this.lookUp(id);
  }

  /** The entries because of which replica `r` is not given a route. */
  withholding(r: number, route: number): QuarantineEntry[] {
    const { routes, entries } = this.of(r);
    return [...(routes.get(route) ?? [])].map((id) => entries.get(id)!);
  }

  list(r?: number): QuarantineEntry[] {
    const replicas = r === undefined ? this.replicas : [this.of(r)];
    return replicas.flatMap(({ entries }) => [...entries.values()]).sort((a, b) => a.id - b.id);
  }

  /** Whether a route is withheld from any replica. */
  concerns(route: number): boolean {
    if (route === 0) return false;
    for (const { routes } of this.replicas) if (routes.has(route)) return true;
    return false;
  }

  /**
   * The replicas (bitmask) that must not be given this message. `route` and `mpRoute`: what it announces with the classic fields and with
   * MP_REACH_NLRI, 0 for nothing.
   */
  refuse(
    buf: Uint8Array,
    view: UpdateView,
    verdict: UpdateVerdict,
    { route, mpRoute }: { route: number; mpRoute: number },
  ): number {
    // What announces something is known by that, except for what RFC 7606 makes nothing of.
    const byKey = verdict !== SOUND || (route === 0 && mpRoute === 0);
    let key: Uint8Array | undefined;
    let refusing = 0;
    for (let r = 0; r < this.replicas.length; r++) {
      const { routes, keys } = this.replicas[r];
      if (routes.has(route) || routes.has(mpRoute)) refusing |= 1 << r;
      else if (byKey && keys.size > 0 && keys.has((key ??= attributeKey(buf, view)))) refusing |= 1 << r;
    }
    return refusing;
  }

  markAttributes(used: Uint8Array): void {
    for (const { routes } of this.replicas) for (const route of routes.keys()) used[route] = 1;
  }

  private lookUp(id: number): Entry | undefined {
    for (const { entries } of this.replicas) {
      const entry = entries.get(id);
      if (entry) return entry;
    }
    return undefined;
  }

  /**
   * First those that withhold nothing at present (the replica would die over and over of what is announced now, and finds no room beside
   * them), then the others; among both those that are only suspect before those that are convicted, and the oldest first. What is `fresh`
   * counts as announced.
   */
  private evict(
    withheld: Withheld,
    fresh: readonly number[],
    isAnnounced: (route: number) => boolean,
    changed: Set<number>,
  ): void {
    const { entries } = withheld;
    const kept = new Set(fresh);
    const rank = ({ id, suspect, status }: Entry): number =>
      (kept.has(id) || suspect.routes.some(isAnnounced) ? 2 : 0) + (status === 'convicted' ? 1 : 0);
    const ranked = [...entries.values()].map((entry) => ({ entry, rank: rank(entry) }));
    ranked.sort((a, b) => a.rank - b.rank);
    for (const { entry } of ranked.slice(0, entries.size - this.maxEntries)) {
      this.drop(withheld, entry, changed);
      withheld.evicted++;
    }
  }

  private drop(withheld: Withheld, entry: Entry, changed: Set<number>): void {
    withheld.entries.delete(entry.id);
    if (entry.key.length > 0) withheld.keys.remove(entry.key);
    for (const route of entry.suspect.routes) {
      const ids = withheld.routes.get(route);
      ids?.delete(entry.id);
      if (ids !== undefined && ids.size > 0) continue;
      withheld.routes.delete(route);
      changed.add(route);
    }
  }
}
