// What a neighbour changes in a route before it passes it on to an eBGP peer: its own AS in front, its own next hop, no attribute that stays
// inside an AS; and for a derived view, the differences that a prefix's variant asks for. Next hops are written by update-writer.ts.
import { copyBytes } from '../wire/byte-writer.js';
import { AttributeCursor, AttributeType, SegmentType, writeAttributeHeader } from '../wire/bgp/attributes.js';
import { finish, mix } from '../wire/hash.js';

/** How a derived route differs from the one in the trace. */
interface Variant {
  /** Times the neighbour's own AS stands in front once more. */
  readonly prepend?: number;
  /** Hops left out behind the first one; the origin always stays. */
  readonly drop?: number;
  readonly med?: number;
  /** Low half of a community of the neighbour's own. */
  readonly community?: number;
}

/** Number 0 is the route as it is in the trace. */
const VARIANTS: readonly Variant[] = [
  {},
  { prepend: 1 },
  { prepend: 2 },
  { prepend: 3 },
  { drop: 1 },
  { drop: 2 },
  { med: 10 },
  { med: 200 },
  { community: 100 },
  { community: 200, prepend: 1 },
  { drop: 1, med: 50 },
];
/** How often each is drawn, out of 16: a quarter of the prefixes keeps its path (equal length, another first AS). */
const DRAW = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10);

/** Which variant of its route a prefix (NLRI bytes start..end) has in the derived view of this seed. */
export function variantOf(seed: number, buf: Uint8Array, start: number, end: number): number {
  let hash = seed | 0;
  for (let at = start; at < end; at++) hash = mix(hash, buf[at]);
  return DRAW[finish(hash) & 15];
}

const DROPPED = new Set<number>([
  AttributeType.NEXT_HOP,
  AttributeType.LOCAL_PREF,
  AttributeType.ORIGINATOR_ID,
  AttributeType.CLUSTER_LIST,
  AttributeType.MP_REACH_NLRI,
  AttributeType.MP_UNREACH_NLRI,
]);

/** Rewrites attributes for one neighbour. The result is in `buffer`, bytes 0..length, without a next hop. Reused. */
export class RouteRewriter {
  readonly buffer = new Uint8Array(1 << 17);
  length = 0;
  readonly #as: number;
  readonly #cursor = new AttributeCursor();

  /** `as`: the neighbour's AS, which every path it sends starts with. */
  constructor(as: number) {
    this.#as = as;
  }

  /** Rewrites attrs[start..end), which have 4-byte AS numbers. False: the attributes overrun their field. */
  rewrite(attrs: Uint8Array, start: number, end: number, variant = 0): boolean {
    const cursor = this.#cursor;
    const change = VARIANTS[variant];
    let med = change.med;
    let community = change.community;
    this.length = 0;
    cursor.reset(attrs, start, end);
    while (cursor.next()) {
      const { type } = cursor;
      if (DROPPED.has(type)) continue;
      if (med !== undefined && type >= AttributeType.MED) {
        this.#word(AttributeType.MED, 0x80, med);
        med = undefined;
        if (type === AttributeType.MED) continue;
      } else if (type === AttributeType.MED && change.med !== undefined) continue;
      if (community !== undefined && type >= AttributeType.COMMUNITIES) {
        this.#communities(attrs, type === AttributeType.COMMUNITIES, community);
        community = undefined;
        if (type === AttributeType.COMMUNITIES) continue;
      }
      if (type === AttributeType.AS_PATH) this.#path(attrs, change);
      else this.#copy(attrs, cursor.start, cursor.end);
    }
    if (med !== undefined) this.#word(AttributeType.MED, 0x80, med);
    if (community !== undefined) this.#communities(attrs, false, community);
    return !cursor.overrun;
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    copyBytes(from, start, end, this.buffer, this.length);
    this.length += end - start;
  }

  #u32(value: number): void {
    const { buffer } = this;
    buffer[this.length++] = value >>> 24;
    buffer[this.length++] = value >>> 16;
    buffer[this.length++] = value >>> 8;
    buffer[this.length++] = value;
  }

  #word(type: number, flags: number, value: number): void {
    this.length = writeAttributeHeader(this.buffer, this.length, flags, type, 4);
    this.#u32(value);
  }

  /** The communities there are (the attribute at the cursor), and one of the neighbour's own behind them. */
  #communities(attrs: Uint8Array, present: boolean, low: number): void {
    const { valueStart, end } = this.#cursor;
    const old = present ? end - valueStart : 0;
    this.length = writeAttributeHeader(this.buffer, this.length, 0xc0, AttributeType.COMMUNITIES, old + 4);
    if (present) this.#copy(attrs, valueStart, end);
    this.#u32((((this.#as & 0xffff) << 16) | low) >>> 0);
  }

  #path(attrs: Uint8Array, change: Variant): void {
    const { flags, valueStart, end } = this.#cursor;
    const sequence = end - valueStart >= 6 && attrs[valueStart] === SegmentType.AS_SEQUENCE;
    const count = sequence ? attrs[valueStart + 1] : 0;
    const first = valueStart + 2;
    if (count === 0 || first + 4 * count > end) return this.#foreignPath(attrs, change);
    const own =
      this.#as === ((attrs[first] << 24) | (attrs[first + 1] << 16) | (attrs[first + 2] << 8) | attrs[first + 3]) >>> 0;
    const prepend = (own ? 0 : 1) + (change.prepend ?? 0);
    const drop = Math.min(change.drop ?? 0, Math.max(0, count - 2));
    const kept = count - drop;
    const split = kept + prepend > 255 ? 2 : 0;
    this.length = writeAttributeHeader(
      this.buffer,
      this.length,
      flags,
      2,
      end - valueStart + 4 * (prepend - drop) + split,
    );
    const { buffer } = this;
    buffer[this.length++] = SegmentType.AS_SEQUENCE;
    buffer[this.length++] = split ? prepend : kept + prepend;
    for (let i = 0; i < prepend; i++) this.#u32(this.#as);
    if (split) {
      buffer[this.length++] = SegmentType.AS_SEQUENCE;
      buffer[this.length++] = kept;
    }
    this.#copy(attrs, first, first + 4);
    this.#copy(attrs, first + 4 + 4 * drop, end);
  }

  /** A path that does not start with a sequence: empty, or an AS_SET first. */
  #foreignPath(attrs: Uint8Array, change: Variant): void {
    const { flags, valueStart, end } = this.#cursor;
    const prepend = 1 + (change.prepend ?? 0);
    this.length = writeAttributeHeader(this.buffer, this.length, flags, 2, end - valueStart + 2 + 4 * prepend);
    this.buffer[this.length++] = SegmentType.AS_SEQUENCE;
    this.buffer[this.length++] = prepend;
    for (let i = 0; i < prepend; i++) this.#u32(this.#as);
    this.#copy(attrs, valueStart, end);
  }
}
