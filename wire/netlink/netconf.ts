// Per-interface configuration of the IP stacks (struct netconfmsg): forwarding and the like. The rest stays in the raw message.
import { NETCONFA_FORWARDING, NETCONFA_IFINDEX, NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN } from './constants.js';
import { align, AttributeCursor, readU32 } from './message.js';

export interface Netconf {
  /** AF_INET, AF_INET6 or AF_MPLS. */
  family: number;
  /** Of the interface; -1 for all, -2 for new ones. */
  index: number;
  /** Undefined where the message does not say: events carry only what changed. */
  forwarding: boolean | undefined;
  ignoreRoutesWithLinkDown: boolean | undefined;
}

/** Takes the body payload..end of a netconf message apart; a string says what is wrong with it. Never throws. */
export function decodeNetconf(buf: Uint8Array, payload: number, end: number): Netconf | string {
  if (end - payload < align(1)) return 'netconf message is cut off';
  const netconf: Netconf = {
    family: buf[payload],
    index: 0,
    forwarding: undefined,
    ignoreRoutesWithLinkDown: undefined,
  };
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + align(1), end);
  while (cursor.next()) {
    if (cursor.length !== 4) continue;
    // Signed: negative indices are all and default.
    const value = readU32(buf, cursor.at) | 0;
    if (cursor.type === NETCONFA_IFINDEX) netconf.index = value;
    else if (cursor.type === NETCONFA_FORWARDING) netconf.forwarding = value !== 0;
    else if (cursor.type === NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN) netconf.ignoreRoutesWithLinkDown = value !== 0;
  }
  return cursor.error === undefined ? netconf : `netconf message: ${cursor.error}`;
}
