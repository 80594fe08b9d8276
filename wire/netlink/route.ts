// Route messages (rtnetlink(7), struct rtmsg): taking RTM_NEWROUTE / RTM_DELROUTE apart into a reused view; nothing is allocated per route.
// Owns reading the wire form; writing it is route-writer.ts, what a table does with a route is fib/'s.
import { copyBytes } from '../byte-writer.js';
import { IPV4_UNICAST, maxPrefixBits } from '../family.js';
import type { Family } from '../family.js';
import { AF_INET, AF_INET6, familyOfAf, NLA_TYPE_MASK } from './constants.js';
import {
  RTA_DST,
  RTA_ENCAP,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_NEWDST,
  RTA_NH_ID,
  RTA_OIF,
} from './constants.js';
import {
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTA_VIA,
  RTMSG_LENGTH,
  RTNEXTHOP_LENGTH,
  RTVIA_HEADER,
} from './constants.js';
import { align, ATTRIBUTE_HEADER, readU16, readU32 } from './message.js';

export { RTMSG_LENGTH } from './constants.js';
export { encodeRoute } from './route-writer.js';
export type { RouteFields } from './route-writer.js';
export type { MessageHeader as RouteHeader } from './message.js';

/** Next hops of one route at most; what has more is refused as malformed. */
export const MAX_ROUTE_HOPS = 256;

/** A route message, filled by parseRoute; reused from message to message. */
export class RouteView {
  family: Family = IPV4_UNICAST;
  dstLen = 0;
  /** Destination, padded with zeros: 4 or 16 bytes count. Bits behind `dstLen` are as received. */
  readonly dst = new Uint8Array(16);
  srcLen = 0;
  tos = 0;
  /** RTA_TABLE where there is one, else rtm_table. */
  table = 0;
  protocol = 0;
  scope = 0;
  type = 0;
  /** rtm_flags: RTM_F_* and, with a single hop, its RTNH_F_*. */
  flags = 0;
  /** RTA_PRIORITY; 0 when absent, which IPv6 takes as 1024. */
  metric = 0;
  /** RTA_NH_ID, 0 when absent. The kernel repeats the object's hops beside it. */
  nhId = 0;
  /** RTA_MULTIPATH was there, also when it holds one hop only. */
  multipath = false;
  hasMetrics = false;
  hasEncap = false;
  hasPrefsrc = false;

  /** The next hops, of a plain route too: at most one then, none when neither interface nor gateway is said. */
  hopCount = 0;
  /** 0 when not said. */
  readonly hopIfindex = new Uint32Array(MAX_ROUTE_HOPS);
  /** 1..256. */
  readonly hopWeight = new Uint16Array(MAX_ROUTE_HOPS);
  /** RTNH_F_*. */
  readonly hopFlags = new Uint8Array(MAX_ROUTE_HOPS);
  /** 0, 4 or 16; an IPv4 route may have an IPv6 gateway. */
  readonly hopGatewayLength = new Uint8Array(MAX_ROUTE_HOPS);
  /** Sixteen bytes for each hop. */
  readonly hopGateways = new Uint8Array(MAX_ROUTE_HOPS * 16);

  clear(): void {
    // A loop: `fill` is a call that costs more than the sixteen bytes.
    const { dst } = this;
    for (let i = 0; i < 16; i++) dst[i] = 0;
    this.srcLen = 0;
    this.tos = 0;
    this.metric = 0;
    this.nhId = 0;
    this.multipath = false;
    this.hasMetrics = false;
    this.hasEncap = false;
    this.hasPrefsrc = false;
    this.hopCount = 0;
  }

  /** Appends a hop. False when there are MAX_ROUTE_HOPS already or the gateway is neither 0 nor 4 nor 16 bytes. */
  addHop(
    ifindex: number,
    weight: number,
    flags: number,
    gateway: Uint8Array,
    gatewayAt: number,
    gatewayLength: number,
  ): boolean {
    const i = this.hopCount;
    if (i === MAX_ROUTE_HOPS || (gatewayLength !== 0 && gatewayLength !== 4 && gatewayLength !== 16)) return false;
    this.hopIfindex[i] = ifindex;
    this.hopWeight[i] = weight;
    this.hopFlags[i] = flags;
    this.hopGatewayLength[i] = gatewayLength;
    copyBytes(gateway, gatewayAt, gatewayAt + gatewayLength, this.hopGateways, i * 16);
    this.hopCount = i + 1;
    return true;
  }
}

const OVERRUN = 'attribute overruns the route message';
const BAD_LENGTH = 'attribute of a route message has a wrong length';
const TWO_GATEWAYS = 'both RTA_GATEWAY and RTA_VIA';
const BAD_VIA = 'RTA_VIA of an unknown family or in an IPv6 route';

// What the attributes of one hop said: the state of a parse under way, so that nothing is allocated for it.
let hopIfindex = 0;
let gatewayAt = 0;
let gatewayLength = 0;
let multipathAt = 0;
let multipathEnd = 0;

/**
 * Takes the body payload..end of a route message apart. Returns undefined, or what is wrong: then `out` is not to be used. Attributes that
 * are not known are skipped, as an older kernel would. Never throws. Not reentrant.
 */
