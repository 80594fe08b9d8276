// TABLE_DUMP (RFC 6396 section 4.2), the format before 2008: one route of one peer in a record, 2-byte AS numbers.
import type { Family } from '../family.js';
import { u16, u32, type MrtError } from './types.js';

/** One decoded record; reused. Offsets are indices in the buffer given to decodeTableDump(). */
export class TableDumpView {
  family: Family = 0;
  sequence = 0;
  /** The address of the prefix: 4 or 16 bytes, host bits as written. */
  prefixAt = 0;
  bits = 0;
  /** Seconds since 1970. */
  originatedTime = 0;
  peerAddressAt = 0;
  /** Bytes of an address: 4 or 16. */
  addressLength = 4;
  peerAs = 0;
  /** Wire form, with 2-byte AS numbers. */
  attributesStart = 0;
  attributesEnd = 0;
}

/** Decodes the body `buf[start..end)` of subtype 1 (IPv4) or 2 (IPv6). Returns undefined and fills `out`, or the error. */
export function decodeTableDump(
  buf: Uint8Array,
  start: number,
  end: number,
  subtype: number,
  out: TableDumpView,
): MrtError | undefined {
  if (subtype !== 1 && subtype !== 2) return { reason: `unknown TABLE_DUMP subtype ${subtype}`, at: start };
  const width = subtype === 1 ? 4 : 16;
  const fixed = 4 + width + 1 + 1 + 4 + width + 2 + 2;
  if (end - start < fixed) return { reason: 'TABLE_DUMP record is too short', at: end };
  out.family = subtype === 1 ? 0 : 1;
  out.addressLength = width;
  out.sequence = u16(buf, start + 2);
  out.prefixAt = start + 4;
  const bitsAt = out.prefixAt + width;
  out.bits = buf[bitsAt];
  if (out.bits > width * 8) return { reason: `prefix length ${out.bits}`, at: bitsAt };
  out.originatedTime = u32(buf, bitsAt + 2);
  out.peerAddressAt = bitsAt + 6;
  out.peerAs = u16(buf, out.peerAddressAt + width);
  out.attributesStart = start + fixed;
  out.attributesEnd = out.attributesStart + u16(buf, out.attributesStart - 2);
  if (out.attributesEnd > end) {
    return { reason: 'TABLE_DUMP record has attributes past its end', at: out.attributesStart };
  }
  return undefined;
}
