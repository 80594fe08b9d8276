// Prefixes as text (`10.0.0.0/8`, `2001:db8::/32`). Numbering them is the prefix table's business.
import { IPV4_UNICAST, IPV6_UNICAST, maxPrefixBits } from './family.js';
import type { Family } from './family.js';
import { formatIpv4, formatIpv6, parseAddress } from './ip.js';

export interface Prefix {
  family: Family;
  /** Address bytes, 4 or 16, host bits cleared. */
  address: Uint8Array;
  /** Length in bits: 0..32 or 0..128. */
  bits: number;
}

/** A prefix from `address/length`, or from a bare address as a host prefix; undefined when it is neither. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const family = address.length === 4 ? IPV4_UNICAST : IPV6_UNICAST;
  const max = maxPrefixBits(family);
  const length = slash < 0 ? String(max) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > max) return undefined;
  const bits = Number(length);
  clearHostBits(address, bits);
  return { family, address, bits };
}

function clearHostBits(address: Uint8Array, bits: number): void {
  for (let i = 0; i < address.length; i++) {
    const kept = Math.min(8, Math.max(0, bits - i * 8));
    address[i] &= (0xff00 >> kept) & 0xff;
  }
}

/** Whether `inner` lies in `outer` or is the same. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const whole = outer.bits >> 3;
  for (let i = 0; i < whole; i++) if (outer.address[i] !== inner.address[i]) return false;
  const rest = outer.bits & 7;
  return rest === 0 || ((outer.address[whole] ^ inner.address[whole]) & (0xff00 >> rest) & 0xff) === 0;
}

/** `address/bits` of the full address (4 or 16 bytes) at `at`. */
export function formatPrefix(family: Family, bytes: Uint8Array, at: number, bits: number): string {
  return `${family === IPV4_UNICAST ? formatIpv4(bytes, at) : formatIpv6(bytes, at)}/${bits}`;
}
