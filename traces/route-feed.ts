// What one neighbour says: routes of a RIB and UPDATEs of a trace in, messages to send out. Joins grouping, rewriting and writing; keeps no
// table. Leaves the session to speaker.ts and the pace to replay.ts.
import { ByteWriter } from '../wire/byte-writer.js';
import { routeAttributesToAs2, routeAttributesToAs4 } from '../wire/bgp/as4.js';
import { MAX_MESSAGE_LENGTH } from '../wire/bgp/message.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateSection } from '../wire/bgp/update.js';
import { ALL_FAMILIES, familiesOf, type Family } from '../wire/family.js';
import type { RibRoute } from './decoder.js';
import { isUpdate } from './decoder.js';
import { RouteRewriter, variantOf } from './rewrite.js';
import { RouteGrouper, type GroupReceiver } from './route-grouper.js';
import { UpdateWriter, type NextHops } from './update-writer.js';

export interface FeedOptions {
  /** The neighbour's AS number: every path starts with it. */
  readonly as: number;
  readonly nextHops: NextHops;
  /** Families that may be sent, a bitmask. Default: those that have a next hop. */
  readonly families?: number;
  /** The peer understands 4-byte AS numbers. Default true. */
  readonly as4?: boolean;
  /** Play a derived view: the same prefixes with other paths, chosen by this number. */
  readonly derive?: number;
  /** Stop after so many prefixes of RIBs. */
  readonly limit?: number;
  readonly maxMessageLength?: number;
  /** Counts of an earlier session of this neighbour, to go on from. */
  readonly counts?: FeedCounts;
  /** Routes grouped at a time. */
  readonly window?: number;
}

/** Counts of what was written, and of what was left out and why. */
export interface FeedCounts {
  announced: number;
  withdrawn: number;
  messages: number;
  /** Prefixes of a family that the session does not carry, or for which there is no next hop. */
  otherFamily: number;
  /** Prefixes whose attributes do not fit into one message. */
  tooLong: number;
  /** UPDATEs that RFC 7606 treats as withdrawals: sent as withdrawals. */
  treatedAsWithdraw: number;
  /** UPDATEs of which nothing can be used. */
  unusable: number;
}

export const NO_COUNTS: Readonly<FeedCounts> = {
  announced: 0,
  withdrawn: 0,
  messages: 0,
  otherFamily: 0,
  tooLong: 0,
  treatedAsWithdraw: 0,
  unusable: 0,
};

export class RouteFeed implements GroupReceiver {
  /** Messages ready to be sent; the owner takes them away. */
  readonly out = new ByteWriter(1 << 16);
  readonly counts: FeedCounts;
  readonly families: number;
  readonly #options: FeedOptions;
  readonly #writer: UpdateWriter;
  readonly #rewriter: RouteRewriter;
  readonly #grouper: RouteGrouper;
  readonly #view = new UpdateView();
  readonly #cursor = new NlriCursor();
  readonly #raw = new Uint8Array(1 << 16);
  readonly #translated = new ByteWriter();
  #ribRoutes = 0;
  /** Messages that the writer did not write. */
  #messagesBefore: number;
  #groupFits = false;

  constructor(options: FeedOptions) {
    const { nextHops, as } = options;
    const possible = (nextHops.ipv4 ? 1 : 0) | (nextHops.ipv6 ? 2 : 0);
    this.#options = options;
    this.counts = { ...(options.counts ?? NO_COUNTS) };
    this.#messagesBefore = this.counts.messages;
    this.families = (options.families ?? ALL_FAMILIES) & possible;
    this.#writer = new UpdateWriter(this.out, nextHops, options.maxMessageLength ?? MAX_MESSAGE_LENGTH);
    this.#rewriter = new RouteRewriter(as);
    this.#grouper = new RouteGrouper(options.window);
  }

  /** No more routes of RIBs are wanted. */
  get limitReached(): boolean {
    return this.#ribRoutes >= (this.#options.limit ?? Infinity);
  }

  /** One route of a RIB. It is kept until the window is full or flush() is called. */
  route({ family, nlri, nlriStart, nlriEnd, attributes, attributesStart, attributesEnd }: RibRoute): void {
    if (this.limitReached) return;
    if ((this.families & (1 << family)) === 0) {
      this.counts.otherFamily++;
      return;
    }
    this.#ribRoutes++;
    const variant = this.#variant(nlri, nlriStart, nlriEnd);
    if (this.#grouper.full) this.#flushGroups();
    this.#grouper.add(family, variant, attributes, attributesStart, attributesEnd, nlri, nlriStart, nlriEnd);
  }

  /** One message of a trace. Anything but an UPDATE says nothing about routes. */
  message(buf: Uint8Array, start: number, end: number, as4: boolean): void {
    if (!isUpdate(buf, start, end)) return;
    const view = this.#view;
    const verdict = parseUpdate(buf, start, end, { as4, ebgp: false, families: ALL_FAMILIES }, view);
    if (verdict.kind === 'reset') {
      this.counts.unusable++;
      return;
    }
    if (verdict.kind === 'treat-as-withdraw') this.counts.treatedAsWithdraw++;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      if (section.kind === 'withdraw' || verdict.kind !== 'sound') this.#withdraw(buf, section);
      else this.#announce(buf, section, as4);
    }
    this.#countMessages();
  }

