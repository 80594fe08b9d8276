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
  history: History;
  variant: Variant;
  prefixes: PrefixTable;
  attributes: AttributeTable;
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
  private readonly history: History;
  private readonly prefixes: PrefixTable;
  private readonly attributes: AttributeTable;
  private readonly packer: UpdatePacker;
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

  constructor({ id, replica, neighbor, history, variant, prefixes, attributes }: FeedParameters, now: number) {
    this.id = id;
    this.replica = replica;
    this.neighbor = neighbor;
    this.history = history;
    this.variant = variant;
    this.prefixes = prefixes;
    this.attributes = attributes;
    this.packer = new UpdatePacker(variant.maxMessageLength);
    this.stateSince = now;
    history.forEachRoute((prefix) => this.add(prefix));
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

  noteEndOfRibOf(family: Family): void {
    if (!this.reader) this.endOfRib |= (1 << family) & this.variant.families;
  }

  /** From the log to the current state of what the replica has not got. O(all prefixes). */
  enterState(now: number): void {
    const { reader, delivered } = this;
    if (!reader) return;
    this.stateSince = Math.min(now, this.deliveredUntil(now));
    reader.close();
    this.reader = undefined;
    if (delivered !== undefined) this.history.forEachChangedAfter(delivered, (prefix) => this.add(prefix));
    this.noteEndOfRib();
  }

  /** Sends the whole family again (ROUTE-REFRESH, RFC 2918). */
  refresh(family: Family, now: number): void {
    this.enterState(now);
    this.history.forEachRoute((prefix) => {
      if (this.prefixes.family(prefix) === family) this.add(prefix);
    });
    if (this.stateLeft === 0 && this.endOfRib === 0) this.goLive();
  }

  close(): void {
    this.reader?.close();
    this.reader = undefined;
  }

  /**
   * Appends whole messages to `out` until `maxBytes` are reached (at least one, if there is any). Returns the bytes appended. LIVE: what
   * came in after `until` (ms) stays where it is; the current state does not wait.
   */
  pull(out: ByteWriter, maxBytes: number, until = Infinity): number {
    const start = out.length;
    if (!this.reader) this.pullState(out, start + maxBytes);
    if (this.reader) this.pullLog(this.reader, out, start, maxBytes, until);
    return out.length - start;
  }

  /** Marks the prefix ids that wait here. */
  markPrefixes(used: Uint8Array): void {
    this.pending.mark(used);
    for (let i = this.batchAt; i < this.batchEnd; i++) used[this.batch![i]] = 1;
  }

  private get stateLeft(): number {
    return this.pending.size + this.batchEnd - this.batchAt;
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
    this.batch = undefined;
    this.batchAt = this.batchEnd = 0;
  }

  private pullLog(reader: LogReader, out: ByteWriter, start: number, maxBytes: number, until: number): void {
    while (reader.ready()) {
      if (reader.isAfter(until)) return;
      const { length } = reader;
      if (out.length > start && out.length - start + length > maxBytes) return;
      out.bytes(reader.bytes, reader.start, reader.start + length);
      this.delivered = reader.sequence;
      reader.advance();
    }
    this.delivered = this.history.sequence;
  }

  private pullState(out: ByteWriter, limit: number): void {
    while (out.length < limit) {
      if (this.batchAt < this.batchEnd) this.writeGroup(out);
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
    const { batch, history, prefixes } = this;
    const count = this.pending.take(taken);
    for (let i = 0; i < count; i++) {
      keys[i] = (history.get(taken[i]) * 2 + prefixes.family(taken[i])) * BATCH + i;
    }
    keys.subarray(0, count).sort();
    for (let i = 0; i < count; i++) batch[i] = taken[keys[i] % BATCH];
    this.batchAt = 0;
    this.batchEnd = count;
  }

  /** Writes the next prefixes of the batch that share family and attributes, as they are now. */
  private writeGroup(out: ByteWriter): void {
    const { batch, history, prefixes, packer } = this;
    if (!batch) return;
    const from = this.batchAt;
    const limit = Math.min(this.batchEnd, from + GROUP);
    const family = prefixes.family(batch[from]);
    const route = history.get(batch[from]);
    let to = from;
    // One that changed since it was sorted is pending again: leave it for its next turn.
    while (
      to < limit &&
      history.get(batch[to]) === route &&
      prefixes.family(batch[to]) === family &&
      !this.pending.has(batch[to])
    ) {
      to++;
    }
    this.batchAt = Math.max(to, from + 1);
    if (to === from) return;
    if (route !== 0 && packer.announce(family, this.attributes.get(route), prefixes, batch, from, to, out)) return;
    if (route !== 0) this.tooLong += to - from;
    packer.withdraw(family, prefixes, batch, from, to, out);
  }
}
