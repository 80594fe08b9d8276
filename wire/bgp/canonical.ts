// Canonical route attributes: two byte strings are equal exactly when two daemons mean the same route. Owns the list of differences that do not
// count; everything that no rule names is kept byte for byte.
//
// Rules, each of which can be switched off by name:
//   sort-attributes            attributes in ascending order of type (OpenBGPD puts MP_REACH_NLRI last)
//   flag-encoding              extended length only for values above 255 bytes (FRR always sets it on AS_PATH), unused flag bits zero;
//                              optional, transitive and partial are meaning, not encoding, and stay
//   merge-as-sequences         neighbouring AS_SEQUENCE segments become one, cut again at 255 AS numbers
//   sort-as-sets               AS_SET members ascending, each once (FRR sorts them, the others do not)
//   sort-communities           COMMUNITIES ascending, each once (BIRD keeps duplicates)
//   sort-extended-communities  the same for EXTENDED_COMMUNITIES and their IPv6 form
//   sort-large-communities     the same for LARGE_COMMUNITIES
//   drop-link-local-next-hop   of a next hop of 32 bytes only the global half; the other half when the global one is ::
//   drop-as4-attributes        AS4_PATH and AS4_AGGREGATOR say nothing beside four-octet paths (RFC 6793 section 4.1)
// CLUSTER_LIST is a sequence and stays as it is. An attribute that occurs twice has no canonical form.
import { copyBytes } from '../byte-writer.js';
import { IPV4_UNICAST } from '../family.js';
import type { Family } from '../family.js';
import { writeCanonicalPath } from './as-path.js';
import { isZero } from './attribute-checks.js';
import { AttributeCursor, attributeName, AttributeType, writeAttributeHeader } from './attributes.js';
import { sortRecords } from './record-sort.js';

export { pathContainsAs } from './as-path.js';

export const CANONICAL_RULES = [
  'sort-attributes',
  'flag-encoding',
  'merge-as-sequences',
  'sort-as-sets',
  'sort-communities',
  'sort-extended-communities',
  'sort-large-communities',
  'drop-link-local-next-hop',
  'drop-as4-attributes',
] as const;

export type CanonicalRule = (typeof CANONICAL_RULES)[number];

export interface CanonicalOptions {
  /** Rules that are switched off. */
  disable?: readonly CanonicalRule[];
  /** Attribute types that are left out altogether. */
  ignoreAttributes?: readonly number[];
}

const MAX_ATTRIBUTES = 256;

export class Canonicaliser {
  /** Why the last call returned -1. */
  reason = '';

  private readonly rules: ReadonlySet<CanonicalRule>;
  private readonly ignored = new Uint8Array(256);
  private readonly pathRules: { mergeSequences: boolean; sortSets: boolean };
  private readonly sortAttributes: boolean;
  private readonly shortFlags: boolean;
  private readonly dropLinkLocal: boolean;
  // Width of the records that a type's value is a set of; 0 for values that are no sets.
  private readonly recordWidths = new Uint8Array(256);

  private readonly cursor = new AttributeCursor();
  // The attributes of the call under way, in order of output: types ascending, with header start, value start and end of each.
  private readonly types = new Uint8Array(MAX_ATTRIBUTES);
  private readonly starts = new Uint32Array(MAX_ATTRIBUTES);
  private readonly valueStarts = new Uint32Array(MAX_ATTRIBUTES);
  private readonly ends = new Uint32Array(MAX_ATTRIBUTES);
  private count = 0;

  constructor(options: CanonicalOptions = {}) {
    this.rules = new Set(CANONICAL_RULES.filter((rule) => !options.disable?.includes(rule)));
    for (const type of options.ignoreAttributes ?? []) this.ignored[type] = 1;
    if (this.rules.has('drop-as4-attributes')) {
      this.ignored[AttributeType.AS4_PATH] = 1;
      this.ignored[AttributeType.AS4_AGGREGATOR] = 1;
    }
    this.pathRules = { mergeSequences: this.rules.has('merge-as-sequences'), sortSets: this.rules.has('sort-as-sets') };
    this.sortAttributes = this.rules.has('sort-attributes');
    this.shortFlags = this.rules.has('flag-encoding');
    this.dropLinkLocal = this.rules.has('drop-link-local-next-hop');
    this.setOf(AttributeType.COMMUNITIES, 4, 'sort-communities');
    this.setOf(AttributeType.EXTENDED_COMMUNITIES, 8, 'sort-extended-communities');
    this.setOf(AttributeType.IPV6_EXTENDED_COMMUNITIES, 20, 'sort-extended-communities');
    this.setOf(AttributeType.LARGE_COMMUNITIES, 12, 'sort-large-communities');
  }

