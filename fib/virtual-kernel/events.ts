// Changes of the real kernel on their way to a replica's sockets: which group each belongs to, and the header that an event has.
import { familyOfAf, NLM_F_DUMP_FILTERED, NLM_F_DUMP_INTR, NLM_F_MULTI } from '../../wire/netlink/constants.js';
import { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV4_ROUTE } from '../../wire/netlink/constants.js';
import { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_NETCONF } from '../../wire/netlink/constants.js';
import { RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_LINK, RTNLGRP_NEIGH } from '../../wire/netlink/constants.js';
import { NETLINK_HEADER, readU16, writeU16, writeU32 } from '../../wire/netlink/message.js';
import type { NetlinkWriter } from '../../wire/netlink/message.js';
import type { KernelSocket } from './kernel-socket.js';
import type { MirrorChange, MirrorKind } from './types.js';

/** By family: IPv4, IPv6. */
const GROUPS: Readonly<Record<MirrorKind, readonly [number, number]>> = {
  link: [RTNLGRP_LINK, RTNLGRP_LINK],
  address: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
  route: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
  rule: [RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
  neighbor: [RTNLGRP_NEIGH, RTNLGRP_NEIGH],
  netconf: [RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF],
};
/** Flags that belong to an answer. */
const ANSWER_FLAGS = NLM_F_MULTI | NLM_F_DUMP_INTR | NLM_F_DUMP_FILTERED;

/** Sends the change to the socket if it has joined the group. */
export function pushEvent(socket: KernelSocket, change: MirrorChange, writer: NetlinkWriter): void {
  const { kind, message } = change;
  if (message.length <= NETLINK_HEADER) return;
  const family = kind === 'link' || kind === 'neighbor' ? 0 : familyOfAf(message[NETLINK_HEADER]);
  if (family === undefined || !socket.joined(GROUPS[kind][family])) return;
  writer.reset();
  writer.bytes(message);
  writer.pad();
  const { buffer } = writer;
  writeU16(buffer, 6, readU16(buffer, 6) & ~ANSWER_FLAGS);
  // The kernel itself speaks.
  writeU32(buffer, 8, 0);
  writeU32(buffer, 12, 0);
  socket.send(buffer, 0, writer.length);
}
