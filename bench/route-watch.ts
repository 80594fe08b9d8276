// A process in the router's namespace that tells when each single new prefix (input.ts) appears in the kernel, by the kernel's own events
// and CLOCK_MONOTONIC. Waits in the system call, so that the time is that of the event and not of a poll.
import process from 'node:process';
import { NetlinkSocket } from '../hypervisor/fib/kernel/netlink-socket.js';
import { RTM_NEWROUTE, RTNLGRP_IPV4_ROUTE } from '../wire/netlink/constants.js';
import { NetlinkCursor } from '../wire/netlink/message.js';
import { parseRoute, RouteView } from '../wire/netlink/route.js';
import { monotonicMs } from './protocol.js';

export type FromWatch =
  | { kind: 'ready' }
  /** The route for the `index`-th single prefix stands in the kernel. */
  | { kind: 'route'; index: number; atMs: number }
  /** Events were lost: what was measured is worth nothing. */
  | { kind: 'lost' };

/** First octet and length of the single prefixes. */
const SINGLES = { octet: 25, bits: 24 } as const;
const RECEIVE_BYTES = 1 << 16;
const QUEUE_BYTES = 64 << 20;
/** How long one wait may last: in between, the parent may have ended us. */
const WAIT_MS = 200;

const EAGAIN = 11;

function tell(message: FromWatch): void {
  if (process.connected) process.send!(message);
}

const socket = new NetlinkSocket();
socket.setReceiveBuffer(QUEUE_BYTES);
socket.setReceiveTimeout(WAIT_MS);
if (!socket.join(RTNLGRP_IPV4_ROUTE)) throw new Error('the kernel tells nobody of its routes');

const buffer = new Uint8Array(RECEIVE_BYTES);
const cursor = new NetlinkCursor();
const view = new RouteView();

function turn(): void {
  const length = socket.receive(buffer, true);
  const atMs = monotonicMs();
  if (length > 0) report(length, atMs);
  else if (length !== -EAGAIN) tell({ kind: 'lost' });
  // Messages to and from the parent have their turn.
  setImmediate(turn);
}

function report(length: number, atMs: number): void {
  cursor.reset(buffer, 0, length);
  while (cursor.next()) {
    if (cursor.type !== RTM_NEWROUTE) continue;
    if (parseRoute(buffer, cursor.payload, cursor.end, view) !== undefined) continue;
    if (view.dst[0] !== SINGLES.octet || view.dstLen !== SINGLES.bits) continue;
    tell({ kind: 'route', index: (view.dst[1]! << 8) | view.dst[2]!, atMs });
  }
}

process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready' });
turn();
