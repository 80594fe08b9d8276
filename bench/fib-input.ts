// The prefixes of encoded UPDATEs (input.ts) as plain numbers, for those who write tables without speaking BGP.
import { HEADER_LENGTH } from '../wire/bgp/message.js';
import { NlriCursor } from '../wire/bgp/nlri.js';
import { IPV4_UNICAST } from '../wire/family.js';

/** Pairs of words, address and length, in the order of the announcements. The input is our own: it is not checked. */
export function ipv4Prefixes(updates: Uint8Array): Uint32Array {
  const view = new DataView(updates.buffer, updates.byteOffset, updates.length);
  const cursor = new NlriCursor();
  const words: number[] = [];
  for (let start = 0; start < updates.length;) {
    const end = start + view.getUint16(start + 16);
    const attributesAt = start + HEADER_LENGTH + 4 + view.getUint16(start + HEADER_LENGTH);
    cursor.reset(updates, attributesAt + view.getUint16(attributesAt - 2), end, IPV4_UNICAST);
    while (cursor.next()) {
      let address = 0;
      for (let i = 0; i < 4; i++) address = address * 256 + (8 * i < cursor.bits ? updates[cursor.at + i]! : 0);
      words.push(address, cursor.bits);
    }
    start = end;
  }
  return Uint32Array.from(words);
}
