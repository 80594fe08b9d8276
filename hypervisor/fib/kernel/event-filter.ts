// A classic BPF program for the event socket: the kernel tells everybody about every route, also us about what we have just written.
// Dropping that in the kernel saves waking up and reading half a million messages that say nothing new.
import { RTM_DELROUTE, RTM_NEWROUTE } from '../../../wire/netlink/constants.js';

// Offsets in struct nlmsghdr. BPF loads are big-endian, the fields are not.
const TYPE_AT = 4;
const PORT_ID_AT = 12;

const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALL = 0xffffffff;

/** The program that drops RTM_NEWROUTE and RTM_DELROUTE caused by the socket with this port id, and passes all else. */
export function dropOwnRoutes(portId: number): Uint8Array<ArrayBuffer> {
  return assemble([
    [LOAD_WORD, 0, 0, PORT_ID_AT],
    [JUMP_IF_EQUAL, 0, 3, swap32(portId)],
    [LOAD_HALF, 0, 0, TYPE_AT],
    [JUMP_IF_EQUAL, 2, 0, swap16(RTM_NEWROUTE)],
    [JUMP_IF_EQUAL, 1, 0, swap16(RTM_DELROUTE)],
    [RETURN, 0, 0, ALL],
    [RETURN, 0, 0, 0],
  ]);
}

/** struct sock_filter: code, jump if true, jump if false, operand. */
function assemble(instructions: readonly [number, number, number, number][]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  instructions.forEach(([code, yes, no, operand], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, operand, true);
  });
  return new Uint8Array(view.buffer);
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return view.getUint32(0, false);
}
