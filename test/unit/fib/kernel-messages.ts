// Messages of a kernel for tests of what listens to it, made with the writers of wire/netlink.
import { parseAddress } from '../../../wire/ip.js';
import { encodeAddress } from '../../../wire/netlink/address.js';
import * as nl from '../../../wire/netlink/constants.js';
import { encodeLink } from '../../../wire/netlink/link.js';
import type { Link } from '../../../wire/netlink/link.js';
import { NetlinkWriter } from '../../../wire/netlink/message.js';
import { parsePrefix } from '../../../wire/prefix-text.js';
import { canonicalSet, routeMessage } from '../netlink/build.js';
import type { Hop, RouteText } from '../netlink/build.js';

const NONE = new Uint8Array(0);
export const UP = nl.IFF_UP | nl.IFF_RUNNING | nl.IFF_LOWER_UP;

export function linkMessage(index: number, link: Partial<Link> = {}, type = nl.RTM_NEWLINK): Uint8Array {
  const writer = new NetlinkWriter();
  const flags = link.flags ?? UP;
  encodeLink(
    writer,
    { messageType: type, flags: 0, seq: 0, pid: 0 },
    {
      family: nl.AF_UNSPEC,
      index,
      type: nl.ARPHRD_ETHER,
      flags,
      name: `eth${index}`,
      mtu: 1500,
      operstate: (flags & nl.IFF_RUNNING) !== 0 ? nl.IF_OPER_UP : nl.IF_OPER_DOWN,
      txQueueLength: 1000,
      address: Uint8Array.of(2, 0, 0, 0, 0, index),
      broadcast: NONE,
      master: 0,
      lower: 0,
      kind: '',
      ...link,
    },
  );
  return writer.take();
}

export function addressMessage(index: number, text: string, type = nl.RTM_NEWADDR): Uint8Array {
  const [host, bits] = text.split('/') as [string, string];
  const address = parseAddress(host)!;
  const writer = new NetlinkWriter();
  const family = address.length === 4 ? nl.AF_INET : nl.AF_INET6;
  const flags = nl.IFA_F_PERMANENT;
  encodeAddress(
    writer,
    { messageType: type, flags: 0, seq: 0, pid: 0 },
    { family, index, prefixLength: Number(bits), flags, scope: 0, local: address, address, broadcast: NONE, label: '' },
  );
  return writer.take();
}

export function hop(ifindex: number, gateway?: string, weight = 1): Hop {
  return { ifindex, weight, onlink: false, gateway: gateway === undefined ? NONE : parseAddress(gateway)! };
}

export function unicast(...hops: Hop[]): Uint8Array {
  return canonicalSet({ type: nl.RTN_UNICAST, hops });
}

/** A route over `hops`; of another route type, say `type`. */
export function route(prefix: string, hops: Hop[], fields: Partial<RouteText> & { type?: number } = {}): Uint8Array {
  const { type, ...rest } = fields;
  const message = routeMessage({ prefix, hops: unicast(...hops), ...rest });
  if (type !== undefined) message[16 + 7] = type;
  return message;
}

/** A netconf message; `settings` by attribute type. */
export function netconfMessage(index: number, settings: Record<number, number>, type = nl.RTM_NEWNETCONF): Uint8Array {
  const writer = new NetlinkWriter();
  writer.begin(type, 0, 0, 0);
  writer.u32(nl.AF_INET);
  writer.attributeU32(nl.NETCONFA_IFINDEX, index);
  for (const [attribute, value] of Object.entries(settings)) writer.attributeU32(Number(attribute), value);
  writer.end();
  return writer.take();
}

export function neighborMessage(index: number, address: string, state: number, lladdr: number): Uint8Array {
  const writer = new NetlinkWriter();
  writer.begin(nl.RTM_NEWNEIGH, 0, 0, 0);
  writer.u32(nl.AF_INET);
  writer.u32(index);
  writer.u16(state);
  writer.u16(0);
  writer.attribute(nl.NDA_DST, parseAddress(address)!);
  writer.attribute(nl.NDA_LLADDR, Uint8Array.of(2, 0, 0, 0, 0, lladdr));
  writer.attribute(nl.NDA_CACHEINFO, Uint8Array.of(state, 0, 0, 0));
  writer.end();
  return writer.take();
}

export function addressBytes(text: string): Uint8Array {
  return parsePrefix(text)!.address;
}
