// The netlink messages of the FIB simulation: what replicas write and what the kernel tells. Every set of next hops has a link of its own.
import { IPV4_UNICAST } from '../../../wire/family.js';
import { encodeAddress } from '../../../wire/netlink/address.js';
import * as nl from '../../../wire/netlink/constants.js';
import { encodeLink } from '../../../wire/netlink/link.js';
import { NETLINK_HEADER, NetlinkWriter } from '../../../wire/netlink/message.js';
import { encodeRoute } from '../../../wire/netlink/route.js';
import { SHIM_ACKNOWLEDGED } from '../../../fib/virtual-kernel/virtual-kernel.js';

/** How our own routes are told from others in the real kernel. */
export const OWN = { table: nl.RT_TABLE_MAIN, protocol: 179, metric: 179 };
/** What the replicas' daemons write with. */
const DAEMONS = { protocol: 186, metric: 20 };
const STATIC = 4;
const SCOPE_AT = NETLINK_HEADER + 6;
const NONE = new Uint8Array(0);
const writer = new NetlinkWriter();

/** Next hops of others' routes; their link never goes down. */
export const FOREIGN_HOPS = 9;

/** The link behind next hops number `hops`. */
function linkOf(hops: number): number {
  return 10 + hops;
}

/** Number `hops` as a canonical set. */
export function hopSet(hops: number): Uint8Array {
  return singleHop(linkOf(hops), Uint8Array.of(10, hops, 0, 1));
}

export function singleHop(ifindex: number, gateway: Uint8Array): Uint8Array {
  const index = [ifindex >>> 24, (ifindex >>> 16) & 255, (ifindex >>> 8) & 255, ifindex & 255];
  return Uint8Array.from([nl.RTN_UNICAST, 1, ...index, 0, 1, 0, gateway.length, ...gateway]);
}

export function destination(prefix: number): Uint8Array {
  return Uint8Array.of(203, 0, prefix, 0);
}

export const DESTINATION_BITS = 24;

/** A replica's write; no `hops`: a deletion. */
export function daemonWrite(dst: Uint8Array, bits: number, hops: Uint8Array | undefined): Uint8Array {
  const flags = nl.NLM_F_REQUEST | nl.NLM_F_ACK | SHIM_ACKNOWLEDGED;
  if (hops === undefined) return route(nl.RTM_DELROUTE, flags, dst, bits, DAEMONS, NONE);
  return route(nl.RTM_NEWROUTE, flags | nl.NLM_F_CREATE | nl.NLM_F_REPLACE, dst, bits, DAEMONS, hops);
}

/** Somebody else gave our route other next hops, or removed it (0). */
export function ownRouteEvent(prefix: number, hops: number): Uint8Array {
  const type = hops === 0 ? nl.RTM_DELROUTE : nl.RTM_NEWROUTE;
  return route(type, 0, destination(prefix), DESTINATION_BITS, OWN, hops === 0 ? NONE : hopSet(hops));
}

/** Somebody else's route at our metric came, perhaps in the place of one, or went. */
export function foreignRouteEvent(prefix: number, change: 'new' | 'replaced' | 'gone'): Uint8Array {
  const type = change === 'gone' ? nl.RTM_DELROUTE : nl.RTM_NEWROUTE;
  const flags = change === 'replaced' ? nl.NLM_F_REPLACE | nl.NLM_F_CREATE : 0;
  const owner = { protocol: STATIC, metric: OWN.metric };
  return route(type, flags, destination(prefix), DESTINATION_BITS, owner, hopSet(FOREIGN_HOPS));
}

export function linkEvent(hops: number, up: boolean): Uint8Array {
  const flags = up ? nl.IFF_UP | nl.IFF_RUNNING | nl.IFF_LOWER_UP : 0;
  writer.reset();
  encodeLink(writer, header(nl.RTM_NEWLINK), {
    family: nl.AF_UNSPEC,
    index: linkOf(hops),
    type: nl.ARPHRD_ETHER,
    flags,
    name: `eth${hops}`,
    mtu: 1500,
    operstate: up ? nl.IF_OPER_UP : nl.IF_OPER_DOWN,
    txQueueLength: 1000,
    address: Uint8Array.of(2, 0, 0, 0, 0, hops),
    broadcast: NONE,
    master: 0,
    lower: 0,
    kind: '',
  });
  return writer.take();
}

/** The address of the link behind `hops`. */
export function linkAddress(hops: number): Uint8Array {
  const address = Uint8Array.of(10, hops, 0, 254);
  writer.reset();
  encodeAddress(writer, header(nl.RTM_NEWADDR), {
    family: nl.AF_INET,
    index: linkOf(hops),
    prefixLength: 24,
    flags: nl.IFA_F_PERMANENT,
    scope: 0,
    local: address,
    address,
    broadcast: NONE,
    label: '',
  });
  return writer.take();
}

/** The network that is connected there: the kernel tells of it again when the link comes up, and not that it went with the link. */
export function connectedNetwork(hops: number): Uint8Array {
  const connected = route(
    nl.RTM_NEWROUTE,
    0,
    Uint8Array.of(10, hops, 0, 0),
    24,
    { protocol: 2, metric: 0 },
    singleHop(linkOf(hops), NONE),
  );
  connected[SCOPE_AT] = nl.RT_SCOPE_LINK;
  return connected;
}

function header(messageType: number, flags = 0): { messageType: number; flags: number; seq: number; pid: number } {
  return { messageType, flags, seq: 1, pid: 0 };
}

function route(
  type: number,
  flags: number,
  dst: Uint8Array,
  bits: number,
  owner: { protocol: number; metric: number },
  hops: Uint8Array,
): Uint8Array {
  const fields = { family: IPV4_UNICAST, dst, dstAt: 0, dstLen: bits, table: nl.RT_TABLE_MAIN, ...owner };
  writer.reset();
  encodeRoute(writer, header(type, flags), fields, hops, 0, hops.length);
  return writer.take();
}
