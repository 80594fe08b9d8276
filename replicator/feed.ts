// What one replica gets of one neighbour. LIVE: the neighbour's own bytes out of the log, as fast as the replica reads. STATE: the current
// state of the prefixes that it has not got yet, in fresh encoding; so a feed starts, and so it goes on when the log ran away from it.
// Owns the bytes to be sent; the socket, and when to pull, belong to the hypervisor.
import type { AttributeTable } from '../wire/attribute-table.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import type { ByteWriter } from '../wire/byte-writer.js';
import { FAMILIES } from '../wire/family.js';
import type { Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import type { History } from './history.js';
import { InFlight } from './in-flight.js';
import type { LogReader } from './message-log.js';
import { PrefixSet } from './prefix-set.js';
import type { Variant } from './variant.js';

/** Prefixes that are sorted together, so that those with the same attributes travel together. */
const BATCH = 8192;
/** Prefixes written at once: enough to fill a message, few enough to keep to the limit of a pull. */
const GROUP = 1024;
/** Roughly what a prefix takes in fresh encoding; only for the estimate of the backlog. */
const BYTES_PER_PREFIX = 32;

const taken = new Uint32Array(BATCH);
const keys = new Float64Array(BATCH);

export interface FeedParameters {
  id: number;
  replica: number;
  neighbor: number;
  /** Since when the neighbour is up, ms: whatever is in the history may have come in right then. */
  since: number;
  history: History;
  variant: Variant;
  prefixes: PrefixTable;
  attributes: AttributeTable;
  /** Has the route attributes (ids) that the replica must not be given. */
  withheld: ReadonlyMap<number, unknown>;
  /** Bytes that are remembered as suspects. */
  suspectBytes: number;
  /** Prefixes that may be unproven before the feed is LIVE for the first time. */
  window: number;
}

export class Feed {
  readonly id: number;
  readonly replica: number;
  readonly neighbor: number;
  readonly variant: Variant;
  /** How often the feed fell so far behind that it was given the current state instead. */
  overflows = 0;
  /** Prefixes withdrawn from the replica because their attributes do not fit into its messages. */
  tooLong = 0;
  /** What the replica was given and has not survived yet. */
  readonly inFlight: InFlight;
  private readonly history: History;
  private readonly prefixes: PrefixTable;
  private readonly attributes: AttributeTable;
  private readonly withheld: ReadonlyMap<number, unknown>;
  private readonly packer: UpdatePacker;
  private window: number;
  /** Undefined in STATE. */
  private reader: LogReader | undefined;
  /** Number of the last message that the replica was given; undefined before the first time LIVE. */
  private delivered: number | undefined;
  /** STATE: what is still to be sent, and the part of it that is already sorted. */
  private readonly pending = new PrefixSet();
  private batch: Uint32Array | undefined;
  private batchAt = 0;
  private batchEnd = 0;
  /** STATE: families whose End-of-RIB is to follow. */
  private endOfRib = 0;
  private stateSince = 0;

  constructor(parameters: FeedParameters) {
    const { history, variant } = parameters;
    this.id = parameters.id;
    this.replica = parameters.replica;
    this.neighbor = parameters.neighbor;
    this.history = history;
    this.variant = variant;
    this.prefixes = parameters.prefixes;
    this.attributes = parameters.attributes;
    this.withheld = parameters.withheld;
    this.window = parameters.window;
    this.inFlight = new InFlight(parameters.suspectBytes);
    this.packer = new UpdatePacker(variant.maxMessageLength);
    this.stateSince = parameters.since;
    history.forEachRoute((prefix) => this.addRoute(prefix));
    this.noteEndOfRib();
    if (this.stateLeft === 0 && this.endOfRib === 0) this.goLive();
  }

  get live(): boolean {
    return this.reader !== undefined;
  }

  /** Bytes that wait to be pulled; in STATE an estimate. */
  get backlog(): number {
    if (this.reader) return this.reader.backlog;
    return this.stateLeft * BYTES_PER_PREFIX + (this.endOfRib === 0 ? 0 : BYTES_PER_PREFIX);
  }

  get caughtUp(): boolean {
    return this.reader !== undefined && this.reader.backlog === 0;
  }

  /** Everything that came in before this time has been pulled, ms. */
  deliveredUntil(now: number): number {
    if (!this.reader) return Math.min(now, this.stateSince);
    return this.reader.ready() ? Math.min(now, this.reader.time(now)) : now;
  }

  /** STATE: a prefix has changed. LIVE: nothing, the message itself is in the log. */
  noteChange(prefix: number): void {
    if (!this.reader) this.add(prefix);
  }

  /** A prefix of which the replica may have another opinion now has to be told again, whatever the state. */
  renew(prefix: number, now: number): void {
    this.enterState(now);
    this.add(prefix);
  }

  noteEndOfRibOf(family: Family): void {
    if (!this.reader) this.endOfRib |= (1 << family) & this.variant.families;
  }

  /** From the log to the current state of what the replica has not got. O(all prefixes). */
  enterState(now: number): void {
    const { reader, delivered } = this;
    if (!reader) return;
    this.stateSince = Math.min(now, this.deliveredUntil(now));
    this.inFlight.leave(reader);
    reader.close();
    this.reader = undefined;
    if (delivered !== undefined) this.history.forEachChangedAfter(delivered, (prefix) => this.add(prefix));
    this.noteEndOfRib();
  }

  /** Sends the whole family again (ROUTE-REFRESH, RFC 2918). */
  refresh(family: Family, now: number): void {
    this.enterState(now);
    this.history.forEachRoute((prefix) => {
      if (this.prefixes.family(prefix) === family) this.addRoute(prefix);
    });
    if (this.stateLeft === 0 && this.endOfRib === 0) this.goLive();
  }

  close(): void {
    this.reader?.close();
    this.reader = undefined;
  }

  /** Closes it, but what is in flight stays known. */
  closeAndRemember(): void {
    if (this.reader) this.inFlight.leave(this.reader);
    this.close();
  }

  /**
   * Appends whole messages to `out` until `maxBytes` are reached (at least one, if there is any). Returns the bytes appended. LIVE: what
   * came in after `until` (ms) stays where it is; the current state does not wait.
   */
  pull(out: ByteWriter, maxBytes: number, now: number, until = Infinity): number {
    const start = out.length;
    if (!this.reader) this.pullState(out, start + maxBytes, now);
    if (this.reader) this.pullLog(this.reader, out, start, maxBytes, until);
    return out.length - start;
  }

  probeSent(): void {
    this.inFlight.probeSent(this.reader);
  }

  /** Returns whether the feed waited for the proof. */
  probeReturned(): boolean {
    const waited = this.isWaiting;
    this.inFlight.probeReturned();
    return waited && !this.isWaiting;
  }

  /** Whether all that it gave out of the current state has proven harmless. */
  get isThrough(): boolean {
    return this.live && this.inFlight.unproven === 0;
  }

  /**
   * Visits the groups out of the current state that are in flight, oldest first: their route attributes (0: withdrawn), a function that
   * writes the same messages again, and the time (ms modulo 2^32).
   */
  forEachGroup(visit: (route: number, write: (out: ByteWriter) => void, time: number) => void): void {
    this.inFlight.forEachGroup((route, ids, time) => {
      visit(route, (out) => void this.encode(route, ids, 0, ids.length, out), time);
    });
  }

  /** Visits the neighbour's messages that are in flight, oldest first. */
  forEachMessage(visit: (message: LogReader) => void): void {
    this.inFlight.forEachMessage(this.reader, visit);
  }

  /** Marks the attribute ids that are kept for what is in flight, or will be. */
  markAttributes(used: Uint8Array): void {
    this.inFlight.forEachGroup((route) => (used[route] = 1));
    this.inFlight.forEachKept((message) => {
      used[message.route] = 1;
      used[message.mpRoute] = 1;
    });
  }

  /** Marks the prefix ids that wait here or are in flight. */
  markPrefixes(used: Uint8Array): void {
    this.inFlight.forEachGroup((_, ids) => {
      for (const id of ids) used[id] = 1;
    });
    this.pending.mark(used);
    for (let i = this.batchAt; i < this.batchEnd; i++) used[this.batch![i]] = 1;
  }

  private get stateLeft(): number {
    return this.pending.size + this.batchEnd - this.batchAt;
  }

  /** Whether it must not give more before what it gave has proven harmless. */
  private get isWaiting(): boolean {
    return this.stateLeft > 0 && this.inFlight.unproven >= this.window;
  }

  /** What the replica may know of a prefix: its route attributes, 0 for none. */
  private routeOf(prefix: number): number {
    const route = this.history.get(prefix);
    return this.withheld.size > 0 && this.withheld.has(route) ? 0 : route;
  }

  private addRoute(prefix: number): void {
    if (this.routeOf(prefix) !== 0) this.add(prefix);
  }

  private add(prefix: number): void {
    if ((this.variant.families >>> this.prefixes.family(prefix)) & 1) this.pending.add(prefix);
  }

  private noteEndOfRib(): void {
    for (const family of FAMILIES) {
      if (this.history.endOfRibAfter(family, this.delivered)) this.noteEndOfRibOf(family);
    }
  }

  private goLive(): void {
    this.delivered = this.history.sequence;
    this.reader = this.variant.log.follow();
    this.inFlight.follow(this.reader);
    // Care is for what a new replica has to swallow at once.
    this.window = Infinity;
    this.batch = undefined;
    this.batchAt = this.batchEnd = 0;
  }

  private pullLog(reader: LogReader, out: ByteWriter, start: number, maxBytes: number, until: number): void {
    let more = reader.ready();
    while (more && !reader.isAfter(until)) {
      const { length, sequence } = reader;
      if (out.length > start && out.length - start + length > maxBytes) break;
      out.bytes(reader.bytes, reader.start, reader.start + length);
      reader.advance();
      more = reader.ready();
      // One of several that were made out of one message: the replica does not have it all.
      this.delivered = more && reader.sequence === sequence ? (sequence - 1) >>> 0 : sequence;
    }
    if (!more) this.delivered = this.history.sequence;
    this.inFlight.readUntil(reader);
  }

  private pullState(out: ByteWriter, limit: number, now: number): void {
    while (out.length < limit && !this.isWaiting) {
      if (this.batchAt < this.batchEnd) this.writeGroup(out, now);
      else if (this.pending.size > 0) this.sortBatch();
      else break;
    }
    if (this.stateLeft > 0 || out.length >= limit) return;
    for (const family of FAMILIES) if ((this.endOfRib >>> family) & 1) this.packer.endOfRib(family, out);
    this.endOfRib = 0;
    this.goLive();
  }

  /** Takes the next prefixes and brings them in an order in which equal attributes stand together, withdrawals first. */
  private sortBatch(): void {
    this.batch ??= new Uint32Array(BATCH);
    const { batch, prefixes } = this;
    const count = this.pending.take(taken);
    for (let i = 0; i < count; i++) {
      keys[i] = (this.routeOf(taken[i]) * 2 + prefixes.family(taken[i])) * BATCH + i;
    }
    keys.subarray(0, count).sort();
    for (let i = 0; i < count; i++) batch[i] = taken[keys[i] % BATCH];
    this.batchAt = 0;
    this.batchEnd = count;
  }

  /** Writes the next prefixes of the batch that share family and attributes, as they are now. */
  private writeGroup(out: ByteWriter, now: number): void {
    const { batch, prefixes } = this;
    if (!batch) return;
    const from = this.batchAt;
    const limit = Math.min(this.batchEnd, from + GROUP, from + this.window - this.inFlight.unproven);
    const family = prefixes.family(batch[from]);
    const route = this.routeOf(batch[from]);
    let to = from;
    // One that changed since it was sorted is pending again: leave it for its next turn.
    while (
      to < limit &&
      this.routeOf(batch[to]) === route &&
      prefixes.family(batch[to]) === family &&
      !this.pending.has(batch[to])
    ) {
      to++;
    }
    this.batchAt = Math.max(to, from + 1);
    if (to === from) return;
    const written = this.encode(route, batch, from, to, out);
    this.inFlight.wrote(written, batch, from, to, now);
    if (written !== route) this.tooLong += to - from;
  }

  /** Announces prefixes of one family, or withdraws them: with `route` 0, and where the attributes do not fit. Returns with what they went out. */
  private encode(route: number, ids: Uint32Array, from: number, to: number, out: ByteWriter): number {
    const { prefixes, packer } = this;
    const family = prefixes.family(ids[from]);
    if (route !== 0) {
      const attributes = this.variant.attributes(this.attributes.get(route));
      if (packer.announce(family, attributes, prefixes, ids, from, to, out)) return route;
    }
    packer.withdraw(family, prefixes, ids, from, to, out);
    return 0;
  }
}
