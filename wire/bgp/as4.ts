// Translation for a neighbour without four-octet AS numbers (RFC 6793): its UPDATEs are rewritten on the way in, route attributes on the way
// out. Owns AS_PATH, AGGREGATOR and their AS4 companions; every other byte stays as it is.
import { ByteWriter } from '../byte-writer.js';
import {
  AttributeCursor,
  AttributeFlag,
  AttributeType,
  readU32,
  SegmentType,
  writeAttributeHeader,
} from './attributes.js';
import { AS_TRANS } from './open.js';
import { reencodeUpdate } from './reencode.js';
import type { UpdateView } from './update-view.js';

const OPTIONAL_TRANSITIVE = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE;

/** Offsets of the attributes that the translation is about; -1 when missing. */
interface Found {
  pathStart: number;
  pathEnd: number;
  path4Start: number;
  path4End: number;
  aggregator: number;
  aggregator4: number;
}

const path = new ByteWriter();
const scratch = new ByteWriter();

/**
 * Appends to `out` what a sound UPDATE from a two-octet speaker, `view` of it included, says with four-octet AS numbers: AS4_PATH and
 * AS4_AGGREGATOR merged in and removed (RFC 6793 section 4.2.3). Becomes several messages when one would exceed `maxMessageLength`.
 * Returns how many; prefixes whose attributes no longer fit into a message are withdrawn.
 */
export function toAs4(buf: Uint8Array, view: UpdateView, maxMessageLength: number, out: ByteWriter): number {
  return reencodeUpdate(buf, view, { families: ~0, maxMessageLength, rewrite: routeAttributesToAs4 }, out);
}

/** Appends route attributes with two-octet AS numbers in their four-octet form (RFC 6793 section 4.2.3). */
export function routeAttributesToAs4(attrs: Uint8Array, start: number, end: number, out: ByteWriter): void {
  const found = find(attrs, start, end);
  // Beside AS4_AGGREGATOR, an AGGREGATOR that names a real AS means that somebody without AS4 support aggregated since: both AS4_* are stale.
  const stale = found.aggregator >= 0 && found.aggregator4 >= 0 && readU16(attrs, found.aggregator) !== AS_TRANS;
  cursor.reset(attrs, start, end);
  while (cursor.next()) {
    if (cursor.type === AttributeType.AS_PATH) {
      path.reset();
      mergePaths(attrs, found, stale, path);
      writeAttribute(out, cursor.flags, cursor.type, path.buffer, 0, path.length);
    } else if (cursor.type === AttributeType.AGGREGATOR) {
      const from4 = !stale && found.aggregator4 >= 0;
      scratch.reset();
      if (from4) scratch.bytes(attrs, found.aggregator4, found.aggregator4 + 4);
      else scratch.u32(readU16(attrs, found.aggregator));
      // The address comes from the same attribute as the AS (section 4.2.3).
      const address = from4 ? found.aggregator4 + 4 : found.aggregator + 2;
      scratch.bytes(attrs, address, address + 4);
      writeAttribute(out, cursor.flags, cursor.type, scratch.buffer, 0, scratch.length);
    } else if (cursor.type !== AttributeType.AS4_PATH && cursor.type !== AttributeType.AS4_AGGREGATOR) {
      out.bytes(attrs, cursor.start, cursor.end);
    }
  }
}

/**
 * Appends the form of four-octet route attributes that a two-octet speaker understands: AS_TRANS in the place of large AS numbers, and
 * AS4_PATH / AS4_AGGREGATOR where something was lost (RFC 6793 section 4.2.2). They stand behind the attributes of lower type.
 */
export function routeAttributesToAs2(attrs: Uint8Array, out: ByteWriter): void {
  const found = find(attrs, 0, attrs.length);
  const lossyPath = found.pathStart >= 0 && hasLargeAs(attrs, found.pathStart, found.pathEnd);
  const lossyAggregator = found.aggregator >= 0 && readU32(attrs, found.aggregator) > 0xffff;
  let pending = lossyPath || lossyAggregator;
  cursor.reset(attrs, 0, attrs.length);
  while (cursor.next()) {
    const { type } = cursor;
    if (type === AttributeType.AS4_PATH || type === AttributeType.AS4_AGGREGATOR) continue;
    if (pending && type > AttributeType.AS4_AGGREGATOR) {
      pending = false;
      writeCompanions(attrs, found, lossyPath, lossyAggregator, out);
    }
    if (type === AttributeType.AS_PATH) {
      path.reset();
      narrowPath(attrs, cursor.valueStart, cursor.end, path);
      writeAttribute(out, cursor.flags, type, path.buffer, 0, path.length);
    } else if (type === AttributeType.AGGREGATOR) {
      scratch.reset();
      scratch.u16(narrow(readU32(attrs, cursor.valueStart)));
      scratch.bytes(attrs, cursor.valueStart + 4, cursor.end);
      writeAttribute(out, cursor.flags, type, scratch.buffer, 0, scratch.length);
    } else {
      out.bytes(attrs, cursor.start, cursor.end);
    }
  }
  if (pending) writeCompanions(attrs, found, lossyPath, lossyAggregator, out);
}

