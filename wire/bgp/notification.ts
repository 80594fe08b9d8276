// NOTIFICATION messages (RFC 4271 section 4.5), the names of their codes, and the shutdown communication (RFC 9003).
import { bgpError, ErrorCode } from './error.js';
import type { BgpError } from './error.js';
import { encodeMessage, HEADER_LENGTH, MessageType } from './message.js';

export type { BgpError } from './error.js';

export interface Notification {
  code: number;
  subcode: number;
  data: Uint8Array;
}

/** Cease subcodes (RFC 4486, RFC 8538). */
export const CeaseSubcode = {
  MAXIMUM_PREFIXES_REACHED: 1,
  ADMINISTRATIVE_SHUTDOWN: 2,
  PEER_DECONFIGURED: 3,
  ADMINISTRATIVE_RESET: 4,
  CONNECTION_REJECTED: 5,
  OTHER_CONFIGURATION_CHANGE: 6,
  CONNECTION_COLLISION: 7,
  OUT_OF_RESOURCES: 8,
  HARD_RESET: 9,
} as const;

// Names by code; subcode names at their number (index 0 is "unspecific" everywhere).
const NAMES: Record<number, { name: string; subcodes: string[] }> = {
  1: {
    name: 'Message Header Error',
    subcodes: ['', 'Connection Not Synchronized', 'Bad Message Length', 'Bad Message Type'],
  },
  2: {
    name: 'OPEN Message Error',
    subcodes: [
      '',
      'Unsupported Version Number',
      'Bad Peer AS',
      'Bad BGP Identifier',
      'Unsupported Optional Parameter',
      'Authentication Failure',
      'Unacceptable Hold Time',
      'Unsupported Capability',
      '',
      '',
      '',
      'Role Mismatch',
    ],
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: [
      '',
      'Malformed Attribute List',
      'Unrecognized Well-known Attribute',
      'Missing Well-known Attribute',
      'Attribute Flags Error',
      'Attribute Length Error',
      'Invalid ORIGIN Attribute',
      'AS Routing Loop',
      'Invalid NEXT_HOP Attribute',
      'Optional Attribute Error',
      'Invalid Network Field',
      'Malformed AS_PATH',
    ],
  },
  4: { name: 'Hold Timer Expired', subcodes: [] },
  5: {
    name: 'Finite State Machine Error',
    subcodes: [
      '',
      'Unexpected Message in OpenSent',
      'Unexpected Message in OpenConfirm',
      'Unexpected Message in Established',
    ],
  },
  6: {
    name: 'Cease',
    subcodes: [
      '',
      'Maximum Number of Prefixes Reached',
      'Administrative Shutdown',
      'Peer De-configured',
      'Administrative Reset',
      'Connection Rejected',
      'Other Configuration Change',
      'Connection Collision Resolution',
      'Out of Resources',
      'Hard Reset',
      'BFD Down',
    ],
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: ['', 'Invalid Message Length'] },
  8: { name: 'Send Hold Timer Expired', subcodes: [] },
};

/** `Cease/Administrative Shutdown`; numbers where there is no name. */
export function notificationName(code: number, subcode: number): string {
  const known = NAMES[code];
  if (!known) return `code ${code}/subcode ${subcode}`;
  const name = known.subcodes[subcode];
  if (name) return `${known.name}/${name}`;
  return subcode === 0 ? known.name : `${known.name}/subcode ${subcode}`;
}

/** Encodes a NOTIFICATION. Data that would take the message over 4096 bytes is cut. */
export function encodeNotification(notification: Notification): Uint8Array {
  const data = notification.data.subarray(0, 4096 - HEADER_LENGTH - 2);
  const body = new Uint8Array(2 + data.length);
  body[0] = notification.code;
  body[1] = notification.subcode;
  body.set(data, 2);
  return encodeMessage(MessageType.NOTIFICATION, body);
}

/** Decodes the NOTIFICATION in bytes start..end. The error is for the log only: a NOTIFICATION is never answered with one. */
export function decodeNotification(buf: Uint8Array, start: number, end: number): Notification | BgpError {
  const body = start + HEADER_LENGTH;
  if (end - body < 2) return bgpError(ErrorCode.MESSAGE_HEADER, 2, 'NOTIFICATION is shorter than 21 bytes');
  return { code: buf[body], subcode: buf[body + 1], data: buf.slice(body + 2, end) };
}

/** Longest shutdown communication in UTF-8 bytes (RFC 9003). */
export const MAX_SHUTDOWN_COMMUNICATION = 255;

/** NOTIFICATION data that carries a message to the operator at the other end, cut to 255 bytes at a character. */
export function encodeShutdownCommunication(text: string): Uint8Array {
  const bytes = new Uint8Array(1 + MAX_SHUTDOWN_COMMUNICATION);
  const { written } = new TextEncoder().encodeInto(text, bytes.subarray(1));
  bytes[0] = written;
  return bytes.subarray(0, 1 + written);
}

/** The operator's message in an Administrative Shutdown or Reset, undefined when there is none. Control characters become spaces. */
export function shutdownCommunication({ code, subcode, data }: Notification): string | undefined {
  const carries = subcode === CeaseSubcode.ADMINISTRATIVE_SHUTDOWN || subcode === CeaseSubcode.ADMINISTRATIVE_RESET;
  if (code !== ErrorCode.CEASE || !carries || data.length === 0) return undefined;
  if (data[0] === 0 || data[0] > data.length - 1) return undefined;
  const text = new TextDecoder().decode(data.subarray(1, 1 + data[0]));
  // What a neighbour writes ends up in logs and on terminals.
  return text.replace(/\p{Cc}/gu, ' ');
}
