// Builds UPDATE messages for the tests of wire/, right and wrong ones. Owns nothing that the product uses.
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';
import { parsePrefix } from '../../../wire/prefix-text.js';

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export function u16(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** One attribute; extended length when asked for or needed. */
export function attribute(
  flags: number,
  type: number,
  value: ArrayLike<number>,
  extended = value.length > 255,
): Uint8Array {
  const length = extended ? u16(value.length) : [value.length];
  return Uint8Array.from([extended ? flags | 0x10 : flags, type, ...length, ...Array.from(value)]);
}

export function sequence(...ases: number[]): number[] {
  return [2, ases.length, ...ases.flatMap(u32)];
}

export function set(...ases: number[]): number[] {
  return [1, ases.length, ...ases.flatMap(u32)];
}

export const ORIGIN = attribute(0x40, 1, [0]);
export const AS_PATH = attribute(0x40, 2, sequence(65001, 65010));
export const NEXT_HOP = attribute(0x40, 3, [10, 0, 1, 2]);
export const NEXT_HOP_6 = Array.from(parsePrefix('2001:db8:1::2')!.address);

/** Prefixes as NLRI. */
export function nlri(...prefixes: string[]): Uint8Array {
  return concat(
    ...prefixes.map((text) => {
      const prefix = parsePrefix(text)!;
      return Uint8Array.from([prefix.bits, ...prefix.address.subarray(0, Math.ceil(prefix.bits / 8))]);
    }),
  );
}

export function mpReach(afi: number, safi: number, nextHop: number[], prefixes: Uint8Array, flags = 0x80): Uint8Array {
  return attribute(flags, 14, [...u16(afi), safi, nextHop.length, ...nextHop, 0, ...prefixes]);
}

export function mpUnreach(afi: number, safi: number, prefixes: Uint8Array): Uint8Array {
  return attribute(0x80, 15, [...u16(afi), safi, ...prefixes]);
}

/** A whole UPDATE. */
export function update(parts: { withdrawn?: Uint8Array; attributes?: Uint8Array[]; nlri?: Uint8Array }): Uint8Array {
  const withdrawn = parts.withdrawn ?? new Uint8Array(0);
  const attributes = concat(...(parts.attributes ?? []));
  const body = concat(
    Uint8Array.from(u16(withdrawn.length)),
    withdrawn,
    Uint8Array.from(u16(attributes.length)),
    attributes,
    parts.nlri ?? new Uint8Array(0),
  );
  return encodeMessage(MessageType.UPDATE, body);
}
