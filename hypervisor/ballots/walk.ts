// Which ballots of a neighbour's voter a question is about: finds candidates, one after the other, and judges each. Owns the search and the
// conditions; what is said of a ballot is reports.ts, and that nobody waits for a long search is slices.ts.
import type { UpdateVoter } from '../../voter/update-voter.js';
import type { AttributeTable } from '../../wire/attribute-table.js';
import { pathContainsAs } from '../../wire/bgp/canonical.js';
import type { Prefix } from '../../wire/prefix-text.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { BallotFilter } from './query.js';

/** Prefixes that are looked at between two breaths of a search that finds nothing. */
const BREATH = 1024;

/**
 * The ids, from above `after` on, of prefixes that the question may be about; 0 for nothing found for a while. Ids that are in use: what
 * happens between two of them may change that.
 */
export function* candidates(
  filter: BallotFilter,
  voter: UpdateVoter,
  prefixes: PrefixTable,
  after: number,
): Generator<number> {
  const { prefix, match, state } = filter;
  if (prefix !== undefined && match !== 'covered') {
    const ids = match === 'exact' ? [idOf(prefixes, prefix, prefix.bits)] : covering(prefixes, prefix);
    yield* ids.filter((id) => id > after).sort((a, b) => a - b);
  } else if (prefix !== undefined || state === 'all') {
    yield* within(prefixes, prefix, after);
  } else {
    const next = (from: number): number => (state === 'dissent' ? voter.nextDissent(from) : voter.nextContested(from));
    for (let id = after; (id = next(id + 1)) !== 0;) yield id;
  }
}

function idOf(prefixes: PrefixTable, { family, address }: Prefix, bits: number): number {
  return prefixes.find(family, address, 0, bits);
}

/** The prefix itself and what it lies in. */
function covering(prefixes: PrefixTable, prefix: Prefix): number[] {
  const ids: number[] = [];
  for (let bits = prefix.bits; bits >= 0; bits--) {
    const id = idOf(prefixes, prefix, bits);
    if (id !== 0) ids.push(id);
  }
  return ids;
}

/** The prefix itself and what lies in it; without one: all that there are. */
function* within(prefixes: PrefixTable, prefix: Prefix | undefined, after: number): Generator<number> {
  const nlri = new Uint8Array(17);
  for (let id = after + 1; id < prefixes.limit; id++) {
    if (prefixes.has(id) && (prefix === undefined || lies(prefixes, id, prefix, nlri))) yield id;
    else if (id % BREATH === 0) yield 0;
  }
}

function lies(prefixes: PrefixTable, id: number, { family, address, bits }: Prefix, nlri: Uint8Array): boolean {
  if (prefixes.family(id) !== family || prefixes.bits(id) < bits) return false;
  prefixes.writeNlri(id, nlri, 0);
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (nlri[1 + i] !== address[i]) return false;
  return bits % 8 === 0 || (nlri[1 + whole] ^ address[whole]) >>> (8 - (bits % 8)) === 0;
}

/** The conditions of a question that are about a ballot itself. */
export class BallotTest {
  private readonly filter: BallotFilter;
  private readonly attributes: AttributeTable;
  private readonly replicas: number;
  /** By attribute id: whether the AS that is asked for is in the path. */
  private readonly paths = new Map<number, boolean>();

  constructor(filter: BallotFilter, attributes: AttributeTable, replicas: number) {
    this.filter = filter;
    this.attributes = attributes;
    this.replicas = replicas;
  }

  holds(voter: UpdateVoter, prefix: number, now: number): boolean {
    const { filter } = this;
    return (
      this.isKnown(voter, prefix) &&
      this.inState(voter, prefix) &&
      (filter.replica === undefined || differs(voter, filter.replica, prefix)) &&
      (filter.as === undefined || this.hasAs(voter, prefix, filter.as)) &&
      this.inTime(voter, prefix, now)
    );
  }

  /** Whether anybody has said anything. */
  private isKnown(voter: UpdateVoter, prefix: number): boolean {
    if (voter.verdict(prefix) !== 0) return true;
    for (let r = 0; r < this.replicas; r++) if (voter.currentVote(r, prefix) !== 0) return true;
    return false;
  }

  private inState(voter: UpdateVoter, prefix: number): boolean {
    switch (this.filter.state) {
      case 'all':
        return true;
      case 'contested':
        return voter.isContested(prefix);
      case 'dissent':
        return voter.dissenters(prefix) !== 0;
      default:
        return voter.trouble(prefix) === this.filter.state;
    }
  }

  private hasAs(voter: UpdateVoter, prefix: number, as: number): boolean {
    if (this.inPath(voter.verdict(prefix), as)) return true;
    for (let r = 0; r < this.replicas; r++) if (this.inPath(voter.currentVote(r, prefix), as)) return true;
    return false;
  }

  private inPath(id: number, as: number): boolean {
    if (id === 0) return false;
    let found = this.paths.get(id);
    if (found === undefined) this.paths.set(id, (found = pathContainsAs(this.attributes.get(id), as)));
    return found;
  }

  private inTime(voter: UpdateVoter, prefix: number, now: number): boolean {
    const { from, to, state } = this.filter;
    if (from === -Infinity && to === Infinity) return true;
    let latest = -Infinity;
    for (let r = 0; r < this.replicas; r++) {
      if (state !== 'all' && !differs(voter, r, prefix)) continue;
      latest = Math.max(latest, now - (voter.voteAge(r, prefix, now) ?? Infinity));
    }
    return latest >= from && latest <= to;
  }
}

/** Whether a replica with a say on the prefix disagrees with the verdict. */
export function differs(voter: UpdateVoter, r: number, prefix: number): boolean {
  return voter.currentVote(r, prefix) !== voter.verdict(prefix) && voter.hasSay(r, prefix);
}
