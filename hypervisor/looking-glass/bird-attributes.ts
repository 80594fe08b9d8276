// Route attributes in birdwatcher's words (docs/http.md): numbers of paths and preferences as texts, communities as lists of numbers, for
// that is what its readers take. Attributes that it has no word for are left out; what cannot be read counts as absent.
import { AttributeCursor, AttributeType, readU32, SegmentType } from '../../wire/bgp/attributes.js';
import { formatAddress, formatIpv4 } from '../../wire/ip.js';

export interface BirdAttributes {
  origin: string;
  /** Members of sets are listed like the others. */
  as_path: string[];
  next_hop: string;
  med: string;
  local_pref: string;
  communities: [number, number][];
  large_communities: [number, number, number][];
  /** Kind, and two values: `rt`, `ro` or `generic`. */
  ext_communities: [string, string, string][];
}

const ORIGINS = ['IGP', 'EGP', 'Incomplete'];

export function birdAttributes(attributes: Uint8Array): BirdAttributes {
  const found: BirdAttributes = {
    ...{ origin: '', as_path: [], next_hop: '', med: '', local_pref: '' },
    ...{ communities: [], large_communities: [], ext_communities: [] },
  };
  const cursor = new AttributeCursor();
  cursor.reset(attributes, 0, attributes.length);
  while (cursor.next()) take(found, cursor.type, attributes.subarray(cursor.valueStart, cursor.end));
  return found;
}

function take(into: BirdAttributes, type: number, value: Uint8Array): void {
  const number = value.length === 4 ? String(readU32(value, 0)) : '';
  switch (type) {
    case AttributeType.ORIGIN:
      into.origin = ORIGINS[value[0]] ?? '';
      return;
    case AttributeType.AS_PATH:
      into.as_path = path(value);
      return;
    case AttributeType.NEXT_HOP:
    case AttributeType.MP_REACH_NLRI:
      into.next_hop = nextHop(value);
      return;
    case AttributeType.MED:
      into.med = number;
      return;
    case AttributeType.LOCAL_PREF:
      into.local_pref = number;
      return;
    case AttributeType.COMMUNITIES:
      into.communities = records(value, 4, (at) => halves(readU32(value, at)));
      return;
    case AttributeType.LARGE_COMMUNITIES:
      into.large_communities = records(value, 12, (at) => [
        readU32(value, at),
        readU32(value, at + 4),
        readU32(value, at + 8),
      ]);
      return;
    case AttributeType.EXTENDED_COMMUNITIES:
      into.ext_communities = records(value, 8, (at) => extended(value, at));
  }
}

function path(value: Uint8Array): string[] {
  const numbers: string[] = [];
  for (let at = 0; at + 2 <= value.length;) {
    const next = at + 2 + 4 * value[at + 1];
    if (next > value.length) return [];
    const counts = value[at] === SegmentType.AS_SEQUENCE || value[at] === SegmentType.AS_SET;
    for (let as = at + 2; counts && as < next; as += 4) numbers.push(String(readU32(value, as)));
    at = next;
  }
  return numbers;
}

function nextHop(value: Uint8Array): string {
  if (value.length === 32) return formatAddress(value.subarray(0, 16));
  return value.length === 4 || value.length === 16 ? formatAddress(value) : '';
}

function records<T>(value: Uint8Array, width: number, read: (at: number) => T): T[] {
  if (value.length % width !== 0) return [];
  return Array.from({ length: value.length / width }, (_, i) => read(i * width));
}

const halves = (number: number): [number, number] => [number >>> 16, number & 0xffff];

const ROUTE_TARGET = 2;
const ROUTE_ORIGIN = 3;

/** RFC 4360, RFC 5668: route targets and origins with an AS or an address; others as BIRD writes what it does not know. */
function extended(value: Uint8Array, at: number): [string, string, string] {
  const [kind, subtype] = [value[at], value[at + 1]];
  const name = subtype === ROUTE_TARGET ? 'rt' : subtype === ROUTE_ORIGIN ? 'ro' : undefined;
  const low = String((value[at + 6] << 8) | value[at + 7]);
  if (name !== undefined && kind === 0) {
    return [name, String((value[at + 2] << 8) | value[at + 3]), String(readU32(value, at + 4))];
  }
  if (name !== undefined && kind === 1) return [name, formatIpv4(value, at + 2), low];
  if (name !== undefined && kind === 2) return [name, String(readU32(value, at + 2)), low];
  return ['generic', `0x${readU32(value, at).toString(16)}`, `0x${readU32(value, at + 4).toString(16)}`];
}
