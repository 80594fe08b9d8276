// Path attributes: type codes, flags, names, and a cursor over a list of them (RFC 4271 section 4.3). Values have readers elsewhere.

/** Attribute type codes (IANA bgp-parameters). */
export const AttributeType = {
  ORIGIN: 1,
  AS_PATH: 2,
  NEXT_HOP: 3,
  MED: 4,
  LOCAL_PREF: 5,
  ATOMIC_AGGREGATE: 6,
  AGGREGATOR: 7,
  COMMUNITIES: 8,
  ORIGINATOR_ID: 9,
  CLUSTER_LIST: 10,
  MP_REACH_NLRI: 14,
  MP_UNREACH_NLRI: 15,
  EXTENDED_COMMUNITIES: 16,
  AS4_PATH: 17,
  AS4_AGGREGATOR: 18,
  IPV6_EXTENDED_COMMUNITIES: 25,
  AIGP: 26,
  LARGE_COMMUNITIES: 32,
  ONLY_TO_CUSTOMER: 35,
  PREFIX_SID: 40,
} as const;

export const AttributeFlag = {
  OPTIONAL: 0x80,
  TRANSITIVE: 0x40,
  PARTIAL: 0x20,
  EXTENDED_LENGTH: 0x10,
} as const;

/** AS_PATH segment types (RFC 4271, RFC 5065). */
export const SegmentType = {
  AS_SET: 1,
  AS_SEQUENCE: 2,
  AS_CONFED_SEQUENCE: 3,
  AS_CONFED_SET: 4,
} as const;

const NAMES = new Map<number, string>(Object.entries(AttributeType).map(([name, type]) => [type, name]));

/** Name of an attribute type as the RFCs write it; `attr 99` where there is none. */
export function attributeName(type: number): string {
  return NAMES.get(type) ?? `attr ${type}`;
}

/** Walks over encoded attributes; never past the end, whatever the bytes say. Reusable. */
export class AttributeCursor {
  /** The attribute found last: header start..value start..end. */
  start = 0;
  valueStart = 0;
  end = 0;
  flags = 0;
  type = 0;
  /** Set when `next` stopped because an attribute overruns the list. `type` is that of the culprit, 0 when even that is cut off. */
  overrun = false;

  private buf: Uint8Array = new Uint8Array(0);
  private limit = 0;

  reset(buf: Uint8Array, start: number, end: number): void {
    this.buf = buf;
    this.limit = end;
    this.end = start;
    this.overrun = false;
  }

  /** Moves to the next attribute; false at the end of the list or at an attribute that overruns it. */
  next(): boolean {
    const { buf, limit } = this;
    const at = this.end;
    if (at >= limit || this.overrun) return false;
    this.start = at;
    this.flags = buf[at];
    this.type = at + 1 < limit ? buf[at + 1] : 0;
    const extended = (this.flags & AttributeFlag.EXTENDED_LENGTH) !== 0;
    const valueStart = at + (extended ? 4 : 3);
    if (valueStart > limit) return this.fail();
    const length = extended ? (buf[at + 2] << 8) | buf[at + 3] : buf[at + 2];
    if (valueStart + length > limit) return this.fail();
    this.valueStart = valueStart;
    this.end = valueStart + length;
    return true;
  }

  private fail(): boolean {
    this.overrun = true;
    return false;
  }
}

/** Writes an attribute header for a value of `length` bytes, extended only when needed; returns the offset of the value. */
export function writeAttributeHeader(out: Uint8Array, at: number, flags: number, type: number, length: number): number {
  const semantic = flags & ~(AttributeFlag.EXTENDED_LENGTH | 0x0f);
  out[at + 1] = type;
  if (length > 255) {
    out[at] = semantic | AttributeFlag.EXTENDED_LENGTH;
    out[at + 2] = length >>> 8;
    out[at + 3] = length;
    return at + 4;
  }
  out[at] = semantic;
  out[at + 2] = length;
  return at + 3;
}

/** Four bytes in network order as an unsigned number. */
export function readU32(buf: Uint8Array, at: number): number {
  return ((buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]) >>> 0;
}
