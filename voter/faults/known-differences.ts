// Habits of released daemons that make them differ from the majority although nothing is wrong with the running replica: a restart would
// not change them, and no healthy daemon is to be accused. Owns the table and who is excused by it; docs/faults.md shows it to people.
//
// A dissent is excused when every attribute that differs is explained by a rule of the dissenting daemon, or by one of the daemons that
// make the majority, if all of them have that habit (two FRRs against one BIRD). Nothing here changes a verdict.
import { AttributeCursor, AttributeFlag, AttributeType } from '../../wire/bgp/attributes.js';

/** A replica as far as its habits depend on it. */
export interface Daemon {
  /** `frr`, `bird`, …; there are no rules about others. */
  kind: string;
  /** It has a kernel to write to (`fib: netlink`). */
  netlink: boolean;
}

/** One dissent. Attributes are canonical and belong to the voter: they are not kept. */
export interface DissentCase {
  by: Daemon;
  /** Undefined: no route. */
  vote: Uint8Array | undefined;
  majority: Uint8Array | undefined;
  /** Those who say what the majority says. */
  agreeing: readonly Daemon[];
  /** The attributes, as they came in, of every neighbour's route for the prefix (MP_REACH_NLRI holds only the next hop). */
  inputs: () => readonly Uint8Array[];
}

interface Attribute {
  type: number;
  flags: number;
  value: Uint8Array;
}

interface KnownDifference {
  name: string;
  kind: string;
  /** For people, and what it was seen in. */
  reason: string;
  /** Whether the daemon makes `changed` of the attribute `original` (undefined: none). */
  attribute?(original: Attribute | undefined, changed: Attribute | undefined): boolean;
  /** Whether the daemon does not pass on a route that has these attributes elsewhere. */
  route?(attributes: Uint8Array, daemon: Daemon, inputs: () => readonly Uint8Array[]): boolean;
  /** It does not forward by such a route either. */
  refused?: boolean;
}

/** Of 4096 bytes BIRD leaves 1024 to the prefixes, so that it has room for attributes of 3068; duplicates that it keeps count for it only. */
const BIRD_ATTRIBUTE_ROOM = 3000;
const BIRD_OWN_ATTRIBUTE = 254;
const PMSI_TUNNEL = 22;

const FRR_OWN_FLAGS: readonly number[] = [
  AttributeType.AGGREGATOR,
  AttributeType.COMMUNITIES,
  AttributeType.EXTENDED_COMMUNITIES,
  AttributeType.LARGE_COMMUNITIES,
];
const FRR_DROPPED: readonly number[] = [23, AttributeType.IPV6_EXTENDED_COMMUNITIES, AttributeType.PREFIX_SID];
const OPENBGPD_DROPPED: readonly number[] = [0, 255];

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: 'frr-partial',
    kind: 'frr',
    reason:
      'FRR writes AGGREGATOR and communities with flags of its own: the Partial bit is lost (RFC 4271 section 5 forbids that; 8.4.4)',
    attribute: (original, changed) =>
      original !== undefined &&
      changed !== undefined &&
      FRR_OWN_FLAGS.includes(original.type) &&
      (original.flags & ~AttributeFlag.PARTIAL) === changed.flags &&
      equal(original.value, changed.value),
  },
  {
    name: 'frr-drops-attributes',
    kind: 'frr',
    reason:
      'FRR does not pass on PREFIX_SID (40), Tunnel Encapsulation (23) and IPv6 extended communities (25) (8.4.4)',
    attribute: (original, changed) =>
      original !== undefined && changed === undefined && FRR_DROPPED.includes(original.type),
  },
  {
    name: 'frr-pmsi-tunnel',
    kind: 'frr',
    reason: 'FRR sends PMSI Tunnel (22) with another length than it received (8.4.4)',
    attribute: (original, changed) => original?.type === PMSI_TUNNEL && changed?.type === PMSI_TUNNEL,
  },
  {
    name: 'frr-link-local-next-hop',
    kind: 'frr',
    reason:
      'FRR without zebra (fib: tap or none) has no use for an IPv6 next hop with a link-local one beside it (8.4.4)',
    refused: true,
    route: (_attributes, { netlink }, inputs) => !netlink && inputs().length > 0 && inputs().every(hasLinkLocalBeside),
  },
  {
    name: 'openbgpd-drops-attributes',
    kind: 'openbgpd',
    reason: 'OpenBGPD does not pass on unknown attributes with type 0 or 255 (7.7)',
    attribute: (original, changed) =>
      original !== undefined && changed === undefined && OPENBGPD_DROPPED.includes(original.type),
  },
  {
    name: 'bird-aggregator-0',
    kind: 'bird',
    reason: 'BIRD passes on an AGGREGATOR with AS 0, which RFC 7607 has dropped (2.0.12)',
    attribute: (original, changed) =>
      original === undefined && changed?.type === AttributeType.AGGREGATOR && isZero(changed.value.subarray(0, 4)),
  },
  {
    name: 'bird-attribute-254',
    kind: 'bird',
    reason: 'BIRD uses attribute 254 inside and does not take routes that come with one (2.0.12)',
    refused: true,
    route: (attributes) => attributesOf(attributes).some(({ type }) => type === BIRD_OWN_ATTRIBUTE),
  },
  {
    name: 'bird-long-attributes',
    kind: 'bird',
    reason:
      'BIRD keeps 1024 bytes of each message free for prefixes and withdraws routes whose attributes do not fit (2.0.12)',
    route: (attributes) => attributes.length > BIRD_ATTRIBUTE_ROOM,
  },
];

