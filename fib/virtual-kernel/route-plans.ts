// What a route request means, worked out once for all prefixes that are written the same way: a daemon sends half a million requests that
// differ in their destination only. Owns reading requests and that cache; what becomes of a prefix's routes is own-routes.ts.
import { AttributeTable } from '../../wire/attribute-table.js';
import { copyBytes } from '../../wire/byte-writer.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import {
  EEXIST,
  EINVAL,
  ENOBUFS,
  ENODEV,
  EOPNOTSUPP,
  RT_TABLE_MAIN,
  RTMSG_LENGTH,
} from '../../wire/netlink/constants.js';
import { NLA_TYPE_MASK, RTA_DST, RTA_FLOW, RTA_METRICS, RTA_PREF, RTA_PREFSRC } from '../../wire/netlink/constants.js';
import { RTN_UNICAST, RTPROT_BOOT } from '../../wire/netlink/constants.js';
import { align, ATTRIBUTE_HEADER, AttributeCursor, readU16 } from '../../wire/netlink/message.js';
import { MAX_HOPS_LENGTH } from '../../wire/netlink/next-hop-set.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import { encodeHops } from '../next-hops.js';
import type { HopPattern } from './hop-sets.js';
import type { RoutePattern } from './key-rules.js';
import type { Reachability, Refusal } from './reachability.js';
import type { RouteBodies } from './route-bodies.js';

/** A route request without its destination. */
export interface RoutePlan {
  family: Family;
  /** The request is malformed, whether it writes or deletes. */
  malformed: Refusal | undefined;
  /** For RTM_DELROUTE. */
  pattern: RoutePattern;
  /** For RTM_NEWROUTE: the route, or why there can be none. Valid for one generation of the next hops' check. */
  body: number;
  refusal: Refusal | undefined;
  generation: number;
}

/** Ways to write a route that are remembered; beyond that all are forgotten and worked out again. */
const MAX_PLANS = 8192;
const MAX_PLAN_BYTES = 8 * 1024 * 1024;
/** Attributes that a dump repeats as they were written. */
const KEPT = new Set([RTA_PREFSRC, RTA_METRICS, RTA_FLOW, RTA_PREF]);
const METRIC_IPV6 = 1024;

export class RoutePlans {
  /** Where the destination of the request planned last is: `destinationBits` of it from `destinationAt` in `destination`. */
  destination: Uint8Array = new Uint8Array(16);
  destinationAt = 0;
  destinationBits = 0;
  private readonly bodies: RouteBodies;
  private readonly reachability: Reachability;
  private readonly view = new RouteView();
  private readonly hops = new Uint8Array(MAX_HOPS_LENGTH);
  private scratch = new Uint8Array(1024);
  private requests = newRequestTable();
  private plans: (RoutePlan | undefined)[] = [];

  constructor(bodies: RouteBodies, reachability: Reachability) {
    this.bodies = bodies;
    this.reachability = reachability;
  }

  /** Forgets everything: ids in the shared tables are about to be freed. */
  clear(): void {
    this.requests = newRequestTable();
    this.plans = [];
  }

  /** What the body payload..end of RTM_NEWROUTE (`write`) or RTM_DELROUTE means, and its destination. */
  plan(buf: Uint8Array, payload: number, end: number, write: boolean): RoutePlan {
    const id = this.cached(buf, payload, end);
    let plan = id === 0 ? undefined : this.plans[id];
    if (plan === undefined) {
      plan = this.read(buf, payload, end);
      if (id === 0) this.takeDestination();
      else this.plans[id] = plan;
    }
    if (write && plan.generation !== this.reachability.generation) this.prepare(plan, buf, payload, end);
    return plan;
  }

  /** The number of the request without its destination; 0 for a request of unusual form, which is read each time. */
  private cached(buf: Uint8Array, payload: number, end: number): number {
    const first = payload + RTMSG_LENGTH;
    if (end - first < ATTRIBUTE_HEADER || (readU16(buf, first + 2) & NLA_TYPE_MASK) !== RTA_DST) return 0;
    const ipv4 = buf[payload] === 2;
    const rest = first + ATTRIBUTE_HEADER + (ipv4 ? 4 : 16);
    if (readU16(buf, first) !== rest - first || rest > end || buf[payload + 1] > (ipv4 ? 32 : 128)) return 0;
    const length = RTMSG_LENGTH + end - rest;
    if (length > this.scratch.length) this.scratch = new Uint8Array(length * 2);
    const { scratch } = this;
    copyBytes(buf, payload, first, scratch, 0);
    scratch[1] = 0;
    copyBytes(buf, rest, end, scratch, RTMSG_LENGTH);
    this.destination = buf;
    this.destinationAt = first + ATTRIBUTE_HEADER;
    this.destinationBits = buf[payload + 1];
    const id = this.requests.intern(scratch, 0, length);
    if (id !== 0) return id;
    this.clear();
    return this.requests.intern(scratch, 0, length);
  }

  private takeDestination(): void {
    this.destination = this.view.dst;
    this.destinationAt = 0;
    this.destinationBits = this.view.dstLen;
  }

