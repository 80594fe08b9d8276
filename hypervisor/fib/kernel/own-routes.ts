// Walks over our own routes in the kernel: the kernel itself picks them by table and protocol, so that a full table of somebody else's
// costs little. Owns the request and turning messages into prefixes and next-hop sets; comparing them is the caller's business.
//
// An IPv6 dump goes wrong without a word when routes are removed while it is read: Linux finds its place again by counting, and skips
// as many routes as were removed before that place. (IPv4 finds it by the prefix.) So the IPv6 part is read again when we have removed
// IPv6 routes meanwhile, and the last time without letting anybody in between.
import { encodeHops, MAX_HOPS_LENGTH } from '../../../fib/next-hops.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import { afOfFamily, RTA_TABLE, RTM_GETROUTE, RTM_NEWROUTE, RTMSG_LENGTH } from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkWriter, readU16 } from '../../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../../wire/netlink/route.js';
import type { Family } from '../../../wire/family.js';
import type { MessageVisitor, OwnDump, OwnRoutes, OwnRouteVisitor } from './backend.js';
import { Dump } from './dump.js';
import type { DumpRequest } from './dump.js';

/** Attempts at the IPv6 part; the last one is read in one go. */
const ATTEMPTS = 3;
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
  private readonly removals: () => number;
  private dump: Dump | undefined;
  /** Of the IPv6 part; 0 while IPv4 is read. */
  private attempt = 0;
  private removalsBefore = 0;

  /** `removals`: how many IPv6 routes we have removed so far. */
  constructor(own: OwnRoutes, removals: () => number, visit: OwnRouteVisitor) {
    this.own = own;
    this.removals = removals;
    this.visit = visit;
    this.dump = new Dump(ownRoutesRequest(own, IPV4_UNICAST));
  }

  step(): boolean {
    const { dump } = this;
    if (dump === undefined) return false;
    let more = dump.step(this.message);
    while (more && this.attempt === ATTEMPTS) more = dump.step(this.message);
    if (more) return true;
    const again = this.attempt === 0 || (this.attempt < ATTEMPTS && this.removals() !== this.removalsBefore);
    if (dump.error !== undefined || !again) {
      this.error = dump.error;
      this.dump = undefined;
      return false;
    }
    this.attempt++;
    this.removalsBefore = this.removals();
    this.dump = new Dump(ownRoutesRequest(this.own, IPV6_UNICAST));
    return true;
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

/** Asks for the routes of one family that carry our protocol in our table. */
export function ownRoutesRequest(own: OwnRoutes, family: Family): DumpRequest {
  const writer = new NetlinkWriter();
  const rtmsg = new Uint8Array(RTMSG_LENGTH);
  rtmsg[0] = afOfFamily(family);
  rtmsg[TABLE_AT] = own.table < 256 ? own.table : 0;
  rtmsg[PROTOCOL_AT] = own.protocol;
  writer.bytes(rtmsg);
  if (own.table > 255) writer.attributeU32(RTA_TABLE, own.table);
  return { type: RTM_GETROUTE, body: writer.take() };
}
