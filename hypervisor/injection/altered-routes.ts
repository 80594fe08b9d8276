// Wrong routes made out of right ones: canonical attributes with another next hop or another MED, well-formed like those of a daemon that
// errs. Owns the bytes only.
import {
  AttributeCursor,
  AttributeFlag,
  AttributeType,
  readU32,
  writeAttributeHeader,
} from '../../wire/bgp/attributes.js';

const MED_STEP = 1000;
const cursor = new AttributeCursor();

/** The same attributes with the next hop `address` where that is of the route's family, else with the neighbouring address. */
export function withNextHop(attributes: Uint8Array, address: Uint8Array | undefined): Uint8Array {
  const altered = attributes.slice();
  cursor.reset(altered, 0, altered.length);
  while (cursor.next()) {
    if (cursor.type !== AttributeType.NEXT_HOP && cursor.type !== AttributeType.MP_REACH_NLRI) continue;
    if (address?.length === cursor.end - cursor.valueStart) altered.set(address, cursor.valueStart);
    else if (cursor.end > cursor.valueStart) altered[cursor.end - 1] ^= 1;
  }
  return altered;
}

/** The same attributes with this MED; without one given, with the MED that there is (or 0) and 1000 more. */
export function withMed(attributes: Uint8Array, med: number | undefined): Uint8Array {
  let [before, after, old] = [0, 0, 0];
  cursor.reset(attributes, 0, attributes.length);
  while (cursor.next()) {
    if (cursor.type < AttributeType.MED) before = cursor.end;
    if (cursor.type <= AttributeType.MED) after = cursor.end;
    if (cursor.type === AttributeType.MED && cursor.end - cursor.valueStart === 4)
      old = readU32(attributes, cursor.valueStart);
  }
  const value = (med ?? old + MED_STEP) >>> 0;
  const altered = new Uint8Array(before + 7 + attributes.length - after);
  altered.set(attributes.subarray(0, before));
  const at = writeAttributeHeader(altered, before, AttributeFlag.OPTIONAL, AttributeType.MED, 4);
  new DataView(altered.buffer).setUint32(at, value);
  altered.set(attributes.subarray(after), at + 4);
  return altered;
}
