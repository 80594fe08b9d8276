// Route attributes: the self-contained byte form of what one UPDATE says about its prefixes, used by history, votes and packing.
//
// Path attributes in wire encoding, one after the other, except that the value of type 14 holds only the next hop (16 or 32 bytes; no
// AFI, SAFI, NLRI) and that type 15 never occurs. IPv4 routes have their next hop in type 3 however it was sent, IPv6 routes in type 14.
// *Raw* means order and flags as received; the canonical form is canonical.ts.
import { copyBytes } from '../byte-writer.js';
import { IPV4_UNICAST } from '../family.js';
import { AttributeFlag, AttributeType, writeAttributeHeader } from './attributes.js';
import type { UpdateView } from './update-view.js';

/**
 * Writes the raw route attributes of a sound UPDATE to `out` at `at` and returns the offset behind them. `mp` says whose: those of the prefixes
 * in MP_REACH_NLRI, or of those in the NLRI field. Needs as much room as the message has path attributes.
 */
export function extractRouteAttributes(
  buf: Uint8Array,
  view: UpdateView,
  mp: boolean,
  out: Uint8Array,
  at: number,
): number {
  for (let i = 0; i < view.attributeCount; i++) {
    const type = view.attributeTypes[i];
    const start = view.attributeStarts[i];
    const end = view.attributeEnds[i];
    if (type === AttributeType.MP_REACH_NLRI) {
      if (mp) at = writeNextHop(buf, view, out, at);
    } else if (type !== AttributeType.NEXT_HOP || !mp) {
      copyBytes(buf, start, end, out, at);
      at += end - start;
    }
  }
  return at;
}

/** The next hop of MP_REACH_NLRI as NEXT_HOP for IPv4 and in the reduced form of type 14 for IPv6. */
function writeNextHop(buf: Uint8Array, view: UpdateView, out: Uint8Array, at: number): number {
  const ipv4 = view.mpFamily === IPV4_UNICAST;
  const flags = ipv4 ? AttributeFlag.TRANSITIVE : AttributeFlag.OPTIONAL;
  const type = ipv4 ? AttributeType.NEXT_HOP : AttributeType.MP_REACH_NLRI;
  const length = view.mpNextHopEnd - view.mpNextHopStart;
  const valueAt = writeAttributeHeader(out, at, flags, type, length);
  copyBytes(buf, view.mpNextHopStart, view.mpNextHopEnd, out, valueAt);
  return valueAt + length;
}
