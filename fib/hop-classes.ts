// Which sets of next hops lead out of an interface that only the replicas see: looked up once per set and remembered by id.
import type { AttributeTable } from '../wire/attribute-table.js';

const UNKNOWN = 0;
const REAL = 1;
const INTERNAL = 2;
/** Offsets in the canonical form: count of hops; then per hop the interface (4 bytes), weight (2), flags, gateway length. */
const COUNT_AT = 1;
const FIRST_HOP_AT = 2;
const HOP_LENGTH_AT = 7;
const HOP_HEAD = 8;

export class HopClasses {
  private readonly hops: AttributeTable;
  private readonly internal: number;
  private classes = new Uint8Array(256);

  constructor(hops: AttributeTable, internalIfindex: number) {
    this.hops = hops;
    this.internal = internalIfindex;
  }

  /** Whether any hop of the set leaves through the internal interface. */
  isInternal(id: number): boolean {
    if (id >= this.classes.length) {
      const bigger = new Uint8Array(Math.max(id + 1, this.classes.length * 2));
      bigger.set(this.classes);
      this.classes = bigger;
    }
    if (this.classes[id] === UNKNOWN)
      this.classes[id] = usesInterface(this.hops.get(id), this.internal) ? INTERNAL : REAL;
    return this.classes[id] === INTERNAL;
  }

  /** After a sweep of the table ids mean something else. */
  forget(): void {
    this.classes.fill(UNKNOWN);
  }
}

/** Whether any hop of a canonical set leaves through the interface. */
export function usesInterface(hops: Uint8Array, ifindex: number): boolean {
  for (let at = FIRST_HOP_AT, left = hops[COUNT_AT]; left > 0 && at + HOP_HEAD <= hops.length; left--) {
    const out = ((hops[at] << 24) | (hops[at + 1] << 16) | (hops[at + 2] << 8) | hops[at + 3]) >>> 0;
    if (out === ifindex) return true;
    at += HOP_HEAD + hops[at + HOP_LENGTH_AT];
  }
  return false;
}
