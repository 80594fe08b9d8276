// What is not given to a replica because it may have died of it: entries, what follows from them for its feeds, and on which prefixes it has no
// say while that lasts. Owns how many may be suspected in earnest and who is brought up in small parts; the entries themselves are quarantine.ts,
// what was told of prefixes holds.ts. Why a message is suspect, and whether rightly, is decided by the caller.
import type { AttributeTable } from '../wire/attribute-table.js';
import type { UpdateVerdict, UpdateView } from '../wire/bgp/update.js';
import { ALL_FAMILIES } from '../wire/family.js';
import type { Feed } from './feed.js';
import { Holds } from './holds.js';
import type { InputTimes } from './input-times.js';
import { announcedBy, forEachRouteIn, type Neighbors } from './neighbor.js';
import { Quarantine } from './quarantine.js';
import { keyOf } from './suspects.js';
import type { HoldChange, QuarantineEntry, QuarantineStats, Suspect } from './types.js';

const MAX_QUARANTINED = 10_000;
const DRAINED_HOLDS = 10_000;
/** A replica that dies with more prefixes than this out of the current state in flight is not kept from all of them … */
const EARNEST_PREFIXES = 1000;
/** … but gets at most so many at a time afterwards, until each part has proven harmless. */
const CAREFUL_WINDOW = 4096;

export interface WithholdingParts {
  neighbors: Neighbors;
  attributes: AttributeTable;
  inputs: InputTimes;
  /** Entries per replica. Default 10,000. */
  maxQuarantined?: number;
}

export class Withholding {
  private readonly neighbors: Neighbors;
  private readonly attributes: AttributeTable;
  private readonly inputs: InputTimes;
  private readonly maxQuarantined: number;
  private readonly kept: Quarantine;
  private readonly holds = new Holds();
  /** Replicas that are brought up in small parts. */
  private readonly careful = new Set<number>();

  constructor({ neighbors, attributes, inputs, maxQuarantined = MAX_QUARANTINED }: WithholdingParts) {
    this.neighbors = neighbors;
    this.attributes = attributes;
    this.inputs = inputs;
    this.maxQuarantined = maxQuarantined;
    this.kept = new Quarantine(maxQuarantined);
  }

  /** Whether there is any entry: while there is none, nothing that comes in need be looked at. */
  get active(): boolean {
    return this.kept.active;
  }

  /**
   * From now on replica `r` is never given these messages again, nor any other with the same attributes, and gets no route that they
   * announce: by none of its feeds, now or later, until `release`. Returns the entry of each suspect in their order, 0 for one that is
   * let be: a plain withdrawal, which has no other form; what found no room (see `maxQuarantined`); and routes out of the current state
   * when they are more than can be suspected in earnest. In the latter two cases the replica's next bootstrap is a careful one
   * (`isCareful`), and that finds the few. O(all prefixes).
   */
  quarantine(r: number, suspects: readonly Suspect[], reason: string, now: number): number[] {
    const fromState = suspects.reduce((sum, { state, prefixes }) => sum + (state ? prefixes : 0), 0);
    const tooMany = fromState > EARNEST_PREFIXES && !this.careful.has(r);
    const chosen = tooMany ? suspects.filter(({ state }) => !state) : suspects;
    if (tooMany || chosen.length > this.maxQuarantined) this.careful.add(r);
    const changed = new Set<number>();
    const key = (suspect: Suspect): Uint8Array =>
      keyOf(suspect, this.neighbors[suspect.neighbor]?.families ?? ALL_FAMILIES);
    const announced = (): ((route: number) => boolean) => announcedBy(this.neighbors, this.attributes.limit);
    const ids = this.kept.add(r, chosen, reason, now, key, announced, changed);
    // What is refused now may already wait in the log.
    for (const feed of this.feedsOf(r)) feed.enterState(now);
    this.reconsider(r, changed, now);
    let next = 0;
    return suspects.map(({ state }) => (tooMany && state ? 0 : ids[next++]));
  }

  /** The message of this entry is harmless: its routes are given again. Returns false for an unknown entry. O(all prefixes). */
  release(id: number, now: number): boolean {
    return this.releaseAll([id], now) === 1;
  }

  /** The same for many entries at once, in O(all prefixes) for each replica that they belong to. Returns how many of them there were. */
  releaseAll(ids: readonly number[], now: number): number {
    const changed = new Map<number, Set<number>>();
    let released = 0;
    for (const id of ids) {
      const r = this.kept.find(id)?.replica;
      if (r === undefined) continue;
      const routes = changed.get(r) ?? new Set<number>();
      changed.set(r, routes);
      this.kept.remove(id, routes);
      released++;
    }
    for (const [r, routes] of changed) this.reconsider(r, routes, now);
    return released;
  }

