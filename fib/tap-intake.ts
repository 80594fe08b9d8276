// The FIB votes of replicas that write no FIB: their best routes, read from an iBGP session (the tap), with next hops resolved as the kernel
// would. Owns which next hop each replica has for a prefix and what each next hop resolves to; resolving is resolver.ts, voting voter/.
import { AttributeTable } from '../wire/attribute-table.js';
import { AttributeType } from '../wire/bgp/attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../wire/bgp/update.js';
import type { UpdateSection, UpdateVerdict } from '../wire/bgp/update.js';
import { ALL_FAMILIES, IPV4_UNICAST, IPV6_UNICAST } from '../wire/family.js';
import type { Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { MAX_HOPS_LENGTH } from './next-hops.js';
import type { Resolver } from './resolver.js';

export interface TapIntakeOptions {
  /** How many replicas there are; those without a tap cost nothing. */
  replicas: number;
  prefixes: PrefixTable;
  /** Canonical next-hop sets. */
  hops: AttributeTable;
  resolver: Pick<Resolver, 'resolve'>;
  /** Prefixes that are nobody's vote: the probe's, and those the router originates. */
  exclude(prefix: number): boolean;
  /** `hops` is an id of the hop table, 0 = no route. `now` in ms. */
  vote(replica: number, prefix: number, hops: number, now: number): void;
  /** Distinct BGP next hops kept (default 65,536). Routes with further ones count as unreachable until they are announced anew. */
  maxNextHops?: number;
}

/** On a tap both families are negotiated, AS numbers have 4 bytes, and the session is iBGP. */
const CONTEXT = { as4: true, ebgp: false, families: ALL_FAMILIES };
const DEFAULT_MAX_NEXT_HOPS = 65_536;
/** So few next hops are resolved sooner than it is found out which of them are still in use. */
const SWEEP_FLOOR = 1024;
const NOTHING = new Uint32Array(0);

export class TapIntake {
  /** Prefixes, next hops or sets that found no room in their table: what they said is lost, which the operator must know. */
  tableFull = 0;
  /** Votes cast since the start. */
  votes = 0;
  private readonly options: TapIntakeOptions;
  /** Distinct BGP next hops, 4 or 16 bytes; and by their ids, the hop set that each resolves to (0: unreachable). */
  private readonly nextHops: AttributeTable;
  private resolved = new Uint32Array(1024);
  private sweepPays = true;
  /** By replica and prefix id: id of the BGP next hop, 0 = no route. */
  private readonly nextHopOf: Uint32Array[];
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();
  private readonly scratch = new Uint8Array(MAX_HOPS_LENGTH);

  constructor(options: TapIntakeOptions) {
    this.options = options;
    this.nextHops = new AttributeTable({ maxEntries: options.maxNextHops ?? DEFAULT_MAX_NEXT_HOPS });
    this.nextHopOf = Array.from({ length: options.replicas }, () => NOTHING);
  }

  /**
   * Casts the votes of one UPDATE (a whole message, header included) on the tap of replica `r`. Returns what RFC 7606 says of the message: a
   * replica that sends an unsound one is faulty, and the caller decides. Of a `reset` nothing is used.
   */
  update(r: number, buf: Uint8Array, start: number, end: number, now: number): UpdateVerdict {
    const { view } = this;
    const verdict = parseUpdate(buf, start, end, CONTEXT, view);
    if (verdict.kind === 'reset') return verdict;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      const announced = section.kind === 'announce' && verdict.kind === 'sound';
      if (announced) this.announce(r, buf, section, now);
      else this.withdraw(r, buf, section, now);
    }
    return verdict;
  }

  /** Forgets what a replica said of the families (a bitmask), without votes: its ballots are reset by whoever reset it. */
  reset(r: number, families: number = ALL_FAMILIES): void {
    const nextHopOf = this.nextHopOf[r];
    const { prefixes } = this.options;
    if (families === ALL_FAMILIES) this.nextHopOf[r] = NOTHING;
    else {
      for (let prefix = 1; prefix < nextHopOf.length; prefix++) {
        if (nextHopOf[prefix] !== 0 && (families & (1 << prefixes.family(prefix))) !== 0) nextHopOf[prefix] = 0;
      }
    }
  }

  /** Links, addresses or routes of the real kernel changed: resolves every next hop anew and casts the votes that change by it. */
  kernelChanged(now: number): void {
    const { nextHops, options } = this;
    if (nextHops.size > SWEEP_FLOOR) this.sweepNextHops();
    this.sweepPays = true;
    const changed = new Uint8Array(nextHops.limit);
    let any = false;
    for (let id = 1; id < nextHops.limit; id++) {
      if (!nextHops.has(id)) continue;
      const hops = this.resolve(id);
      if (hops === this.resolved[id]) continue;
      this.resolved[id] = hops;
      changed[id] = 1;
      any = true;
    }
    if (!any) return;
    for (let r = 0; r < this.nextHopOf.length; r++) {
      const nextHopOf = this.nextHopOf[r];
      for (let prefix = 1; prefix < nextHopOf.length; prefix++) {
        const id = nextHopOf[prefix];
        if (changed[id] === 0) continue;
        options.vote(r, prefix, this.resolved[id], now);
        this.votes++;
      }
    }
  }

  /** Marks the prefix ids that are in use, for a sweep of the prefix table. */
  markPrefixes(used: Uint8Array): void {
    for (const nextHopOf of this.nextHopOf) {
      const limit = Math.min(nextHopOf.length, used.length);
      for (let prefix = 1; prefix < limit; prefix++) if (nextHopOf[prefix] !== 0) used[prefix] = 1;
    }
  }

  /** Marks the hop set ids that are in use, for a sweep of the hop table. */
  markAttributes(used: Uint8Array): void {
    for (let id = 1; id < this.nextHops.limit; id++) if (this.nextHops.has(id)) used[this.resolved[id]] = 1;
  }

  private announce(r: number, buf: Uint8Array, section: UpdateSection, now: number): void {
    const { cursor, options } = this;
    const { prefixes } = options;
    const nextHop = this.internNextHop(buf, section);
    const hops = this.resolved[nextHop];
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) {
      const prefix = prefixes.intern(section.family, buf, cursor.at, cursor.bits);
      if (prefix === 0) this.tableFull++;
      else if (!options.exclude(prefix)) this.take(r, prefix, nextHop, hops, now);
    }
  }

  private withdraw(r: number, buf: Uint8Array, section: UpdateSection, now: number): void {
    const { cursor, options } = this;
    const nextHopOf = this.nextHopOf[r];
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) {
      const prefix = options.prefixes.find(section.family, buf, cursor.at, cursor.bits);
      if (prefix !== 0 && prefix < nextHopOf.length && nextHopOf[prefix] !== 0) this.take(r, prefix, 0, 0, now);
    }
  }

  private take(r: number, prefix: number, nextHop: number, hops: number, now: number): void {
    let nextHopOf = this.nextHopOf[r];
    if (prefix >= nextHopOf.length) {
      nextHopOf = grow(nextHopOf, prefix + 1);
      this.nextHopOf[r] = nextHopOf;
    }
    nextHopOf[prefix] = nextHop;
    this.options.vote(r, prefix, hops, now);
    this.votes++;
  }

  /**
   * The id of the next hop of the view's announcement, resolved; 0 when there is none or no room for it, whose set is 0 as well. An IPv6 next hop
   * with a link-local half counts by its global one.
   */
  private internNextHop(buf: Uint8Array, section: UpdateSection): number {
    const { view, nextHops } = this;
    const start = section.mp ? view.mpNextHopStart : this.classicNextHop();
    const length = section.family === IPV4_UNICAST ? 4 : 16;
    if (start === 0) return 0;
    let before = nextHops.size;
    let id = nextHops.intern(buf, start, start + length);
    // A sweep that frees little is not repeated before the kernel changes: a replica gone mad must not cost one for each message.
    if (id === 0 && this.sweepPays) {
      const freed = this.sweepNextHops();
      this.sweepPays = freed * 8 > before;
      before = nextHops.size;
      id = nextHops.intern(buf, start, start + length);
    }
    if (id === 0) this.tableFull++;
    else if (nextHops.size !== before) {
      if (id >= this.resolved.length) this.resolved = grow(this.resolved, id + 1);
      this.resolved[id] = this.resolve(id);
    }
    return id;
  }

  /** Where the value of NEXT_HOP is; 0 without one. */
  private classicNextHop(): number {
    const { view } = this;
    for (let i = 0; i < view.attributeCount; i++) {
      if (view.attributeTypes[i] === AttributeType.NEXT_HOP) return view.attributeEnds[i] - 4;
    }
    return 0;
  }

  private resolve(id: number): number {
    const address = this.nextHops.get(id);
    const family: Family = address.length === 4 ? IPV4_UNICAST : IPV6_UNICAST;
    const length = this.options.resolver.resolve(family, address, this.scratch);
    if (length === 0) return 0;
    const hops = this.options.hops.intern(this.scratch, 0, length);
    if (hops === 0) this.tableFull++;
    return hops;
  }

  /** Frees the next hops that no route has any more; returns how many they were. */
  private sweepNextHops(): number {
    const used = new Uint8Array(this.nextHops.limit);
    for (const nextHopOf of this.nextHopOf) {
      for (let prefix = 1; prefix < nextHopOf.length; prefix++) used[nextHopOf[prefix]] = 1;
    }
    return this.nextHops.sweep(used);
  }
}

function grow(words: Uint32Array, needed: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(Math.max(needed, words.length * 2, 1024));
  grown.set(words);
  return grown;
}
