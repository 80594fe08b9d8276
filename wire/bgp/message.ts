// The common header of BGP messages (RFC 4271 section 4.1): types, lengths, KEEPALIVE. The bodies have files of their own.
import type { ByteWriter } from '../byte-writer.js';

export const MessageType = {
  OPEN: 1,
  UPDATE: 2,
  NOTIFICATION: 3,
  KEEPALIVE: 4,
  ROUTE_REFRESH: 5,
} as const;

export const HEADER_LENGTH = 19;
export const MARKER_LENGTH = 16;
/** Longest message without, and with, the extended message capability (RFC 4271, RFC 8654). */
export const MAX_MESSAGE_LENGTH = 4096;
export const MAX_EXTENDED_MESSAGE_LENGTH = 65535;

/** A complete KEEPALIVE message. Shared: do not modify. */
export const KEEPALIVE: Uint8Array = headerOf(MessageType.KEEPALIVE, HEADER_LENGTH);

/** A fresh copy of a KEEPALIVE message. */
export function encodeKeepalive(): Uint8Array {
  return KEEPALIVE.slice();
}

export function messageTypeName(type: number): string {
  const entry = Object.entries(MessageType).find(([, value]) => value === type);
  return entry ? entry[0].replace('_', '-') : `type ${type}`;
}

/** How many messages there are in a buffer of whole ones. */
export function countMessages(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at + HEADER_LENGTH <= end; count++) {
    at += Math.max(HEADER_LENGTH, (bytes[at + MARKER_LENGTH] << 8) | bytes[at + MARKER_LENGTH + 1]);
  }
  return count;
}

/** A complete message of a type around a body. */
export function encodeMessage(type: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_LENGTH + body.length);
  message.set(headerOf(type, message.length));
  message.set(body, HEADER_LENGTH);
  return message;
}

/** Appends a header with length 0 and returns where it starts, for `endMessage`. */
export function beginMessage(out: ByteWriter, type: number): number {
  out.reserve(HEADER_LENGTH);
  const start = out.length;
  out.buffer.fill(0xff, start, start + MARKER_LENGTH);
  out.length += MARKER_LENGTH;
  out.u16(0);
  out.u8(type);
  return start;
}

/** Writes the length of the message that began at `start` and ends here. */
export function endMessage(out: ByteWriter, start: number): void {
  out.setU16(start + MARKER_LENGTH, out.length - start);
}

function headerOf(type: number, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH).fill(0xff, 0, MARKER_LENGTH);
  header[16] = length >>> 8;
  header[17] = length;
  header[18] = type;
  return header;
}
