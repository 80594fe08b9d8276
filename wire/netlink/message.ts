// The framing of netlink: messages in a datagram, attributes in a message (netlink.h), reading and writing both, and the kernel's control
// answers. Owns alignment and lengths; what a message means is in the files beside this one. Byte order is the host's: little-endian.
import { copyBytes } from '../byte-writer.js';
import { NLA_F_NESTED, NLA_TYPE_MASK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_MULTI } from './constants.js';
import { NLMSG_DONE, NLMSG_ERROR, NLMSGERR_ATTR_MSG } from './constants.js';

export const NETLINK_HEADER = 16;
export const ATTRIBUTE_HEADER = 4;

/** Bytes that `length` takes with its padding. */
export function align(length: number): number {
  return (length + 3) & ~3;
}

export function readU16(buf: Uint8Array, at: number): number {
  return buf[at] | (buf[at + 1] << 8);
}

export function readU32(buf: Uint8Array, at: number): number {
  return (buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16) | (buf[at + 3] << 24)) >>> 0;
}

export function writeU16(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value;
  buf[at + 1] = value >>> 8;
}

export function writeU32(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value;
  buf[at + 1] = value >>> 8;
  buf[at + 2] = value >>> 16;
  buf[at + 3] = value >>> 24;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** Walks over the messages of a datagram; never past its end, whatever the bytes say. Reusable. */
export class NetlinkCursor {
  /** Offset of the header. */
  start = 0;
  type = 0;
  flags = 0;
  seq = 0;
  /** Port id: of the sender in a request, of the receiver in a dump, of the causer in an event; 0 is the kernel. */
  pid = 0;
  /** The bytes behind the header: payload..end. */
  payload = 0;
  end = 0;
  /** Why `next` stopped early; undefined at a clean end. */
  error: string | undefined;

  private buf = NOTHING;
  private following = 0;
  private limit = 0;

  reset(buf: Uint8Array, start: number, end: number): void {
    this.buf = buf;
    this.following = start;
    this.limit = end;
    this.error = undefined;
  }

  /** Moves to the next message; false at the end or at a message that is cut off (`error`). */
  next(): boolean {
    const { buf, limit } = this;
    const at = this.following;
    if (at >= limit || this.error !== undefined) return false;
    if (limit - at < NETLINK_HEADER) return this.fail('netlink header is cut off');
    const length = readU32(buf, at);
    if (length < NETLINK_HEADER) return this.fail('netlink message is shorter than its header');
    if (length > limit - at) return this.fail('netlink message overruns the datagram');
    this.start = at;
    this.type = readU16(buf, at + 4);
    this.flags = readU16(buf, at + 6);
    this.seq = readU32(buf, at + 8);
    this.pid = readU32(buf, at + 12);
    this.payload = at + NETLINK_HEADER;
    this.end = at + length;
    this.following = at + align(length);
    return true;
  }

  private fail(reason: string): boolean {
    this.error = reason;
    return false;
  }
}

/** Walks over attributes; never past the end. Reusable. Fewer than four bytes left over are padding. */
export class AttributeCursor {
  /** Type without the NLA_F_* bits. */
  type = 0;
  /** The value: `length` bytes from `at`. */
  at = 0;
  length = 0;
  /** Set when `next` stopped because an attribute is shorter than its header or overruns the list. */
  error: string | undefined;

  private buf = NOTHING;
  private following = 0;
  private limit = 0;

  reset(buf: Uint8Array, start: number, end: number): void {
    this.buf = buf;
    this.following = start;
    this.limit = end;
    this.error = undefined;
  }

  next(): boolean {
    const { buf, limit } = this;
    const at = this.following;
    if (limit - at < ATTRIBUTE_HEADER || this.error !== undefined) return false;
    const length = readU16(buf, at);
    if (length < ATTRIBUTE_HEADER || length > limit - at) {
      this.error = 'attribute overruns the message';
      return false;
    }
    this.type = readU16(buf, at + 2) & NLA_TYPE_MASK;
    this.at = at + ATTRIBUTE_HEADER;
    this.length = length - ATTRIBUTE_HEADER;
    this.following = at + align(length);
    return true;
  }
}

/** The header of a message to be written; reusable. */
export interface MessageHeader {
  /** RTM_*. */
  messageType: number;
  /** NLM_F_*. */
  flags: number;
  seq: number;
  pid: number;
}

/** Appends netlink messages to one growing buffer. */
export class NetlinkWriter {
  buffer: Uint8Array;
  /** Bytes written; the messages are buffer[0..length). */
  length = 0;
  private message = 0;

  constructor(capacity = 4096) {
    this.buffer = new Uint8Array(Math.max(64, capacity));
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `count` bytes more. `buffer` may be another one afterwards. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** Starts a message; `end` completes it. Returns the offset of its header. */
  begin(type: number, flags: number, seq: number, pid: number): number {
    this.reserve(NETLINK_HEADER);
    const { buffer } = this;
    const at = this.length;
    this.message = at;
    writeU32(buffer, at, 0);
    writeU16(buffer, at + 4, type);
    writeU16(buffer, at + 6, flags);
    writeU32(buffer, at + 8, seq);
    writeU32(buffer, at + 12, pid);
    this.length = at + NETLINK_HEADER;
    return at;
  }

  /** Completes the message begun last: its length and its padding. */
  end(): void {
    writeU32(this.buffer, this.message, this.length - this.message);
    this.pad();
  }

  /** Drops the message begun last. */
  cancel(): void {
    this.length = this.message;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    writeU16(this.buffer, this.length, value);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    writeU32(this.buffer, this.length, value);
    this.length += 4;
  }

  /** Appends bytes start..end of `source` (all of it by default), unpadded. */
  bytes(source: Uint8Array, start = 0, end: number = source.length): void {
    if (end <= start) return;
    this.reserve(end - start);
    copyBytes(source, start, end, this.buffer, this.length);
    this.length += end - start;
  }

  /** Appends zeros up to the next multiple of four. */
  pad(): void {
    this.reserve(3);
    while ((this.length & 3) !== 0) this.buffer[this.length++] = 0;
  }

  /** An attribute whose value is bytes start..end of `value` (all of it by default). */
  attribute(type: number, value: Uint8Array, start = 0, end: number = value.length): void {
    this.u16(ATTRIBUTE_HEADER + end - start);
    this.u16(type);
    this.bytes(value, start, end);
    this.pad();
  }

  attributeU8(type: number, value: number): void {
    this.u16(ATTRIBUTE_HEADER + 1);
    this.u16(type);
    this.u8(value);
    this.pad();
  }

  attributeU16(type: number, value: number): void {
    this.u16(ATTRIBUTE_HEADER + 2);
    this.u16(type);
    this.u16(value);
    this.pad();
  }

  attributeU32(type: number, value: number): void {
    this.u16(ATTRIBUTE_HEADER + 4);
    this.u16(type);
    this.u32(value);
  }

  /** A zero-terminated string; characters beyond ASCII do not occur in what is written here. */
  attributeString(type: number, text: string): void {
    this.u16(ATTRIBUTE_HEADER + text.length + 1);
    this.u16(type);
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    this.u8(0);
    this.pad();
  }

  /** Starts a nested attribute and returns what `nestEnd` needs. */
  nestBegin(type: number, flags: number = NLA_F_NESTED): number {
    const at = this.length;
    this.u16(0);
    this.u16(type | flags);
    return at;
  }

  nestEnd(at: number): void {
    writeU16(this.buffer, at, this.length - at);
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const copy = this.buffer.slice(0, this.length);
    this.length = 0;
    return copy;
  }
}

/** A request that is answered: its bytes (header first) and how its sender wants the answer. */
export interface Answered {
  request: Uint8Array;
  start: number;
  end: number;
  /** Port id of the socket that asked. */
  pid: number;
  /** NETLINK_CAP_ACK is on: an error does not repeat the whole request. */
  capped: boolean;
}

/** NLMSG_ERROR with error 0 (an acknowledgement) and the request's header. */
export function encodeAck(writer: NetlinkWriter, answered: Answered): void {
  encodeError(writer, answered, 0);
}

/**
 * NLMSG_ERROR for a request: `errno` positive, 0 for an acknowledgement. As in Linux an acknowledgement never repeats the request, an error
 * does unless capped. `text` goes into the extended acknowledgement (NETLINK_EXT_ACK only).
 */
export function encodeError(writer: NetlinkWriter, answered: Answered, errno: number, text?: string): void {
  const { request, start } = answered;
  const short = errno === 0 || answered.capped;
  const flags = (short ? NLM_F_CAPPED : 0) | (text === undefined ? 0 : NLM_F_ACK_TLVS);
  writer.begin(NLMSG_ERROR, flags, readU32(request, start + 8), answered.pid);
  writer.u32(-errno);
  writer.bytes(request, start, short ? start + NETLINK_HEADER : answered.end);
  writer.pad();
  if (text !== undefined) writer.attributeString(NLMSGERR_ATTR_MSG, text);
  writer.end();
}

/** NLMSG_DONE, the end of a dump. `errno` positive: the dump failed half-way. */
export function encodeDone(writer: NetlinkWriter, seq: number, pid: number, errno = 0): void {
  writer.begin(NLMSG_DONE, NLM_F_MULTI, seq, pid);
  writer.u32(-errno);
  writer.end();
}

/** The error number in NLMSG_ERROR or NLMSG_DONE, positive; 0 for success, undefined when the message is too short to say. */
export function decodeErrno(buf: Uint8Array, payload: number, end: number): number | undefined {
  if (end - payload < 4) return undefined;
  // `| 0`: the field is signed.
  return -(readU32(buf, payload) | 0) + 0;
}
