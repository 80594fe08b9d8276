// The headers of the kernel's messages as they are kept and passed on: not those of whoever asked for them.
import { NLM_F_DUMP_FILTERED, NLM_F_DUMP_INTR, NLM_F_MULTI } from '../wire/netlink/constants.js';
import { readU16, writeU16, writeU32 } from '../wire/netlink/message.js';

const TYPE_AT = 4;
const FLAGS_AT = 6;
/** Header flags that say something of one dump only. */
const DUMP_FLAGS = NLM_F_MULTI | NLM_F_DUMP_INTR | NLM_F_DUMP_FILTERED;

/** A copy of the message start..end: sequence number and port id of whoever asked for it cleared. */
export function copyMessage(buf: Uint8Array, start: number, end: number): Uint8Array {
  const message = buf.slice(start, end);
  writeU32(message, 0, message.length);
  writeU16(message, FLAGS_AT, readU16(message, FLAGS_AT) & ~DUMP_FLAGS);
  writeU32(message, 8, 0);
  writeU32(message, 12, 0);
  return message;
}

/** A copy with other header flags. */
export function withFlags(message: Uint8Array, flags: number): Uint8Array {
  const copy = message.slice();
  writeU16(copy, FLAGS_AT, flags);
  return copy;
}

/** The RTM_DEL… message for a kept RTM_NEW… one: its type is the next number. */
export function deletionOf(message: Uint8Array): Uint8Array {
  const copy = withFlags(message, 0);
  writeU16(copy, TYPE_AT, readU16(copy, TYPE_AT) + 1);
  return copy;
}
