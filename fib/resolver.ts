// Next-hop resolution for replicas that write no routes of their own: what the kernel's other routes would do with a packet to a BGP next hop.
// It gives what BIRD (`gateway recursive`) and zebra give for the same kernel. Owns the look-up; the routes are the mirror's.
import { IPV4_UNICAST, maxPrefixBits } from '../wire/family.js';
import type { Family } from '../wire/family.js';
import {
  IFF_UP,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTNH_F_DEAD,
} from '../wire/netlink/constants.js';
import { NETLINK_HEADER } from '../wire/netlink/message.js';
import { parseRoute, RouteView } from '../wire/netlink/route.js';
import type { ForeignRoute } from './foreign-routes.js';
import type { KernelMirror } from './kernel-mirror.js';
import { encodeHops } from './next-hops.js';

export interface ResolverOptions {
  /** The routing table that BGP next hops are looked up in (default main). */
  table?: number;
}

/** What the resolver needs of the mirror. */
export type ResolverMirror = Pick<KernelMirror, 'routesTo' | 'isUp' | 'links'>;

export class Resolver {
  private readonly mirror: ResolverMirror;
  private readonly table: number;
  private readonly route = new RouteView();
  private readonly result = new RouteView();

  constructor(mirror: ResolverMirror, options: ResolverOptions = {}) {
    this.mirror = mirror;
    this.table = options.table ?? RT_TABLE_MAIN;
  }

  /**
   * The next hops by which packets reach `address` (4 or 16 bytes): writes the canonical set to `out` (MAX_HOPS_LENGTH bytes suffice) and returns
   * its length, 0 when it is unreachable. The longest prefix with a usable hop decides; default routes count. The router's own
   * addresses, broadcast and multicast are no next hops, nor is a link-local address, whose link nobody says.
   */
  resolve(family: Family, address: Uint8Array, out: Uint8Array): number {
    if (isLinkLocal(family, address)) return 0;
    const longest = maxPrefixBits(family);
    for (let bits = longest; bits >= 0; bits--) {
      // Linux looks into the local table first, but both are looked at together here: routers have no routes to their own addresses elsewhere.
      if (this.mirror.routesTo(family, RT_TABLE_LOCAL, address, bits) !== undefined) return 0;
      const routes = this.mirror.routesTo(family, this.table, address, bits);
      if (routes === undefined) continue;
      const length = this.take(family, routes, address, out);
      if (length >= 0) return length;
    }
    return 0;
  }

  /** The best of the routes to one destination: the set's length, 0 when it forwards nothing, -1 when all of them are over dead links. */
  private take(family: Family, routes: readonly ForeignRoute[], address: Uint8Array, out: Uint8Array): number {
    const sorted = routes.length === 1 ? routes : [...routes].sort((a, b) => a.metric - b.metric);
    for (const candidate of sorted) {
      if (candidate.srcLen !== 0 || candidate.tos !== 0) continue;
      const { message } = candidate;
      if (parseRoute(message, NETLINK_HEADER, message.length, this.route) !== undefined) continue;
      // As BIRD and zebra do: a next hop in a blackhole (RFC 3882, 5635) takes its routes there; an unreachable one makes them unreachable.
      const { type } = this.route;
      if (type === RTN_BLACKHOLE || type === RTN_PROHIBIT) return encodeHops(this.route, out);
      if (type !== RTN_UNICAST) return 0;
      if (!this.collect(family, address)) continue;
      return Math.max(0, encodeHops(this.result, out));
    }
    return -1;
  }

  /** Puts the route's usable hops into `result`, the address itself being the gateway where there is none. */
  private collect(family: Family, address: Uint8Array): boolean {
    const { route, result } = this;
    result.clear();
    result.family = family;
    result.type = RTN_UNICAST;
    result.hasEncap = route.hasEncap;
    for (let i = 0; i < route.hopCount; i++) {
      const ifindex = route.hopIfindex[i];
      const length = route.hopGatewayLength[i];
      // A link without carrier connects nobody, but the kernel goes on to use its gateways; BIRD and zebra follow it in both.
      const usable = length === 0 ? this.mirror.isUp(ifindex) : this.isSwitchedOn(ifindex);
      if (!usable || (route.hopFlags[i] & RTNH_F_DEAD) !== 0) continue;
      if (length > 0) result.addHop(ifindex, route.hopWeight[i], route.hopFlags[i], route.hopGateways, i * 16, length);
      else result.addHop(ifindex, route.hopWeight[i], 0, address, 0, family === IPV4_UNICAST ? 4 : 16);
    }
    return result.hopCount > 0;
  }

  private isSwitchedOn(ifindex: number): boolean {
    return ((this.mirror.links.get(ifindex)?.flags ?? 0) & IFF_UP) !== 0;
  }
}

function isLinkLocal(family: Family, address: Uint8Array): boolean {
  return family !== IPV4_UNICAST && address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}
