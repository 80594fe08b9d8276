// What is wrong with one path attribute, by its structure, and what RFC 7606 does about it. Owns a rule per attribute type; putting the
// findings of a message together is update.ts. MP_REACH_NLRI and MP_UNREACH_NLRI are judged there too, for they locate prefixes.
import { AttributeFlag, AttributeType, readU32, SegmentType } from './attributes.js';

/** What a rule may depend on besides the attribute. */
export interface CheckContext {
  /** Four-octet AS numbers are negotiated (RFC 6793). */
  as4: boolean;
  /** The session is external. */
  ebgp: boolean;
  /** When given, AS_PATH must begin with this AS (RFC 4271 section 6.3 allows that check; route servers fail it). */
  neighborAs?: number;
}

export interface Finding {
  action: 'discard' | 'treat-as-withdraw';
  /** UPDATE error subcode that RFC 4271 section 6.3 gives it. */
  subcode: number;
  reason: string;
}

export const Subcode = {
  MALFORMED_ATTRIBUTE_LIST: 1,
  UNRECOGNIZED_WELL_KNOWN: 2,
  MISSING_WELL_KNOWN: 3,
  ATTRIBUTE_FLAGS: 4,
  ATTRIBUTE_LENGTH: 5,
  INVALID_ORIGIN: 6,
  INVALID_NEXT_HOP: 8,
  OPTIONAL_ATTRIBUTE: 9,
  INVALID_NETWORK_FIELD: 10,
  MALFORMED_AS_PATH: 11,
} as const;

const KIND = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE;
const WELL_KNOWN = AttributeFlag.TRANSITIVE;
const OPTIONAL_TRANSITIVE = KIND;
const OPTIONAL_NON_TRANSITIVE = AttributeFlag.OPTIONAL;

/** Optional and Transitive bits that each known type must have; 0 where the type is unknown and any optional kind will do. */
const EXPECTED_KIND = new Uint8Array(256);
for (const type of [
  AttributeType.ORIGIN,
  AttributeType.AS_PATH,
  AttributeType.NEXT_HOP,
  AttributeType.LOCAL_PREF,
  AttributeType.ATOMIC_AGGREGATE,
]) {
  EXPECTED_KIND[type] = WELL_KNOWN;
}
for (const type of [
  AttributeType.AGGREGATOR,
  AttributeType.COMMUNITIES,
  AttributeType.EXTENDED_COMMUNITIES,
  AttributeType.AS4_PATH,
  AttributeType.AS4_AGGREGATOR,
  AttributeType.IPV6_EXTENDED_COMMUNITIES,
  AttributeType.LARGE_COMMUNITIES,
  AttributeType.ONLY_TO_CUSTOMER,
  AttributeType.PREFIX_SID,
]) {
  EXPECTED_KIND[type] = OPTIONAL_TRANSITIVE;
}
for (const type of [
  AttributeType.MED,
  AttributeType.ORIGINATOR_ID,
  AttributeType.CLUSTER_LIST,
  AttributeType.MP_REACH_NLRI,
  AttributeType.MP_UNREACH_NLRI,
  AttributeType.AIGP,
]) {
  EXPECTED_KIND[type] = OPTIONAL_NON_TRANSITIVE;
}

/** The wrong Optional or Transitive bits of an attribute (RFC 7606 section 3 c), undefined when they are right. */
export function checkFlags(flags: number, type: number): Finding | undefined {
  const kind = flags & KIND;
  const expected = EXPECTED_KIND[type];
  if (expected === 0) {
    // RFC 4271 resets here. The prefixes can be located all the same, so the neighbour's session is worth more than the message.
    return (kind & AttributeFlag.OPTIONAL) !== 0
      ? undefined
      : withdraw(Subcode.UNRECOGNIZED_WELL_KNOWN, 'unknown well-known attribute');
  }
  return kind === expected ? undefined : withdraw(Subcode.ATTRIBUTE_FLAGS, 'wrong optional or transitive bit');
}

/** What is wrong with the value start..end of an attribute (RFC 7606 section 7 and the RFC of each attribute), undefined when nothing is. */
export function checkValue(
  type: number,
  buf: Uint8Array,
  start: number,
  end: number,
  context: CheckContext,
): Finding | undefined {
  const length = end - start;
  switch (type) {
    case AttributeType.ORIGIN:
      if (length !== 1) return badLength(length);
      return buf[start] > 2 ? withdraw(Subcode.INVALID_ORIGIN, `undefined origin ${buf[start]}`) : undefined;
    case AttributeType.AS_PATH:
      return checkAsPath(buf, start, end, context);
    case AttributeType.NEXT_HOP:
    case AttributeType.MED:
    case AttributeType.LOCAL_PREF:
    case AttributeType.ORIGINATOR_ID:
    case AttributeType.ONLY_TO_CUSTOMER:
      return length === 4 ? undefined : badLength(length);
    case AttributeType.ATOMIC_AGGREGATE:
      return length === 0 ? undefined : discard(`length ${length}`);
    case AttributeType.AGGREGATOR:
      return checkAggregator(buf, start, end, context.as4 ? 4 : 2);
    case AttributeType.COMMUNITIES:
    case AttributeType.CLUSTER_LIST:
      return multipleOf(4, length);
    case AttributeType.EXTENDED_COMMUNITIES:
      return multipleOf(8, length);
    case AttributeType.LARGE_COMMUNITIES:
      return multipleOf(12, length);
    case AttributeType.IPV6_EXTENDED_COMMUNITIES:
      return multipleOf(20, length);
    case AttributeType.AS4_PATH:
      return checkAs4Path(buf, start, end);
    case AttributeType.AS4_AGGREGATOR:
      return checkAggregator(buf, start, end, 4);
    case AttributeType.PREFIX_SID:
      return checkPrefixSid(buf, start, end);
    default:
      return undefined;
  }
}

