// Route requests for tests in short words, as an ordinary client or a daemon would send them; and answers in words to compare.
import { IPV4_UNICAST } from '../../wire/family.js';
import { formatAddress, parseAddress } from '../../wire/ip.js';
import {
  AF_INET,
  AF_INET6,
  afOfFamily,
  NLMSG_DONE,
  NLMSG_ERROR,
  RT_SCOPE_NOWHERE,
  RT_TABLE_MAIN,
} from '../../wire/netlink/constants.js';
import {
  RTA_DST,
  RTA_GATEWAY,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PRIORITY,
  RTA_TABLE,
  RTA_VIA,
} from '../../wire/netlink/constants.js';
import { RTM_DELROUTE, RTM_NEWROUTE, RTN_UNICAST, RTN_UNSPEC, RTNH_F_ONLINK } from '../../wire/netlink/constants.js';
import { decodeErrno, NetlinkCursor, NetlinkWriter } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import { parsePrefix } from '../../wire/prefix-text.js';

export interface RequestHop {
  via?: string;
  dev?: number;
  weight?: number;
  onlink?: boolean;
}

export interface RouteRequest {
  /** `192.0.2.0/24`; host bits stay. */
  dst: string;
  hops?: readonly RequestHop[];
  /** Written as RTA_MULTIPATH even with one hop. */
  multipath?: boolean;
  metric?: number;
  protocol?: number;
  /** Default: unicast for a new route, unspecified for a delete. */
  type?: number;
  scope?: number;
  tos?: number;
  table?: number;
  rtmFlags?: number;
}

/** A whole RTM_NEWROUTE or RTM_DELROUTE; `flags` as they are sent. */
export function routeRequest(verb: 'new' | 'del', flags: number, request: RouteRequest, seq = 1): Uint8Array {
  const writer = new NetlinkWriter();
  const [address, bits] = request.dst.split('/') as [string, string];
  const bytes = parseAddress(address)!;
  const { hops = [], table = RT_TABLE_MAIN } = request;
  const family = parsePrefix(request.dst)!.family;
  const several = hops.length > 1 || request.multipath === true;
  writer.begin(verb === 'new' ? RTM_NEWROUTE : RTM_DELROUTE, flags, seq, 0);
  writer.u8(afOfFamily(family));
  writer.u8(Number(bits));
  writer.u8(0);
  writer.u8(request.tos ?? 0);
  writer.u8(table < 256 ? table : 0);
  writer.u8(request.protocol ?? 12);
  writer.u8(request.scope ?? (verb === 'new' ? 0 : RT_SCOPE_NOWHERE));
  writer.u8(request.type ?? (verb === 'new' ? RTN_UNICAST : RTN_UNSPEC));
  writer.u32((request.rtmFlags ?? 0) | (!several && hops[0]?.onlink ? RTNH_F_ONLINK : 0));
  if (bits !== '0') writer.attribute(RTA_DST, bytes);
  if (request.metric !== undefined) writer.attributeU32(RTA_PRIORITY, request.metric);
  if (table > 255) writer.attributeU32(RTA_TABLE, table);
  if (several) writeMultipath(writer, hops);
  else if (hops.length === 1) {
    if (hops[0]!.via !== undefined) writeGateway(writer, bytes.length, parseAddress(hops[0]!.via)!);
    if (hops[0]!.dev !== undefined) writer.attributeU32(RTA_OIF, hops[0]!.dev);
  }
  writer.end();
  return writer.take();
}

/** RTA_VIA where the gateway is of the other family. */
function writeGateway(writer: NetlinkWriter, addressLength: number, gateway: Uint8Array): void {
  if (gateway.length === addressLength) writer.attribute(RTA_GATEWAY, gateway);
  else writer.attribute(RTA_VIA, Uint8Array.of(gateway.length === 4 ? AF_INET : AF_INET6, 0, ...gateway));
}

function writeMultipath(writer: NetlinkWriter, hops: readonly RequestHop[]): void {
  const nest = writer.nestBegin(RTA_MULTIPATH);
  for (const hop of hops) {
    const gateway = hop.via === undefined ? undefined : parseAddress(hop.via)!;
    writer.u16(8 + (gateway === undefined ? 0 : 4 + gateway.length));
    writer.u8(hop.onlink ? RTNH_F_ONLINK : 0);
    writer.u8((hop.weight ?? 1) - 1);
    writer.u32(hop.dev ?? 0);
    if (gateway !== undefined) writer.attribute(RTA_GATEWAY, gateway);
  }
  writer.nestEnd(nest);
}

/** A route message in words: everything that a routing daemon reads of it. Hops are sorted. */
export function describeRoute(message: Uint8Array, start = 0, end: number = message.length): string {
  const view = new RouteView();
  const problem = parseRoute(message, start + 16, end, view);
  if (problem !== undefined) return problem;
  const size = view.family === IPV4_UNICAST ? 4 : 16;
  const hops: string[] = [];
  for (let i = 0; i < view.hopCount; i++) {
    const gateway = view.hopGateways.slice(i * 16, i * 16 + view.hopGatewayLength[i]);
    const flags = view.hopFlags[i] & RTNH_F_ONLINK;
    // Reject routes of IPv6 show the loopback interface, which says nothing.
    if (view.type === RTN_UNICAST) {
      const weight = view.hopCount > 1 ? ` weight ${view.hopWeight[i]}` : '';
      hops.push(
        `via ${gateway.length > 0 ? formatAddress(gateway) : '-'} dev ${view.hopIfindex[i]}${weight}${flags ? ' onlink' : ''}`,
      );
    }
  }
  const key = `table ${view.table} metric ${view.metric} tos ${view.tos} proto ${view.protocol} scope ${view.scope} type ${view.type}`;
  return `${formatAddress(view.dst.slice(0, size))}/${view.dstLen} ${key} ${hops.sort().join(', ')}`.trimEnd();
}

/** The messages of a datagram in words: routes as describeRoute does, errors and the end of a dump with their errno. */
export function describeAnswers(buf: Uint8Array, start = 0, end: number = buf.length): string[] {
  const cursor = new NetlinkCursor();
  const words: string[] = [];
  cursor.reset(buf, start, end);
  while (cursor.next()) {
    if (cursor.type === RTM_NEWROUTE) words.push(describeRoute(buf, cursor.start, cursor.end));
    else if (cursor.type === NLMSG_DONE) words.push(`done ${decodeErrno(buf, cursor.payload, cursor.end)}`);
    else if (cursor.type === NLMSG_ERROR) words.push(`error ${decodeErrno(buf, cursor.payload, cursor.end)}`);
    else words.push(`type ${cursor.type}`);
  }
  if (cursor.error !== undefined) words.push(cursor.error);
  return words;
}
