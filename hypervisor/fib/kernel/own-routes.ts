// Walks over our own routes in the kernel: the kernel itself picks them by table and protocol, so that a full table of somebody else's
// costs little. Owns the request and turning messages into prefixes and next-hop sets; comparing them is the caller's business.
import { encodeHops, MAX_HOPS_LENGTH } from '../../../fib/next-hops.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import { afOfFamily, RTA_TABLE, RTM_GETROUTE, RTM_NEWROUTE, RTMSG_LENGTH } from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkWriter, readU16 } from '../../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../../wire/netlink/route.js';
import type { Family } from '../../../wire/family.js';
import type { MessageVisitor, OwnDump, OwnRoutes, OwnRouteVisitor } from './backend.js';
import { Dump } from './dump.js';

/** struct rtmsg: table and protocol. */
const TABLE_AT = 4;
const PROTOCOL_AT = 5;

export class OwnRoutesDump implements OwnDump {
  error: string | undefined;
  private readonly own: OwnRoutes;
  private readonly visit: OwnRouteVisitor;
  private readonly view = new RouteView();
  private readonly hops = new Uint8Array(MAX_HOPS_LENGTH);
  private readonly message: MessageVisitor = (buf, start, end) => this.route(buf, start, end);
  private family: Family = IPV4_UNICAST;
  private dump: Dump | undefined;

  /** Throws BackendError when no socket can be had. */
  constructor(own: OwnRoutes, visit: OwnRouteVisitor) {
    this.own = own;
    this.visit = visit;
    this.dump = new Dump(request(own, IPV4_UNICAST));
  }

  step(): boolean {
    const { dump } = this;
    if (dump === undefined) return false;
    if (dump.step(this.message)) return true;
    if (dump.error === undefined && this.family === IPV4_UNICAST) {
      this.family = IPV6_UNICAST;
      this.dump = new Dump(request(this.own, IPV6_UNICAST));
      return true;
    }
    this.error = dump.error;
    this.dump = undefined;
    return false;
  }

  /** Gives the walk up; what is left of it ends with an error. */
  close(): void {
    if (this.dump === undefined) return;
    this.dump.close();
    this.dump = undefined;
    this.error = 'given up for another one';
  }

  private route(buf: Uint8Array, start: number, end: number): void {
    const { view, own, hops } = this;
    if (readU16(buf, start + 4) !== RTM_NEWROUTE) return;
    if (parseRoute(buf, start + NETLINK_HEADER, end, view) !== undefined) return;
    // Kernels before 4.20 do not pick.
    if (view.protocol !== own.protocol || view.table !== own.table || view.metric !== own.metric) return;
    this.visit(view.family, view.dst, view.dstLen, hops, Math.max(0, encodeHops(view, hops)));
  }
}

function request(own: OwnRoutes, family: Family): { type: number; body: Uint8Array } {
  const writer = new NetlinkWriter();
  const rtmsg = new Uint8Array(RTMSG_LENGTH);
  rtmsg[0] = afOfFamily(family);
  rtmsg[TABLE_AT] = own.table < 256 ? own.table : 0;
  rtmsg[PROTOCOL_AT] = own.protocol;
  writer.bytes(rtmsg);
  if (own.table > 255) writer.attributeU32(RTA_TABLE, own.table);
  return { type: RTM_GETROUTE, body: writer.take() };
}