  /** The message of this entry has been seen to do harm: it is among the last to give way. Returns false for an unknown entry. */
  convict(id: number): boolean {
    return this.kept.convict(id);
  }

  /** What is quarantined for replica `r`, or for all; oldest first. */
  entries(r?: number): QuarantineEntry[] {
    return this.kept.list(r);
  }

  entry(id: number): QuarantineEntry | undefined {
    return this.kept.find(id);
  }

  /** The prefixes that are withheld now because of an entry, whoever announces them. O(all prefixes). */
  prefixesOf(id: number): number[] {
    const routes = new Set(this.kept.find(id)?.suspect.routes);
    const found = new Set<number>();
    forEachRouteIn(this.neighbors, routes, this.attributes.limit, (_, prefix) => found.add(prefix));
    return [...found];
  }

  /** The entries because of which replica `r` is not given a prefix by a neighbour, or by several. */
  entriesOn(r: number, prefix: number): QuarantineEntry[] {
    const entries = this.neighbors.flatMap((_, n) => this.kept.withholding(r, this.routeOf(n, prefix)));
    return [...new Set(entries)];
  }

  stats(r: number): QuarantineStats {
    const { entries, evicted } = this.kept.of(r);
    return { entries: entries.size, withheld: this.holds.count(r), evicted };
  }

  /** Whether the route that neighbour `n` announces for a prefix is withheld from replica `r` now. */
  isWithheld(r: number, n: number, prefix: number): boolean {
    return this.kept.of(r).routes.has(this.routeOf(n, prefix));
  }

  /** Whether replica `r` died of too many suspects at once: its feeds give the current state in small parts until they are through. */
  isCareful(r: number): boolean {
    return this.careful.has(r);
  }

  /** Changes since the last call of who has a say where: `limit` (or a few more) at most; call again while there are as many. */
  drainHolds(limit = DRAINED_HOLDS): HoldChange[] {
    const isHeld = (r: number, prefix: number): boolean => this.neighbors.some((_, n) => this.isWithheld(r, n, prefix));
    return this.holds.drain(this.kept.size, limit, isHeld);
  }

  /** Attribute ids of the routes that replica `r` is not given; stays up to date. */
  routesOf(r: number): ReadonlyMap<number, unknown> {
    return this.kept.of(r).routes;
  }

  /** Prefixes of the current state that may be under way to replica `r` unproven. */
  windowOf(r: number): number {
    return this.careful.has(r) ? this.carefulWindow : Infinity;
  }

  /** Replica `r` has all that there is, and each part has proven harmless. */
  through(r: number): void {
    this.careful.delete(r);
  }

  /** A neighbour's route for a prefix was `before` and is `after` now, as attribute ids; 0 for none. */
  noteChange(prefix: number, before: number, after: number): void {
    const { kept } = this;
    if (kept.active && (kept.concerns(after) || kept.concerns(before))) this.holds.note(prefix);
  }

  /** The replicas (bitmask) that must not be given this message. `announced`: the routes in it. */
  refuse(
    buf: Uint8Array,
    view: UpdateView,
    verdict: UpdateVerdict,
    announced: { route: number; mpRoute: number },
  ): number {
    return this.kept.active ? this.kept.refuse(buf, view, verdict, announced) : 0;
  }

  markAttributes(used: Uint8Array): void {
    this.kept.markAttributes(used);
  }

  markPrefixes(used: Uint8Array): void {
    this.holds.markPrefixes(used);
  }

  /** So small that what all feeds together have under way finds room in the quarantine, should the replica die of it. */
  private get carefulWindow(): number {
    const up = this.neighbors.reduce((count, neighbor) => count + (neighbor === undefined ? 0 : 1), 0);
    return Math.max(1, Math.min(CAREFUL_WINDOW, Math.floor(this.maxQuarantined / up)));
  }

  private routeOf(n: number, prefix: number): number {
    return this.neighbors[n]?.history.get(prefix) ?? 0;
  }

  private feedsOf(r: number): Feed[] {
    return this.neighbors.flatMap((neighbor) => neighbor?.feeds.filter(({ replica }) => replica === r) ?? []);
  }

  /** These routes are withheld from replica `r`, or given to it, otherwise than before. O(all prefixes), if there are any. */
  private reconsider(r: number, routes: ReadonlySet<number>, now: number): void {
    const withheld = this.kept.of(r).routes;
    forEachRouteIn(this.neighbors, routes, this.attributes.limit, (neighbor, prefix) => {
      this.holds.note(prefix);
      // What it says of a route that it gets only now is no opinion until it has worked that off.
      if (!withheld.has(neighbor.history.routes[prefix])) this.inputs.note(prefix, now);
      for (const feed of neighbor.feeds) if (feed.replica === r) feed.renew(prefix, now);
    });
  }
}
