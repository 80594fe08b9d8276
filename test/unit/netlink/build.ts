// Next-hop sets and route messages for tests: as data, as canonical bytes, as netlink.
import fc from 'fast-check';
import type { Family } from '../../../wire/family.js';
import {
  RTM_NEWROUTE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkWriter } from '../../../wire/netlink/message.js';
import { HOP_ONLINK } from '../../../wire/netlink/next-hop-set.js';
import { encodeRoute } from '../../../wire/netlink/route.js';
import { parsePrefix } from '../../../wire/prefix-text.js';

export interface Hop {
  ifindex: number;
  weight: number;
  onlink: boolean;
  gateway: Uint8Array;
}

export interface HopSet {
  type: number;
  hops: Hop[];
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** One hop in canonical bytes. */
export function hopBytes(hop: Hop): number[] {
  const { ifindex, weight, onlink, gateway } = hop;
  const index = [ifindex >>> 24, (ifindex >>> 16) & 255, (ifindex >>> 8) & 255, ifindex & 255];
  return [...index, weight >>> 8, weight & 255, onlink ? HOP_ONLINK : 0, gateway.length, ...gateway];
}

/** The canonical bytes of a set by its definition: sorted, distinct, an only hop without weight. */
export function canonicalSet(set: HopSet): Uint8Array {
  const bytes = (hop: Hop): string => toHex(Uint8Array.from(hopBytes(hop)));
  const hops = [...new Map(set.hops.map((hop) => [bytes(hop), hop]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, hop]) => hop);
  const weighed = hops.length === 1 ? [{ ...hops[0]!, weight: 1 }] : hops;
  return Uint8Array.from([set.type, weighed.length, ...weighed.flatMap(hopBytes)]);
}

const gateway4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
const gateway6 = fc.uint8Array({ minLength: 16, maxLength: 16 });

function anyHop(family: Family): fc.Arbitrary<Hop> {
  const none = fc.constant(new Uint8Array(0));
  return fc.record({
    ifindex: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 0xffffffff })),
    weight: fc.integer({ min: 1, max: 256 }),
    onlink: fc.boolean(),
    gateway: family === 0 ? fc.oneof(gateway4, gateway6, none) : fc.oneof(gateway6, none),
  });
}

/** Any set that a route of the family can have. */
export function anySet(family: Family, maxHops = 6): fc.Arbitrary<HopSet> {
  const special = fc
    .constantFrom(RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT)
    .map((type) => ({ type, hops: [] as Hop[] }));
  const unicast = fc
    .array(anyHop(family), { minLength: 1, maxLength: maxHops })
    .map((hops) => ({ type: RTN_UNICAST, hops }));
  return fc.oneof({ weight: 1, arbitrary: special }, { weight: 6, arbitrary: unicast });
}

export interface RouteText {
  prefix: string;
  /** Canonical bytes; none for a key alone. */
  hops?: Uint8Array;
  messageType?: number;
  flags?: number;
  table?: number;
  protocol?: number;
  metric?: number;
}

/** A whole route message. */
export function routeMessage(route: RouteText): Uint8Array {
  const prefix = parsePrefix(route.prefix)!;
  const writer = new NetlinkWriter();
  const hops = route.hops ?? new Uint8Array(0);
  const written = encodeRoute(
    writer,
    { messageType: route.messageType ?? RTM_NEWROUTE, flags: route.flags ?? 0, seq: 7, pid: 9 },
    {
      family: prefix.family,
      dst: prefix.address,
      dstAt: 0,
      dstLen: prefix.bits,
      table: route.table ?? 254,
      protocol: route.protocol ?? 4,
      metric: route.metric ?? 0,
    },
    hops,
    0,
    hops.length,
  );
  if (!written) throw new Error('the hops do not fit the family');
  return writer.take();
}

/** The body of a message that stands alone in its buffer. */
export const BODY = NETLINK_HEADER;
