// Next-hop sets put together and taken apart: IPv6 routes of equal metric become siblings one hop at a time and go the same way.
import { RTN_UNICAST, RTNH_F_ONLINK } from '../../wire/netlink/constants.js';
import { HOP_ONLINK, HopCursor, MAX_HOPS, MAX_HOPS_LENGTH } from '../../wire/netlink/next-hop-set.js';
import { RouteView } from '../../wire/netlink/route.js';
import { encodeHops } from '../next-hops.js';

const view = new RouteView();
const cursor = new HopCursor();
const scratch = new Uint8Array(MAX_HOPS_LENGTH);

/** One hop for comparison: interface 0 or gateway length 0 stand for any where something is looked for. */
export interface HopPattern {
  ifindex: number;
  gatewayLength: number;
  /** The gateway's bytes, `gatewayLength` of them. */
  gateway: Uint8Array;
}

/** The hops of both sets, undefined when they are too many for one. */
export function unionHops(a: Uint8Array, b: Uint8Array): Uint8Array | undefined {
  begin();
  return addAll(a) && addAll(b) ? finish() : undefined;
}

/** The set without the hops that match; undefined when nothing is left. */
export function withoutHop(hops: Uint8Array, pattern: HopPattern): Uint8Array | undefined {
  begin();
  cursor.reset(hops);
  while (cursor.next()) if (!matches(hops, pattern)) add(hops);
  return view.hopCount === 0 ? undefined : finish();
}

/** Whether a hop among the first `among` of the set matches; a set without hops matches only the pattern that allows everything. */
export function hasHop(hops: Uint8Array, pattern: HopPattern, among = MAX_HOPS): boolean {
  if (pattern.ifindex === 0 && pattern.gatewayLength === 0) return true;
  cursor.reset(hops);
  for (let i = 0; i < among && cursor.next(); i++) if (matches(hops, pattern)) return true;
  return false;
}

/** The hops of a set, one pattern each. */
export function hopPatterns(hops: Uint8Array): HopPattern[] {
  const patterns: HopPattern[] = [];
  cursor.reset(hops);
  while (cursor.next()) {
    const { ifindex, gateway, gatewayLength } = cursor;
    patterns.push({ ifindex, gatewayLength, gateway: hops.slice(gateway, gateway + gatewayLength) });
  }
  return patterns;
}

/** Whether the sets have a hop of equal interface and gateway in common, or neither has any hop. */
export function shareHop(a: Uint8Array, b: Uint8Array): boolean {
  const patterns = hopPatterns(a);
  if (patterns.length === 0) return hopPatterns(b).length === 0;
  return patterns.some((pattern) => {
    cursor.reset(b);
    while (cursor.next()) {
      if (cursor.ifindex === pattern.ifindex && cursor.gatewayLength === pattern.gatewayLength) {
        if (sameGateway(b, pattern)) return true;
      }
    }
    return false;
  });
}

function matches(hops: Uint8Array, pattern: HopPattern): boolean {
  if (pattern.ifindex !== 0 && pattern.ifindex !== cursor.ifindex) return false;
  return pattern.gatewayLength === 0 || (pattern.gatewayLength === cursor.gatewayLength && sameGateway(hops, pattern));
}

function sameGateway(hops: Uint8Array, pattern: HopPattern): boolean {
  for (let i = 0; i < pattern.gatewayLength; i++) {
    if (hops[cursor.gateway + i] !== pattern.gateway[i]) return false;
  }
  return true;
}

function begin(): void {
  view.clear();
  view.type = RTN_UNICAST;
}

function addAll(hops: Uint8Array): boolean {
  cursor.reset(hops);
  while (cursor.next()) if (!add(hops)) return false;
  return true;
}

function add(hops: Uint8Array): boolean {
  const flags = (cursor.flags & HOP_ONLINK) !== 0 ? RTNH_F_ONLINK : 0;
  return view.addHop(cursor.ifindex, cursor.weight, flags, hops, cursor.gateway, cursor.gatewayLength);
}

function finish(): Uint8Array | undefined {
  const length = encodeHops(view, scratch);
  return length < 0 ? undefined : scratch.slice(0, length);
}