  private read(buf: Uint8Array, payload: number, end: number): RoutePlan {
    const { view } = this;
    const problem = parseRoute(buf, payload, end, view);
    return {
      family: view.family,
      malformed: problem === undefined ? undefined : { errno: EINVAL, text: problem },
      pattern: problem === undefined ? patternOf(view) : NO_PATTERN,
      body: 0,
      refusal: undefined,
      generation: 0,
    };
  }

  /** Works out the route that a write makes. */
  private prepare(plan: RoutePlan, buf: Uint8Array, payload: number, end: number): void {
    plan.generation = this.reachability.generation;
    plan.body = 0;
    plan.refusal = plan.malformed;
    if (plan.refusal !== undefined || parseRoute(buf, payload, end, this.view) !== undefined) return;
    plan.refusal = this.refusalOf();
    if (plan.refusal !== undefined) return;
    const length = encodeHops(this.view, this.hops);
    const hops = this.bodies.hopTable.intern(this.hops, 0, length);
    if (hops !== 0) plan.body = this.bodies.intern(this.key(), hops, keptAttributes(buf, payload, end));
    if (plan.body === 0) plan.refusal = { errno: ENOBUFS, text: 'Too many different routes' };
  }

  private key() {
    const { view } = this;
    const ipv6 = view.family !== IPV4_UNICAST;
    return {
      family: view.family,
      table: view.table === 0 ? RT_TABLE_MAIN : view.table,
      metric: ipv6 && view.metric === 0 ? METRIC_IPV6 : view.metric,
      tos: ipv6 ? 0 : view.tos,
      type: view.type,
      scope: ipv6 ? 0 : view.scope,
      protocol: ipv6 && view.protocol === 0 ? RTPROT_BOOT : view.protocol,
    };
  }

  /** Why Linux would refuse the route in `view`; resolves interfaces that were not said. */
  private refusalOf(): Refusal | undefined {
    const { view } = this;
    if (view.nhId !== 0) return { errno: EINVAL, text: 'Nexthop id does not exist' };
    if (view.hasEncap) return { errno: EOPNOTSUPP, text: 'Encapsulation is not supported' };
    if (view.srcLen !== 0) return { errno: EINVAL, text: 'Routes by source are not supported' };
    if (view.type !== RTN_UNICAST) {
      if (view.family === IPV4_UNICAST && view.hopCount > 0) {
        const text = 'Gateway, device and multipath can not be specified for this route type';
        return { errno: EINVAL, text };
      }
      return encodeHops(view, this.hops) < 0 ? { errno: EOPNOTSUPP, text: 'Unsupported route type' } : undefined;
    }
    if (view.hopCount === 0) return { errno: ENODEV, text: 'Device does not exist' };
    for (let i = 0; i < view.hopCount; i++) {
      const refusal = this.reachability.check(view, i);
      if (refusal !== undefined) return refusal;
    }
    if (view.family === IPV6_UNICAST && hasTwins(view)) return { errno: EEXIST, text: 'Two next hops are the same' };
    return encodeHops(view, this.hops) < 0 ? { errno: EINVAL, text: 'Too many next hops' } : undefined;
  }
}

/** Whether two hops have the same interface and gateway: IPv6 takes each hop for a route of its own. */
function hasTwins(view: RouteView): boolean {
  const seen = new Set<string>();
  for (let i = 0; i < view.hopCount; i++) {
    seen.add(`${view.hopIfindex[i]} ${view.hopGateways.subarray(i * 16, i * 16 + view.hopGatewayLength[i]).join('.')}`);
  }
  return seen.size < view.hopCount;
}

function newRequestTable(): AttributeTable {
  return new AttributeTable({ maxEntries: MAX_PLANS, maxBytes: MAX_PLAN_BYTES });
}

const NO_PATTERN: RoutePattern = {
  table: 0,
  tos: 0,
  metric: 0,
  type: 0,
  scope: 0,
  protocol: 0,
  hops: [],
  multipath: false,
};

function patternOf(view: RouteView): RoutePattern {
  const hops: HopPattern[] = [];
  for (let i = 0; i < view.hopCount; i++) {
    const gatewayLength = view.hopGatewayLength[i];
    const gateway = view.hopGateways.slice(i * 16, i * 16 + gatewayLength);
    hops.push({ ifindex: view.hopIfindex[i], gatewayLength, gateway });
  }
  return {
    table: view.table === 0 ? RT_TABLE_MAIN : view.table,
    tos: view.family === IPV4_UNICAST ? view.tos : 0,
    metric: view.metric,
    type: view.type,
    scope: view.scope,
    protocol: view.protocol,
    hops,
    multipath: view.multipath,
  };
}

/** Preferred source, metrics and the like, as they stand; undefined where there are none. */
function keptAttributes(buf: Uint8Array, payload: number, end: number): Uint8Array | undefined {
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + RTMSG_LENGTH, end);
  const kept: number[] = [];
  while (cursor.next()) {
    if (!KEPT.has(cursor.type)) continue;
    const from = cursor.at - ATTRIBUTE_HEADER;
    for (let at = from; at < cursor.at + cursor.length; at++) kept.push(buf[at]);
    while (kept.length < align(kept.length)) kept.push(0);
  }
  return kept.length === 0 ? undefined : Uint8Array.from(kept);
}