// Shared by the functions above, which do not call each other while they use it.
const cursor = new AttributeCursor();

function writeCompanions(
  attrs: Uint8Array,
  found: Found,
  lossyPath: boolean,
  lossyAggregator: boolean,
  out: ByteWriter,
): void {
  if (lossyPath) {
    path.reset();
    copySegments(attrs, found.pathStart, found.pathEnd, path);
    writeAttribute(out, OPTIONAL_TRANSITIVE, AttributeType.AS4_PATH, path.buffer, 0, path.length);
  }
  if (lossyAggregator) {
    const at = found.aggregator;
    writeAttribute(out, OPTIONAL_TRANSITIVE, AttributeType.AS4_AGGREGATOR, attrs, at, at + 8);
  }
}

function find(attrs: Uint8Array, start: number, end: number): Found {
  const found: Found = { pathStart: -1, pathEnd: -1, path4Start: -1, path4End: -1, aggregator: -1, aggregator4: -1 };
  cursor.reset(attrs, start, end);
  while (cursor.next()) {
    if (cursor.type === AttributeType.AS_PATH) {
      found.pathStart = cursor.valueStart;
      found.pathEnd = cursor.end;
    } else if (cursor.type === AttributeType.AS4_PATH) {
      found.path4Start = cursor.valueStart;
      found.path4End = cursor.end;
    } else if (cursor.type === AttributeType.AGGREGATOR) {
      found.aggregator = cursor.valueStart;
    } else if (cursor.type === AttributeType.AS4_AGGREGATOR) {
      found.aggregator4 = cursor.valueStart;
    }
  }
  return found;
}

/** AS_PATH in four octets: its leading hops, then AS4_PATH, so that the length is that of AS_PATH (RFC 6793 section 4.2.3). */
function mergePaths(attrs: Uint8Array, found: Found, stale: boolean, out: ByteWriter): void {
  const hops = countHops(attrs, found.pathStart, found.pathEnd, 2);
  const hops4 = found.path4Start < 0 ? 0 : countHops(attrs, found.path4Start, found.path4End, 4);
  if (stale || hops4 === 0 || hops4 > hops) {
    widenHops(attrs, found.pathStart, found.pathEnd, Infinity, out);
    return;
  }
  widenHops(attrs, found.pathStart, found.pathEnd, hops - hops4, out);
  copySegments(attrs, found.path4Start, found.path4End, out);
}

/** Path length as route selection counts it: an AS_SET is one hop, confederation segments are none (RFC 5065 section 5.3). */
function countHops(buf: Uint8Array, start: number, end: number, width: number): number {
  let hops = 0;
  for (let at = start; at + 2 <= end; at += 2 + width * buf[at + 1]) {
    if (buf[at] === SegmentType.AS_SEQUENCE) hops += buf[at + 1];
    else if (buf[at] === SegmentType.AS_SET) hops++;
  }
  return hops;
}

/** Appends the first `hops` hops of a two-octet path with four-octet numbers; confederation segments before them come along. */
function widenHops(buf: Uint8Array, start: number, end: number, hops: number, out: ByteWriter): void {
  let left = hops;
  for (let at = start; at + 2 <= end && left > 0;) {
    const type = buf[at];
    const count = buf[at + 1];
    const taken = type === SegmentType.AS_SEQUENCE ? Math.min(count, left) : count;
    out.u8(type);
    out.u8(taken);
    for (let i = 0; i < taken; i++) out.u32(readU16(buf, at + 2 + 2 * i));
    if (type === SegmentType.AS_SEQUENCE) left -= taken;
    else if (type === SegmentType.AS_SET) left--;
    at += 2 + 2 * count;
  }
}

/** Appends four-octet segments without those of confederations, which AS4_PATH must not hold (RFC 6793 section 3). */
function copySegments(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  for (let at = start; at + 2 <= end;) {
    const next = at + 2 + 4 * buf[at + 1];
    if (buf[at] <= SegmentType.AS_SEQUENCE) out.bytes(buf, at, Math.min(next, end));
    at = next;
  }
}

function narrowPath(buf: Uint8Array, start: number, end: number, out: ByteWriter): void {
  for (let at = start; at + 2 <= end;) {
    const next = at + 2 + 4 * buf[at + 1];
    out.bytes(buf, at, at + 2);
    for (let hop = at + 2; hop + 4 <= next; hop += 4) out.u16(narrow(readU32(buf, hop)));
    at = next;
  }
}

function hasLargeAs(buf: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 2 <= end;) {
    const next = at + 2 + 4 * buf[at + 1];
    for (let hop = at + 2; hop + 4 <= next; hop += 4) if (readU32(buf, hop) > 0xffff) return true;
    at = next;
  }
  return false;
}

function narrow(as: number): number {
  return as > 0xffff ? AS_TRANS : as;
}

function writeAttribute(
  out: ByteWriter,
  flags: number,
  type: number,
  value: Uint8Array,
  start: number,
  end: number,
): void {
  out.reserve(4);
  out.length = writeAttributeHeader(out.buffer, out.length, flags, type, end - start);
  out.bytes(value, start, end);
}

function readU16(buf: Uint8Array, at: number): number {
  return (buf[at] << 8) | buf[at + 1];
}
