// Turns what a replica sends "to a neighbour" into votes: split, canonicalise, apply the loop rule, cast.
// Owns the caches that make this cheap (raw attributes → canonical id); voting itself belongs to voter/.
import type { AttributeTable } from '../wire/attribute-table.js';
import type { Canonicaliser } from '../wire/bgp/canonical.js';
import { pathContainsAs } from '../wire/bgp/canonical.js';
import { extractRouteAttributes } from '../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView, type UpdateVerdict } from '../wire/bgp/update.js';
import type { Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';

/** The largest BGP message (RFC 8654) bounds every attribute set taken out of one. */
const SCRATCH = 65536;

/** What the intake needs of a voter; UpdateVoter is one. */
export interface Ballots {
  vote(replica: number, prefix: number, attributes: number, now: number): void;
}

export class Intake {
  /** Prefixes or attribute sets that found no room in their table: the votes are lost, which the operator must know. */
  tableFull = 0;
  /** Votes cast since the start. */
  votes = 0;
  private readonly prefixes: PrefixTable;
  private readonly attributes: AttributeTable;
  private readonly canonicaliser: Canonicaliser;
  private readonly view = new UpdateView();
  private readonly cursor = new NlriCursor();
  private readonly raw = new Uint8Array(SCRATCH);
  private readonly canonical = new Uint8Array(SCRATCH);
  /** canonicalOf[raw id × 2 + family]: canonical id, 0 = not computed yet. */
  private canonicalOf = new Uint32Array(1 << 16);
  private readonly context = { as4: true, ebgp: true, families: 0 };

  constructor(prefixes: PrefixTable, attributes: AttributeTable, canonicaliser: Canonicaliser) {
    this.prefixes = prefixes;
    this.attributes = attributes;
    this.canonicaliser = canonicaliser;
  }

  /**
   * Casts the votes of one UPDATE (a whole message) that `replica` sends to a neighbour with AS `neighborAs`.
   * Returns what RFC 7606 says of the message: a replica that sends an unsound one is faulty, and the caller decides.
   */
  cast(
    message: Uint8Array,
    start: number,
    end: number,
    families: number,
    neighborAs: number,
    replica: number,
    ballots: Ballots,
    now: number,
  ): UpdateVerdict {
    this.context.families = families;
    const verdict = parseUpdate(message, start, end, this.context, this.view);
    if (verdict.kind === 'reset') return verdict;
    const { view } = this;
    for (let i = 0; i < view.sectionCount; i++) {
      const section = view.sections[i];
      const absent = section.kind === 'withdraw' || verdict.kind === 'treat-as-withdraw';
      const vote = absent ? 0 : this.canonicalId(message, section.mp, section.family, neighborAs);
      this.castSection(message, section.start, section.end, section.family, replica, vote, ballots, now);
    }
    return verdict;
  }

  /** After a sweep of the attribute table ids mean something else. */
  forgetCaches(): void {
    this.canonicalOf.fill(0);
  }

  private castSection(
    message: Uint8Array,
    start: number,
    end: number,
    family: Family,
    replica: number,
    vote: number,
    ballots: Ballots,
    now: number,
  ): void {
    const { cursor, prefixes } = this;
    cursor.reset(message, start, end, family);
    while (cursor.next()) {
      const prefix = prefixes.intern(family, message, cursor.at, cursor.bits);
      if (prefix === 0) this.tableFull++;
      else {
        ballots.vote(replica, prefix, vote, now);
        this.votes++;
      }
    }
  }

  /** The vote for the attributes of the message in `view`: 0 (absent) for a path that the neighbour would drop as a loop. */
  private canonicalId(message: Uint8Array, mp: boolean, family: Family, neighborAs: number): number {
    const rawEnd = extractRouteAttributes(message, this.view, mp, this.raw, 0);
    const rawId = this.attributes.intern(this.raw, 0, rawEnd);
    if (rawId === 0) {
      this.tableFull++;
      return 0;
    }
    const slot = rawId * 2 + family;
    if (slot >= this.canonicalOf.length) this.growCache(slot);
    let id = this.canonicalOf[slot];
    if (id === 0) {
      const length = this.canonicaliser.canonicalise(this.raw, 0, rawEnd, family, this.canonical);
      if (length < 0) return 0;
      id = this.attributes.intern(this.canonical, 0, length);
      if (id === 0) this.tableFull++;
      this.canonicalOf[slot] = id;
    }
    return id !== 0 && pathContainsAs(this.attributes.get(id), neighborAs) ? 0 : id;
  }

  private growCache(slot: number): void {
    const bigger = new Uint32Array(Math.max(slot + 1, this.canonicalOf.length * 2));
    bigger.set(this.canonicalOf);
    this.canonicalOf = bigger;
  }
}
