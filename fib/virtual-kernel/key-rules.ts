// What Linux does when a route is written to a prefix that has routes already: which flags refuse, replace, append; which route a delete
// takes. IPv4 as in fib_trie.c (keyed by table, type of service and metric; equal keys may stand behind one another), IPv6 as in ip6_fib.c
// (keyed by table and metric; routes with gateways become siblings of one multipath route). Works on a prefix's list of body ids.
import { IPV4_UNICAST, IPV6_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import { EEXIST, ENOBUFS, ENOENT, ESRCH } from '../../wire/netlink/constants.js';
import {
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_NOWHERE,
} from '../../wire/netlink/constants.js';
import { hasHop, shareHop, unionHops, withoutHop } from './hop-sets.js';
import type { HopPattern } from './hop-sets.js';
import type { RouteBodies } from './route-bodies.js';

/** Which route a delete means; 0 (for the scope: RT_SCOPE_NOWHERE) stands for any, but table and type of service are always said. */
export interface RoutePattern {
  table: number;
  tos: number;
  metric: number;
  type: number;
  scope: number;
  protocol: number;
  /** What of the next hops was said: at most one without RTA_MULTIPATH. */
  hops: readonly HopPattern[];
  multipath: boolean;
}

/**
 * Writes `body` into the list of its prefix as RTM_NEWROUTE with `flags` does. Lists are sorted: by table, IPv4 then by type of service,
 * the greater first, then by metric. Returns an errno, 0 for success, after which `list` has changed.
 */
export function writeRoute(bodies: RouteBodies, family: Family, list: number[], body: number, flags: number): number {
  return family === IPV4_UNICAST ? writeIpv4(bodies, list, body, flags) : writeIpv6(bodies, list, body, flags);
}

/** Takes the route that RTM_DELROUTE means out of the list. Returns an errno: ESRCH when none matches. */
export function deleteRoute(bodies: RouteBodies, family: Family, list: number[], pattern: RoutePattern): number {
  if (family === IPV4_UNICAST) return deleteIpv4(bodies, list, pattern);
  if (!pattern.multipath) return deleteIpv6(bodies, list, pattern, pattern.hops[0]);
  let error = 0;
  for (const hop of pattern.hops) error = deleteIpv6(bodies, list, pattern, hop) || error;
  return error;
}

/** Whether a route is one that a delete means, as far as its next hops do not matter. IPv6 asks for neither type nor scope. */
export function matchesKey(bodies: RouteBodies, family: Family, body: number, pattern: RoutePattern): boolean {
  if (bodies.routingTable(body) !== pattern.table) return false;
  if (pattern.metric !== 0 && bodies.metric(body) !== pattern.metric) return false;
  if (pattern.protocol !== 0 && bodies.protocol(body) !== pattern.protocol) return false;
  if (family === IPV6_UNICAST) return true;
  return (
    bodies.tos(body) === pattern.tos &&
    (pattern.type === 0 || bodies.type(body) === pattern.type) &&
    (pattern.scope === RT_SCOPE_NOWHERE || bodies.scope(body) === pattern.scope)
  );
}

/** Whether `body`, written with NLM_F_REPLACE, takes the place of the prefix's only route. */
export function takesPlace(bodies: RouteBodies, family: Family, only: number, body: number): boolean {
  if (bodies.routingTable(only) !== bodies.routingTable(body) || bodies.metric(only) !== bodies.metric(body))
    return false;
  return family === IPV6_UNICAST || bodies.tos(only) === bodies.tos(body);
}

function compareIpv4(bodies: RouteBodies, a: number, b: number): number {
  return (
    bodies.routingTable(a) - bodies.routingTable(b) ||
    bodies.tos(b) - bodies.tos(a) ||
    bodies.metric(a) - bodies.metric(b)
  );
}

function writeIpv4(bodies: RouteBodies, list: number[], body: number, flags: number): number {
  let at = 0;
  while (at < list.length && compareIpv4(bodies, list[at]!, body) < 0) at++;
  let end = at;
  while (end < list.length && compareIpv4(bodies, list[end]!, body) === 0) end++;
  if (end > at) {
    if ((flags & NLM_F_EXCL) !== 0) return EEXIST;
    const match = list.indexOf(body, at);
    const found = match >= 0 && match < end;
    if ((flags & NLM_F_REPLACE) !== 0) {
      // The very same route in the first place is no change; further back it cannot be there twice.
      if (found) return match === at ? 0 : EEXIST;
      list[at] = body;
      return 0;
    }
    if (found) return EEXIST;
    if ((flags & NLM_F_APPEND) !== 0) at = end;
  }
  if ((flags & NLM_F_CREATE) === 0) return ENOENT;
  list.splice(at, 0, body);
  return 0;
}

function deleteIpv4(bodies: RouteBodies, list: number[], pattern: RoutePattern): number {
  const at = list.findIndex(
    (body) =>
      matchesKey(bodies, IPV4_UNICAST, body, pattern) &&
      matchesIpv4Hops(bodies.hopTable.get(bodies.hops(body)), pattern),
  );
  if (at < 0) return ESRCH;
  list.splice(at, 1);
  return 0;
}

/** All hops with RTA_MULTIPATH, else the first one only. In canonical order: how the daemon ordered them is not kept. */
function matchesIpv4Hops(hops: Uint8Array, pattern: RoutePattern): boolean {
  const [first] = pattern.hops;
  if (first === undefined) return true;
  if (!pattern.multipath) return hasHop(hops, first, 1);
  return hops[1] === pattern.hops.length && pattern.hops.every((hop) => hasHop(hops, hop));
}

function writeIpv6(bodies: RouteBodies, list: number[], body: number, flags: number): number {
  const table = bodies.routingTable(body);
  const metric = bodies.metric(body);
  const replace = (flags & NLM_F_REPLACE) !== 0;
  let at = 0;
  let sibling = -1;
  let equal = -1;
  for (; at < list.length; at++) {
    const other = list[at]!;
    if (bodies.routingTable(other) !== table ? bodies.routingTable(other) > table : bodies.metric(other) > metric)
      break;
    if (bodies.routingTable(other) !== table || bodies.metric(other) !== metric) continue;
    if ((flags & NLM_F_EXCL) !== 0) return EEXIST;
    const kin = bodies.hasGateway(other) === bodies.hasGateway(body);
    if (replace) {
      if (kin) {
        list[at] = body;
        return 0;
      }
      if (equal < 0) equal = at;
      continue;
    }
    if (shareHop(bodies.hopTable.get(bodies.hops(other)).slice(), bodies.hopTable.get(bodies.hops(body))))
      return EEXIST;
    if (kin && bodies.hasGateway(body) && sibling < 0) sibling = at;
  }
  if (equal >= 0) {
    list[equal] = body;
    return 0;
  }
  if (replace && (flags & NLM_F_CREATE) === 0) return ENOENT;
  if (sibling < 0) {
    list.splice(at, 0, body);
    return 0;
  }
  const first = list[sibling]!;
  const union = unionHops(bodies.hopTable.get(bodies.hops(first)), bodies.hopTable.get(bodies.hops(body)));
  const merged = union === undefined ? 0 : bodies.withHops(first, IPV6_UNICAST, union);
  if (merged === 0) return ENOBUFS;
  list[sibling] = merged;
  return 0;
}

function deleteIpv6(bodies: RouteBodies, list: number[], pattern: RoutePattern, hop: HopPattern | undefined): number {
  const at = list.findIndex(
    (body) =>
      matchesKey(bodies, IPV6_UNICAST, body, pattern) &&
      (hop === undefined || hasHop(bodies.hopTable.get(bodies.hops(body)), hop)),
  );
  if (at < 0) return ESRCH;
  // Only a delete that names a gateway takes a single sibling; any other takes the route with all of them.
  const rest =
    hop !== undefined && hop.gatewayLength > 0
      ? withoutHop(bodies.hopTable.get(bodies.hops(list[at]!)), hop)
      : undefined;
  if (rest === undefined) {
    list.splice(at, 1);
    return 0;
  }
  const body = bodies.withHops(list[at]!, IPV6_UNICAST, rest);
  if (body === 0) return ENOBUFS;
  list[at] = body;
  return 0;
}
