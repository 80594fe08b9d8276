// Numbers of the BGP Monitoring Protocol (RFC 7854, RFC 8671, RFC 9069). Owns the numbers; the bytes are encode.ts.

export const BMP_VERSION = 3;

export const BmpType = {
  ROUTE_MONITORING: 0,
  STATISTICS_REPORT: 1,
  PEER_DOWN: 2,
  PEER_UP: 3,
  INITIATION: 4,
  TERMINATION: 5,
} as const;

/** RFC 7854 section 4.2, RFC 9069 section 4.1. */
export const BmpPeerType = { GLOBAL: 0, LOC_RIB: 3 } as const;

/** Flags of peers that are neighbours (RFC 7854 section 4.2, RFC 8671 section 4); of a Loc-RIB FILTERED only (RFC 9069 section 4.2). */
export const BmpPeerFlag = {
  IPV6: 0x80,
  /** Of a Loc-RIB: not all of its routes are told. */
  FILTERED: 0x80,
  POST_POLICY: 0x40,
  /** AS_PATH has AS numbers of two bytes. */
  LEGACY_AS_PATH: 0x20,
  ADJ_RIB_OUT: 0x10,
} as const;

/** TLVs of Initiation (RFC 7854 section 4.4) and of Peer Up (RFC 9069 section 4.4). */
export const BmpInformation = { STRING: 0, SYS_DESCR: 1, SYS_NAME: 2, VR_TABLE_NAME: 3 } as const;

/** RFC 7854 section 4.9. */
export const BmpDownReason = {
  /** Followed by the NOTIFICATION. */
  LOCAL_NOTIFICATION: 1,
  /** Followed by the number of the event of the state machine (0: none fits). */
  LOCAL_EVENT: 2,
  /** Followed by the NOTIFICATION. */
  REMOTE_NOTIFICATION: 3,
  REMOTE_NO_NOTIFICATION: 4,
} as const;

/** RFC 7854 section 4.8, RFC 8671 section 6.2. Counters have four bytes, gauges eight. */
export const BmpStatistic = {
  ADJ_RIB_IN_ROUTES: 7,
  LOC_RIB_ROUTES: 8,
  /** A counter. */
  UPDATES_TREATED_AS_WITHDRAW: 11,
  ADJ_RIB_OUT_POST_POLICY_ROUTES: 15,
} as const;

/** RFC 7854 section 4.5. */
export const BmpTermination = { STRING: 0, REASON: 1 } as const;
export const TERMINATION_ADMINISTRATIVE = 0;
