// Link messages (struct ifinfomsg): what the router needs to know of an interface, and writing those that exist only for replicas.
// Owns the wire form; everything else about a link stays in the raw message, which is kept beside what is decoded here.
import { formatText } from './text.js';
import { IFF_LOWER_UP, IFF_RUNNING, IFF_UP, IFINFOMSG_LENGTH } from './constants.js';
import { IFLA_ADDRESS, IFLA_BROADCAST, IFLA_CARRIER, IFLA_GROUP, IFLA_IFNAME, IFLA_INFO_KIND } from './constants.js';
import { IFLA_LINK, IFLA_LINKINFO, IFLA_LINKMODE, IFLA_MASTER, IFLA_MTU, IFLA_OPERSTATE } from './constants.js';
import { IFLA_QDISC, IFLA_TXQLEN } from './constants.js';
import { AttributeCursor, readU16, readU32 } from './message.js';
import type { MessageHeader, NetlinkWriter } from './message.js';

export interface Link {
  /** AF_UNSPEC, or AF_BRIDGE for what a bridge says of its port: not a link of its own. */
  family: number;
  index: number;
  /** ARPHRD_*. */
  type: number;
  /** IFF_*. */
  flags: number;
  name: string;
  mtu: number;
  /** IF_OPER_*. */
  operstate: number;
  txQueueLength: number;
  /** Link-layer addresses; empty where there are none. */
  address: Uint8Array;
  broadcast: Uint8Array;
  /** Index of the bridge, bond or VRF this belongs to; 0 for none. */
  master: number;
  /** Index of the link below (VLAN) or at the other end (veth); 0 for none. */
  lower: number;
  /** `veth`, `vlan`, …; empty for a physical interface. */
  kind: string;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Whether packets can go out: up by the operator's will and, as far as the kernel can tell, at the other end. */
export function isLinkUp(flags: number): boolean {
  return (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0;
}

/** Takes the body payload..end of a link message apart; a string says what is wrong with it. Never throws. */
export function decodeLink(buf: Uint8Array, payload: number, end: number): Link | string {
  if (end - payload < IFINFOMSG_LENGTH) return 'link message is cut off';
  const link: Link = {
    family: buf[payload],
    type: readU16(buf, payload + 2),
    index: readU32(buf, payload + 4),
    flags: readU32(buf, payload + 8),
    name: '',
    mtu: 0,
    operstate: 0,
    txQueueLength: 0,
    address: NO_BYTES,
    broadcast: NO_BYTES,
    master: 0,
    lower: 0,
    kind: '',
  };
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + IFINFOMSG_LENGTH, end);
  while (cursor.next()) takeAttribute(buf, cursor, link);
  return cursor.error === undefined ? link : `link message: ${cursor.error}`;
}

function takeAttribute(buf: Uint8Array, cursor: AttributeCursor, link: Link): void {
  const { type, at, length } = cursor;
  if (type === IFLA_IFNAME) link.name = formatText(buf, at, length);
  else if (type === IFLA_ADDRESS) link.address = buf.slice(at, at + length);
  else if (type === IFLA_BROADCAST) link.broadcast = buf.slice(at, at + length);
  else if (type === IFLA_OPERSTATE && length >= 1) link.operstate = buf[at];
  else if (type === IFLA_LINKINFO) link.kind = kindOf(buf, at, length);
  else if (length < 4) return;
  else if (type === IFLA_MTU) link.mtu = readU32(buf, at);
  else if (type === IFLA_TXQLEN) link.txQueueLength = readU32(buf, at);
  else if (type === IFLA_MASTER) link.master = readU32(buf, at);
  else if (type === IFLA_LINK) link.lower = readU32(buf, at);
}

function kindOf(buf: Uint8Array, at: number, length: number): string {
  const cursor = new AttributeCursor();
  cursor.reset(buf, at, at + length);
  while (cursor.next()) if (cursor.type === IFLA_INFO_KIND) return formatText(buf, cursor.at, cursor.length);
  return '';
}

/** Appends a link message with what the daemons look at: name, MTU, queue length, state, addresses, and the kind where there is one. */
export function encodeLink(writer: NetlinkWriter, header: MessageHeader, link: Link): void {
  writer.begin(header.messageType, header.flags, header.seq, header.pid);
  writer.u8(link.family);
  writer.u8(0);
  writer.u16(link.type);
  writer.u32(link.index);
  writer.u32(link.flags);
  writer.u32(0);
  writer.attributeString(IFLA_IFNAME, link.name);
  writer.attributeU32(IFLA_TXQLEN, link.txQueueLength);
  writer.attributeU8(IFLA_OPERSTATE, link.operstate);
  writer.attributeU8(IFLA_LINKMODE, 0);
  writer.attributeU32(IFLA_MTU, link.mtu);
  writer.attributeU32(IFLA_GROUP, 0);
  writer.attributeU8(IFLA_CARRIER, (link.flags & IFF_LOWER_UP) !== 0 ? 1 : 0);
  writer.attributeString(IFLA_QDISC, 'noqueue');
  if (link.master !== 0) writer.attributeU32(IFLA_MASTER, link.master);
  if (link.lower !== 0) writer.attributeU32(IFLA_LINK, link.lower);
  if (link.address.length > 0) writer.attribute(IFLA_ADDRESS, link.address);
  if (link.broadcast.length > 0) writer.attribute(IFLA_BROADCAST, link.broadcast);
  if (link.kind !== '') {
    const nest = writer.nestBegin(IFLA_LINKINFO, 0);
    writer.attributeString(IFLA_INFO_KIND, link.kind);
    writer.nestEnd(nest);
  }
  writer.end();
}
