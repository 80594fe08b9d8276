// AS_PATH values with four-octet AS numbers (RFC 4271 section 4.3, RFC 6793): canonical segments and the question whether an AS is in one.
import { copyBytes } from '../byte-writer.js';
import { AttributeCursor, AttributeType, readU32, SegmentType } from './attributes.js';
import { sortRecords } from './record-sort.js';

const MAX_SEGMENT = 255;

export interface PathRules {
  /** Neighbouring AS_SEQUENCEs become one, cut at 255 AS numbers. */
  mergeSequences: boolean;
  /** Members of an AS_SET in ascending order, each once. */
  sortSets: boolean;
}

/**
 * Writes the path in bytes start..end to `out` at `at` by the rules and returns the offset behind it, -1 when the path is malformed.
 * Never longer than the original.
 */
export function writeCanonicalPath(
  buf: Uint8Array,
  start: number,
  end: number,
  rules: PathRules,
  out: Uint8Array,
  at: number,
): number {
  // Header of the AS_SEQUENCE being filled, -1 when the next one starts afresh.
  let open = -1;
  for (let from = start; from < end;) {
    const type = buf[from];
    const count = from + 1 < end ? buf[from + 1] : 0;
    const next = from + 2 + 4 * count;
    if (count === 0 || next > end) return -1;
    if (type === SegmentType.AS_SEQUENCE && open >= 0) {
      const room = Math.min(count, MAX_SEGMENT - out[open + 1]);
      copyBytes(buf, from + 2, from + 2 + 4 * room, out, at);
      at += 4 * room;
      out[open + 1] += room;
      if (room < count) {
        open = at;
        at = writeSegment(buf, from + 2 + 4 * room, type, count - room, out, at);
      }
    } else {
      open = type === SegmentType.AS_SEQUENCE && rules.mergeSequences ? at : -1;
      at = writeSegment(buf, from + 2, type, count, out, at);
      if (rules.sortSets && isSet(type)) at = sortLastSegment(out, at, count);
    }
    from = next;
  }
  return at;
}

function isSet(type: number): boolean {
  return type === SegmentType.AS_SET || type === SegmentType.AS_CONFED_SET;
}

function writeSegment(buf: Uint8Array, from: number, type: number, count: number, out: Uint8Array, at: number): number {
  out[at] = type;
  out[at + 1] = count;
  copyBytes(buf, from, from + 4 * count, out, at + 2);
  return at + 2 + 4 * count;
}

/** Sorts the members of the segment that ends at `end`; returns where it ends without duplicates. */
function sortLastSegment(out: Uint8Array, end: number, count: number): number {
  const members = end - 4 * count;
  const kept = sortRecords(out, members, count, 4);
  out[members - 1] = kept;
  return members + 4 * kept;
}

const cursor = new AttributeCursor();

/** Whether an AS number occurs anywhere in the AS_PATH of route attributes. */
export function pathContainsAs(attributes: Uint8Array, as: number): boolean {
  cursor.reset(attributes, 0, attributes.length);
  while (cursor.next()) {
    if (cursor.type !== AttributeType.AS_PATH) continue;
    for (let at = cursor.valueStart; at + 2 <= cursor.end;) {
      const next = Math.min(cursor.end, at + 2 + 4 * attributes[at + 1]);
      for (let hop = at + 2; hop + 4 <= next; hop += 4) {
        if (readU32(attributes, hop) === as) return true;
      }
      at = next;
    }
    return false;
  }
  return false;
}
