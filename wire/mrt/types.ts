// MRT type and subtype numbers (RFC 6396, 8050) and the names people know them by.
// Owns the numbers; what is inside a record is in bgp4mp.ts, table-dump.ts and table-dump-v2.ts.

/** MRT types this project reads; every other type is skipped and counted. */
export const MrtType = {
  TABLE_DUMP: 12,
  TABLE_DUMP_V2: 13,
  BGP4MP: 16,
  BGP4MP_ET: 17,
} as const;

/** Subtypes of TABLE_DUMP_V2 (RFC 6396 section 4.3, RFC 8050 section 4). */
export const RibSubtype = {
  PEER_INDEX_TABLE: 1,
  RIB_IPV4_UNICAST: 2,
  RIB_IPV4_MULTICAST: 3,
  RIB_IPV6_UNICAST: 4,
  RIB_IPV6_MULTICAST: 5,
  RIB_GENERIC: 6,
  RIB_IPV4_UNICAST_ADDPATH: 8,
  RIB_IPV4_MULTICAST_ADDPATH: 9,
  RIB_IPV6_UNICAST_ADDPATH: 10,
  RIB_IPV6_MULTICAST_ADDPATH: 11,
  RIB_GENERIC_ADDPATH: 12,
} as const;

/** Subtypes of BGP4MP and BGP4MP_ET (RFC 6396 section 4.4, RFC 8050 section 3). */
export const Bgp4mpSubtype = {
  STATE_CHANGE: 0,
  MESSAGE: 1,
  MESSAGE_AS4: 4,
  STATE_CHANGE_AS4: 5,
  MESSAGE_LOCAL: 6,
  MESSAGE_AS4_LOCAL: 7,
  MESSAGE_ADDPATH: 8,
  MESSAGE_AS4_ADDPATH: 9,
  MESSAGE_LOCAL_ADDPATH: 10,
  MESSAGE_AS4_LOCAL_ADDPATH: 11,
} as const;

const TYPE_NAMES: Record<number, string> = {
  11: 'OSPFv2',
  12: 'TABLE_DUMP',
  13: 'TABLE_DUMP_V2',
  16: 'BGP4MP',
  17: 'BGP4MP_ET',
  32: 'ISIS',
  33: 'ISIS_ET',
  48: 'OSPFv3',
  49: 'OSPFv3_ET',
};
const TABLE_DUMP_NAMES: Record<number, string> = { 1: 'AFI_IPv4', 2: 'AFI_IPv6' };
const named = (numbers: Record<string, number>) =>
  Object.fromEntries(Object.entries(numbers).map(([name, number]) => [number, name]));
const RIB_NAMES: Record<number, string> = named(RibSubtype);
const BGP4MP_NAMES: Record<number, string> = named(Bgp4mpSubtype);

/** "TABLE_DUMP_V2/RIB_IPV4_UNICAST"; numbers where a name is not known ("type 99/7"). */
export function recordTypeName(type: number, subtype: number): string {
  const name = TYPE_NAMES[type];
  if (name === undefined) return `type ${type}/${subtype}`;
  const subtypes = type === 12 ? TABLE_DUMP_NAMES : type === 13 ? RIB_NAMES : type < 18 ? BGP4MP_NAMES : {};
  return `${name}/${subtypes[subtype] ?? subtype}`;
}

/** What is wrong with a record, and where in the buffer that was noticed. */
export interface MrtError {
  readonly reason: string;
  /** Index in the buffer that was decoded. */
  readonly at: number;
}

/** Big-endian 16 bits. The caller has checked the bounds. */
export function u16(buf: Uint8Array, at: number): number {
  return (buf[at] << 8) | buf[at + 1];
}

/** Big-endian 32 bits, unsigned. The caller has checked the bounds. */
export function u32(buf: Uint8Array, at: number): number {
  return ((buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]) >>> 0;
}
