// Writing route messages (rtnetlink(7), struct rtmsg) out of a key and a next-hop set; nothing is allocated per route.
// An IPv4 route with metric and one gateway takes 60 bytes. Which route is written when is fib/installer.ts's affair.
import { copyBytes } from '../byte-writer.js';
import { IPV4_UNICAST } from '../family.js';
import type { Family } from '../family.js';
import {
  AF_INET6,
  afOfFamily,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_UNSPEC,
} from './constants.js';
import { RTA_DST, RTA_GATEWAY, RTA_MULTIPATH, RTA_OIF, RTA_PRIORITY, RTA_TABLE, RTA_VIA } from './constants.js';
import { RTMSG_LENGTH, RTN_UNICAST, RTN_UNSPEC, RTNEXTHOP_LENGTH, RTNH_F_ONLINK, RTVIA_HEADER } from './constants.js';
import { align, ATTRIBUTE_HEADER, NETLINK_HEADER, writeU16, writeU32 } from './message.js';
import type { MessageHeader, NetlinkWriter } from './message.js';
import { HOP_ONLINK, HopCursor, SET_HEADER } from './next-hop-set.js';

/** What a route message says besides its hops; reusable. */
export interface RouteFields {
  family: Family;
  /** First byte of the destination, of which only the ceil(dstLen / 8) bytes that NLRI carries are read. */
  dst: Uint8Array;
  dstAt: number;
  dstLen: number;
  table: number;
  /** 0 in a delete: whoever made it. */
  protocol: number;
  /** 0: not said (IPv4 0, IPv6 1024; in a delete, any). */
  metric: number;
}

/** Bytes of a message without its hops, at most: headers, RTA_DST of 16 bytes, RTA_TABLE, RTA_PRIORITY. */
const KEY_LENGTH = NETLINK_HEADER + RTMSG_LENGTH + ATTRIBUTE_HEADER + 16 + 8 + 8;
/** Bytes of a hop in RTA_MULTIPATH at most (RTA_VIA or a 16-byte RTA_GATEWAY), RTA_OIF of a plain route included. */
const LONGEST_HOP = RTNEXTHOP_LENGTH + ATTRIBUTE_HEADER + 20;

const hopCursor = new HopCursor();

/**
 * Appends a whole route message (RTM_NEWROUTE, RTM_DELROUTE). `hops` [hopsStart..hopsEnd) is a next-hop set (next-hop-set.ts); an empty range writes the key alone, as a
 * delete has it. Returns false, and writes nothing, when the set is malformed or has an IPv4 gateway in an IPv6 route.
 */
export function encodeRoute(
  writer: NetlinkWriter,
  header: MessageHeader,
  route: RouteFields,
  hops: Uint8Array,
  hopsStart: number,
  hopsEnd: number,
): boolean {
  const count = hopsEnd - hopsStart >= SET_HEADER ? hops[hopsStart + 1] : 0;
  writer.reserve(KEY_LENGTH + ATTRIBUTE_HEADER + count * LONGEST_HOP);
  const start = writer.begin(header.messageType, header.flags, header.seq, header.pid);
  const type = hopsEnd > hopsStart ? hopCursor.reset(hops, hopsStart, hopsEnd) : RTN_UNSPEC;
  writeRtmsg(writer.buffer, writer.length, route, type);
  writer.length = writeKey(writer.buffer, writer.length + RTMSG_LENGTH, route);
  if (hopsEnd > hopsStart && !writeHops(writer, start + NETLINK_HEADER, route.family, type, count)) {
    writer.cancel();
    return false;
  }
  writer.end();
  return true;
}

function writeRtmsg(buf: Uint8Array, at: number, route: RouteFields, type: number): void {
  buf[at] = afOfFamily(route.family);
  buf[at + 1] = route.dstLen;
  buf[at + 2] = 0;
  buf[at + 3] = 0;
  buf[at + 4] = route.table < 256 ? route.table : RT_TABLE_UNSPEC;
  buf[at + 5] = route.protocol;
  buf[at + 6] = type === RTN_UNSPEC ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;
  buf[at + 7] = type;
  writeU32(buf, at + 8, 0);
}

