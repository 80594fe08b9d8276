// What a dump request asks for: which messages of the real kernel (and of the internal link) it is answered with, and which own routes.
// Strictly checked (NETLINK_GET_STRICT_CHK) the header and attributes filter; otherwise only the family does, as in older kernels.
import { ALL_FAMILIES, FAMILIES } from '../../wire/family.js';
import type { Family } from '../../wire/family.js';
import { AF_BRIDGE, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, familyOfAf } from '../../wire/netlink/constants.js';
import {
  IFADDRMSG_LENGTH,
  IFINFOMSG_LENGTH,
  IFLA_EXT_MASK,
  IFLA_LINKINFO,
  IFLA_MASTER,
} from '../../wire/netlink/constants.js';
import { NDMSG_LENGTH, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RTA_OIF, RTA_TABLE } from '../../wire/netlink/constants.js';
import { RTM_F_CLONED, RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH } from '../../wire/netlink/constants.js';
import {
  RTM_GETNETCONF,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTMSG_LENGTH,
  RULE_HEADER_LENGTH,
} from '../../wire/netlink/constants.js';
import { AttributeCursor, NETLINK_HEADER, readU32 } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import type { RouteFilter } from './dump.js';
import type { MirroredKernel, MirrorKind } from './types.js';

/** The answer to a dump request; with `errno` set NLMSG_DONE says it and nothing comes before. */
export interface DumpContent {
  messages: Uint8Array[];
  routes: RouteFilter | undefined;
  filtered: boolean;
  errno: number;
}

const KINDS = new Map<number, MirrorKind>([
  [RTM_GETLINK, 'link'],
  [RTM_GETADDR, 'address'],
  [RTM_GETROUTE, 'route'],
  [RTM_GETRULE, 'rule'],
  [RTM_GETNEIGH, 'neighbor'],
  [RTM_GETNETCONF, 'netconf'],
]);

/** Bytes of the header that a strict request must have. Per-interface settings are asked for by every version with any header. */
const HEADERS: Readonly<Record<MirrorKind, number>> = {
  link: IFINFOMSG_LENGTH,
  address: IFADDRMSG_LENGTH,
  route: RTMSG_LENGTH,
  rule: RULE_HEADER_LENGTH,
  neighbor: NDMSG_LENGTH,
  netconf: 1,
};

const RTM_F_PREFIX = 0x800;
const NDA_IFINDEX = 8;

/** Offsets in the headers. */
const FLAGS_AT = 8;
const IFADDR_INDEX_AT = 4;

export class DumpRequests {
  private readonly kernels: readonly MirroredKernel[];
  /** Whether own routes of a family are in a table: an empty table is no table. */
  private readonly hasTable: (family: Family, table: number) => boolean;
  private readonly view = new RouteView();
  private readonly cursor = new AttributeCursor();

  constructor(kernels: readonly MirroredKernel[], hasTable: (family: Family, table: number) => boolean) {
    this.kernels = kernels;
    this.hasTable = hasTable;
  }

  /** The answer to a request of `type` with the body payload..end; a number is the errno of a request that there is no such thing for. */
  answer(type: number, buf: Uint8Array, payload: number, end: number, strict: boolean): DumpContent | number {
    const kind = KINDS.get(type);
    if (kind === undefined) return EOPNOTSUPP;
    // What bridges say of their ports is not mirrored.
    if (buf[payload] === AF_BRIDGE) return kind === 'link' || kind === 'neighbor' ? content([]) : EOPNOTSUPP;
    if (strict && end - payload < HEADERS[kind]) return failed(EINVAL);
    const family = familyOfAf(buf[payload]);
    if (kind === 'route') return this.routes(family, buf, payload, end, strict);
    if (!strict) return content(this.collect(kind, family));
    return this.strict(kind, family, buf, payload, end);
  }

  private strict(
    kind: MirrorKind,
    family: Family | undefined,
    buf: Uint8Array,
    payload: number,
    end: number,
  ): DumpContent {
    const given = bytesSet(buf, payload + 1, payload + HEADERS[kind]);
    if (kind === 'link') return given ? failed(EINVAL) : this.links(buf, payload, end);
    if (kind === 'address') {
      if (bytesSet(buf, payload + 1, payload + IFADDR_INDEX_AT)) return failed(EINVAL);
      const ifindex = readU32(buf, payload + IFADDR_INDEX_AT);
      if (ifindex === 0) return content(this.collect(kind, family));
      if (!this.hasLink(ifindex)) return failed(ENODEV);
      return this.onLink(kind, family, ifindex, IFADDR_INDEX_AT);
    }
    if (kind === 'neighbor') return given ? failed(EINVAL) : this.neighbors(family, buf, payload, end);
    return kind === 'rule' && given ? failed(EINVAL) : content(this.collect(kind, family));
  }

  private links(buf: Uint8Array, payload: number, end: number): DumpContent {
    const { cursor } = this;
    cursor.reset(buf, payload + IFINFOMSG_LENGTH, end);
    let master = 0;
    while (cursor.next()) {
      if (cursor.type === IFLA_MASTER && cursor.length === 4) master = readU32(buf, cursor.at);
      else if (cursor.type !== IFLA_EXT_MASK && cursor.type !== IFLA_LINKINFO) return failed(EINVAL);
    }
    if (master === 0) return content(this.collect('link', undefined));
    const enslaved = (message: Uint8Array) => attributeU32(message, IFINFOMSG_LENGTH, IFLA_MASTER) === master;
    return { ...content(this.collect('link', undefined).filter(enslaved)), filtered: true };
  }

