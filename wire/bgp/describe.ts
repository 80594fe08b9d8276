// Route attributes for people: each attribute as a line of text, a route as one line, and the difference of two sets.
import { formatAddress, formatIpv4 } from '../ip.js';
import { AttributeCursor, AttributeFlag, attributeName, AttributeType, readU32, SegmentType } from './attributes.js';

export interface DescribedAttribute {
  type: number;
  /** As the RFCs write it: `AS_PATH`, `attr 99`. */
  name: string;
  text: string;
}

export interface AttributeDifference {
  /** Name of the attribute. */
  attribute: string;
  /** Its text on either side, undefined where it is missing. */
  left: string | undefined;
  right: string | undefined;
}

/** Every attribute of four-octet route attributes, in the order they are in. Bytes that cannot be read come as one line named `malformed`. */
export function describeAttributes(attrs: Uint8Array): DescribedAttribute[] {
  const cursor = new AttributeCursor();
  cursor.reset(attrs, 0, attrs.length);
  const described: DescribedAttribute[] = [];
  while (cursor.next()) {
    const value = attrs.subarray(cursor.valueStart, cursor.end);
    const { flags, type } = cursor;
    // The reduced type 14 is a next hop, and is called so whatever the family.
    const name = type === AttributeType.MP_REACH_NLRI ? 'NEXT_HOP' : attributeName(type);
    described.push({ type, name, text: describeValue(type, value) ?? `[${flagText(flags)}] 0x${hex(value)}` });
  }
  if (cursor.overrun) {
    described.push({ type: cursor.type, name: 'malformed', text: `0x${hex(attrs.subarray(cursor.start))}` });
  }
  return described;
}

/** A route as one line: `10.0.0.0/8 AS_PATH 65001 64500, NEXT_HOP 10.0.1.2`. */
export function formatRoute(prefix: string, attrs: Uint8Array): string {
  const parts = describeAttributes(attrs).map(({ name, text }) => (text === '' ? name : `${name} ${text}`));
  return `${prefix} ${parts.join(', ')}`;
}

/** The attributes that differ between two sets, in ascending order of type. Different bytes never go unmentioned. */
export function diffAttributes(left: Uint8Array, right: Uint8Array): AttributeDifference[] {
  const leftTexts = textsByType(left);
  const rightTexts = textsByType(right);
  const types = [...new Set([...leftTexts.keys(), ...rightTexts.keys()])].sort((a, b) => a - b);
  return types.flatMap((type) => {
    const a = leftTexts.get(type);
    const b = rightTexts.get(type);
    if (a && b && a.bytes === b.bytes) return [];
    const sameText = a?.text === b?.text;
    return [
      {
        attribute: (a ?? b)!.name,
        left: a && (sameText ? `${a.text} (0x${a.bytes})` : a.text),
        right: b && (sameText ? `${b.text} (0x${b.bytes})` : b.text),
      },
    ];
  });
}

/** Name, text and bytes (header included) of each attribute; of one that occurs twice, both together. */
function textsByType(attrs: Uint8Array): Map<number, { name: string; text: string; bytes: string }> {
  const described = describeAttributes(attrs);
  const cursor = new AttributeCursor();
  cursor.reset(attrs, 0, attrs.length);
  const texts = new Map<number, { name: string; text: string; bytes: string }>();
  for (const { type, name, text } of described) {
    const bytes = hex(cursor.next() ? attrs.subarray(cursor.start, cursor.end) : attrs.subarray(cursor.start));
    const before = texts.get(type);
    texts.set(type, {
      name,
      text: before ? `${before.text}; ${text}` : text,
      bytes: before ? before.bytes + bytes : bytes,
    });
  }
  return texts;
}

const ORIGINS = ['IGP', 'EGP', 'incomplete'];

