// ROUTE-REFRESH messages (RFC 2918, subtypes RFC 7313).
import { afiOf, familyOf, safiOf } from '../family.js';
import type { Family } from '../family.js';
import { bgpError, ErrorCode } from './error.js';
import type { BgpError } from './error.js';
import { encodeMessage, HEADER_LENGTH, MessageType } from './message.js';

export interface RouteRefresh {
  afi: number;
  safi: number;
  /** 0 = request, 1 and 2 = beginning and end of a refresh (RFC 7313). */
  subtype: number;
  /** Undefined when the AFI/SAFI pair is not one that is carried. */
  family: Family | undefined;
}

const LENGTH = HEADER_LENGTH + 4;
const INVALID_MESSAGE_LENGTH = 1;

/** Decodes the ROUTE-REFRESH in bytes start..end, header included. */
export function decodeRouteRefresh(buf: Uint8Array, start: number, end: number): RouteRefresh | BgpError {
  if (end - start !== LENGTH) {
    const reason = `ROUTE-REFRESH of ${end - start} bytes`;
    return bgpError(ErrorCode.ROUTE_REFRESH, INVALID_MESSAGE_LENGTH, reason, buf.slice(start, end));
  }
  const body = start + HEADER_LENGTH;
  const afi = (buf[body] << 8) | buf[body + 1];
  const safi = buf[body + 3];
  return { afi, safi, subtype: buf[body + 2], family: familyOf(afi, safi) };
}

export function encodeRouteRefresh(family: Family, subtype = 0): Uint8Array {
  return encodeMessage(
    MessageType.ROUTE_REFRESH,
    Uint8Array.of(afiOf(family) >> 8, afiOf(family), subtype, safiOf(family)),
  );
}
