// IP addresses as labels hold them: 16 bytes whatever the family, and zones (`%eth0`) beside them. Owns no socket; the
// text forms are wire/ip.ts.
import { formatIpv4, formatIpv6, parseAddress } from '../wire/ip.js';

/** The address without its zone. */
export function withoutZone(text: string): string {
  return text.split('%', 1)[0];
}

function parse(text: string): Uint8Array {
  const bytes = parseAddress(withoutZone(text));
  if (bytes === undefined) throw new RangeError(`"${text}" is not an IP address`);
  return bytes;
}

/** 4 or 6; throws RangeError when the text is not an address. */
export function addressFamily(text: string): 4 | 6 {
  return parse(text).length === 4 ? 4 : 6;
}

/** Does it mean something only together with an interface (fe80::/10)? */
export function isLinkLocal(text: string): boolean {
  const bytes = parse(text);
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1] & 0xc0) === 0x80;
}

/** The address in network byte order; an IPv4 address fills the first four bytes. Throws RangeError. */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(parse(text));
  return bytes;
}

/** Address text out of a label's field (RFC 5952 form for IPv6). */
export function formatAddress(family: 4 | 6, bytes: Uint8Array): string {
  return family === 4 ? formatIpv4(bytes) : formatIpv6(bytes);
}
