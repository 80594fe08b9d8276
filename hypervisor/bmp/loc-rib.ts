// The Loc-RIB (RFC 9069) of a router that has none: replicas have their own, and what is voted is what each neighbour is told. A prefix's
// route is the one that the verdicts are made of: the verdict for the first neighbour that has one, and of the routes that neighbours sent
// the one with the same AS path, without our own AS in front. Owns that choice; keeps no table. Who is told is loc-rib-feed.ts.
import type { Replicator } from '../../replicator/replicator.js';
import { AttributeCursor, AttributeType, SegmentType } from '../../wire/bgp/attributes.js';
import { u32 } from '../../wire/mrt/types.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { Tables } from '../tables.js';

export interface LocRibParts {
  as: number;
  tables: Tables;
  replicator: Replicator;
  neighbors(): readonly NeighborPort[];
}

/** Bytes from..to of an attribute set. */
interface Span {
  from: number;
  to: number;
}

export class LocRib {
  private readonly parts: LocRibParts;
  private readonly cursor = new AttributeCursor();
  private readonly wanted: Span = { from: 0, to: 0 };
  private readonly found: Span = { from: 0, to: 0 };

  constructor(parts: LocRibParts) {
    this.parts = parts;
  }

  /** Attribute id of the route to a prefix, 0: none. */
  route(prefix: number): number {
    const { attributes } = this.parts.tables;
    const neighbors = this.parts.neighbors();
    let verdict = 0;
    for (let n = 0; n < neighbors.length && verdict === 0; n++) {
      if (neighbors[n].negotiated !== undefined) verdict = neighbors[n].voter.verdict(prefix);
    }
    if (verdict === 0) return 0;
    const bytes = attributes.get(verdict);
    if (!this.findPath(bytes, this.wanted)) return verdict;
    this.skipOwn(bytes, this.wanted);
    for (let n = 0; n < neighbors.length; n++) {
      const route = neighbors[n].negotiated === undefined ? 0 : this.parts.replicator.route(n, prefix);
      if (route !== 0 && this.hasPath(attributes.get(route), bytes)) return route;
    }
    return verdict;
  }

  /** The AS_PATH of an attribute set. False: it has none. */
  private findPath(bytes: Uint8Array, into: Span): boolean {
    const { cursor } = this;
    cursor.reset(bytes, 0, bytes.length);
    while (cursor.next()) {
      if (cursor.type !== AttributeType.AS_PATH) continue;
      into.from = cursor.valueStart;
      into.to = cursor.end;
      return true;
    }
    return false;
  }

  /** Leaves the AS numbers of the path's first sequence that are our own out of the span, and the sequence's two bytes with them. */
  private skipOwn(bytes: Uint8Array, span: Span): void {
    if (span.to - span.from < 2 || bytes[span.from] !== SegmentType.AS_SEQUENCE) return;
    let at = span.from + 2;
    const end = Math.min(span.to, at + 4 * bytes[span.from + 1]);
    while (at + 4 <= end && u32(bytes, at) === this.parts.as) at += 4;
    span.from = at;
  }

  /** Whether a route's path ends in the wanted one of `other`. */
  private hasPath(bytes: Uint8Array, other: Uint8Array): boolean {
    const { wanted, found } = this;
    if (!this.findPath(bytes, found)) return false;
    const from =
      found.to - found.from >= 2 && bytes[found.from] === SegmentType.AS_SEQUENCE ? found.from + 2 : found.from;
    if (found.to - from !== wanted.to - wanted.from) return false;
    for (let i = 0; i < found.to - from; i++) if (bytes[from + i] !== other[wanted.from + i]) return false;
    return true;
  }
}
