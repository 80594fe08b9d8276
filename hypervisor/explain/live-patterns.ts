// What is wrong with the replicas now (`btr faults`): findings, and patterns made of the open dissents of all neighbours' voters by their
// differences and of the findings that no single dissents are known of. Owns the walk and its bound; patterns are patterns/, which findings
// are meant is finding-filter.ts.
import type { AttributeDifference } from '../../wire/bgp/describe.js';
import { diffAttributes } from '../../wire/bgp/describe.js';
import type { BallotFilter } from '../ballots/query.js';
import { BallotTest, candidates } from '../ballots/walk.js';
import { now, wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import { Slices } from '../slices.js';
import type { FaultsAnswer, FindingReport } from '../status.js';
import { attributesAsObject, namesOf } from '../vote-records.js';
import { concerns, parseFaultsQuery, type FaultsQuery } from './finding-filter.js';
import { PatternBook } from './patterns/pattern-book.js';
import type { FaultPattern } from './types.js';

/** Dissents that are looked at, of each replica towards each neighbour; more are only said to be there. */
const LOOKED_AT = 5000;
/** One dissent costs as much as so many steps. */
const WEIGHT = 8;

type Context = Pick<RouterContext, 'config' | 'tables' | 'records' | 'faults' | 'fib'>;

/** What a walk through the voters has met. */
interface Walk {
  book: PatternBook;
  filter: BallotFilter;
  /** Findings that are asked for, and of these those that single dissents were found of. */
  wanted: ReadonlySet<number>;
  met: Set<number>;
  slices: Slices;
  /** By both attribute ids, which mean something until others have a turn. */
  diffs: Map<string, readonly AttributeDifference[]>;
}

export class LivePatterns {
  private readonly context: Context;
  private readonly neighbors: readonly NeighborPort[];

  constructor(context: Context, neighbors: readonly NeighborPort[]) {
    this.context = context;
    this.neighbors = neighbors;
  }

  /** Rejects with an Error for the user when the question makes no sense. */
  async answer(query: FaultsQuery): Promise<FaultsAnswer> {
    const filter = parseFaultsQuery(query, this.context);
    const report = this.context.faults.report(query);
    const narrowed = filter.prefix !== undefined || filter.as !== undefined;
    const about = (finding: FindingReport): boolean => concerns(finding, query, filter);
    // Of an open finding towards neighbours the dissents themselves are looked at: it names only some of its prefixes.
    const asked = report.findings.filter((finding) => about(finding) || (isWalked(finding) && narrowed));
    const { patterns, met } = await this.of(asked, filter);
    const findings = asked.filter((finding) => met.has(finding.id) || about(finding));
    return { ...report, findings, patterns };
  }

  /** Takes several turns. */
  private async of(
    findings: readonly FindingReport[],
    filter: BallotFilter,
  ): Promise<{ patterns: FaultPattern[]; met: ReadonlySet<number> }> {
    const wanted = new Set(findings.filter(isWalked).map(({ id }) => id));
    const walk: Walk = {
      book: new PatternBook(),
      filter,
      wanted,
      met: new Set(),
      slices: new Slices(),
      diffs: new Map(),
    };
    for (const n of wanted.size === 0 ? [] : filter.neighbors) await this.walk(this.neighbors[n], walk);
    const narrowed = filter.prefix !== undefined || filter.as !== undefined;
    for (const finding of findings) {
      // Open, and none of its dissents is about what is asked for; or it has closed meanwhile.
      if (walk.met.has(finding.id) || (narrowed && isWalked(finding))) continue;
      walk.book.addFinding(finding, await this.against(finding));
    }
    return { patterns: walk.book.patterns(), met: walk.met };
  }

  /** Who agrees with the majority on an open finding's first prefix in the forwarding table. */
  private async against({ open, place, samples }: FindingReport): Promise<string[]> {
    const { fib } = this.context;
    if (fib === undefined || !open || place !== 'fib' || samples.length === 0) return [];
    const answer = await fib.routes({ prefix: samples[0] }).catch(() => undefined);
    const votes = answer?.routes[0]?.votes ?? [];
    return votes.filter(({ counts, agrees }) => counts && agrees).map(({ replica }) => replica);
  }

  private async walk(port: NeighborPort, walk: Walk): Promise<void> {
    const { tables, records } = this.context;
    const { replicas } = records;
    const test = new BallotTest(walk.filter, tables.attributes, replicas.length);
    const left = replicas.map(() => LOOKED_AT);
    for (const prefix of candidates(walk.filter, port.voter, tables.prefixes, 0)) {
      const dissenters = prefix !== 0 && test.holds(port.voter, prefix, now()) ? port.voter.dissenters(prefix) : 0;
      for (let r = 0; r < replicas.length; r++) {
        if (((dissenters >>> r) & 1) === 0) continue;
        if (left[r]-- > 0) this.add(port, r, prefix, walk);
      }
      if (left.every((rest) => rest < 0)) break;
      const wait = walk.slices.step(WEIGHT);
      if (wait === undefined) continue;
      await wait;
      walk.diffs.clear();
    }
    replicas.forEach((replica, r) => {
      if (left[r] < 0) walk.book.moreOf(replica, port.config.address);
    });
  }

  private add({ voter, config, index }: NeighborPort, r: number, prefix: number, walk: Walk): void {
    const { book, wanted, met } = walk;
    const { faults, records, tables } = this.context;
    const on = faults.dissentOn(r, index, prefix);
    if (on === undefined || !wanted.has(on.finding.id)) return;
    met.add(on.finding.id);
    const [vote, verdict] = [voter.currentVote(r, prefix), voter.verdict(prefix)];
    const since = Date.parse(wallClock(on.since));
    book.add({
      replica: records.replicas[r],
      kind: vote === 0 ? 'missing' : verdict === 0 ? 'extra' : 'different',
      place: config.address,
      prefixes: [tables.prefixes.format(prefix)],
      vote: attributesAsObject(tables.attributes, vote),
      majority: attributesAsObject(tables.attributes, verdict),
      diff: this.diff(walk.diffs, verdict, vote).map(({ attribute, left, right }) => ({
        ...{ attribute, majority: left ?? null, vote: right ?? null },
      })),
      against: namesOf(voter.agreement(prefix), records.replicas),
      ...{ first: since, last: since, open: true },
      known: on.finding.kind === 'known-difference' ? on.finding.text.split(', ') : [],
      finding: on.finding.id,
    });
  }

  private diff(diffs: Walk['diffs'], verdict: number, vote: number): readonly AttributeDifference[] {
    if (verdict === 0 || vote === 0) return [];
    const key = `${verdict} ${vote}`;
    let diff = diffs.get(key);
    if (diff === undefined) {
      const { attributes } = this.context.tables;
      // A copy: the second look-up may move the table's memory.
      diff = diffAttributes(attributes.get(verdict).slice(), attributes.get(vote).slice());
      diffs.set(key, diff);
    }
    return diff;
  }
}

/** Whether single dissents are known of a finding. */
function isWalked({ open, place }: FindingReport): boolean {
  return open && place !== null && place !== 'fib';
}