  /**
   * Writes the canonical form of the route attributes in bytes start..end to the beginning of `out` and returns its length, at most
   * end - start. Returns -1, with `reason`, for attributes that have no canonical form. Deterministic; allocates nothing.
   */
  canonicalise(attrs: Uint8Array, start: number, end: number, family: Family, out: Uint8Array): number {
    // The next hop of the other encoding is no part of the route (RFC 4760 section 3).
    const foreign = family === IPV4_UNICAST ? AttributeType.MP_REACH_NLRI : AttributeType.NEXT_HOP;
    if (!this.collect(attrs, start, end, foreign)) return -1;
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      at = this.write(attrs, i, out, at);
      if (at < 0) return this.fail(`${attributeName(this.types[i])} is malformed`);
    }
    return at;
  }

  private setOf(type: number, width: number, rule: CanonicalRule): void {
    if (this.rules.has(rule)) this.recordWidths[type] = width;
  }

  private fail(reason: string): -1 {
    this.reason = reason;
    return -1;
  }

  /** Lists the attributes, sorted by type; false when one occurs twice or overruns. */
  private collect(attrs: Uint8Array, start: number, end: number, foreign: number): boolean {
    const { cursor, types } = this;
    this.count = 0;
    cursor.reset(attrs, start, end);
    while (cursor.next()) {
      const { type } = cursor;
      if (this.ignored[type] !== 0 || type === foreign) continue;
      let place = this.count;
      if (this.sortAttributes) {
        while (place > 0 && types[place - 1] >= type) place--;
        if (place < this.count && types[place] === type) return this.fail(`${attributeName(type)} twice`) > 0;
      } else if (types.subarray(0, this.count).includes(type)) {
        return this.fail(`${attributeName(type)} twice`) > 0;
      }
      this.insertAt(place);
    }
    if (cursor.overrun) this.reason = `${attributeName(cursor.type)} overruns the attributes`;
    return !cursor.overrun;
  }

  private insertAt(place: number): void {
    const { cursor, types, starts, valueStarts, ends } = this;
    for (let i = this.count++; i > place; i--) {
      types[i] = types[i - 1];
      starts[i] = starts[i - 1];
      valueStarts[i] = valueStarts[i - 1];
      ends[i] = ends[i - 1];
    }
    types[place] = cursor.type;
    starts[place] = cursor.start;
    valueStarts[place] = cursor.valueStart;
    ends[place] = cursor.end;
  }

  /** Writes the i-th attribute; the offset behind it, or -1. */
  private write(attrs: Uint8Array, i: number, out: Uint8Array, at: number): number {
    const start = this.starts[i];
    const header = this.valueStarts[i] - start;
    // The value first, behind a header as long as the original's; it can only get shorter, and then the header may too.
    const end = this.writeValue(attrs, i, out, at + header);
    if (end < 0) return -1;
    return this.shortFlags || end - at - header !== this.ends[i] - this.valueStarts[i]
      ? this.writeHeader(attrs[start], this.types[i], out, at, header, end)
      : this.copyHeader(attrs, i, out, at, end);
  }

  private copyHeader(attrs: Uint8Array, i: number, out: Uint8Array, at: number, end: number): number {
    copyBytes(attrs, this.starts[i], this.valueStarts[i], out, at);
    return end;
  }

  /** A header for the value that lies `header` bytes behind `at`; moves the value up when the header is shorter. */
  private writeHeader(flags: number, type: number, out: Uint8Array, at: number, header: number, end: number): number {
    const length = end - at - header;
    const valueAt = writeAttributeHeader(out, at, flags, type, length);
    if (valueAt === at + header) return end;
    out.copyWithin(valueAt, at + header, end);
    return valueAt + length;
  }

  private writeValue(attrs: Uint8Array, i: number, out: Uint8Array, at: number): number {
    const type = this.types[i];
    const start = this.valueStarts[i];
    const end = this.ends[i];
    if (type === AttributeType.AS_PATH) return writeCanonicalPath(attrs, start, end, this.pathRules, out, at);
    if (type === AttributeType.MP_REACH_NLRI) return this.writeNextHop(attrs, start, end, out, at);
    copyBytes(attrs, start, end, out, at);
    const width = this.recordWidths[type];
    if (width === 0) return at + end - start;
    if ((end - start) % width !== 0) return -1;
    return at + width * sortRecords(out, at, (end - start) / width, width);
  }

  private writeNextHop(attrs: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
    const length = end - start;
    if (this.dropLinkLocal && length === 32) {
      const half = isZero(attrs, start, start + 16) ? start + 16 : start;
      copyBytes(attrs, half, half + 16, out, at);
      return at + 16;
    }
    copyBytes(attrs, start, end, out, at);
    return at + length;
  }
}
