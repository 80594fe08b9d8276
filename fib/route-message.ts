// Small surgery on whole route messages of the kernel: looking an attribute up, and taking one hop out of a route with several.
import {
  NLM_F_MULTI,
  RTA_GATEWAY,
  RTA_MULTIPATH,
  RTA_OIF,
  RTMSG_LENGTH,
  RTNEXTHOP_LENGTH,
} from '../wire/netlink/constants.js';
import { align, AttributeCursor, NETLINK_HEADER, NetlinkWriter, readU16, readU32 } from '../wire/netlink/message.js';
import { sameRange } from './mirror-content.js';

const ATTRIBUTES_AT = NETLINK_HEADER + RTMSG_LENGTH;

/** The value of an attribute (a view), undefined where it is not. */
export function findAttribute(message: Uint8Array, type: number): Uint8Array | undefined {
  const cursor = new AttributeCursor();
  cursor.reset(message, ATTRIBUTES_AT, message.length);
  while (cursor.next()) if (cursor.type === type) return message.subarray(cursor.at, cursor.at + cursor.length);
  return undefined;
}

/** One struct rtnexthop: bytes start..end of the message. */
interface RawHop {
  start: number;
  end: number;
}

/**
 * The IPv6 route without the hops over `ifindex` by `gateway` (empty: none). Where one hop is left it is written as the kernel writes an only hop.
 */
export function withoutHop(message: Uint8Array, ifindex: number, gateway: Uint8Array): Uint8Array {
  const cursor = new AttributeCursor();
  const writer = new NetlinkWriter(message.length);
  writer.begin(readU16(message, 4), readU16(message, 6) & ~NLM_F_MULTI, 0, 0);
  writer.bytes(message, NETLINK_HEADER, ATTRIBUTES_AT);
  cursor.reset(message, ATTRIBUTES_AT, message.length);
  while (cursor.next()) {
    const end = cursor.at + cursor.length;
    if (cursor.type !== RTA_MULTIPATH) {
      writer.attribute(cursor.type, message, cursor.at, end);
      continue;
    }
    const kept = hopsOf(message, cursor.at, end).filter((hop) => !isHop(message, hop, ifindex, gateway));
    if (kept.length === 1) writeOnly(writer, message, kept[0]);
    else writeSeveral(writer, message, kept);
  }
  writer.end();
  return writer.take();
}

function hopsOf(message: Uint8Array, at: number, end: number): RawHop[] {
  const hops: RawHop[] = [];
  while (end - at >= RTNEXTHOP_LENGTH) {
    const size = readU16(message, at);
    if (size < RTNEXTHOP_LENGTH || size > end - at) break;
    hops.push({ start: at, end: at + size });
    at += align(size);
  }
  return hops;
}

function isHop(message: Uint8Array, hop: RawHop, ifindex: number, gateway: Uint8Array): boolean {
  if (readU32(message, hop.start + 4) !== ifindex) return false;
  const own = gatewayOf(message, hop);
  return own.length === gateway.length && sameRange(own, 0, gateway, 0, gateway.length);
}

function gatewayOf(message: Uint8Array, hop: RawHop): Uint8Array {
  const cursor = new AttributeCursor();
  cursor.reset(message, hop.start + RTNEXTHOP_LENGTH, hop.end);
  while (cursor.next()) if (cursor.type === RTA_GATEWAY) return message.subarray(cursor.at, cursor.at + cursor.length);
  return message.subarray(0, 0);
}

function writeOnly(writer: NetlinkWriter, message: Uint8Array, hop: RawHop): void {
  const gateway = gatewayOf(message, hop);
  if (gateway.length > 0) writer.attribute(RTA_GATEWAY, gateway);
  writer.attributeU32(RTA_OIF, readU32(message, hop.start + 4));
}

function writeSeveral(writer: NetlinkWriter, message: Uint8Array, hops: readonly RawHop[]): void {
  const nest = writer.nestBegin(RTA_MULTIPATH, 0);
  for (const hop of hops) {
    writer.bytes(message, hop.start, hop.end);
    writer.pad();
  }
  writer.nestEnd(nest);
}
