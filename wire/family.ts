// Address families the router carries: a dense index for tables, the AFI/SAFI pair for the wire, a name for people.
// Owns the numbers and nothing else; which families a session uses is negotiated in session/.

/** 0 = IPv4 unicast, 1 = IPv6 unicast. Sets of families are bitmasks of `1 << family`. */
export type Family = 0 | 1;
export type FamilyName = 'ipv4-unicast' | 'ipv6-unicast';

export const IPV4_UNICAST: Family = 0;
export const IPV6_UNICAST: Family = 1;
export const FAMILIES: readonly Family[] = [IPV4_UNICAST, IPV6_UNICAST];
export const FAMILY_COUNT = 2;
export const ALL_FAMILIES = 3;

const AFI_IPV4 = 1;
const AFI_IPV6 = 2;
const SAFI_UNICAST = 1;

/** Address Family Identifier (IANA address-family-numbers). */
export function afiOf(family: Family): number {
  return family === IPV4_UNICAST ? AFI_IPV4 : AFI_IPV6;
}

/** Subsequent Address Family Identifier: unicast for every family there is so far. */
export function safiOf(_family: Family): number {
  return SAFI_UNICAST;
}

/** The family of an AFI/SAFI pair, undefined for one that is not carried. */
export function familyOf(afi: number, safi: number): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  if (afi === AFI_IPV4) return IPV4_UNICAST;
  return afi === AFI_IPV6 ? IPV6_UNICAST : undefined;
}

/** The longest prefix of the family, in bits: 32 or 128. */
export function maxPrefixBits(family: Family): number {
  return family === IPV4_UNICAST ? 32 : 128;
}

export function familyName(family: Family): FamilyName {
  return family === IPV4_UNICAST ? 'ipv4-unicast' : 'ipv6-unicast';
}

export function familyFromName(name: string): Family | undefined {
  if (name === 'ipv4-unicast') return IPV4_UNICAST;
  return name === 'ipv6-unicast' ? IPV6_UNICAST : undefined;
}

/** The families of a bitmask, in ascending order. */
export function familiesOf(mask: number): Family[] {
  return FAMILIES.filter((family) => (mask & (1 << family)) !== 0);
}