/** Attributes that do not belong on this kind of session and are ignored whatever they look like (RFC 7606 section 7, RFC 6793 section 4.1). */
export function checkPlace(type: number, context: CheckContext): Finding | undefined {
  switch (type) {
    case AttributeType.LOCAL_PREF:
    case AttributeType.ORIGINATOR_ID:
    case AttributeType.CLUSTER_LIST:
      return context.ebgp ? discard('from an external neighbour') : undefined;
    case AttributeType.AS4_PATH:
    case AttributeType.AS4_AGGREGATOR:
      return context.as4 ? discard('from a speaker with four-octet AS numbers') : undefined;
    default:
      return undefined;
  }
}

/** RFC 7606 section 7.2, RFC 5065 section 4, RFC 7607. */
function checkAsPath(buf: Uint8Array, start: number, end: number, context: CheckContext): Finding | undefined {
  const width = context.as4 ? 4 : 2;
  const reason = malformedPath(buf, start, end, width, context.ebgp);
  if (reason !== undefined) return withdraw(Subcode.MALFORMED_AS_PATH, reason);
  if (context.neighborAs !== undefined && firstAs(buf, start, end, width) !== context.neighborAs) {
    return withdraw(Subcode.MALFORMED_AS_PATH, `does not begin with ${context.neighborAs}`);
  }
  return undefined;
}

/** RFC 6793 section 6. Confederation segments do not matter here: they are left out of the reconstructed path. */
function checkAs4Path(buf: Uint8Array, start: number, end: number): Finding | undefined {
  const reason = end - start < 6 ? `length ${end - start}` : malformedPath(buf, start, end, 4, false);
  return reason === undefined ? undefined : discard(reason);
}

/** What is wrong with a list of path segments with AS numbers of `width` bytes. */
export function malformedPath(
  buf: Uint8Array,
  start: number,
  end: number,
  width: number,
  external: boolean,
): string | undefined {
  let at = start;
  while (at < end) {
    const segment = buf[at];
    if (segment < SegmentType.AS_SET || segment > SegmentType.AS_CONFED_SET) return `unknown segment type ${segment}`;
    if (external && segment >= SegmentType.AS_CONFED_SEQUENCE)
      return 'confederation segment from an external neighbour';
    const count = at + 1 < end ? buf[at + 1] : 0;
    if (count === 0) return 'segment without AS numbers';
    const next = at + 2 + count * width;
    if (next > end) return 'segment overruns the attribute';
    for (let as = at + 2; as < next; as += width) {
      if (isZero(buf, as, as + width)) return 'AS 0';
    }
    at = next;
  }
  return undefined;
}

/** The leftmost AS of a well-formed path, undefined when the path does not begin with a sequence. */
function firstAs(buf: Uint8Array, start: number, end: number, width: number): number | undefined {
  if (start >= end || buf[start] !== SegmentType.AS_SEQUENCE) return undefined;
  return width === 4 ? readU32(buf, start + 2) : (buf[start + 2] << 8) | buf[start + 3];
}

/** RFC 7606 section 7.7, RFC 7607. */
function checkAggregator(buf: Uint8Array, start: number, end: number, width: number): Finding | undefined {
  if (end - start !== width + 4) return discard(`length ${end - start}`);
  return isZero(buf, start, start + width) ? discard('AS 0') : undefined;
}

const LABEL_INDEX_TLV = 1;
const ORIGINATOR_SRGB_TLV = 3;
const SRV6_L3_SERVICE_TLV = 5;
const SRV6_L2_SERVICE_TLV = 6;

/** RFC 8669 section 6 for the TLV structure, RFC 9252 section 2 for the SRv6 service TLVs. */
function checkPrefixSid(buf: Uint8Array, start: number, end: number): Finding | undefined {
  let at = start;
  while (at < end) {
    if (end - at < 3) return discard('TLV cut short');
    const type = buf[at];
    const length = (buf[at + 1] << 8) | buf[at + 2];
    if (at + 3 + length > end) return discard('TLV overruns the attribute');
    const sound =
      type === LABEL_INDEX_TLV
        ? length === 7
        : type === ORIGINATOR_SRGB_TLV
          ? length >= 8 && (length - 2) % 6 === 0
          : type === SRV6_L3_SERVICE_TLV || type === SRV6_L2_SERVICE_TLV
            ? length >= 1
            : true;
    if (!sound) return discard(`TLV ${type} of length ${length}`);
    at += 3 + length;
  }
  return start === end ? discard('empty') : undefined;
}

/** Whether all bytes start..end are zero. */
export function isZero(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (buf[at] !== 0) return false;
  return true;
}

function multipleOf(unit: number, length: number): Finding | undefined {
  return length > 0 && length % unit === 0 ? undefined : badLength(length);
}

function badLength(length: number): Finding {
  return withdraw(Subcode.ATTRIBUTE_LENGTH, `length ${length}`);
}

function withdraw(subcode: number, reason: string): Finding {
  return { action: 'treat-as-withdraw', subcode, reason };
}

function discard(reason: string): Finding {
  return { action: 'discard', subcode: Subcode.OPTIONAL_ATTRIBUTE, reason };
}
