// OPEN messages (RFC 4271 sections 4.2 and 6.2, RFC 5492, extended optional parameters RFC 9072). Owns syntax and the values that are wrong
// from anybody; whether an AS, an identifier or a capability suits a session is judged in session/.
import { formatIpv4, parseIpv4 } from '../ip.js';
import { asFromCapability, readCapabilities } from './capabilities.js';
import type { Capability } from './capabilities.js';
import { bgpError, ErrorCode } from './error.js';
import type { BgpError } from './error.js';
import { encodeMessage, HEADER_LENGTH, MessageType } from './message.js';

export interface OpenMessage {
  version: number;
  /** The speaker's AS: from the four-octet AS capability where there is one, else from the My AS field. */
  as: number;
  /** Proposed hold time in seconds: 0, or 3..65535. */
  holdTime: number;
  /** BGP identifier as a dotted quad. */
  routerId: string;
  /** In the order sent; unknown and odd ones included. */
  capabilities: Capability[];
}

export const BGP_VERSION = 4;
/** Stands for an AS number above 65535 in two-octet fields (RFC 6793). */
export const AS_TRANS = 23456;

const FIXED_END = HEADER_LENGTH + 10;
const CAPABILITIES_PARAMETER = 2;
const EXTENDED_LENGTH = 255;

const UNSPECIFIC = 0;
const UNSUPPORTED_VERSION = 1;
const BAD_PEER_AS = 2;
const BAD_BGP_IDENTIFIER = 3;
const UNSUPPORTED_OPTIONAL_PARAMETER = 4;
const UNACCEPTABLE_HOLD_TIME = 6;

/** Decodes the OPEN in bytes start..end, header included, or says which NOTIFICATION it deserves (RFC 4271 section 6.2). */
export function decodeOpen(buf: Uint8Array, start: number, end: number): OpenMessage | BgpError {
  if (end - start < FIXED_END) return openError(UNSPECIFIC, 'OPEN is shorter than 29 bytes');
  const body = start + HEADER_LENGTH;
  const version = buf[body];
  if (version !== BGP_VERSION) {
    return openError(UNSUPPORTED_VERSION, `BGP version ${version}`, Uint8Array.of(0, BGP_VERSION));
  }
  const holdTime = (buf[body + 3] << 8) | buf[body + 4];
  const capabilities = decodeParameters(buf, start + FIXED_END - 1, end);
  if (!Array.isArray(capabilities)) return capabilities;
  const as = asFromCapability({ capabilities }) ?? (buf[body + 1] << 8) | buf[body + 2];
  if (as === 0) return openError(BAD_PEER_AS, 'AS 0 (RFC 7607)');
  if (holdTime === 1 || holdTime === 2) return openError(UNACCEPTABLE_HOLD_TIME, `hold time of ${holdTime} s`);
  const routerId = formatIpv4(buf, body + 5);
  if (routerId === '0.0.0.0') return openError(BAD_BGP_IDENTIFIER, 'BGP identifier 0.0.0.0 (RFC 6286)');
  return { version, as, holdTime, routerId, capabilities };
}

/** Encodes an OPEN message. `routerId` must be a dotted quad. An `as` above 65535 needs the four-octet AS capability in the list. */
export function encodeOpen(open: OpenMessage): Uint8Array {
  const parameters = encodeParameters(open.capabilities);
  const body = new Uint8Array(9 + parameters.length);
  const myAs = open.as > 0xffff ? AS_TRANS : open.as;
  body.set([open.version, myAs >> 8, myAs, open.holdTime >> 8, open.holdTime]);
  body.set(parseIpv4(open.routerId) ?? [0, 0, 0, 0], 5);
  body.set(parameters, 9);
  return encodeMessage(MessageType.OPEN, body);
}

/** The capabilities in the optional parameters, whose length byte is at `at`. */
function decodeParameters(buf: Uint8Array, at: number, end: number): Capability[] | BgpError {
  // RFC 9072: length 255 followed by parameter type 255 announces a two-byte length and two-byte lengths inside.
  const extended = buf[at] === EXTENDED_LENGTH && at + 1 < end && buf[at + 1] === EXTENDED_LENGTH;
  if (extended && end - at < 4) return openError(UNSPECIFIC, 'extended optional parameters without a length');
  const stated = extended ? (buf[at + 2] << 8) | buf[at + 3] : buf[at];
  let from = extended ? at + 4 : at + 1;
  if (from + stated !== end) {
    return openError(UNSPECIFIC, `optional parameters of ${stated} bytes, ${end - from} are there`);
  }
  const header = extended ? 3 : 2;
  const capabilities: Capability[] = [];
  while (from < end) {
    if (end - from < header) return openError(UNSPECIFIC, 'optional parameter cut short');
    const length = extended ? (buf[from + 1] << 8) | buf[from + 2] : buf[from + 1];
    const valueEnd = from + header + length;
    if (valueEnd > end) return openError(UNSPECIFIC, 'optional parameter overruns the message');
    if (buf[from] !== CAPABILITIES_PARAMETER) {
      return openError(UNSUPPORTED_OPTIONAL_PARAMETER, `optional parameter of type ${buf[from]}`);
    }
    if (!readCapabilities(buf, from + header, valueEnd, capabilities)) {
      return openError(UNSPECIFIC, 'capability overruns its optional parameter');
    }
    from = valueEnd;
  }
  return capabilities;
}

/** The optional parameters with their length: all capabilities in one, in the extended form only when they do not fit otherwise. */
function encodeParameters(capabilities: readonly Capability[]): Uint8Array {
  const length = capabilities.reduce((sum, { value }) => sum + 2 + value.length, 0);
  if (length === 0) return Uint8Array.of(0);
  const extended = length + 2 > 254;
  const head = extended
    ? [EXTENDED_LENGTH, EXTENDED_LENGTH, (length + 3) >> 8, length + 3, CAPABILITIES_PARAMETER, length >> 8, length]
    : [length + 2, CAPABILITIES_PARAMETER, length];
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const { code, value } of capabilities) {
    out.set([code, value.length], at);
    out.set(value, at + 2);
    at += 2 + value.length;
  }
  return out;
}

function openError(subcode: number, reason: string, data?: Uint8Array): BgpError {
  return bgpError(ErrorCode.OPEN, subcode, reason, data);
}