/** Text of a value; undefined when the type is unknown or the value not what the type asks for. */
function describeValue(type: number, value: Uint8Array): string | undefined {
  const { length } = value;
  switch (type) {
    case AttributeType.ORIGIN:
      return length === 1 ? ORIGINS[value[0]] : undefined;
    case AttributeType.AS_PATH:
    case AttributeType.AS4_PATH:
      return describePath(value);
    case AttributeType.NEXT_HOP:
    case AttributeType.ORIGINATOR_ID:
      return length === 4 ? formatIpv4(value) : undefined;
    case AttributeType.MP_REACH_NLRI:
      return describeNextHop(value);
    case AttributeType.MED:
    case AttributeType.LOCAL_PREF:
    case AttributeType.ONLY_TO_CUSTOMER:
      return length === 4 ? String(readU32(value, 0)) : undefined;
    case AttributeType.ATOMIC_AGGREGATE:
      return length === 0 ? '' : undefined;
    case AttributeType.AGGREGATOR:
    case AttributeType.AS4_AGGREGATOR:
      return length === 8 ? `${readU32(value, 0)} ${formatIpv4(value, 4)}` : undefined;
    case AttributeType.COMMUNITIES:
      return records(value, 4, (at) => describeCommunity(readU32(value, at)));
    case AttributeType.CLUSTER_LIST:
      return records(value, 4, (at) => formatIpv4(value, at));
    case AttributeType.EXTENDED_COMMUNITIES:
      return records(value, 8, (at) => describeExtended(value, at));
    case AttributeType.LARGE_COMMUNITIES:
      return records(value, 12, (at) => [0, 4, 8].map((part) => readU32(value, at + part)).join(':'));
    default:
      return undefined;
  }
}

function records(value: Uint8Array, width: number, text: (at: number) => string): string | undefined {
  if (value.length % width !== 0) return undefined;
  return Array.from({ length: value.length / width }, (_, i) => text(i * width)).join(' ');
}

/** `65001 64500 {1,2}`; confederation segments in parentheses and brackets. */
function describePath(value: Uint8Array): string | undefined {
  const parts: string[] = [];
  for (let at = 0; at < value.length;) {
    const count = at + 1 < value.length ? value[at + 1] : 0;
    const next = at + 2 + 4 * count;
    if (count === 0 || next > value.length) return undefined;
    const numbers = Array.from({ length: count }, (_, i) => readU32(value, at + 2 + 4 * i));
    const text = describeSegment(value[at], numbers);
    if (text === undefined) return undefined;
    parts.push(text);
    at = next;
  }
  return parts.join(' ');
}

function describeSegment(type: number, numbers: number[]): string | undefined {
  switch (type) {
    case SegmentType.AS_SEQUENCE:
      return numbers.join(' ');
    case SegmentType.AS_SET:
      return `{${numbers.join(',')}}`;
    case SegmentType.AS_CONFED_SEQUENCE:
      return `(${numbers.join(' ')})`;
    case SegmentType.AS_CONFED_SET:
      return `[${numbers.join(',')}]`;
    default:
      return undefined;
  }
}

function describeNextHop(value: Uint8Array): string | undefined {
  if (value.length === 4 || value.length === 16) return formatAddress(value);
  if (value.length !== 32) return undefined;
  return `${formatAddress(value.subarray(0, 16))} (${formatAddress(value.subarray(16))})`;
}

/** IANA bgp-well-known-communities. */
const WELL_KNOWN_COMMUNITIES = new Map<number, string>([
  [0xffff0000, 'graceful-shutdown'],
  [0xffff0001, 'accept-own'],
  [0xffff0006, 'llgr-stale'],
  [0xffff0007, 'no-llgr'],
  [0xffff029a, 'blackhole'],
  [0xffffff01, 'no-export'],
  [0xffffff02, 'no-advertise'],
  [0xffffff03, 'no-export-subconfed'],
  [0xffffff04, 'no-peer'],
]);

function describeCommunity(community: number): string {
  return WELL_KNOWN_COMMUNITIES.get(community) ?? `${community >>> 16}:${community & 0xffff}`;
}

const ROUTE_TARGET = 2;
const ROUTE_ORIGIN = 3;

/** `rt:65001:100`, `soo:…` for the transitive AS and address kinds (RFC 4360, RFC 5668), hexadecimal for all others. */
function describeExtended(value: Uint8Array, at: number): string {
  const kind = value[at];
  const name = value[at + 1] === ROUTE_TARGET ? 'rt' : value[at + 1] === ROUTE_ORIGIN ? 'soo' : undefined;
  const low = (value[at + 6] << 8) | value[at + 7];
  if (name !== undefined) {
    if (kind === 0) return `${name}:${(value[at + 2] << 8) | value[at + 3]}:${readU32(value, at + 4)}`;
    if (kind === 1) return `${name}:${formatIpv4(value, at + 2)}:${low}`;
    if (kind === 2) return `${name}:${readU32(value, at + 2)}:${low}`;
  }
  return `0x${hex(value.subarray(at, at + 8))}`;
}

function flagText(flags: number): string {
  const words = [
    (flags & AttributeFlag.OPTIONAL) !== 0 ? 'optional' : 'well-known',
    (flags & AttributeFlag.TRANSITIVE) !== 0 ? 'transitive' : 'non-transitive',
  ];
  if ((flags & AttributeFlag.PARTIAL) !== 0) words.push('partial');
  return words.join(' ');
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
