// Whether Linux would take a next hop: its interface is there and up, its gateway on a link. Owns a digest of the mirror's links and routes,
// made again after one of them changed; a replica's own routes do not count, as a BGP next hop is not resolved through BGP routes here.
import { IPV4_UNICAST, IPV6_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import {
  EHOSTUNREACH,
  EINVAL,
  ENETDOWN,
  ENETUNREACH,
  ENODEV,
  IFF_LOOPBACK,
  IFF_UP,
} from '../../wire/netlink/constants.js';
import { RT_SCOPE_HOST, RT_SCOPE_LINK, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../wire/netlink/constants.js';
import { RTN_LOCAL, RTN_UNICAST, RTNH_F_ONLINK } from '../../wire/netlink/constants.js';
import { NETLINK_HEADER, readU32 } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import type { MirroredKernel } from './types.js';

/** Why a route is refused; undefined where it is not. */
export interface Refusal {
  errno: number;
  text: string;
}

interface KnownRoute {
  family: Family;
  local: boolean;
  type: number;
  gateway: boolean;
  interfaces: number[];
  address: Uint8Array;
  bits: number;
}

const INVALID_GATEWAY = 'Nexthop has invalid gateway';

export class Reachability {
  /** Counts up whenever an answer may have changed. */
  generation = 1;
  private readonly kernels: readonly MirroredKernel[];
  private stale = true;
  private readonly links = new Map<number, number>();
  private routes: KnownRoute[] = [];
  private readonly view = new RouteView();

  constructor(kernels: readonly MirroredKernel[]) {
    this.kernels = kernels;
  }

  /** Links or routes of the real kernel changed. */
  invalidate(): void {
    this.stale = true;
    this.generation++;
  }

  /** A route of the real kernel came or went. */
  routeChanged(message: Uint8Array): void {
    const { view } = this;
    if (parseRoute(message, NETLINK_HEADER, message.length, view) === undefined && matters(view)) this.invalidate();
  }

  /** Whether there is such an interface and it is up (IFF_UP: by the operator's will; a cable that is out does not count). */
  isUp(ifindex: number): boolean {
    this.refresh();
    return ((this.links.get(ifindex) ?? 0) & IFF_UP) !== 0;
  }

  /**
   * Checks hop `i` of a unicast route that is to be written, as fib_check_nh (IPv4) and fib6_nh_init (IPv6) do, with their errnos. Where no
   * interface was said, the one that leads to the gateway is filled in.
   */
  check(route: RouteView, i: number): Refusal | undefined {
    this.refresh();
    if (route.hopGatewayLength[i] === 0) return this.checkInterface(route.hopIfindex[i]);
    return route.hopGatewayLength[i] === 4 ? this.checkIpv4(route, i) : this.checkIpv6(route, i);
  }

  private checkInterface(ifindex: number): Refusal | undefined {
    const flags = this.links.get(ifindex);
    if (flags === undefined) return { errno: ENODEV, text: 'Device does not exist' };
    return (flags & IFF_UP) === 0 ? { errno: ENETDOWN, text: 'Nexthop device is not up' } : undefined;
  }

  private checkIpv4(route: RouteView, i: number): Refusal | undefined {
    const ifindex = route.hopIfindex[i];
    if (route.scope >= RT_SCOPE_HOST) return { errno: EINVAL, text: 'Route with host scope can not have a gateway' };
    // The way to a gateway must be of narrower scope than the route.
    const found =
      this.longest(IPV4_UNICAST, true, ifindex, route.hopGateways, i * 16) ??
      (route.scope < RT_SCOPE_LINK ? this.longest(IPV4_UNICAST, false, ifindex, route.hopGateways, i * 16) : undefined);
    if ((route.hopFlags[i] & RTNH_F_ONLINK) !== 0) {
      if (ifindex === 0) return { errno: ENODEV, text: 'Nexthop device required for onlink' };
      const problem = this.checkInterface(ifindex);
      if (problem !== undefined) return problem;
      return found?.local ? { errno: EINVAL, text: INVALID_GATEWAY } : undefined;
    }
    if (found === undefined) return { errno: ENETUNREACH, text: INVALID_GATEWAY };
    if (found.type !== RTN_UNICAST && found.type !== RTN_LOCAL) return { errno: EINVAL, text: INVALID_GATEWAY };
    return this.egress(route, i, found);
  }

  private checkIpv6(route: RouteView, i: number): Refusal | undefined {
    const ifindex = route.hopIfindex[i];
    const at = i * 16;
    const gateways = route.hopGateways;
    if (ifindex !== 0 && !this.links.has(ifindex)) return { errno: ENODEV, text: 'Device does not exist' };
    const own = this.longest(IPV6_UNICAST, true, 0, gateways, at);
    if (own?.type === RTN_LOCAL) return { errno: EINVAL, text: 'Gateway can not be a local address' };
    const onlink = (route.hopFlags[i] & RTNH_F_ONLINK) !== 0;
    const linkLocal = gateways[at] === 0xfe && (gateways[at + 1] & 0xc0) === 0x80;
    if (linkLocal || onlink) {
      if (ifindex === 0) return { errno: EINVAL, text: 'Egress device not specified' };
      const elsewhere = linkLocal ? undefined : this.longest(IPV6_UNICAST, false, 0, gateways, at);
      if (elsewhere !== undefined && elsewhere.bits > 0 && !elsewhere.interfaces.includes(ifindex)) {
        return { errno: EINVAL, text: 'Nexthop has invalid gateway or device mismatch' };
      }
      return this.checkInterface(ifindex) ?? this.checkNotLoopback(ifindex);
    }
    const found = this.longest(IPV6_UNICAST, false, ifindex, gateways, at);
    if (found === undefined || found.gateway || found.type !== RTN_UNICAST) {
      return { errno: EHOSTUNREACH, text: INVALID_GATEWAY };
    }
    return this.egress(route, i, found);
  }

  private checkNotLoopback(ifindex: number): Refusal | undefined {
    if ((this.links.get(ifindex)! & IFF_LOOPBACK) === 0) return undefined;
    return { errno: EINVAL, text: 'Egress device can not be loopback device for this route' };
  }

  private egress(route: RouteView, i: number, found: KnownRoute): Refusal | undefined {
    if (route.hopIfindex[i] === 0) route.hopIfindex[i] = found.interfaces[0] ?? 0;
    return this.checkInterface(route.hopIfindex[i]);
  }

  /** The longest match for an address among the routes of one table that go out of the interface (0: any) and are accepted. */
  private longest(
    family: Family,
    local: boolean,
    ifindex: number,
    address: Uint8Array,
    at: number,
    accept: (known: KnownRoute) => boolean = () => true,
  ): KnownRoute | undefined {
    let best: KnownRoute | undefined;
    for (const known of this.routes) {
      if (known.family !== family || known.local !== local || (best !== undefined && known.bits <= best.bits)) continue;
      if (ifindex !== 0 && !known.interfaces.includes(ifindex)) continue;
      if (accept(known) && covers(known, address, at)) best = known;
    }
    return best;
  }

  private refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    this.links.clear();
    this.routes = [];
    for (const kernel of this.kernels) {
      kernel.forEach('link', undefined, (message) => {
        this.links.set(readU32(message, NETLINK_HEADER + 4), readU32(message, NETLINK_HEADER + 8));
      });
      kernel.forEach('route', undefined, (message) => this.addRoute(message));
    }
  }

  private addRoute(message: Uint8Array): void {
    const { view } = this;
    if (parseRoute(message, NETLINK_HEADER, message.length, view) !== undefined) return;
    if (!matters(view)) return;
    this.routes.push({
      family: view.family,
      local: view.table === RT_TABLE_LOCAL,
      type: view.type,
      gateway: view.hopGatewayLength.subarray(0, view.hopCount).some((length) => length > 0),
      interfaces: [...view.hopIfindex.subarray(0, view.hopCount)],
      address: view.dst.slice(0, view.family === IPV4_UNICAST ? 4 : 16),
      bits: view.dstLen,
    });
  }
}

/** Whether a gateway may be looked up in the route: IPv4 does so only in routes to links. */
function matters(view: RouteView): boolean {
  if (view.table !== RT_TABLE_MAIN && view.table !== RT_TABLE_LOCAL) return false;
  return view.family === IPV6_UNICAST || view.scope >= RT_SCOPE_LINK;
}

function covers(known: KnownRoute, address: Uint8Array, at: number): boolean {
  const whole = known.bits >> 3;
  for (let i = 0; i < whole; i++) if (known.address[i] !== address[at + i]) return false;
  const rest = known.bits & 7;
  return rest === 0 || (known.address[whole]! ^ address[at + whole]!) >> (8 - rest) === 0;
}