export function parseRoute(buf: Uint8Array, payload: number, end: number, out: RouteView): string | undefined {
  if (end - payload < RTMSG_LENGTH) return 'route message is cut off';
  const family = familyOfAf(buf[payload]);
  if (family === undefined) return 'route message of a family that is not routed here';
  if (buf[payload + 1] > maxPrefixBits(family)) return 'prefix length out of range';
  out.clear();
  out.family = family;
  out.dstLen = buf[payload + 1];
  out.srcLen = buf[payload + 2];
  out.tos = buf[payload + 3];
  out.table = buf[payload + 4];
  out.protocol = buf[payload + 5];
  out.scope = buf[payload + 6];
  out.type = buf[payload + 7];
  out.flags = readU32(buf, payload + 8);
  hopIfindex = gatewayAt = gatewayLength = multipathEnd = 0;
  const problem = parseAttributes(buf, payload + RTMSG_LENGTH, end, out);
  if (problem !== undefined) return problem;
  if (multipathEnd !== 0) {
    out.multipath = true;
    return parseMultipath(buf, multipathAt, multipathEnd, out);
  }
  if (hopIfindex !== 0 || gatewayLength !== 0) {
    out.addHop(hopIfindex, 1, out.flags, buf, gatewayAt, gatewayLength);
  }
  return undefined;
}

function parseAttributes(buf: Uint8Array, at: number, end: number, out: RouteView): string | undefined {
  const addressLength = out.family === IPV4_UNICAST ? 4 : 16;
  while (end - at >= ATTRIBUTE_HEADER) {
    const size = readU16(buf, at);
    if (size < ATTRIBUTE_HEADER || size > end - at) return OVERRUN;
    const value = at + ATTRIBUTE_HEADER;
    const length = size - ATTRIBUTE_HEADER;
    const type = readU16(buf, at + 2) & NLA_TYPE_MASK;
    let expected = -1;
    switch (type) {
      case RTA_DST:
        expected = addressLength;
        if (length === expected) copyBytes(buf, value, value + length, out.dst, 0);
        break;
      case RTA_TABLE:
        expected = 4;
        if (length === expected) out.table = readU32(buf, value);
        break;
      case RTA_PRIORITY:
        expected = 4;
        if (length === expected) out.metric = readU32(buf, value);
        break;
      case RTA_NH_ID:
        expected = 4;
        if (length === expected) out.nhId = readU32(buf, value);
        break;
      case RTA_MULTIPATH:
        multipathAt = value;
        multipathEnd = value + length;
        break;
      case RTA_OIF:
      case RTA_GATEWAY:
      case RTA_VIA: {
        const problem = parseHopAttribute(type, buf, value, length, out.family);
        if (problem !== undefined) return problem;
        break;
      }
      default:
        noteAttribute(type, out);
    }
    if (expected >= 0 && length !== expected) return BAD_LENGTH;
    at += align(size);
  }
  return undefined;
}

function noteAttribute(type: number, out: RouteView): void {
  if (type === RTA_METRICS) out.hasMetrics = true;
  else if (type === RTA_ENCAP || type === RTA_NEWDST) out.hasEncap = true;
  else if (type === RTA_PREFSRC) out.hasPrefsrc = true;
}

/** RTA_OIF, RTA_GATEWAY or RTA_VIA, of the route or of a hop in RTA_MULTIPATH. */
function parseHopAttribute(
  type: number,
  buf: Uint8Array,
  value: number,
  length: number,
  family: Family,
): string | undefined {
  if (type === RTA_OIF) {
    if (length !== 4) return BAD_LENGTH;
    hopIfindex = readU32(buf, value);
    return undefined;
  }
  if (gatewayLength !== 0) return TWO_GATEWAYS;
  if (type === RTA_GATEWAY) {
    if (length !== (family === IPV4_UNICAST ? 4 : 16)) return BAD_LENGTH;
    gatewayAt = value;
    gatewayLength = length;
    return undefined;
  }
  if (length < RTVIA_HEADER) return BAD_LENGTH;
  const viaFamily = readU16(buf, value);
  const expected = viaFamily === AF_INET ? 4 : viaFamily === AF_INET6 ? 16 : 0;
  if (family !== IPV4_UNICAST || expected === 0) return BAD_VIA;
  if (length !== RTVIA_HEADER + expected) return BAD_LENGTH;
  gatewayAt = value + RTVIA_HEADER;
  gatewayLength = expected;
  return undefined;
}

/** The value of RTA_MULTIPATH: struct rtnexthop, each with attributes of its own. */
function parseMultipath(buf: Uint8Array, at: number, end: number, out: RouteView): string | undefined {
  while (end - at >= RTNEXTHOP_LENGTH) {
    const size = readU16(buf, at);
    if (size < RTNEXTHOP_LENGTH || size > end - at) return 'next hop overruns RTA_MULTIPATH';
    gatewayLength = 0;
    const problem = parseHopAttributes(buf, at + RTNEXTHOP_LENGTH, at + size, out);
    if (problem !== undefined) return problem;
    const ifindex = readU32(buf, at + 4);
    if (!out.addHop(ifindex, buf[at + 3] + 1, buf[at + 2], buf, gatewayAt, gatewayLength)) {
      return 'more than 256 next hops';
    }
    at += align(size);
  }
  // The kernel refuses bytes left over as well: a hop was cut off.
  return at < end ? 'next hop is cut off' : undefined;
}

function parseHopAttributes(buf: Uint8Array, at: number, end: number, out: RouteView): string | undefined {
  while (end - at >= ATTRIBUTE_HEADER) {
    const size = readU16(buf, at);
    if (size < ATTRIBUTE_HEADER || size > end - at) return OVERRUN;
    const type = readU16(buf, at + 2) & NLA_TYPE_MASK;
    if (type === RTA_GATEWAY || type === RTA_VIA) {
      const problem = parseHopAttribute(type, buf, at + ATTRIBUTE_HEADER, size - ATTRIBUTE_HEADER, out.family);
      if (problem !== undefined) return problem;
    } else {
      noteAttribute(type, out);
    }
    at += align(size);
  }
  return undefined;
}
