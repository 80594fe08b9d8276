// A neighbour and a replica for replicator tests: builds messages, feeds them in, and applies what comes out to a model RIB.
import { AttributeTable } from '../../../wire/attribute-table.js';
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';
import { UpdatePacker } from '../../../wire/bgp/pack.js';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import { ALL_FAMILIES } from '../../../wire/family.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { Replicator } from '../../../replicator/replicator.js';
import type { ReplicatorOptions } from '../../../replicator/replicator.js';

const ORIGIN_IGP = [0x40, 1, 1, 0];
const raw = new Uint8Array(65536);

/** Raw route attributes of an IPv4 or IPv6 route whose path is [65001, 1000 + origin]. */
export function attributesOf(origin: number, ipv6 = false, extra: readonly number[] = []): Uint8Array {
  const as = 1000 + origin;
  const path = [0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 0, as >>> 8, as & 0xff];
  const nextHop = ipv6
    ? [0x80, 14, 16, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1]
    : [0x40, 3, 4, 10, 0, 0, 1];
  // Type 14 comes first, as the packer puts it.
  return Uint8Array.from(ipv6 ? [...nextHop, ...ORIGIN_IGP, ...path] : [...ORIGIN_IGP, ...path, ...nextHop, ...extra]);
}

export class Bench {
  readonly prefixes = new PrefixTable();
  readonly attributes = new AttributeTable();
  readonly replicator: Replicator;
  readonly out = new ByteWriter();
  readonly view = new UpdateView();
  private readonly packer = new UpdatePacker(4096);

  constructor(options: Partial<ReplicatorOptions> = {}) {
    this.replicator = new Replicator({ prefixes: this.prefixes, attributes: this.attributes, ...options });
  }

  announcement(attrs: Uint8Array, ...prefixes: string[]): Uint8Array {
    const ids = Uint32Array.from(prefixes, (text) => this.prefixes.parse(text));
    this.out.reset();
    this.packer.announce(this.prefixes.family(ids[0]), attrs, this.prefixes, ids, 0, ids.length, this.out);
    return this.out.take();
  }

  withdrawal(...prefixes: string[]): Uint8Array {
    const ids = Uint32Array.from(prefixes, (text) => this.prefixes.parse(text));
    this.out.reset();
    this.packer.withdraw(this.prefixes.family(ids[0]), this.prefixes, ids, 0, ids.length, this.out);
    return this.out.take();
  }

  endOfRib(family: 0 | 1): Uint8Array {
    this.out.reset();
    this.packer.endOfRib(family, this.out);
    return this.out.take();
  }

  receive(n: number, message: Uint8Array, now = 0, families = ALL_FAMILIES): void {
    const verdict = parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families }, this.view);
    this.replicator.receive(n, message, 0, message.length, this.view, verdict, now);
  }

  /** Frees all ids that the replicator does not hold. */
  sweep(): void {
    const used = { prefixes: new Uint8Array(this.prefixes.limit), attributes: new Uint8Array(this.attributes.limit) };
    this.replicator.markPrefixes(used.prefixes);
    this.replicator.markAttributes(used.attributes);
    this.prefixes.sweep(used.prefixes);
    this.attributes.sweep(used.attributes);
  }

  /** Pulls at most `maxBytes`, or everything. */
  pull(feed: number, maxBytes = Infinity): Uint8Array {
    this.out.reset();
    this.replicator.pull(feed, this.out, maxBytes);
    return this.out.take();
  }
}

/** What a replica holds after it has read a stream of messages: prefix text → attributes in hex. */
export class ModelRib {
  readonly routes = new Map<string, string>();
  endOfRibs = 0;
  messages = 0;
  private readonly prefixes = new PrefixTable();
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();

  apply(stream: Uint8Array): void {
    for (let at = 0; at < stream.length;) {
      const end = at + ((stream[at + 16] << 8) | stream[at + 17]);
      this.applyMessage(stream, at, end);
      at = end;
    }
  }

  private applyMessage(buf: Uint8Array, start: number, end: number): void {
    const { view, cursor } = this;
    const verdict = parseUpdate(buf, start, end, { as4: true, ebgp: true, families: ALL_FAMILIES }, view);
    if (verdict.kind === 'reset') throw new Error(`a replica was sent a broken message: ${verdict.reason}`);
    this.messages++;
    if (view.endOfRib !== undefined) this.endOfRibs++;
    for (let i = 0; i < view.sectionCount; i++) {
      const { kind, family, start: from, end: to, mp } = view.sections[i];
      const length = extractRouteAttributes(buf, view, mp, raw, 0);
      const route = hex(raw.subarray(0, length));
      cursor.reset(buf, from, to, family);
      while (cursor.next()) {
        const prefix = this.prefixes.format(this.prefixes.intern(family, buf, cursor.at, cursor.bits));
        if (kind === 'withdraw' || verdict.kind === 'treat-as-withdraw') this.routes.delete(prefix);
        else this.routes.set(prefix, route);
      }
    }
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The messages of a stream. */
export function messagesOf(stream: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < stream.length;) {
    const end = at + ((stream[at + 16] << 8) | stream[at + 17]);
    messages.push(stream.slice(at, end));
    at = end;
  }
  return messages;
}

/** An UPDATE of these path attributes and nothing else. */
export function updateOf(attributes: readonly number[]): Uint8Array {
  return encodeMessage(
    MessageType.UPDATE,
    Uint8Array.from([0, 0, attributes.length >>> 8, attributes.length & 0xff, ...attributes]),
  );
}

/** MP_REACH_NLRI without prefixes, and no other attribute. */
export function emptyReach(): Uint8Array {
  return updateOf([0x80, 14, 21, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1, 0]);
}

/** The withdrawal of an IPv4 prefix in MP_UNREACH_NLRI. */
export function unreachIpv4(bench: Bench, prefix: string): Uint8Array {
  const id = bench.prefixes.parse(prefix);
  const nlri = new Uint8Array(bench.prefixes.nlriSize(id));
  bench.prefixes.writeNlri(id, nlri, 0);
  return updateOf([0x80, 15, 3 + nlri.length, 0, 1, 1, ...nlri]);
}
