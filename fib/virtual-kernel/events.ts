// Changes of the real kernel on their way to a replica's sockets: which group each belongs to.
import {
  familyOfAf,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_NETCONF,
  RTNLGRP_IPV4_ROUTE,
} from '../../wire/netlink/constants.js';
import { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_NETCONF } from '../../wire/netlink/constants.js';
import { RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_LINK, RTNLGRP_NEIGH } from '../../wire/netlink/constants.js';
import { NETLINK_HEADER } from '../../wire/netlink/message.js';
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

/** The group that a change is announced to; 0 for one that nobody can have joined. */
function groupOf(change: MirrorChange): number {
  const family = change.kind === 'link' ? 0 : familyOfAf(change.message[NETLINK_HEADER] ?? 0);
  return family === undefined ? 0 : GROUPS[change.kind][family];
}

/** Sends the change to the socket if it has joined the group. */
export function pushEvent(socket: KernelSocket, change: MirrorChange): void {
  const group = groupOf(change);
  if (group !== 0 && socket.joined(group)) socket.send(change.message, 0, change.message.length);
}
