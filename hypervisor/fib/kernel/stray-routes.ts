// Removes what an earlier configuration left behind: routes with our protocol number in our table whose metric is not ours (any more).
// They would win over ours, or forward by old verdicts once ours are gone, and no delete of ours matches them.
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import { NLM_F_REQUEST, RTM_DELROUTE, RTM_NEWROUTE } from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkWriter, readU16 } from '../../../wire/netlink/message.js';
import { encodeRoute, parseRoute, RouteView } from '../../../wire/netlink/route.js';
import type { OwnRoutes } from './backend.js';
import { Dump } from './dump.js';
import { NetlinkSocket } from './netlink-socket.js';
import { ownRoutesRequest } from './own-routes.js';

const NO_HOPS = new Uint8Array(0);
/** Well below what a socket takes in one send. */
const CHUNK = 64 * 1024;

/** Removes the strays and returns how many were found. What cannot be removed is left for the next time. */
export function removeStrays(own: OwnRoutes): number {
  const view = new RouteView();
  const writer = new NetlinkWriter(2 * CHUNK);
  const socket = new NetlinkSocket();
  let found = 0;
  try {
    for (const family of [IPV4_UNICAST, IPV6_UNICAST]) {
      const dump = new Dump(ownRoutesRequest(own, family));
      const visit = (buf: Uint8Array, start: number, end: number): void => {
        if (readU16(buf, start + 4) !== RTM_NEWROUTE) return;
        if (parseRoute(buf, start + NETLINK_HEADER, end, view) !== undefined) return;
        if (view.protocol !== own.protocol || view.table !== own.table || view.metric === own.metric) return;
        appendDelete(writer, view);
        found++;
      };
      // Asked for first, removed afterwards: an IPv6 dump does not bear removals (own-routes.ts).
      while (dump.step(visit));
      dump.close();
      sendAll(socket, writer);
    }
  } finally {
    socket.close();
  }
  return found;
}

function appendDelete(writer: NetlinkWriter, { family, dst, dstLen, table, protocol, metric }: RouteView): void {
  const header = { messageType: RTM_DELROUTE, flags: NLM_F_REQUEST, seq: 0, pid: 0 };
  encodeRoute(writer, header, { family, dst, dstAt: 0, dstLen, table, protocol, metric }, NO_HOPS, 0, 0);
}

/** Sends what was written, in pieces of whole messages. Nobody reads the answers: they say what the next dump says as well. */
function sendAll(socket: NetlinkSocket, writer: NetlinkWriter): void {
  const bytes = writer.take();
  for (let start = 0; start < bytes.length;) {
    let end = start;
    while (end < bytes.length && end - start < CHUNK) end += readU16(bytes, end);
    const piece = bytes.slice(start, end);
    socket.send(piece, piece.length);
    start = end;
  }
}
