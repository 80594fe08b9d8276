// A BGP speaker that only listens to what it is told: keeps the other side's routes in canonical form, to be compared prefix by prefix. Used as
// the customer in tests, the demo and the bench. Leaves the session to speaker.ts.
import { AttributeTable } from '../wire/attribute-table.js';
import { Canonicaliser } from '../wire/bgp/canonical.js';
import { diffAttributes, formatRoute } from '../wire/bgp/describe.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateContext } from '../wire/bgp/update.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { Speaker, type SpeakerOptions } from './speaker.js';

/** Attribute sets nobody uses any more are thrown away when this many are stored. */
const SWEEP_AT = 500_000;

/** One prefix on which two tables differ. */
export interface TableDifference {
  readonly prefix: string;
  readonly kind: 'missing' | 'extra' | 'different';
  /** What differs, for people. */
  readonly text: string;
}

/** A table of routes, prefix to canonical attributes, fed with UPDATE messages. */
export class CollectedTable {
  readonly prefixes: PrefixTable;
  readonly attributes = new AttributeTable();
  updates = 0;
  announced = 0;
  withdrawn = 0;
  /** Families whose End-of-RIB has come, a bitmask. */
  endOfRib = 0;
  /** Reasons of UPDATEs that were not sound, with how often. */
  readonly faults = new Map<string, number>();
  #routes = new Uint32Array(1 << 12);
  #size = 0;
  #sweepAt = SWEEP_AT;
  readonly #view = new UpdateView();
  readonly #cursor = new NlriCursor();
  readonly #canonicaliser: Canonicaliser;
  readonly #raw = new Uint8Array(1 << 16);
  readonly #canonical = new Uint8Array(1 << 17);

  constructor(prefixes = new PrefixTable(), canonicaliser = new Canonicaliser()) {
    this.prefixes = prefixes;
    this.#canonicaliser = canonicaliser;
  }

  /** Prefixes with a route. */
  get size(): number {
    return this.#size;
  }

  /** Takes one UPDATE, header included. */
  update(buf: Uint8Array, start: number, end: number, context: UpdateContext): void {
    const view = this.#view;
    const verdict = parseUpdate(buf, start, end, context, view);
    this.updates++;
    if (verdict.reason !== '') this.faults.set(verdict.reason, (this.faults.get(verdict.reason) ?? 0) + 1);
    if (verdict.kind === 'reset') return;
    if (view.endOfRib !== undefined) this.endOfRib |= 1 << view.endOfRib;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      let id = 0;
      if (section.kind === 'announce' && verdict.kind === 'sound') {
        const raw = extractRouteAttributes(buf, view, section.mp, this.#raw, 0);
        const length = this.#canonicaliser.canonicalise(this.#raw, 0, raw, section.family, this.#canonical);
        if (length > 0) id = this.attributes.intern(this.#canonical, 0, length);
      }
      this.#cursor.reset(buf, section.start, section.end, section.family);
      while (this.#cursor.next()) {
        this.#set(this.prefixes.intern(section.family, buf, this.#cursor.at, this.#cursor.bits), id);
      }
    }
    if (this.attributes.size > this.#sweepAt) this.#sweep();
  }

  /** Canonical attributes of a prefix written as text; undefined without a route. A view: copy it to keep it. */
  get(prefix: string): Uint8Array | undefined {
    const id = this.prefixes.findText(prefix);
    return id === 0 || !this.#routes[id] ? undefined : this.attributes.get(this.#routes[id]);
  }

  /** All routes. The attributes are views: copy them to keep them. */
  *entries(): Generator<{ id: number; attributes: Uint8Array }> {
    for (let id = 1; id < this.#routes.length; id++) {
      if (this.#routes[id] !== 0) yield { id, attributes: this.attributes.get(this.#routes[id]) };
    }
  }

  /** Where this table differs from the expected one, at most `limit` prefixes; `skip` leaves prefixes out. */
  diff(expected: CollectedTable, limit = 100, skip: (prefix: string) => boolean = () => false): TableDifference[] {
    const found: TableDifference[] = [];
    for (const { id, attributes } of expected.entries()) {
      const prefix = expected.prefixes.format(id);
      if (found.length >= limit) return found;
      const own = this.get(prefix);
      if (own !== undefined && equal(own, attributes)) continue;
      if (skip(prefix)) continue;
      if (own === undefined) found.push({ prefix, kind: 'missing', text: formatRoute(prefix, attributes) });
      else {
        const text = diffAttributes(attributes, own)
          .map(({ attribute, left, right }) => `${attribute}: expected ${left ?? 'none'}, have ${right ?? 'none'}`)
          .join('; ');
        found.push({ prefix, kind: 'different', text });
      }
    }
    for (const { id, attributes } of this.entries()) {
      const prefix = this.prefixes.format(id);
      if (found.length >= limit) return found;
      if (expected.get(prefix) !== undefined || skip(prefix)) continue;
      found.push({ prefix, kind: 'extra', text: formatRoute(prefix, attributes) });
    }
    return found;
  }

  #set(prefix: number, attributes: number): void {
    if (prefix === 0) return;
    if (prefix >= this.#routes.length) {
      const larger = new Uint32Array(Math.max(2 * this.#routes.length, prefix + 1));
      larger.set(this.#routes);
      this.#routes = larger;
    }
    if (attributes !== 0) this.announced++;
    else this.withdrawn++;
    this.#size += (attributes !== 0 ? 1 : 0) - (this.#routes[prefix] !== 0 ? 1 : 0);
    this.#routes[prefix] = attributes;
  }

  #sweep(): void {
    const used = new Uint8Array(this.attributes.limit);
    for (const id of this.#routes) used[id] = 1;
    this.attributes.sweep(used);
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.attributes.size);
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A session whose received routes are collected in `table`. */
export class Collector {
  readonly speaker: Speaker;
  readonly table: CollectedTable;

  constructor(options: SpeakerOptions, table = new CollectedTable()) {
    this.table = table;
    this.speaker = new Speaker({
      ...options,
      onUpdate: (buf, start, end) => {
        const negotiated = this.speaker.negotiated;
        if (negotiated !== undefined) {
          const { as4, families, peerAs } = negotiated;
          table.update(buf, start, end, { as4, families, ebgp: peerAs !== options.as });
        }
        options.onUpdate?.(buf, start, end);
      },
    });
  }
}
