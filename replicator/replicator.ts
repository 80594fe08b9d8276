// Copies what the neighbours send to every replica and keeps each neighbour's last update per prefix, from which a replica that comes late,
// comes again, or falls behind gets the current state. Pure: messages in, bytes out when somebody pulls; time is an argument (ms).
// Routes are opaque: no selection, no policy. Judging messages is wire/bgp/update.ts; sockets and pacing belong to the hypervisor.
import type { AttributeTable } from '../wire/attribute-table.js';
import { MAX_MESSAGE_LENGTH } from '../wire/bgp/message.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor } from '../wire/bgp/update.js';
import type { UpdateSection, UpdateVerdict, UpdateView } from '../wire/bgp/update.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import type { Family } from '../wire/family.js';
import type { PrefixClock } from '../wire/prefix-clock.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { ClosedFeeds } from './closed-feeds.js';
import { Feed } from './feed.js';
import { History } from './history.js';
import { InputTimes } from './input-times.js';
import type { Neighbor } from './neighbor.js';
import { suspectsOn } from './suspects.js';
import type { FeedOptions, FeedStats, Suspect } from './types.js';
import { Variant } from './variant.js';
import { Withholding } from './withholding.js';

export type * from './types.js';

const MIB = 1024 * 1024;
const SCRATCH = 65536;

export interface ReplicatorOptions {
  prefixes: PrefixTable;
  attributes: AttributeTable;
  /** A feed with more unread bytes than this gets the current state instead. Default 4 MiB. */
  maxQueueBytes?: number;
  /** Bytes of messages that are remembered per feed until they have proven harmless; 0: none, and no suspects. Default 4 MiB. */
  suspectBytes?: number;
  /** Quarantined messages per replica; the oldest give way, those that are convicted last. Default 10,000. */
  maxQuarantined?: number;
  /** Where the times of the inputs are noted beside, for another thread. */
  clock?: PrefixClock;
}

export class Replicator {
  /** Routes that found no room in the prefix or attribute table: replicas got them, the history did not. */
  tableFull = 0;
  /** What replicas are not given, because they may have died of it. */
  readonly withholding: Withholding;
  private readonly prefixes: PrefixTable;
  private readonly attributes: AttributeTable;
  private readonly maxQueueBytes: number;
  private readonly neighbors: (Neighbor | undefined)[] = [];
  private readonly feeds = new Map<number, Feed>();
  private nextFeed = 1;
  private readonly inputs: InputTimes;
  private readonly cursor = new NlriCursor();
  private readonly raw = new Uint8Array(SCRATCH);
  private readonly suspectBytes: number;
  private readonly closed = new ClosedFeeds();
  /** What the message under way announces, as attribute ids; 0 for nothing. */
  private readonly announced = { route: 0, mpRoute: 0 };
  /** The latest time that anybody told, ms. */
  private latest = 0;

  constructor(options: ReplicatorOptions) {
    this.prefixes = options.prefixes;
    this.attributes = options.attributes;
    this.maxQueueBytes = options.maxQueueBytes ?? 4 * MIB;
    this.inputs = new InputTimes(options.prefixes, options.clock);
    this.suspectBytes = options.suspectBytes ?? 4 * MIB;
    this.withholding = new Withholding({
      neighbors: this.neighbors,
      attributes: options.attributes,
      inputs: this.inputs,
      maxQuarantined: options.maxQuarantined,
    });
  }

  /** The session with neighbour `n` is established and carries `families` (bitmask). Whatever was known of it is dropped. */
  neighborUp(n: number, families: number, now: number): void {
    this.neighborDown(n, now);
    this.neighbors[n] = { families, since: now, history: new History(), variants: new Map(), feeds: [] };
  }

