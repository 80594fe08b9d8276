// FRR's zserv protocol, version 6 as spoken by FRR 8.4, as far as it takes to hand zebra routes the way its routing daemons do. Stands
// in for sharpd, FRR's own program for such measurements, which Debian does not ship.
import type { ByteWriter } from '../wire/byte-writer.js';

const MARKER = 0xfe;
const VERSION = 6;
const HELLO = 18;
const ROUTE_ADD = 8;
const ROUTE_DELETE = 9;
/** ZEBRA_ROUTE_BGP: routes get rtm_protocol 186. */
const ROUTE_TYPE = 9;
const MESSAGE_NEXTHOP = 1;
const SAFI_UNICAST = 1;
const AF_INET = 2;
const NEXTHOP_IPV4_IFINDEX = 3;

/** Says who we are; everything else follows it. */
export function zapiHello(out: ByteWriter): void {
  const at = begin(out, HELLO);
  out.u8(ROUTE_TYPE);
  out.u16(0);
  out.u32(0);
  out.u8(0);
  out.u8(0);
  end(out, at);
}

export interface ZapiHop {
  /** Four bytes. */
  gateway: Uint8Array;
  ifindex: number;
}

/** Adds an IPv4 route or changes it; without a hop: removes it. `address` is a 32-bit word. */
export function zapiRoute(out: ByteWriter, address: number, bits: number, hop: ZapiHop | undefined): void {
  const at = begin(out, hop ? ROUTE_ADD : ROUTE_DELETE);
  out.u8(ROUTE_TYPE);
  out.u16(0);
  out.u32(0);
  out.u32(hop ? MESSAGE_NEXTHOP : 0);
  out.u8(SAFI_UNICAST);
  out.u8(AF_INET);
  out.u8(bits);
  for (let i = 0; i < bits; i += 8) out.u8(address >>> (24 - i));
  if (hop) {
    out.u16(1);
    out.u32(0);
    out.u8(NEXTHOP_IPV4_IFINDEX);
    out.u8(0);
    out.bytes(hop.gateway);
    out.u32(hop.ifindex);
  }
  end(out, at);
}

function begin(out: ByteWriter, command: number): number {
  const at = out.length;
  out.u16(0);
  out.u8(MARKER);
  out.u8(VERSION);
  out.u32(0);
  out.u16(command);
  return at;
}

function end(out: ByteWriter, at: number): void {
  const length = out.length - at;
  out.buffer[at] = length >>> 8;
  out.buffer[at + 1] = length;
}
