// BGP4MP and BGP4MP_ET bodies (RFC 6396 section 4.4, RFC 8050 section 3): which session, and the BGP message or the
// change of state. Owns the layout around the message; the message itself is read by wire/bgp.
import { Bgp4mpSubtype, u16, u32, type MrtError } from './types.js';

/** One decoded record; reused from record to record. Offsets are indices in the buffer given to decode(). */
export class Bgp4mpView {
  kind: 'message' | 'state-change' = 'message';
  /** AS numbers in the record and in its AS_PATH have four bytes. */
  as4 = false;
  /** The message was sent by the collector itself, not received. */
  local = false;
  /** NLRI carry path identifiers (RFC 8050). */
  addPath = false;
  peerAs = 0;
  localAs = 0;
  interfaceIndex = 0;
  /** Bytes of an address: 4 or 16. */
  addressLength = 4;
  peerAddressAt = 0;
  localAddressAt = 0;
  /** The BGP message, header included; its own length field may still be wrong. */
  messageStart = 0;
  messageEnd = 0;
  /** RFC 4271 states 1 (Idle) to 6 (Established); Quagga also writes 7 (Clearing) and 8 (Deleted). */
  oldState = 0;
  newState = 0;
}

const KNOWN = new Set<number>(Object.values(Bgp4mpSubtype));

/** Whether decodeBgp4mp() can read this subtype; others are to be skipped and counted. */
export function isBgp4mpSubtype(subtype: number): boolean {
  return KNOWN.has(subtype);
}

/** Decodes the body `buf[start..end)`. Returns undefined and fills `out`, or says what is wrong. */
export function decodeBgp4mp(
  buf: Uint8Array,
  start: number,
  end: number,
  subtype: number,
  out: Bgp4mpView,
): MrtError | undefined {
  if (!KNOWN.has(subtype)) return { reason: `unknown BGP4MP subtype ${subtype}`, at: start };
  out.as4 = subtype === 4 || subtype === 5 || subtype === 7 || subtype === 9 || subtype === 11;
  out.local = subtype === 6 || subtype === 7 || subtype === 10 || subtype === 11;
  out.addPath = subtype >= 8;
  out.kind = subtype === 0 || subtype === 5 ? 'state-change' : 'message';
  const asLength = out.as4 ? 4 : 2;
  let at = start + 2 * asLength + 4;
  if (at > end) return { reason: 'BGP4MP record ends inside its AS numbers', at: end };
  out.peerAs = out.as4 ? u32(buf, start) : u16(buf, start);
  out.localAs = out.as4 ? u32(buf, start + 4) : u16(buf, start + 2);
  out.interfaceIndex = u16(buf, at - 4);
  const afi = u16(buf, at - 2);
  if (afi !== 1 && afi !== 2) return { reason: `BGP4MP record has address family ${afi}`, at: at - 2 };
  out.addressLength = afi === 1 ? 4 : 16;
  out.peerAddressAt = at;
  out.localAddressAt = at + out.addressLength;
  at += 2 * out.addressLength;
  if (at > end) return { reason: 'BGP4MP record ends inside its addresses', at: end };
  if (out.kind === 'state-change') {
    if (at + 4 > end) return { reason: 'BGP4MP STATE_CHANGE ends inside its states', at: end };
    out.oldState = u16(buf, at);
    out.newState = u16(buf, at + 2);
    return undefined;
  }
  if (at + 19 > end) return { reason: 'BGP4MP MESSAGE is too short for a BGP header', at: end };
  out.messageStart = at;
  out.messageEnd = end;
  return undefined;
}
