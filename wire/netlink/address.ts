// Address messages (struct ifaddrmsg): an address of an interface, read and written.
// Owns the wire form; lifetimes and what else there is stay in the raw message.
import { formatText } from './text.js';
import { AF_INET, AF_INET6, IFA_ADDRESS, IFA_BROADCAST, IFA_CACHEINFO, IFA_FLAGS, IFA_LABEL } from './constants.js';
import { IFA_LOCAL, IFADDRMSG_LENGTH } from './constants.js';
import { AttributeCursor, readU32 } from './message.js';
import type { MessageHeader, NetlinkWriter } from './message.js';

export interface InterfaceAddress {
  /** AF_INET or AF_INET6. */
  family: number;
  /** Of the interface. */
  index: number;
  prefixLength: number;
  /** IFA_F_*. */
  flags: number;
  /** RT_SCOPE_*. */
  scope: number;
  /** The interface's own address: IFA_LOCAL, or IFA_ADDRESS where there is no other. 4 or 16 bytes. */
  local: Uint8Array;
  /** The address whose prefix is on the link: the other end's on a point-to-point link, else the own one. */
  address: Uint8Array;
  /** IPv4 broadcast address; empty where there is none. */
  broadcast: Uint8Array;
  /** IPv4 label; empty where there is none. */
  label: string;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** An address that does not age (struct ifa_cacheinfo: preferred, valid). */
const FOR_EVER = 0xffffffff;

/** Takes the body payload..end of an address message apart; a string says what is wrong with it. Never throws. */
export function decodeAddress(buf: Uint8Array, payload: number, end: number): InterfaceAddress | string {
  if (end - payload < IFADDRMSG_LENGTH) return 'address message is cut off';
  const family = buf[payload];
  const size = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  if (size === 0) return 'address message of a family that is not routed here';
  if (buf[payload + 1] > size * 8) return 'prefix length out of range';
  let flags = buf[payload + 2];
  let local = NO_BYTES;
  let address = NO_BYTES;
  let broadcast = NO_BYTES;
  let label = '';
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + IFADDRMSG_LENGTH, end);
  while (cursor.next()) {
    const { type, at, length } = cursor;
    if (type === IFA_LABEL) label = formatText(buf, at, length);
    else if (type === IFA_FLAGS && length === 4) flags = readU32(buf, at);
    else if (length !== size) continue;
    else if (type === IFA_LOCAL) local = buf.slice(at, at + length);
    else if (type === IFA_ADDRESS) address = buf.slice(at, at + length);
    else if (type === IFA_BROADCAST) broadcast = buf.slice(at, at + length);
  }
  if (cursor.error !== undefined) return `address message: ${cursor.error}`;
  if (local.length === 0) local = address;
  if (address.length === 0) address = local;
  if (local.length === 0) return 'address message without an address';
  const index = readU32(buf, payload + 4);
  return {
    family,
    index,
    prefixLength: buf[payload + 1],
    flags,
    scope: buf[payload + 3],
    local,
    address,
    broadcast,
    label,
  };
}

/** Appends an address message, with lifetimes without end. */
export function encodeAddress(writer: NetlinkWriter, header: MessageHeader, address: InterfaceAddress): void {
  writer.begin(header.messageType, header.flags, header.seq, header.pid);
  writer.u8(address.family);
  writer.u8(address.prefixLength);
  writer.u8(address.flags);
  writer.u8(address.scope);
  writer.u32(address.index);
  writer.attribute(IFA_ADDRESS, address.address);
  // As Linux does: IPv4 always says both, IPv6 only where they differ.
  if (address.family === AF_INET || !same(address.local, address.address)) writer.attribute(IFA_LOCAL, address.local);
  if (address.broadcast.length > 0) writer.attribute(IFA_BROADCAST, address.broadcast);
  if (address.label !== '') writer.attributeString(IFA_LABEL, address.label);
  writer.attributeU32(IFA_FLAGS, address.flags);
  writer.u16(4 + 16);
  writer.u16(IFA_CACHEINFO);
  writer.u32(FOR_EVER);
  writer.u32(FOR_EVER);
  writer.u32(0);
  writer.u32(0);
  writer.end();
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
