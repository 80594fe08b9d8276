// What is wrong with the replicas now, as patterns (`btr faults`): the open dissents of all neighbours' voters by their differences, and
// the findings that no single dissents are known of. Owns the walk and its bound; patterns are patterns/.
import type { AttributeDifference } from '../../wire/bgp/describe.js';
import { diffAttributes } from '../../wire/bgp/describe.js';
import { wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import { Slices } from '../slices.js';
import type { FindingReport } from '../status.js';
import { attributesAsObject, namesOf } from '../vote-records.js';
import { PatternBook } from './patterns/pattern-book.js';
import type { FaultPattern } from './types.js';

/** Dissents that are looked at, of each replica towards each neighbour; more are only said to be there. */
const LOOKED_AT = 5000;
/** One dissent costs as much as so many steps. */
const WEIGHT = 8;

type Context = Pick<RouterContext, 'tables' | 'records' | 'faults'>;

export class LivePatterns {
  private readonly context: Context;
  private readonly neighbors: readonly NeighborPort[];
  /** By both attribute ids; valid for one walk. */
  private diffs = new Map<string, readonly AttributeDifference[]>();

  constructor(context: Context, neighbors: readonly NeighborPort[]) {
    this.context = context;
    this.neighbors = neighbors;
  }

  /** `findings`: those that are asked for; of the open ones only what they are about is looked at. Takes several turns. */
  async of(findings: readonly FindingReport[]): Promise<FaultPattern[]> {
    const book = new PatternBook();
    const wanted = new Set(findings.filter(({ open }) => open).map(({ id }) => id));
    const met = new Set<number>();
    this.diffs = new Map();
    const slices = new Slices();
    for (const port of wanted.size === 0 ? [] : this.neighbors) await this.walk(port, book, wanted, met, slices);
    for (const finding of findings) if (!met.has(finding.id)) book.addFinding(finding);
    this.diffs = new Map();
    return book.patterns();
  }

  private async walk(
    port: NeighborPort,
    book: PatternBook,
    wanted: ReadonlySet<number>,
    met: Set<number>,
    slices: Slices,
  ): Promise<void> {
    const { replicas } = this.context.records;
    const left = replicas.map(() => LOOKED_AT);
    for (let prefix = 0; (prefix = port.voter.nextDissent(prefix + 1)) !== 0;) {
      const dissenters = port.voter.dissenters(prefix);
      for (let r = 0; r < replicas.length; r++) {
        if (((dissenters >>> r) & 1) === 0) continue;
        if (left[r]-- > 0) this.add(port, r, prefix, book, wanted, met);
      }
      if (left.every((rest) => rest <= 0)) break;
      const wait = slices.step(WEIGHT);
      if (wait !== undefined) await wait;
    }
    replicas.forEach((replica, r) => {
      if (port.voter.dissentCount(r) > LOOKED_AT) book.moreOf(replica, port.config.address);
    });
  }

  private add(
    { voter, config, index }: NeighborPort,
    r: number,
    prefix: number,
    book: PatternBook,
    wanted: ReadonlySet<number>,
    met: Set<number>,
  ): void {
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
      diff: this.diff(verdict, vote).map(({ attribute, left, right }) => ({
        ...{ attribute, majority: left ?? null, vote: right ?? null },
      })),
      against: namesOf(voter.agreement(prefix), records.replicas),
      ...{ first: since, last: since, open: true },
      known: on.finding.kind === 'known-difference' ? on.finding.text.split(', ') : [],
      finding: on.finding.id,
    });
  }

  private diff(verdict: number, vote: number): readonly AttributeDifference[] {
    if (verdict === 0 || vote === 0) return [];
    const key = `${verdict} ${vote}`;
    let diff = this.diffs.get(key);
    if (diff === undefined) {
      const { attributes } = this.context.tables;
      // A copy: the second look-up may move the table's memory.
      diff = diffAttributes(attributes.get(verdict).slice(), attributes.get(vote).slice());
      this.diffs.set(key, diff);
    }
    return diff;
  }
}
