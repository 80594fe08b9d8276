// What went out, as lines of the vote log at level `all`: one for each group of prefixes that share verdict, rule and supporters. Serves both
// voters. Owns the grouping and the fields of the kind `decision`, which are described in docs/vote-log.md; other kinds are ballot-journal.ts.
import type { UpdateVoter } from '../voter/update-voter.js';
import type { Rule } from '../voter/types.js';
import { familyName, type Family } from '../wire/family.js';
import { latencySince, type BallotWords } from './ballot-journal.js';
import { hex, namesOf, nlriHex, plainRecord } from './vote-records.js';

export type DecidedBallots = Pick<UpdateVoter, 'rule' | 'verdict' | 'currentVote' | 'hasSay' | 'agreement'>;

/** Prefixes ids[from..to) of one family that now have `attributes` (0: no route). */
export interface Decided {
  family: Family;
  attributes: number;
  /** Bitmask of the replicas that agree. */
  agree: number;
  ids: Uint32Array;
  from: number;
  to: number;
}

export class DecisionJournal {
  private readonly words: BallotWords;

  constructor(words: BallotWords) {
    this.words = words;
  }

  /** The lines about one group, one for each rule. What came in at `since` or before did not cause it, ms. */
  lines(group: Decided, voter: DecidedBallots, at: number, since: number): string[] {
    const { ids, from, to } = group;
    const lines: string[] = [];
    for (let k = from; k < to;) {
      const rule = voter.rule(ids[k]);
      let end = k + 1;
      while (end < to && voter.rule(ids[end]) === rule) end++;
      lines.push(this.line({ ...group, from: k, to: end }, rule, voter, at, since));
      k = end;
    }
    return lines;
  }

  /** The lines about the first `count` ballots of `ids`, which `voter` has just decided, in any order. */
  ungrouped(ids: Uint32Array, count: number, voter: DecidedBallots, at: number): string[] {
    const { prefixes } = this.words;
    const groups = new Map<string, number[]>();
    for (let i = 0; i < count; i++) {
      const prefix = ids[i];
      const key = `${voter.verdict(prefix)} ${prefixes.family(prefix)} ${voter.agreement(prefix)} ${voter.rule(prefix)}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [prefix]);
      else group.push(prefix);
    }
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      const shared = {
        family: prefixes.family(first),
        attributes: voter.verdict(first),
        agree: voter.agreement(first),
      };
      return this.lines({ ...shared, ids: Uint32Array.from(group), from: 0, to: group.length }, voter, at, -Infinity);
    });
  }

  private line(group: Decided, rule: Rule, voter: DecidedBallots, at: number, since: number): string {
    const { place, strategy, replicas, prefixes } = this.words;
    const { attributes, ids, from, to } = group;
    const family = familyName(group.family);
    const others = this.others(ids[from], voter);
    return plainRecord(at, 'decision', {
      ...place,
      family,
      agree: namesOf(group.agree, replicas),
      rule,
      strategy,
      latency: this.latency(group, at, since),
      prefixes: to - from,
      nlri: { [family]: nlriHex(prefixes, ids, from, to) },
      verdict: this.words.route(attributes),
      raw: this.raw(attributes),
      ...(attributes === 0 && voter.verdict(ids[from]) !== 0 ? { unsendable: true } : {}),
      ...(others.length === 0 ? {} : { others }),
    });
  }

  /** Who has a say on `prefix` and says something else than the verdict at this moment. */
  private others(prefix: number, voter: DecidedBallots): Record<string, unknown>[] {
    const verdict = voter.verdict(prefix);
    return this.words.replicas.flatMap((replica, r) => {
      const vote = voter.currentVote(r, prefix);
      if (vote === verdict || !voter.hasSay(r, prefix)) return [];
      return [{ replica, attributes: this.words.attributes(vote), raw: this.raw(vote) }];
    });
  }

  private raw(id: number): string | null {
    return id === 0 ? null : hex(this.words.raw(id));
  }

  /** The longest of the group, ms; null when nothing that came in caused it, as far as is known. */
  private latency({ ids, from, to }: Decided, at: number, since: number): number | null {
    let longest: number | null = null;
    for (let k = from; k < to; k++) {
      const input = this.words.lastInput(ids[k]);
      const latency = input > since ? latencySince(input, at) : null;
      if (latency !== null && (longest === null || latency > longest)) longest = latency;
    }
    return longest;
  }
}
