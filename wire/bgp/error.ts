// What a decoder returns instead of a value: the NOTIFICATION that the error asks for, and why in words. Owns the type and the codes.

/** An error in a received message (RFC 4271 section 6), ready to be sent as a NOTIFICATION. */
export interface BgpError {
  code: number;
  subcode: number;
  data: Uint8Array;
  /** What was wrong, for people. */
  reason: string;
}

/** NOTIFICATION error codes (RFC 4271 section 4.5, RFC 7313 section 5). */
export const ErrorCode = {
  MESSAGE_HEADER: 1,
  OPEN: 2,
  UPDATE: 3,
  HOLD_TIMER_EXPIRED: 4,
  FSM: 5,
  CEASE: 6,
  ROUTE_REFRESH: 7,
} as const;

export const NO_DATA = new Uint8Array(0);

export function bgpError(code: number, subcode: number, reason: string, data: Uint8Array = NO_DATA): BgpError {
  return { code, subcode, data, reason };
}

/** Tells an error from a decoded value. */
export function isBgpError(value: object): value is BgpError {
  return 'reason' in value && 'subcode' in value;
}