  /** One message of a trace, byte for byte, if it is an UPDATE that the session's AS number length allows; else as message(). */
  verbatim(buf: Uint8Array, start: number, end: number, as4: boolean): void {
    if (as4 !== (this.#options.as4 ?? true)) return this.message(buf, start, end, as4);
    if (!isUpdate(buf, start, end)) return;
    this.out.bytes(buf, start, end);
    this.#messagesBefore++;
    this.#countMessages();
    const view = this.#view;
    if (parseUpdate(buf, start, end, { as4, ebgp: false, families: ALL_FAMILIES }, view).kind === 'reset') return;
    for (let i = 0; i < view.sectionCount; i++) {
      const { kind, start: from, end: to, family } = view.sections[i];
      this.#cursor.reset(buf, from, to, family);
      while (this.#cursor.next()) {
        if (kind === 'withdraw') this.counts.withdrawn++;
        else this.counts.announced++;
      }
    }
  }

  /** Writes out what is still in the window. */
  flush(): void {
    this.#flushGroups();
  }

  /** End-of-RIB for every family of the feed. */
  endOfRib(): void {
    this.#flushGroups();
    for (const family of familiesOf(this.families)) this.#writer.endOfRib(family);
    this.#countMessages();
  }

  group(family: Family, variant: number, attrs: Uint8Array, start: number, end: number): boolean {
    const rewriter = this.#rewriter;
    this.#groupFits = rewriter.rewrite(attrs, start, end, variant);
    if (this.#groupFits && this.#options.as4 === false) {
      this.#translated.reset();
      routeAttributesToAs2(rewriter.buffer.subarray(0, rewriter.length), this.#translated);
      this.#groupFits = this.#writer.begin(family, this.#translated.buffer, this.#translated.length);
    } else if (this.#groupFits) {
      this.#groupFits = this.#writer.begin(family, rewriter.buffer, rewriter.length);
    }
    return true;
  }

  prefix(nlri: Uint8Array, start: number, end: number): void {
    if (!this.#groupFits) {
      this.counts.tooLong++;
      return;
    }
    this.#writer.prefix(nlri, start, end);
    this.counts.announced++;
  }

  groupEnd(): void {
    if (this.#groupFits) this.#writer.end();
  }

  #flushGroups(): void {
    this.#grouper.flush(this);
    this.#countMessages();
  }

  #countMessages(): void {
    this.counts.messages = this.#messagesBefore + this.#writer.messages;
  }

  #variant(nlri: Uint8Array, start: number, end: number): number {
    const { derive } = this.#options;
    return derive === undefined ? 0 : variantOf(derive, nlri, start, end);
  }

  #withdraw(buf: Uint8Array, section: UpdateSection): void {
    const cursor = this.#cursor;
    const carried = (this.families & (1 << section.family)) !== 0;
    if (carried) this.#writer.beginWithdraw(section.family);
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) {
      if (!carried) this.counts.otherFamily++;
      else {
        this.#writer.prefix(buf, cursor.at - 1, cursor.at + ((cursor.bits + 7) >> 3));
        this.counts.withdrawn++;
      }
    }
    if (carried) this.#writer.end();
  }

  #announce(buf: Uint8Array, section: UpdateSection, as4: boolean): void {
    let attrs = this.#raw;
    let length = extractRouteAttributes(buf, this.#view, section.mp, attrs, 0);
    if (!as4) {
      this.#translated.reset();
      routeAttributesToAs4(attrs, 0, length, this.#translated);
      length = this.#translated.length;
      attrs = this.#raw;
      attrs.set(this.#translated.buffer.subarray(0, length));
    }
    const cursor = this.#cursor;
    const carried = (this.families & (1 << section.family)) !== 0;
    cursor.reset(buf, section.start, section.end, section.family);
    while (cursor.next()) {
      if (!carried) {
        this.counts.otherFamily++;
        continue;
      }
      const end = cursor.at + ((cursor.bits + 7) >> 3);
      const variant = this.#variant(buf, cursor.at - 1, end);
      if (this.#grouper.full) this.#flushGroups();
      this.#grouper.add(section.family, variant, attrs, 0, length, buf, cursor.at - 1, end);
    }
    // Whatever the next message says comes after this one.
    this.#flushGroups();
  }
}
