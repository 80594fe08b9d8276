// The link that only replicas see, in the form that the real kernel has for links, addresses and routes: whole netlink messages. Owns what
// is said about it; that a route over it is not for the real kernel is the engine's business.
import { FAMILIES, IPV4_UNICAST } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import { parseAddress } from '../../wire/ip.js';
import { encodeAddress } from '../../wire/netlink/address.js';
import { AF_UNSPEC, afOfFamily, ARPHRD_ETHER, IFA_F_PERMANENT } from '../../wire/netlink/constants.js';
import {
  IF_OPER_UP,
  IFF_BROADCAST,
  IFF_LOWER_UP,
  IFF_NOARP,
  IFF_RUNNING,
  IFF_UP,
} from '../../wire/netlink/constants.js';
import { RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE, RT_TABLE_LOCAL } from '../../wire/netlink/constants.js';
import { RT_TABLE_MAIN, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from '../../wire/netlink/constants.js';
import { RTN_LOCAL, RTN_UNICAST, RTPROT_KERNEL, RTPROT_STATIC } from '../../wire/netlink/constants.js';
import { encodeLink } from '../../wire/netlink/link.js';
import { NETLINK_HEADER, NetlinkWriter } from '../../wire/netlink/message.js';
import { HOP_HEADER, SET_HEADER } from '../../wire/netlink/next-hop-set.js';
import { encodeRoute } from '../../wire/netlink/route.js';
import { parsePrefix } from '../../wire/prefix-text.js';
import type { Prefix } from '../../wire/prefix-text.js';
import type { InternalLink, MirroredKernel, MirrorKind } from './types.js';

const NO_BYTES = new Uint8Array(0);
const MTU = 65535;
const IPV6_CONNECTED_METRIC = 256;
const SCOPE_AT = NETLINK_HEADER + 6;
const TYPE_AT = NETLINK_HEADER + 7;

/** The internal link as a kernel of its own, to be shown beside the real one. Throws on an address or prefix that is none. */
export function internalKernel(internal: InternalLink): MirroredKernel {
  const addresses = internal.addresses.map((text) => addressOf(text));
  const routes: { family: Family; message: Uint8Array }[] = [];
  const add = (prefix: Prefix, type: number) =>
    routes.push({ family: prefix.family, message: routeMessage(internal.ifindex, prefix, type) });
  for (const { prefix } of addresses) add({ ...prefix, bits: prefix.address.length * 8 }, RTN_LOCAL);
  for (const text of internal.connected) add(prefixOf(text), RTN_UNICAST);
  const link = linkMessage(internal);
  const addressMessages = addresses.map(({ prefix }) => ({
    family: prefix.family,
    message: addressMessage(internal, prefix),
  }));
  return {
    forEach(kind: MirrorKind, family: Family | undefined, visit: (message: Uint8Array) => void): void {
      if (kind === 'link') visit(link);
      const messages = kind === 'address' ? addressMessages : kind === 'route' ? routes : [];
      for (const wanted of FAMILIES) {
        if (family !== undefined && family !== wanted) continue;
        for (const each of messages) if (each.family === wanted) visit(each.message);
      }
    },
  };
}

/** As a prefix, but with its host bits. */
function addressOf(text: string): { prefix: Prefix } {
  const prefix = prefixOf(text);
  return { prefix: { ...prefix, address: parseAddress(text.split('/')[0]!)! } };
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`"${text}" is no address or prefix`);
  return prefix;
}

function linkMessage(internal: InternalLink): Uint8Array {
  const writer = new NetlinkWriter();
  const { ifindex } = internal;
  encodeLink(writer, header(RTM_NEWLINK), {
    family: AF_UNSPEC,
    index: ifindex,
    type: ARPHRD_ETHER,
    flags: IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_LOWER_UP | IFF_NOARP,
    name: internal.name,
    mtu: MTU,
    operstate: IF_OPER_UP,
    txQueueLength: 1000,
    // Locally administered, different for each index.
    address: Uint8Array.of(2, 0, ifindex >>> 24, ifindex >>> 16, ifindex >>> 8, ifindex),
    broadcast: new Uint8Array(6).fill(0xff),
    master: 0,
    lower: 0,
    kind: 'dummy',
  });
  return writer.take();
}

function addressMessage(internal: InternalLink, prefix: Prefix): Uint8Array {
  const writer = new NetlinkWriter();
  encodeAddress(writer, header(RTM_NEWADDR), {
    family: afOfFamily(prefix.family),
    index: internal.ifindex,
    prefixLength: prefix.bits,
    flags: IFA_F_PERMANENT,
    scope: RT_SCOPE_UNIVERSE,
    local: prefix.address,
    address: prefix.address,
    broadcast: NO_BYTES,
    label: prefix.family === IPV4_UNICAST ? internal.name : '',
  });
  return writer.take();
}

function routeMessage(ifindex: number, prefix: Prefix, type: number): Uint8Array {
  const writer = new NetlinkWriter();
  const hops = new Uint8Array(SET_HEADER + HOP_HEADER);
  hops.set([RTN_UNICAST, 1, ifindex >>> 24, ifindex >>> 16, ifindex >>> 8, ifindex, 0, 1]);
  const { family } = prefix;
  const ipv4 = family === IPV4_UNICAST;
  encodeRoute(
    writer,
    header(RTM_NEWROUTE),
    {
      family,
      dst: prefix.address,
      dstAt: 0,
      dstLen: prefix.bits,
      table: type === RTN_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
      // The kernel's own connected routes are ignored by daemons, which have the addresses for that.
      protocol: type === RTN_LOCAL ? RTPROT_KERNEL : RTPROT_STATIC,
      metric: ipv4 || type === RTN_LOCAL ? 0 : IPV6_CONNECTED_METRIC,
    },
    hops,
    0,
    hops.length,
  );
  const message = writer.take();
  message[TYPE_AT] = type;
  message[SCOPE_AT] = !ipv4 ? RT_SCOPE_UNIVERSE : type === RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK;
  return message;
}

function header(messageType: number) {
  return { messageType, flags: 0, seq: 0, pid: 0 };
}
