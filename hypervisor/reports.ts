// Answers to `btr votes` about the live state: ballots as an operator reads them, or counts of them. Owns the look-up and its bounds; the
// shapes are status.ts, which ballots are meant is ballots/walk.ts. Half a million ballots may be contested: everything goes in slices.
import type { UpdateVoter } from '../voter/update-voter.js';
import type { SummaryRow } from '../votelog/types.js';
import { diffAttributes } from '../wire/bgp/describe.js';
import { cursorOf, parseBallotQuery, type BallotFilter, type BallotQuery } from './ballots/query.js';
import { BallotSummary } from './ballots/summary.js';
import { BallotTest, candidates, differs } from './ballots/walk.js';
import { now, wallClock } from './clock.js';
import type { RouterContext } from './context.js';
import type { NeighborPort } from './neighbor-port.js';
import { Slices } from './slices.js';
import type { BallotReport, BallotVote } from './status.js';
import { attributesAsObject, namesOf } from './vote-records.js';

const UNKNOWN_ADVERTISED = 0xffffffff;
/** One ballot in words costs as much as looking at so many. */
const REPORT_WEIGHT = 16;

/** What `btr votes` gets. */
export interface BallotsAnswer {
  ballots: BallotReport[];
  /** All that match, also those beyond the limit. */
  total: number;
  /** Where to go on (`after`); null at the end. */
  next: string | null;
  /** With `by`: the rows, of which there are `total`. */
  rows?: SummaryRow[];
}

type Visit = (port: NeighborPort, prefix: number, at: number) => void;

export class Reports {
  private readonly context: RouterContext;
  private readonly neighbors: readonly NeighborPort[];

  constructor(context: RouterContext, neighbors: readonly NeighborPort[]) {
    this.context = context;
    this.neighbors = neighbors;
  }

  /** The ballots that are asked for: of a prefix, or all contested ones. Rejects with an Error for the user. */
  async ballots(query: BallotQuery): Promise<BallotsAnswer> {
    const filter = parseBallotQuery(query, this.context);
    return filter.by === undefined ? this.list(filter) : this.summary(filter);
  }

  /** One ballot, as it is now. */
  ballot({ voter, config }: NeighborPort, prefix: number, at: number): BallotReport {
    const { attributes, prefixes } = this.context.tables;
    const { replicas } = this.context.records;
    const advertised = voter.advertised(prefix);
    return {
      neighbor: config.address,
      prefix: prefixes.format(prefix),
      verdict: attributesAsObject(attributes, voter.verdict(prefix)),
      advertised: advertised === UNKNOWN_ADVERTISED ? null : attributesAsObject(attributes, advertised),
      rule: voter.rule(prefix),
      contested: voter.isContested(prefix),
      trouble: voter.trouble(prefix) ?? null,
      dissent: namesOf(voter.dissenters(prefix), replicas),
      votes: replicas.map((replica, r) => this.vote(voter, replica, r, prefix, at)),
    };
  }

  private async list(filter: BallotFilter): Promise<BallotsAnswer> {
    const answer: BallotsAnswer = { ballots: [], total: 0, next: null };
    let last: string | null = null;
    await this.walk(filter, (port, prefix, at) => {
      if (++answer.total > filter.limit) {
        answer.next = last;
        return;
      }
      answer.ballots.push(this.ballot(port, prefix, at));
      last = cursorOf(port.index, prefix);
    });
    return answer;
  }

  private async summary(filter: BallotFilter): Promise<BallotsAnswer> {
    const { prefixes, attributes } = this.context.tables;
    const { replicas } = this.context.records;
    const summary = new BallotSummary(filter.by!);
    await this.walk(filter, ({ voter, config }, prefix, at) => {
      const verdict = voter.verdict(prefix);
      for (let r = 0; r < replicas.length; r++) {
        if (!differs(voter, r, prefix) || (filter.replica ?? r) !== r) continue;
        const vote = voter.currentVote(r, prefix);
        const kind = vote === 0 ? 'missing' : verdict === 0 ? 'extra' : 'different';
        const since = at - (voter.voteAge(r, prefix, at) ?? 0);
        summary.add(
          { replica: replicas[r], prefix, neighbor: config.address, kind, since },
          {
            prefixText: (id) => prefixes.format(id),
            attributes: () => diff(attributes, verdict, vote).map(({ attribute }) => attribute),
          },
        );
      }
    });
    return { ballots: [], next: null, ...summary.top(filter.limit) };
  }

  /** Calls `visit` for each ballot that matches, in slices: between two calls everything may change. */
  private async walk(filter: BallotFilter, visit: Visit): Promise<void> {
    const { prefixes, attributes } = this.context.tables;
    const test = new BallotTest(filter, attributes, this.context.records.replicas.length);
    const slices = new Slices();
    for (const n of filter.neighbors) {
      if (n < filter.start.neighbor) continue;
      const port = this.neighbors[n];
      const after = n === filter.start.neighbor ? filter.start.prefix : 0;
      for (const prefix of candidates(filter, port.voter, prefixes, after)) {
        const found = prefix !== 0 && test.holds(port.voter, prefix, now());
        if (found) visit(port, prefix, now());
        const wait = slices.step(found || prefix === 0 ? REPORT_WEIGHT : 1);
        if (wait !== undefined) await wait;
      }
    }
  }

  private vote(voter: UpdateVoter, replica: string, r: number, prefix: number, at: number): BallotVote {
    const { attributes } = this.context.tables;
    const vote = voter.currentVote(r, prefix);
    const verdict = voter.verdict(prefix);
    const age = voter.voteAge(r, prefix, at);
    const report: BallotVote = {
      replica,
      counts: voter.hasSay(r, prefix),
      agrees: vote === verdict,
      since: age === undefined ? null : wallClock(at - age),
      attributes: attributesAsObject(attributes, vote),
    };
    if (vote !== verdict && vote !== 0 && verdict !== 0) report.diff = diff(attributes, verdict, vote);
    return report;
  }
}

/** In what two sets of attributes differ, by id. */
function diff(
  attributes: RouterContext['tables']['attributes'],
  left: number,
  right: number,
): ReturnType<typeof diffAttributes> {
  // A copy: the second look-up may move the table's memory.
  return diffAttributes(attributes.get(left).slice(), attributes.get(right).slice());
}
