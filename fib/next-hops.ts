// Next-hop sets as votes and verdicts are made of them: out of a route message into canonical bytes, and into words for people.
// The layout is wire/netlink/next-hop-set.ts. Protocol number, metric and ids of nexthop objects are no part of a set.
import { formatIpv4, formatIpv6 } from '../wire/ip.js';
import { copyBytes } from '../wire/byte-writer.js';
import { RTN_BLACKHOLE, RTN_PROHIBIT, RTN_UNICAST, RTN_UNREACHABLE, RTNH_F_ONLINK } from '../wire/netlink/constants.js';
import { HOP_HEADER, HOP_ONLINK, HopCursor, MAX_HOPS, SET_HEADER } from '../wire/netlink/next-hop-set.js';
import { MAX_ROUTE_HOPS } from '../wire/netlink/route.js';
import type { RouteView } from '../wire/netlink/route.js';

export { HOP_ONLINK, HopCursor, MAX_HOPS, MAX_HOPS_LENGTH } from '../wire/netlink/next-hop-set.js';

const TYPE_NAMES = new Map<number, HopsObject['type']>([
  [RTN_UNICAST, 'unicast'],
  [RTN_BLACKHOLE, 'blackhole'],
  [RTN_UNREACHABLE, 'unreachable'],
  [RTN_PROHIBIT, 'prohibit'],
]);

// Indices of the view's hops in canonical order: the state of the call under way.
const order = new Uint16Array(MAX_ROUTE_HOPS);

/**
 * Writes the canonical next-hop set of a route to `out` (MAX_HOPS_LENGTH bytes suffice) and returns its length. Returns -1 for a route that
 * has no such form: of another type (local, throw, …), without hops, with encapsulation, or with more than 255 hops.
 */
export function encodeHops(view: RouteView, out: Uint8Array): number {
  out[0] = view.type;
  out[1] = 0;
  // Linux shows IPv6 routes of these types with the loopback interface as a hop.
  if (view.type === RTN_BLACKHOLE || view.type === RTN_UNREACHABLE || view.type === RTN_PROHIBIT) return SET_HEADER;
  if (view.type !== RTN_UNICAST || view.hasEncap || view.hopCount === 0 || view.hopCount > MAX_HOPS) return -1;
  const count = sortHops(view);
  let at = SET_HEADER;
  for (let i = 0; i < count; i++) at = writeHop(view, order[i], count, out, at);
  out[1] = count;
  return at;
}

/** Fills `order` with the distinct hops, sorted; returns how many they are. Insertion sort: sets are small and mostly sorted. */
function sortHops(view: RouteView): number {
  let count = 0;
  for (let hop = 0; hop < view.hopCount; hop++) {
    let at = count;
    let difference = 1;
    while (at > 0 && (difference = compareHops(view, order[at - 1], hop)) > 0) at--;
    if (at > 0 && difference === 0) continue;
    if (at < count) order.copyWithin(at + 1, at, count);
    order[at] = hop;
    count++;
  }
  return count;
}

/** Bytewise order of the two hops' canonical forms. */
function compareHops(view: RouteView, a: number, b: number): number {
  return (
    view.hopIfindex[a] - view.hopIfindex[b] ||
    view.hopWeight[a] - view.hopWeight[b] ||
    (view.hopFlags[a] & RTNH_F_ONLINK) - (view.hopFlags[b] & RTNH_F_ONLINK) ||
    view.hopGatewayLength[a] - view.hopGatewayLength[b] ||
    compareGateways(view, a, b)
  );
}

function compareGateways(view: RouteView, a: number, b: number): number {
  const { hopGateways } = view;
  const length = view.hopGatewayLength[a];
  for (let i = 0; i < length; i++) {
    const difference = hopGateways[a * 16 + i] - hopGateways[b * 16 + i];
    if (difference !== 0) return difference;
  }
  return 0;
}

function writeHop(view: RouteView, hop: number, count: number, out: Uint8Array, at: number): number {
  const ifindex = view.hopIfindex[hop];
  // The weight of an only hop means nothing, and a plain route cannot say it.
  const weight = count === 1 ? 1 : view.hopWeight[hop];
  const gatewayLength = view.hopGatewayLength[hop];
  out[at] = ifindex >>> 24;
  out[at + 1] = ifindex >>> 16;
  out[at + 2] = ifindex >>> 8;
  out[at + 3] = ifindex;
  out[at + 4] = weight >>> 8;
  out[at + 5] = weight;
  out[at + 6] = (view.hopFlags[hop] & RTNH_F_ONLINK) !== 0 ? HOP_ONLINK : 0;
  out[at + 7] = gatewayLength;
  copyBytes(view.hopGateways, hop * 16, hop * 16 + gatewayLength, out, at + HOP_HEADER);
  return at + HOP_HEADER + gatewayLength;
}

/** A set for JSON. Only unicast has next hops. */
export interface HopsObject {
  type: 'unicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'unknown';
  nextHops: {
    /** Absent where the destination is on the link. */
    gateway?: string;
    interface: string;
    weight: number;
    onlink: boolean;
  }[];
}

/** The set in words for JSON; `linkName` names interfaces by index. */
export function hopsAsObject(bytes: Uint8Array, linkName: (ifindex: number) => string): HopsObject {
  const cursor = new HopCursor();
  const type = TYPE_NAMES.get(cursor.reset(bytes)) ?? 'unknown';
  const nextHops: HopsObject['nextHops'] = [];
  while (cursor.next()) {
    const { gatewayLength, gateway } = cursor;
    nextHops.push({
      ...(gatewayLength > 0 && {
        gateway: gatewayLength === 4 ? formatIpv4(bytes, gateway) : formatIpv6(bytes, gateway),
      }),
      interface: linkName(cursor.ifindex),
      weight: cursor.weight,
      onlink: (cursor.flags & HOP_ONLINK) !== 0,
    });
  }
  return { type, nextHops };
}

/** The set as `ip route` would say it: `via 10.0.1.2 dev eth0`, `dev eth0`, `blackhole`, `nexthop via … weight 2 nexthop …`. */
export function describeHops(bytes: Uint8Array, linkName: (ifindex: number) => string): string {
  const { type, nextHops } = hopsAsObject(bytes, linkName);
  if (type !== 'unicast') return type;
  const several = nextHops.length > 1;
  return nextHops
    .map((hop) => {
      const words = several ? ['nexthop'] : [];
      if (hop.gateway !== undefined) words.push('via', hop.gateway);
      words.push('dev', hop.interface);
      if (several) words.push('weight', String(hop.weight));
      if (hop.onlink) words.push('onlink');
      return words.join(' ');
    })
    .join(' ');
}