function writeKey(buf: Uint8Array, at: number, route: RouteFields): number {
  if (route.dstLen > 0) {
    const length = route.family === IPV4_UNICAST ? 4 : 16;
    at = writeAttributeHeader(buf, at, RTA_DST, length);
    const known = (route.dstLen + 7) >> 3;
    for (let i = 0; i < length; i++) buf[at++] = i < known ? route.dst[route.dstAt + i] : 0;
  }
  if (route.table > 255) {
    at = writeAttributeHeader(buf, at, RTA_TABLE, 4);
    writeU32(buf, at, route.table);
    at += 4;
  }
  if (route.metric !== 0) {
    at = writeAttributeHeader(buf, at, RTA_PRIORITY, 4);
    writeU32(buf, at, route.metric);
    at += 4;
  }
  return at;
}

/** Writes the hops under `hopCursor`; `body` is where struct rtmsg stands. Room for them has been reserved. */
function writeHops(writer: NetlinkWriter, body: number, family: Family, type: number, count: number): boolean {
  if (type === RTN_UNSPEC) return false;
  if (type !== RTN_UNICAST) return count === 0;
  if (count === 0) return false;
  return count === 1 ? writeSingle(writer, body, family) : writeMultipath(writer, family, count);
}

function writeSingle(writer: NetlinkWriter, body: number, family: Family): boolean {
  if (!hopCursor.next()) return false;
  const { buffer } = writer;
  // Linux wants the scope of an IPv4 route without a gateway to be that of its link.
  if (hopCursor.gatewayLength === 0 && family === IPV4_UNICAST) buffer[body + 6] = RT_SCOPE_LINK;
  if ((hopCursor.flags & HOP_ONLINK) !== 0) buffer[body + 8] = RTNH_F_ONLINK;
  let at = writeGateway(buffer, writer.length, family);
  if (at < 0) return false;
  at = writeAttributeHeader(buffer, at, RTA_OIF, 4);
  writeU32(buffer, at, hopCursor.ifindex);
  writer.length = at + 4;
  return true;
}

function writeMultipath(writer: NetlinkWriter, family: Family, count: number): boolean {
  const { buffer } = writer;
  const nest = writer.length;
  let at = nest + ATTRIBUTE_HEADER;
  let written = 0;
  for (; hopCursor.next(); written++) {
    const end = writeGateway(buffer, at + RTNEXTHOP_LENGTH, family);
    if (end < 0) return false;
    writeU16(buffer, at, end - at);
    buffer[at + 2] = (hopCursor.flags & HOP_ONLINK) !== 0 ? RTNH_F_ONLINK : 0;
    buffer[at + 3] = hopCursor.weight - 1;
    writeU32(buffer, at + 4, hopCursor.ifindex);
    at = end;
  }
  writeAttributeHeader(buffer, nest, RTA_MULTIPATH, at - nest - ATTRIBUTE_HEADER);
  writer.length = at;
  return written === count;
}

/** The gateway of the current hop as RTA_GATEWAY or RTA_VIA; the new end, -1 when the family cannot have it. */
function writeGateway(buf: Uint8Array, at: number, family: Family): number {
  const { gatewayLength: length } = hopCursor;
  if (length === 0) return at;
  if (length === (family === IPV4_UNICAST ? 4 : 16)) {
    at = writeAttributeHeader(buf, at, RTA_GATEWAY, length);
    copyGateway(buf, at, length);
    return at + length;
  }
  if (family !== IPV4_UNICAST || length !== 16) return -1;
  at = writeAttributeHeader(buf, at, RTA_VIA, RTVIA_HEADER + length);
  writeU16(buf, at, AF_INET6);
  copyGateway(buf, at + RTVIA_HEADER, length);
  // 18 bytes: two of padding.
  writeU16(buf, at + RTVIA_HEADER + length, 0);
  return at + align(RTVIA_HEADER + length);
}

function copyGateway(buf: Uint8Array, at: number, length: number): void {
  copyBytes(hopCursor.buf, hopCursor.gateway, hopCursor.gateway + length, buf, at);
}

function writeAttributeHeader(buf: Uint8Array, at: number, type: number, length: number): number {
  writeU16(buf, at, ATTRIBUTE_HEADER + length);
  writeU16(buf, at + 2, type);
  return at + ATTRIBUTE_HEADER;
}