  private neighbors(family: Family | undefined, buf: Uint8Array, payload: number, end: number): DumpContent {
    const { cursor } = this;
    cursor.reset(buf, payload + NDMSG_LENGTH, end);
    let ifindex = 0;
    while (cursor.next()) {
      if (cursor.type !== NDA_IFINDEX || cursor.length !== 4) return failed(EINVAL);
      ifindex = readU32(buf, cursor.at);
    }
    return ifindex === 0 ? content(this.collect('neighbor', family)) : this.onLink('neighbor', family, ifindex, 4);
  }

  private onLink(kind: MirrorKind, family: Family | undefined, ifindex: number, indexAt: number): DumpContent {
    const there = (message: Uint8Array) => readU32(message, NETLINK_HEADER + indexAt) === ifindex;
    return { ...content(this.collect(kind, family).filter(there)), filtered: true };
  }

  private routes(
    family: Family | undefined,
    buf: Uint8Array,
    payload: number,
    end: number,
    strict: boolean,
  ): DumpContent {
    const families = family === undefined ? ALL_FAMILIES : 1 << family;
    const all: RouteFilter = { families, table: 0, protocol: 0, type: 0, ifindex: 0 };
    // There is no cache of routes to be shown.
    const flags = end - payload >= RTMSG_LENGTH ? readU32(buf, payload + FLAGS_AT) : 0;
    if ((flags & RTM_F_CLONED) !== 0) return content([]);
    if (!strict) return { ...content(this.collect('route', family)), routes: all };
    const filter = this.routeFilter(all, buf, payload, end);
    if (typeof filter === 'number') return failed(filter);
    if (filter.table !== 0 && family !== undefined && !this.tableExists(family, filter.table)) return failed(ENOENT);
    const messages = this.collect('route', family).filter((message) => this.passes(filter, message));
    // As Linux marks it, whether or not anything was filtered out.
    return { messages, routes: filter, filtered: true, errno: 0 };
  }

  /** The filter in a strict request, or the errno of one that Linux refuses. */
  private routeFilter(all: RouteFilter, buf: Uint8Array, payload: number, end: number): RouteFilter | number {
    // Length of destination and source, type of service; scope.
    if (bytesSet(buf, payload + 1, payload + 4) || buf[payload + 6] !== 0) return EINVAL;
    if ((readU32(buf, payload + FLAGS_AT) & ~(RTM_F_CLONED | RTM_F_PREFIX)) !== 0) return EINVAL;
    const filter = { ...all, table: buf[payload + 4], protocol: buf[payload + 5], type: buf[payload + 7] };
    const { cursor } = this;
    cursor.reset(buf, payload + RTMSG_LENGTH, end);
    while (cursor.next()) {
      if (cursor.length !== 4) return EINVAL;
      const value = readU32(buf, cursor.at);
      if (cursor.type === RTA_TABLE) filter.table = value;
      else if (cursor.type !== RTA_OIF) return EINVAL;
      else if (!this.hasLink(value)) return ENODEV;
      else filter.ifindex = value;
    }
    return filter;
  }

  private passes(filter: RouteFilter, message: Uint8Array): boolean {
    const { view } = this;
    if (parseRoute(message, NETLINK_HEADER, message.length, view) !== undefined) return false;
    return (
      (filter.table === 0 || view.table === filter.table) &&
      (filter.protocol === 0 || view.protocol === filter.protocol) &&
      (filter.type === 0 || view.type === filter.type) &&
      (filter.ifindex === 0 || view.hopIfindex.subarray(0, view.hopCount).includes(filter.ifindex))
    );
  }

  private tableExists(family: Family, table: number): boolean {
    if (table >= RT_TABLE_DEFAULT && table <= RT_TABLE_LOCAL) return true;
    if (this.hasTable(family, table)) return true;
    const { view } = this;
    return this.collect('route', family).some(
      (message) => parseRoute(message, NETLINK_HEADER, message.length, view) === undefined && view.table === table,
    );
  }

  private hasLink(ifindex: number): boolean {
    return this.collect('link', undefined).some((message) => readU32(message, NETLINK_HEADER + 4) === ifindex);
  }

  private collect(kind: MirrorKind, family: Family | undefined): Uint8Array[] {
    const messages: Uint8Array[] = [];
    // Links have no family; of everything else IPv4 comes first, as the kernel asks its families in turn.
    const families = kind === 'link' ? [undefined] : family === undefined ? FAMILIES : [family];
    for (const each of families) {
      for (const kernel of this.kernels) kernel.forEach(kind, each, (message) => messages.push(message));
    }
    return messages;
  }
}

function content(messages: Uint8Array[]): DumpContent {
  return { messages, routes: undefined, filtered: false, errno: 0 };
}

function failed(errno: number): DumpContent {
  return { ...content([]), errno };
}

function bytesSet(buf: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (buf[at] !== 0) return true;
  return false;
}

/** A number among the attributes of a whole message with a header of `header` bytes; 0 when it is not there. */
export function attributeU32(message: Uint8Array, header: number, type: number): number {
  const cursor = new AttributeCursor();
  cursor.reset(message, NETLINK_HEADER + header, message.length);
  while (cursor.next()) if (cursor.type === type && cursor.length === 4) return readU32(message, cursor.at);
  return 0;
}