/** The names of the rules that explain a dissent completely; undefined when something remains. */
export function knownDifference(dissent: DissentCase): string[] | undefined {
  const { vote, majority } = dissent;
  if (vote !== undefined && majority !== undefined) return attributeRules(dissent, vote, majority);
  const present = vote ?? majority;
  if (present === undefined) return undefined;
  const without = vote === undefined ? [dissent.by] : dissent.agreeing;
  const rule = KNOWN_DIFFERENCES.find(
    ({ kind, route }) =>
      route !== undefined &&
      without.length > 0 &&
      without.every((daemon) => daemon.kind === kind && route(present, daemon, dissent.inputs)),
  );
  return rule && [rule.name];
}

/**
 * The names of the rules that explain that a daemon has no route in its forwarding table; undefined when something remains. `inputs`: the
 * attributes, as they came in, of every neighbour's route for the prefix: it must refuse them all.
 */
export function knownRefusal(by: Daemon, inputs: readonly Uint8Array[]): string[] | undefined {
  const names = new Set<string>();
  for (const input of inputs) {
    const rule = KNOWN_DIFFERENCES.find(
      ({ kind, refused, route }) => refused === true && kind === by.kind && route?.(input, by, () => inputs) === true,
    );
    if (rule === undefined) return undefined;
    names.add(rule.name);
  }
  return names.size === 0 ? undefined : [...names].sort();
}

function attributeRules({ by, agreeing }: DissentCase, vote: Uint8Array, majority: Uint8Array): string[] | undefined {
  const names = new Set<string>();
  const common = agreeing.length > 0 && agreeing.every(({ kind }) => kind === agreeing[0].kind) ? agreeing[0].kind : '';
  for (const [said, expected] of differing(attributesOf(vote), attributesOf(majority))) {
    const rule = KNOWN_DIFFERENCES.find(
      ({ kind, attribute }) =>
        attribute !== undefined &&
        ((kind === by.kind && attribute(expected, said)) || (kind === common && attribute(said, expected))),
    );
    if (rule === undefined) return undefined;
    names.add(rule.name);
  }
  return names.size === 0 ? undefined : [...names].sort();
}

/** Pairs of attributes of one type that are not the same; both lists ascend by type. */
function differing(
  left: readonly Attribute[],
  right: readonly Attribute[],
): [Attribute | undefined, Attribute | undefined][] {
  const pairs: [Attribute | undefined, Attribute | undefined][] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    const a = r >= right.length || left[l]?.type <= right[r].type ? left[l] : undefined;
    const b = l >= left.length || right[r]?.type <= left[l].type ? right[r] : undefined;
    if (a === undefined || b === undefined || a.flags !== b.flags || !equal(a.value, b.value)) pairs.push([a, b]);
    if (a !== undefined) l++;
    if (b !== undefined) r++;
  }
  return pairs;
}

function attributesOf(bytes: Uint8Array): Attribute[] {
  const cursor = new AttributeCursor();
  cursor.reset(bytes, 0, bytes.length);
  const attributes: Attribute[] = [];
  while (cursor.next()) {
    const { type, flags, valueStart, end } = cursor;
    attributes.push({ type, flags: flags & ~AttributeFlag.EXTENDED_LENGTH, value: bytes.subarray(valueStart, end) });
  }
  return attributes;
}

function hasLinkLocalBeside(attributes: Uint8Array): boolean {
  const nextHop = attributesOf(attributes).find(({ type }) => type === AttributeType.MP_REACH_NLRI)?.value;
  return nextHop?.length === 32 && nextHop[16] === 0xfe && (nextHop[17] & 0xc0) === 0x80;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
