// Text of single configuration values to values: addresses, prefixes, AS numbers, communities, names, paths.
// Each says what it expected when the text is something else; positions and required keys are yaml-reader's.
import path from 'node:path';
import { formatAddress, parseAddress, parseIpv4 } from '../wire/ip.js';
import type { CommunityPattern, PrefixRange } from './model.js';
import type { Parse } from './yaml-reader.js';

export const addressFamily = (address: string): 0 | 1 => (address.includes(':') ? 1 : 0);

/** An address in its canonical text. */
export const address: Parse<string> = (text) => {
  const bytes = parseAddress(text);
  return bytes === undefined ? { expected: 'an IPv4 or IPv6 address' } : formatAddress(bytes);
};

export const ipv4Address: Parse<string> = (text) =>
  parseIpv4(text) === undefined ? { expected: 'an IPv4 address' } : text;

export const ipv6Address: Parse<string> = (text) => {
  const bytes = text.includes(':') ? parseAddress(text) : undefined;
  return bytes === undefined ? { expected: 'an IPv6 address' } : formatAddress(bytes);
};

/** A BGP identifier: four octets, not all zero (RFC 6286). */
export const routerId: Parse<string> = (text) =>
  parseIpv4(text) === undefined || text === '0.0.0.0'
    ? { expected: 'a BGP identifier as a dotted quad, not 0.0.0.0 (10.0.0.1)' }
    : text;

const AS_EXPECTED = 'an AS number from 1 to 4294967295, but not 23456 (AS_TRANS, RFC 6793) or 65535 (RFC 7300)';

/** An AS number that a speaker may have: not 0, AS_TRANS or one of the two last ones (RFC 7607, 6793, 7300). */
export const asNumber: Parse<number> = (text) => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  const legal = value >= 1 && value < 4294967295 && value !== 23456 && value !== 65535;
  return legal ? value : { expected: AS_EXPECTED };
};

export interface ParsedPrefix {
  family: 0 | 1;
  bytes: Uint8Array;
  length: number;
  text: string;
}

/** Clears the bits behind `length`; true when one was set. */
function maskBits(bytes: Uint8Array, length: number): boolean {
  let cleared = false;
  for (let i = 0; i < bytes.length; i++) {
    const keep = Math.max(0, Math.min(8, length - i * 8));
    const masked = bytes[i] & (0xff << (8 - keep)) & 0xff;
    if (masked !== bytes[i]) cleared = true;
    bytes[i] = masked;
  }
  return cleared;
}

/** `10.0.0.0/8`; host bits must be zero, because a prefix with host bits is usually a typing mistake. */
export const parsedPrefix: Parse<ParsedPrefix> = (text) => {
  const [head, tail, ...more] = text.split('/');
  const bytes = parseAddress(head);
  const length = tail !== undefined && /^\d{1,3}$/.test(tail) ? Number(tail) : -1;
  if (bytes === undefined || length < 0 || length > bytes.length * 8 || more.length > 0) {
    return { expected: 'a prefix with its length (192.0.2.0/24, 2001:db8::/32)' };
  }
  const hostBits = maskBits(bytes, length);
  const canonical = `${formatAddress(bytes)}/${length}`;
  if (hostBits) return { expected: `a prefix without host bits (${canonical})` };
  return { family: bytes.length === 4 ? 0 : 1, bytes, length, text: canonical };
};

export const prefix: Parse<string> = (text) => {
  const parsed = parsedPrefix(text);
  return 'expected' in parsed ? parsed : parsed.text;
};

/** True when `inner` (a prefix or an address) lies in `outer`, both in the syntax above. */
export function covers(outer: string, inner: string): boolean {
  const [head, tail] = outer.split('/');
  const [innerHead, innerTail] = inner.split('/');
  const [a, b] = [parseAddress(head), parseAddress(innerHead)];
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  const length = Number(tail ?? a.length * 8);
  if (Number(innerTail ?? b.length * 8) < length) return false;
  maskBits(b, length);
  return a.every((byte, i) => byte === b[i]);
}

/** A range that matches exactly this prefix and, if `orLonger`, everything in it. */
export function rangeOf(text: string, orLonger: boolean): PrefixRange {
  const [head, tail] = text.split('/');
  const family = addressFamily(head);
  const length = Number(tail);
  return { family, prefix: text, minLength: length, maxLength: orLonger ? (family === 0 ? 32 : 128) : length };
}

/** RFC 1997, 3765, 7999, 8326, 9494. */
const WELL_KNOWN: Record<string, readonly [number, number]> = {
  'graceful-shutdown': [65535, 0],
  'llgr-stale': [65535, 6],
  'no-llgr': [65535, 7],
  blackhole: [65535, 666],
  'no-export': [65535, 65281],
  'no-advertise': [65535, 65282],
  'no-export-subconfed': [65535, 65283],
  'no-peer': [65535, 65284],
};

/**
 * A community (65001:100), a large one (65001:1:2) or a well-known name. With `wildcards`, trailing numbers may be *:
 * BIRD knows no other place for it. 65535:* is refused because FRR matches well-known communities by name.
 */
export function community(wildcards: boolean): Parse<CommunityPattern> {
  const words = Object.keys(WELL_KNOWN).join(', ');
  const stars = wildcards ? ', with trailing numbers as * for any (65001:*, but not 65535:*)' : '';
  const expected = `a community (65001:100, or 65001:1:2 for a large one${stars}) or one of ${words}`;
  return (text) => {
    const known = WELL_KNOWN[text];
    if (known !== undefined) return known;
    const parts = text.split(':');
    if (parts.length !== 2 && parts.length !== 3) return { expected };
    const max = parts.length === 2 ? 65535 : 4294967295;
    const numbers = parts.map((part, i): number | '*' | undefined => {
      if (part === '*' && wildcards && i > 0) return '*';
      return /^\d{1,10}$/.test(part) && Number(part) <= max ? Number(part) : undefined;
    });
    const star = numbers.indexOf('*');
    const trailing = star === -1 || numbers.slice(star).every((n) => n === '*');
    const legal = trailing && !(star !== -1 && numbers[0] === 65535);
    return legal && numbers.every((n) => n !== undefined) ? numbers : { expected };
  };
}

/** A name that every daemon's configuration language accepts inside an identifier. */
export const name: Parse<string> = (text) =>
  /^[A-Za-z][A-Za-z0-9-]{0,31}$/.test(text)
    ? text
    : { expected: 'a name: a letter, then at most 31 letters, digits or -' };

export const plainText: Parse<string> = (text) =>
  text !== '' && !/[\x00-\x1f\x7f]/.test(text) ? text : { expected: 'text without control characters' };

/** TCP-MD5 keys: RFC 2385 via Linux, at most 80 bytes. */
export const password: Parse<string> = (text) =>
  text !== '' && new TextEncoder().encode(text).length <= 80 ? text : { expected: 'a key of 1 to 80 bytes' };

/** A file path; a relative one counts from the configuration file's directory. */
export function filePath(baseDirectory: string): Parse<string> {
  return (text) => (text === '' ? { expected: 'a path' } : path.resolve(baseDirectory, text));
}
