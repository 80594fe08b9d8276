// A process that watches a namespace's routes come and go and says when the last one did. So that watching costs next to nothing, a
// filter in the kernel shows it only about one route in 32.
import process from 'node:process';
import { NetlinkSocket } from '../hypervisor/fib/kernel/netlink-socket.js';
import { RTM_DELROUTE, RTM_NEWROUTE, RTNLGRP_IPV4_ROUTE } from '../wire/netlink/constants.js';
import { NetlinkCursor } from '../wire/netlink/message.js';
import { SAMPLE_MASK } from './fib-protocol.js';
import type { FromObserver, ToObserver } from './fib-protocol.js';
import { monotonicMs } from './protocol.js';

/** How long one blocking read may take before messages from the parent are looked at, ms. */
const READ_MS = 50;
const BUFFER_BYTES = 64 << 20;
/** Of the destination in a route event: behind nlmsghdr, rtmsg, RTA_TABLE and RTA_DST's header. */
const DST_AT = 40;

/** Passes events whose destination has the sample bits clear (BPF loads are big-endian, as addresses are). */
function sampleFilter(): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(40));
  const instructions = [
    [0x20, 0, 0, DST_AT],
    [0x54, 0, 0, SAMPLE_MASK],
    [0x15, 0, 1, 0],
    [0x06, 0, 0, 0xffffffff],
    [0x06, 0, 0, 0],
  ] as const;
  instructions.forEach(([code, yes, no, operand], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, operand, true);
  });
  return new Uint8Array(view.buffer);
}

const socket = new NetlinkSocket();
socket.setReceiveBuffer(BUFFER_BYTES);
socket.setReceiveTimeout(READ_MS);
socket.attachFilter(sampleFilter());
socket.join(RTNLGRP_IPV4_ROUTE);

const buffer = new Uint8Array(32 * 1024);
const cursor = new NetlinkCursor();
let watched: { type: number; expect: number } | undefined;
let [count, firstMs, lastMs] = [0, 0, 0];

const tell = (message: FromObserver): void => void process.send!(message);

process.on('message', (message: ToObserver) => {
  watched = { type: message.action === 'new' ? RTM_NEWROUTE : RTM_DELROUTE, expect: message.expect };
  count = 0;
  tell({ kind: 'ready' });
});
process.on('disconnect', () => process.exit(0));

function read(): void {
  let length = socket.receive(buffer, true);
  for (; length > 0; length = socket.receive(buffer, false)) {
    cursor.reset(buffer, 0, length);
    while (cursor.next()) if (cursor.type === watched?.type) seen();
  }
  if (watched !== undefined && count < watched.expect) tell({ kind: 'progress', count });
  setImmediate(read);
}

function seen(): void {
  lastMs = monotonicMs();
  if (count++ === 0) firstMs = lastMs;
  if (count === watched!.expect) tell({ kind: 'complete', firstMs, lastMs });
}

read();
