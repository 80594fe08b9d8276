// Reads the real kernel: everything that is not ours as a series of dumps, and what happens from then on as events. Needs no
// privileges. Owns which tables and groups are read and where the event socket stands; keeping the state is fib/kernel-mirror.ts.
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  EAGAIN,
  ENOBUFS,
  ENOMEM,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETNETCONF,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_NEWROUTE,
  RTMSG_LENGTH,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_NETCONF,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_NETCONF,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
} from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkCursor, readU16 } from '../../../wire/netlink/message.js';
import { BackendError } from './backend.js';
import type { BackendStats, MessageVisitor } from './backend.js';
import { Dump } from './dump.js';
import { errorName } from './errno.js';
import { dropOwnRoutes } from './event-filter.js';
import { NetlinkSocket } from './netlink-socket.js';

/** Room for events that come faster than they are read: some 15,000 route changes when privileged. */
const EVENT_BUFFER = 16 << 20;
/** Messages read at a time, so that others get their turn in a storm. */
const EVENTS_AT_A_TIME = 4096;
/** After a loss, what is left in the queue is thrown away: at most so many messages, more than fit. */
const LEFTOVERS = 1 << 17;
/** A dump that fails, or during which something changed, is repeated. The last answer stands; events correct what changes further. */
const ATTEMPTS = 3;
/** What the event socket says when it had no room or no memory. */
const LOSSES: readonly number[] = [ENOBUFS, ENOMEM];
/** Large enough for any event: links with many virtual functions are the longest. */
const LARGEST_EVENT = 256 * 1024;
/** rtm_protocol in a route message. */
const PROTOCOL_AT = NETLINK_HEADER + 5;

const GROUPS = [
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_IPV4_NETCONF,
  RTNLGRP_IPV6_NETCONF,
];

/** Type, families, and length of the fixed header that follows nlmsghdr, whose first byte is the family. */
const DUMPS: readonly [type: number, families: readonly number[], header: number][] = [
  [RTM_GETLINK, [AF_UNSPEC], 16],
  [RTM_GETNETCONF, [AF_INET, AF_INET6], 4],
  [RTM_GETADDR, [AF_INET, AF_INET6], 8],
  [RTM_GETRULE, [AF_INET, AF_INET6], 12],
  [RTM_GETNEIGH, [AF_INET, AF_INET6], 12],
  [RTM_GETROUTE, [AF_INET, AF_INET6], RTMSG_LENGTH],
];

export class KernelReader {
  private readonly protocol: number;
  private readonly stats: BackendStats;
  private readonly cursor = new NetlinkCursor();
  private readonly buffer = new Uint8Array(LARGEST_EVENT);
  private socket: NetlinkSocket | undefined;

  /** `protocol`: routes that carry it are ours and left out. */
  constructor(protocol: number, stats: BackendStats) {
    this.protocol = protocol;
    this.stats = stats;
  }

  get eventFd(): number {
    return this.socket?.fd ?? -1;
  }

  /** Opens the event socket. `writer`: port id whose route changes are not told (undefined: none). Throws BackendError. */
  open(writer: number | undefined): void {
    const socket = new NetlinkSocket();
    this.socket = socket;
    socket.setReceiveBuffer(EVENT_BUFFER);
    // Before the groups: what comes in between would pass unfiltered.
    if (writer !== undefined) socket.attachFilter(dropOwnRoutes(writer));
    if (!socket.join(RTNLGRP_LINK)) throw new BackendError('rtnetlink does not tell about links');
    for (const group of GROUPS) socket.join(group);
  }

  /** Visits everything there is, but none of our routes. Throws BackendError. */
  load(apply: MessageVisitor): void {
    const visit: MessageVisitor = (buf, start, end) => {
      if (!this.isOwnRoute(buf, start, end)) apply(buf, start, end);
    };
    for (const [type, families, length] of DUMPS) {
      for (const family of families) this.dump(type, Uint8Array.of(family, ...new Uint8Array(length - 1)), visit);
    }
  }

  /** Visits the events that are there, at most some thousand. */
  readEvents(apply: MessageVisitor): 'ok' | 'overrun' {
    const { socket, cursor, buffer } = this;
    if (socket === undefined) return 'ok';
    for (let i = 0; i < EVENTS_AT_A_TIME; i++) {
      const length = socket.receive(buffer, false);
      if (length === -EAGAIN) return 'ok';
      if (length <= 0) return this.lost(-length);
      cursor.reset(buffer, 0, length);
      while (cursor.next()) {
        this.stats.events++;
        apply(buffer, cursor.start, cursor.end);
      }
    }
    return 'ok';
  }

  close(): void {
    this.socket?.close();
    this.socket = undefined;
  }

  private dump(type: number, body: Uint8Array, visit: MessageVisitor): void {
    for (let attempt = 1; ; attempt++) {
      const dump = new Dump({ type, body });
      try {
        while (dump.step(visit));
      } finally {
        dump.close();
      }
      if (dump.error === undefined && !dump.interrupted) return;
      if (attempt < ATTEMPTS) continue;
      if (dump.error === undefined) return;
      throw new BackendError(`the kernel's state cannot be read: ${dump.error} (rtnetlink type ${type})`);
    }
  }

  private isOwnRoute(buf: Uint8Array, start: number, end: number): boolean {
    return (
      readU16(buf, start + 4) === RTM_NEWROUTE &&
      end - start >= NETLINK_HEADER + RTMSG_LENGTH &&
      buf[start + PROTOCOL_AT] === this.protocol
    );
  }

  /** Events are missing. What was queued before the loss is old by now: everything is about to be read anew. */
  private lost(errno: number): 'overrun' {
    this.stats.overruns++;
    const { socket, buffer } = this;
    if (!LOSSES.includes(errno)) throw new BackendError(`the kernel's events cannot be read: ${errorName(errno)}`);
    for (let i = 0; socket !== undefined && i < LEFTOVERS; i++) {
      const length = socket.receive(buffer, false);
      if (length < 0 && length !== -ENOBUFS) break;
    }
    return 'overrun';
  }
}
