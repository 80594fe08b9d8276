// Contested ballots counted by replica, prefix, neighbour, attribute or hour: one row for each value. Counts votes that differ from the
// verdict. Owns the rows; which ballots are meant is walk.ts.
import { hourOf, OTHER_KEYS } from '../../votelog/summary.js';
import type { SummaryKey, SummaryRow } from '../../votelog/types.js';
import { wallClock, wallTime } from '../clock.js';

/** One vote that differs. `since`: ms of `now()`. */
export interface DifferingVote {
  replica: string;
  prefix: number;
  neighbor: string;
  kind: 'extra' | 'missing' | 'different';
  since: number;
}

/** What rows need to know of a vote only if they are asked for. */
export interface VoteWords {
  prefixText(prefix: number): string;
  /** Names of the attributes that differ. */
  attributes(): readonly string[];
}

interface Row {
  records: number;
  prefixes: Set<number>;
  first: number;
  last: number;
}

/** More rows than that are not told apart: what comes with further ones is counted in one. */
const MAX_ROWS = 100_000;

export class BallotSummary {
  private readonly by: SummaryKey;
  private readonly rows = new Map<string, Row>();

  constructor(by: SummaryKey) {
    this.by = by;
  }

  add(vote: DifferingVote, words: VoteWords): void {
    for (const key of this.keys(vote, words)) this.count(key, vote);
  }

  /** The largest first; `limit` of them, and how many there are. */
  top(limit: number): { rows: SummaryRow[]; total: number } {
    const ordered = [...this.rows].sort(([a, left], [b, right]) =>
      this.by === 'hour' ? (a < b ? -1 : 1) : right.records - left.records || (a < b ? -1 : 1),
    );
    const rows = ordered.slice(0, limit).map(([key, { records, prefixes, first, last }]) => ({
      key,
      records,
      prefixes: prefixes.size,
      first: wallClock(first),
      last: wallClock(last),
    }));
    return { rows, total: this.rows.size };
  }

  private keys(vote: DifferingVote, words: VoteWords): readonly string[] {
    switch (this.by) {
      case 'replica':
        return [vote.replica];
      case 'neighbor':
        return [vote.neighbor];
      case 'prefix':
        return [words.prefixText(vote.prefix)];
      case 'attribute':
        return vote.kind === 'different' ? words.attributes() : ['route'];
      case 'hour':
        return [hourOf(wallTime(vote.since))];
      case 'kind':
        return [vote.kind];
    }
  }

  private count(name: string, { prefix, since }: DifferingVote): void {
    const key = this.rows.size < MAX_ROWS || this.rows.has(name) ? name : OTHER_KEYS;
    const row = this.rows.get(key);
    if (row === undefined) {
      this.rows.set(key, { records: 1, prefixes: new Set([prefix]), first: since, last: since });
      return;
    }
    row.records++;
    row.prefixes.add(prefix);
    row.first = Math.min(row.first, since);
    row.last = Math.max(row.last, since);
  }
}
