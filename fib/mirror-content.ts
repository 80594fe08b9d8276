// When two messages of the kernel about the same thing say the same: counters, timers and passing states do not count, so that replicas
// are told only of what matters to a routing daemon. Owns which fields and attributes those are.
import {
  IFINFOMSG_LENGTH,
  IFADDRMSG_LENGTH,
  NDMSG_LENGTH,
  RTMSG_LENGTH,
  RULE_HEADER_LENGTH,
} from '../wire/netlink/constants.js';
import {
  IFA_CACHEINFO,
  IFLA_AF_SPEC,
  IFLA_CARRIER_CHANGES,
  IFLA_CARRIER_DOWN_COUNT,
} from '../wire/netlink/constants.js';
import {
  IFLA_CARRIER_UP_COUNT,
  IFLA_EVENT,
  IFLA_LINKINFO,
  IFLA_STATS,
  IFLA_STATS64,
} from '../wire/netlink/constants.js';
import { NDA_CACHEINFO, NDA_PROBES, NUD_VALID, RTA_CACHEINFO, RTA_EXPIRES } from '../wire/netlink/constants.js';
import { RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_OFFLOAD, RTNH_F_TRAP } from '../wire/netlink/constants.js';
import { align, AttributeCursor, NETLINK_HEADER, readU16, readU32 } from '../wire/netlink/message.js';

export type MirrorKind = 'link' | 'address' | 'route' | 'rule' | 'neighbor' | 'netconf';

/** Bytes of the structure before the attributes. */
export const BODY_LENGTH: Readonly<Record<MirrorKind, number>> = {
  link: IFINFOMSG_LENGTH,
  address: IFADDRMSG_LENGTH,
  route: RTMSG_LENGTH,
  rule: RULE_HEADER_LENGTH,
  neighbor: NDMSG_LENGTH,
  netconf: align(1),
};

/**
 * Attributes that change by themselves. IFLA_LINKINFO of a bridge holds its timers and IFLA_AF_SPEC the IPv6 counters; what matters in them
 * never changes alone or is told by netconf.
 */
const VOLATILE: Readonly<Record<MirrorKind, readonly number[]>> = {
  link: [
    IFLA_STATS,
    IFLA_STATS64,
    IFLA_AF_SPEC,
    IFLA_LINKINFO,
    IFLA_EVENT,
    IFLA_CARRIER_CHANGES,
    IFLA_CARRIER_UP_COUNT,
    IFLA_CARRIER_DOWN_COUNT,
  ],
  address: [IFA_CACHEINFO],
  route: [RTA_CACHEINFO, RTA_EXPIRES],
  rule: [],
  neighbor: [NDA_CACHEINFO, NDA_PROBES],
  netconf: [],
};

/** What the kernel sets in a route's flags by itself when a link loses its carrier, or hardware takes the route. */
const PASSING_ROUTE_FLAGS = RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_OFFLOAD | RTNH_F_TRAP;
const ROUTE_FLAGS_AT = 8;
const LINK_CHANGE_AT = 12;
const NEIGHBOR_STATE_AT = 8;

const left = new AttributeCursor();
const right = new AttributeCursor();

/** Whether two whole messages of a kind, about the same thing, differ in nothing that matters. Headers are not compared. */
export function sameContent(kind: MirrorKind, a: Uint8Array, b: Uint8Array): boolean {
  const body = NETLINK_HEADER + BODY_LENGTH[kind];
  if (a.length < body || b.length < body || !sameBody(kind, a, b)) return false;
  left.reset(a, body, a.length);
  right.reset(b, body, b.length);
  for (;;) {
    const more = nextLasting(left, kind);
    if (more !== nextLasting(right, kind)) return false;
    if (!more) return true;
    if (left.type !== right.type || left.length !== right.length) return false;
    if (!sameRange(a, left.at, b, right.at, left.length)) return false;
  }
}

function nextLasting(cursor: AttributeCursor, kind: MirrorKind): boolean {
  while (cursor.next()) if (!VOLATILE[kind].includes(cursor.type)) return true;
  return false;
}

function sameBody(kind: MirrorKind, a: Uint8Array, b: Uint8Array): boolean {
  const at = NETLINK_HEADER;
  if (kind === 'route') {
    const mask = ~PASSING_ROUTE_FLAGS;
    const flags = at + ROUTE_FLAGS_AT;
    return sameRange(a, at, b, at, ROUTE_FLAGS_AT) && ((readU32(a, flags) ^ readU32(b, flags)) & mask) === 0;
  }
  // Behind the flags of a link stands which of them an event is about.
  if (kind === 'link') return sameRange(a, at, b, at, LINK_CHANGE_AT);
  if (kind === 'neighbor') {
    const state = at + NEIGHBOR_STATE_AT;
    const usable = (buf: Uint8Array): boolean => (readU16(buf, state) & NUD_VALID) !== 0;
    return (
      sameRange(a, at, b, at, NEIGHBOR_STATE_AT) && usable(a) === usable(b) && sameRange(a, state + 2, b, state + 2, 2)
    );
  }
  return sameRange(a, at, b, at, BODY_LENGTH[kind]);
}

/** Whether `length` bytes at `at` in `a` and at `to` in `b` are the same. */
export function sameRange(a: Uint8Array, at: number, b: Uint8Array, to: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[at + i] !== b[to + i]) return false;
  return true;
}
