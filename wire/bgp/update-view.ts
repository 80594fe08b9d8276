// Where the parts of a parsed UPDATE are: offsets into the message, filled by parseUpdate, reused from message to message.
import type { Family } from '../family.js';

/** A list of prefixes in the message: bytes start..end. Its syntax has been checked. */
export interface UpdateSection {
  kind: 'withdraw' | 'announce';
  family: Family;
  start: number;
  end: number;
  /** In MP_REACH_NLRI or MP_UNREACH_NLRI rather than in a field of its own: decides which next hop counts. */
  mp: boolean;
}

/** Most attributes kept of one message: each type at most once. */
const MAX_ATTRIBUTES = 256;
const MAX_SECTIONS = 4;

export class UpdateView {
  /**
   * The first `sectionCount` entries are the prefix lists of negotiated families, withdrawals first, so that a prefix in both kinds ends up
   * announced (RFC 4271 section 4.3). Empty lists are left out.
   */
  readonly sections: UpdateSection[] = Array.from({ length: MAX_SECTIONS }, () => ({
    kind: 'withdraw',
    family: 0,
    start: 0,
    end: 0,
    mp: false,
  }));
  sectionCount = 0;

  /** The path attributes field. */
  attributesStart = 0;
  attributesEnd = 0;

  /** The attributes that are kept, in the order received: without MP_UNREACH_NLRI and without those RFC 7606 discards. */
  attributeCount = 0;
  readonly attributeTypes = new Uint8Array(MAX_ATTRIBUTES);
  readonly attributeStarts = new Uint32Array(MAX_ATTRIBUTES);
  readonly attributeEnds = new Uint32Array(MAX_ATTRIBUTES);

  /** Next hop bytes in MP_REACH_NLRI (4, 16 or 32 of them) and its family; undefined without one of a negotiated family. */
  mpFamily: Family | undefined;
  mpNextHopStart = 0;
  mpNextHopEnd = 0;

  /** Set when the message is the End-of-RIB marker of this family (RFC 4724 section 2). */
  endOfRib: Family | undefined;

  clear(): void {
    this.sectionCount = 0;
    this.attributesStart = 0;
    this.attributesEnd = 0;
    this.attributeCount = 0;
    this.mpFamily = undefined;
    this.endOfRib = undefined;
  }

  addSection(kind: 'withdraw' | 'announce', family: Family, start: number, end: number, mp: boolean): void {
    if (start >= end) return;
    const section = this.sections[this.sectionCount++];
    section.kind = kind;
    section.family = family;
    section.start = start;
    section.end = end;
    section.mp = mp;
  }

  swapSections(i: number, j: number): void {
    const section = this.sections[i];
    this.sections[i] = this.sections[j];
    this.sections[j] = section;
  }

  addAttribute(type: number, start: number, end: number): void {
    const index = this.attributeCount++;
    this.attributeTypes[index] = type;
    this.attributeStarts[index] = start;
    this.attributeEnds[index] = end;
  }
}