  /** The session is gone: its history and its feeds are dropped. The sessions that the feeds belong to are the caller's to close. */
  neighborDown(n: number, now: number): void {
    const neighbor = this.neighbors[n];
    if (!neighbor) return;
    const { history } = neighbor;
    history.forEachRoute((prefix) => {
      this.inputs.note(prefix, now);
      this.withholding.noteChange(prefix, history.routes[prefix], 0);
    });
    for (const feed of [...neighbor.feeds]) this.closeFeed(feed.id);
    this.neighbors[n] = undefined;
  }

  /**
   * The neighbour sent the UPDATE start..end of `buf` (AS numbers of 4 bytes), parsed into `view` and judged `verdict`; one judged `reset`
   * is ignored. The bytes are copied.
   */
  receive(
    n: number,
    buf: Uint8Array,
    start: number,
    end: number,
    view: UpdateView,
    verdict: UpdateVerdict,
    now: number,
  ): void {
    const neighbor = this.neighbors[n];
    if (!neighbor || verdict.kind === 'reset') return;
    const { announced } = this;
    const { history } = neighbor;
    this.latest = now;
    history.sequence = (history.sequence + 1) >>> 0;
    announced.route = announced.mpRoute = 0;
    const withdrawAll = verdict.kind === 'treat-as-withdraw';
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      const absent = withdrawAll || section.kind === 'withdraw';
      const route = absent ? 0 : this.internAttributes(buf, view, section.mp);
      if (!absent) announced[section.mp ? 'mpRoute' : 'route'] = route;
      this.store(neighbor, buf, section, route, withdrawAll, now);
    }
    if (view.endOfRib !== undefined) this.noteEndOfRib(neighbor, view.endOfRib);
    for (const variant of neighbor.variants.values()) {
      variant.append(buf, start, end, view, verdict, history.sequence, now, announced);
    }
    const refusing = this.withholding.refuse(buf, view, verdict, announced);
    // In place of the message they get what it amounts to, as far as they may have it.
    if (refusing !== 0) for (const feed of neighbor.feeds) if ((refusing >>> feed.replica) & 1) feed.enterState(now);
    for (const feed of neighbor.feeds) if (feed.live && feed.backlog > this.maxQueueBytes) this.overflow(feed, now);
  }

  /** When any neighbour's route for the prefix changed last, ms; -Infinity for never. */
  inputTime(prefix: number): number {
    return this.inputs.of(prefix);
  }

  /** The raw route attributes that neighbour `n` announced last for a prefix: attribute id, 0 when absent. */
  route(n: number, prefix: number): number {
    return this.neighbors[n]?.history.get(prefix) ?? 0;
  }

  /** How long ago neighbour `n` changed its route for a prefix, withdrawals included, ms; undefined when it never announced one. */
  routeAge(n: number, prefix: number, now: number): number | undefined {
    return this.neighbors[n]?.history.age(prefix, now);
  }

  /** Prefixes that neighbour `n` has announced and not withdrawn; of one family, if given. */
  routeCount(n: number, family?: Family): number {
    const history = this.neighbors[n]?.history;
    if (history === undefined) return 0;
    return family === undefined ? history.size : history.sizes[family];
  }

  /** Whether the neighbour has sent the End-of-RIB of a family. */
  hasEndOfRib(n: number, family: Family): boolean {
    return this.neighbors[n]?.history.endOfRibAfter(family, undefined) ?? false;
  }

  /**
   * Opens a feed of neighbour `n` for a session of replica `r` that carries `families`; it starts with the current state. Returns its id.
   * Throws when the neighbour is not up: the session to the replica must not be there then.
   */
  openFeed(r: number, n: number, families: number, now: number, options: FeedOptions = {}): number {
    const neighbor = this.neighbors[n];
    if (!neighbor) throw new Error(`feed of neighbor ${n}, which is not up`);
    const { prefixes, attributes } = this;
    const variant = this.variantFor(neighbor, families, options);
    const id = this.nextFeed++;
    const { history, since } = neighbor;
    const { suspectBytes } = this;
    const withheld = this.withholding.routesOf(r);
    const window = options.window ?? this.withholding.windowOf(r);
    const parameters = { id, replica: r, neighbor: n, since, history, variant, prefixes, attributes };
    const feed = new Feed({ ...parameters, withheld, suspectBytes, window });
    this.latest = Math.max(this.latest, now);
    this.feeds.set(id, feed);
    neighbor.feeds.push(feed);
    return id;
  }

  /**
   * Closes a feed; an unknown id (closed with its neighbour, say) is ignored. What was in flight on it is suspect until it has proven harmless
   * or the replica has ended.
   */
  closeFeed(feedId: number): void {
    const feed = this.feeds.get(feedId);
    if (!feed) return;
    feed.closeAndRemember();
    this.closed.add(feed);
    this.remove(feed);
  }

  /** The processes of replica `r` have ended: its feeds are closed, and what was in flight to it is forgotten. */
  replicaEnded(r: number): void {
    this.closed.forget(r);
    for (const feed of this.feedsOf(r)) {
      feed.close();
      this.remove(feed);
    }
  }

  /**
   * Appends whole messages for the replica to `out`, as many as fit into `maxBytes` (a message or a group of prefixes more at most: 65535 bytes).
   * Returns the bytes appended; 0 when nothing waits. A message that came in after `until` (ms) waits, unless it is part of the current state
   * that a feed starts with.
   */
  pull(feedId: number, out: ByteWriter, maxBytes: number, until = Infinity): number {
    return this.feeds.get(feedId)?.pull(out, maxBytes, this.latest, until) ?? 0;
  }

  /** Bytes that wait to be pulled; an estimate while the feed is not live. */
  backlog(feedId: number): number {
    return this.feeds.get(feedId)?.backlog ?? 0;
  }

  /** Whether everything that came in has been pulled. */
  isCaughtUp(feedId: number): boolean {
    return this.feeds.get(feedId)?.caughtUp ?? false;
  }

  /** Everything that came in before this time has been pulled, ms; `now` when caught up. For the time that a probe proves. */
  deliveredUntil(feedId: number, now: number): number {
    return this.feeds.get(feedId)?.deliveredUntil(now) ?? now;
  }

  /**
   * A probe goes out to replica `r`. It says nothing of the open feeds whose id is not in `handed` (default: all are): of those something that
   * was pulled is still in the hypervisor.
   */
  probeSent(r: number, handed?: ReadonlySet<number>): void {
    for (const feed of this.feedsOf(r)) if (handed === undefined || handed.has(feed.id)) feed.probeSent();
    this.closed.probeSent(r);
  }

  /**
   * The probe that was sent last has come back: what was pulled before the one before it has done no harm. Returns whether a feed that
   * waited for that has more to give: it should be pulled.
   */
  probeReturned(r: number): boolean {
    // One that has not taken all its sessions yet has not got all that there is.
    let through = this.neighbors.every((neighbor) => neighbor?.feeds.some(({ replica }) => replica === r) ?? true);
    let more = false;
    for (const feed of this.feedsOf(r)) {
      more = feed.probeReturned() || more;
      through &&= feed.isThrough;
    }
    this.closed.probeReturned(r);
    if (through) this.withholding.through(r);
    return more;
  }

  /**
   * What was given to replica `r` and has not proven harmless, oldest first: on the session that stands for neighbour `n`, or on all. To be
   * asked before the replica has ended. At most `limit` of them, the last ones. O(in flight).
   */
  suspects(r: number, n?: number, limit = Infinity): Suspect[] {
    const feeds = [...this.feedsOf(r), ...this.closed.of(r)].filter(
      ({ neighbor }) => n === undefined || neighbor === n,
    );
    return suspectsOn(feeds, this.latest, limit);
  }

  feedStats(feedId: number): FeedStats | undefined {
    const feed = this.feeds.get(feedId);
    if (!feed) return undefined;
    const { replica, neighbor, live, backlog, overflows, tooLong } = feed;
    return { replica, neighbor, live, backlog, overflows, tooLong, forgotten: feed.inFlight.forgotten };
  }

  /** The replica asks for a family again (ROUTE-REFRESH): it gets the current state of it. */
  refresh(feedId: number, family: Family, now: number): void {
    this.feeds.get(feedId)?.refresh(family, now);
  }

  /** Marks used[id] for every attribute id held here. */
  markAttributes(used: Uint8Array): void {
    for (const neighbor of this.neighbors) {
      neighbor?.history.forEachRoute((prefix) => {
        used[neighbor.history.routes[prefix]] = 1;
      });
    }
    for (const feed of [...this.feeds.values(), ...this.closed.all()]) feed.markAttributes(used);
    this.withholding.markAttributes(used);
  }

  /** Marks used[id] for every prefix id held here. */
  markPrefixes(used: Uint8Array): void {
    for (const neighbor of this.neighbors) {
      neighbor?.history.forEachRoute((prefix) => {
        used[prefix] = 1;
      });
    }
    for (const feed of [...this.feeds.values(), ...this.closed.all()]) feed.markPrefixes(used);
    this.withholding.markPrefixes(used);
  }

  private internAttributes(buf: Uint8Array, view: UpdateView, mp: boolean): number {
    const length = extractRouteAttributes(buf, view, mp, this.raw, 0);
    return this.attributes.intern(this.raw, 0, length);
  }

  /** Takes one list of prefixes into the history. `always`: it counts as input even where it changes nothing. */
  private store(
    neighbor: Neighbor,
    buf: Uint8Array,
    section: UpdateSection,
    route: number,
    always: boolean,
    now: number,
  ): void {
    const { cursor, prefixes, withholding } = this;
    const { history, feeds } = neighbor;
    const before = history.size;
    const watched = withholding.active;
    const full = route === 0 && section.kind === 'announce' && !always;
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) {
      const prefix = prefixes.intern(section.family, buf, cursor.at, cursor.bits);
      if (prefix === 0 || full) this.tableFull++;
      if (prefix === 0) continue;
      if (watched) withholding.noteChange(prefix, history.get(prefix), route);
      if (history.set(prefix, route, now)) {
        for (let i = 0; i < feeds.length; i++) feeds[i].noteChange(prefix);
      } else if (!always) {
        continue;
      }
      this.inputs.note(prefix, now);
    }
    history.sizes[section.family] += history.size - before;
  }

  private remove(feed: Feed): void {
    this.feeds.delete(feed.id);
    const neighbor = this.neighbors[feed.neighbor];
    if (!neighbor) return;
    neighbor.feeds.splice(neighbor.feeds.indexOf(feed), 1);
    if (neighbor.feeds.some(({ variant }) => variant === feed.variant)) return;
    for (const [key, variant] of neighbor.variants) if (variant === feed.variant) neighbor.variants.delete(key);
  }

  private feedsOf(r: number): Feed[] {
    const found: Feed[] = [];
    for (const feed of this.feeds.values()) if (feed.replica === r) found.push(feed);
    return found;
  }

  private noteEndOfRib(neighbor: Neighbor, family: Family): void {
    neighbor.history.endOfRib[family] = neighbor.history.sequence;
    for (const feed of neighbor.feeds) feed.noteEndOfRibOf(family);
  }

  private overflow(feed: Feed, now: number): void {
    feed.overflows++;
    feed.enterState(now);
  }

  private variantFor(neighbor: Neighbor, families: number, options: FeedOptions): Variant {
    const { maxMessageLength = MAX_MESSAGE_LENGTH, deliver = 'raw' } = options;
    const key = `${families & neighbor.families}/${maxMessageLength}/${deliver}`;
    let variant = neighbor.variants.get(key);
    if (!variant) {
      variant = new Variant(families, neighbor.families, maxMessageLength, deliver);
      neighbor.variants.set(key, variant);
    }
    return variant;
  }
}
