// RTM_GETROUTE for a single destination (`ip route get`): the longest match over the real kernel's routes and the replica's own.
// Owns that answer. Policy rules are not followed: the local table comes first and the main table after it, as where there are no rules.
import { copyBytes } from '../../wire/byte-writer.js';
import { IPV4_UNICAST, maxPrefixBits } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import {
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  familyOfAf,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
} from '../../wire/netlink/constants.js';
import {
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTA_PREFSRC,
  RTA_TABLE,
  RTA_VIA,
  RTM_F_CLONED,
} from '../../wire/netlink/constants.js';
import {
  RTM_F_FIB_MATCH,
  RTM_NEWROUTE,
  RTMSG_LENGTH,
  RTN_BLACKHOLE,
  RTN_UNREACHABLE,
} from '../../wire/netlink/constants.js';
import { RTN_PROHIBIT } from '../../wire/netlink/constants.js';
import { AttributeCursor, NETLINK_HEADER, readU32, writeU32 } from '../../wire/netlink/message.js';
import type { NetlinkWriter } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { OwnRoutes } from './own-routes.js';
import { DESTINATION_AT } from './route-bodies.js';
import type { RouteBodies } from './route-bodies.js';
import type { MirroredKernel } from './types.js';

const EACCES = 13;

interface Match {
  bits: number;
  metric: number;
  type: number;
  table: number;
  /** The route's body: from struct rtmsg on. */
  body: Uint8Array;
}

export class RouteLookup {
  private readonly kernels: readonly MirroredKernel[];
  private readonly prefixes: PrefixTable;
  private readonly routes: OwnRoutes;
  private readonly bodies: RouteBodies;
  private readonly view = new RouteView();

  constructor(kernels: readonly MirroredKernel[], prefixes: PrefixTable, routes: OwnRoutes, bodies: RouteBodies) {
    this.kernels = kernels;
    this.prefixes = prefixes;
    this.routes = routes;
    this.bodies = bodies;
  }

  /** Appends the answer to the request payload..end; returns an errno, 0 when there is one. */
  answer(buf: Uint8Array, payload: number, end: number, seq: number, pid: number, writer: NetlinkWriter): number {
    const family = familyOfAf(buf[payload]);
    if (family === undefined || end - payload < RTMSG_LENGTH) return EINVAL;
    const address = new Uint8Array(16);
    const size = family === IPV4_UNICAST ? 4 : 16;
    const cursor = new AttributeCursor();
    cursor.reset(buf, payload + RTMSG_LENGTH, end);
    while (cursor.next()) {
      if (cursor.type !== RTA_DST) continue;
      if (cursor.length !== size) return EINVAL;
      copyBytes(buf, cursor.at, cursor.at + size, address, 0);
    }
    const match = this.find(family, address);
    const error = match === undefined ? ENETUNREACH : errorOf(match.type);
    if (match === undefined || error !== 0) return error;
    const whole = (readU32(buf, payload + 8) & RTM_F_FIB_MATCH) !== 0;
    writer.begin(RTM_NEWROUTE, 0, seq, pid);
    if (whole) writer.bytes(match.body);
    else writeHostRoute(writer, match, address.subarray(0, size));
    writer.end();
    return 0;
  }

  private find(family: Family, address: Uint8Array): Match | undefined {
    return (
      this.foreign(family, address, RT_TABLE_LOCAL) ??
      better(this.foreign(family, address, RT_TABLE_MAIN), this.own(family, address))
    );
  }

  private own(family: Family, address: Uint8Array): Match | undefined {
    for (let bits = maxPrefixBits(family); bits >= 0; bits--) {
      const prefix = this.prefixes.find(family, address, 0, bits);
      if (prefix === 0 || !this.routes.has(prefix)) continue;
      const candidates = this.routes.several(prefix) ?? [this.routes.single(prefix)];
      const body = candidates.find((each) => this.bodies.isInMain(each));
      if (body === undefined) continue;
      const bytes = this.bodies.table.get(body).slice();
      bytes[1] = bits;
      for (let i = 0; i < (bits + 7) >> 3; i++) bytes[DESTINATION_AT + i] = address[i];
      if ((bits & 7) !== 0) bytes[DESTINATION_AT + (bits >> 3)] &= 0xff << (8 - (bits & 7));
      return {
        bits,
        metric: this.bodies.metric(body),
        type: this.bodies.type(body),
        table: RT_TABLE_MAIN,
        body: bytes,
      };
    }
    return undefined;
  }

  private foreign(family: Family, address: Uint8Array, table: number): Match | undefined {
    let best: Match | undefined;
    const { view } = this;
    for (const kernel of this.kernels) {
      kernel.forEach('route', family, (message) => {
        if (parseRoute(message, NETLINK_HEADER, message.length, view) !== undefined || view.table !== table) return;
        if (!covers(view.dst, view.dstLen, address)) return;
        const body = message.subarray(NETLINK_HEADER);
        best = better(best, { bits: view.dstLen, metric: view.metric, type: view.type, table, body });
      });
    }
    return best;
  }
}

function better(a: Match | undefined, b: Match | undefined): Match | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.bits !== b.bits) return a.bits > b.bits ? a : b;
  return a.metric <= b.metric ? a : b;
}

function errorOf(type: number): number {
  if (type === RTN_BLACKHOLE) return EINVAL;
  if (type === RTN_UNREACHABLE) return EHOSTUNREACH;
  return type === RTN_PROHIBIT ? EACCES : 0;
}

/** As the kernel answers without RTM_F_FIB_MATCH: a route to the one address, by the first hop. */
function writeHostRoute(writer: NetlinkWriter, match: Match, address: Uint8Array): void {
  const at = writer.length;
  writer.bytes(match.body, 0, RTMSG_LENGTH);
  writer.buffer[at + 1] = address.length * 8;
  writer.buffer[at + 5] = 0;
  writer.buffer[at + 6] = 0;
  writeU32(writer.buffer, at + 8, RTM_F_CLONED);
  writer.attributeU32(RTA_TABLE, match.table);
  writer.attribute(RTA_DST, address);
  const view = new RouteView();
  if (parseRoute(match.body, 0, match.body.length, view) === undefined && view.hopCount > 0) {
    writer.attributeU32(RTA_OIF, view.hopIfindex[0]);
    const length = view.hopGatewayLength[0];
    if (length === address.length) writer.attribute(RTA_GATEWAY, view.hopGateways, 0, length);
    else if (length > 0) writer.attribute(RTA_VIA, Uint8Array.of(10, 0, ...view.hopGateways.subarray(0, length)));
  }
  const cursor = new AttributeCursor();
  cursor.reset(match.body, RTMSG_LENGTH, match.body.length);
  while (cursor.next()) {
    if (cursor.type === RTA_PREFSRC) writer.attribute(RTA_PREFSRC, match.body, cursor.at, cursor.at + cursor.length);
  }
}

function covers(prefix: Uint8Array, bits: number, address: Uint8Array): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (prefix[i] !== address[i]) return false;
  return (bits & 7) === 0 || (prefix[whole] ^ address[whole]) >> (8 - (bits & 7)) === 0;
}
