// Answers to `btr votes`: ballots as an operator reads them. Owns the look-up; the shapes are status.ts.
import { diffAttributes } from '../wire/bgp/describe.js';
import type { RouterContext } from './context.js';
import type { NeighborPort } from './neighbor-port.js';
import type { BallotReport, BallotVote } from './status.js';
import { attributesAsObject } from './vote-records.js';

/** Most ballots in one answer, whatever is asked for. */
const MAX_BALLOTS = 100_000;
const UNKNOWN_ADVERTISED = 0xffffffff;

export interface BallotQuery {
  prefix?: string;
  neighbor?: string;
  limit?: number;
}

export class Reports {
  private readonly context: RouterContext;
  private readonly neighbors: readonly NeighborPort[];

  constructor(context: RouterContext, neighbors: readonly NeighborPort[]) {
    this.context = context;
    this.neighbors = neighbors;
  }

  /** The ballots of a prefix, or all contested ones. Throws an Error for the user when the question makes no sense. */
  ballots(query: BallotQuery): { ballots: BallotReport[]; total: number } {
    const ports = this.neighbors.filter(
      ({ config }) => query.neighbor === undefined || config.address === query.neighbor,
    );
    if (ports.length === 0) throw new Error(`there is no neighbour ${query.neighbor ?? ''}`);
    const limit = Math.min(query.limit ?? MAX_BALLOTS, MAX_BALLOTS);
    return query.prefix === undefined ? this.contested(ports, limit) : this.ofPrefix(ports, query.prefix);
  }

  private ofPrefix(ports: readonly NeighborPort[], text: string): { ballots: BallotReport[]; total: number } {
    const prefix = this.context.tables.prefixes.findText(text);
    const ballots =
      prefix === 0 ? [] : ports.filter((port) => this.known(port, prefix)).map((port) => this.report(port, prefix));
    return { ballots, total: ballots.length };
  }

  private contested(ports: readonly NeighborPort[], limit: number): { ballots: BallotReport[]; total: number } {
    const ballots: BallotReport[] = [];
    let total = 0;
    for (const port of ports) {
      port.voter.forEachContested((prefix) => {
        if (++total <= limit) ballots.push(this.report(port, prefix));
      });
    }
    return { ballots, total };
  }

  private known({ voter }: NeighborPort, prefix: number): boolean {
    return (
      voter.verdict(prefix) !== 0 || this.context.records.replicas.some((_, r) => voter.currentVote(r, prefix) !== 0)
    );
  }

  private report({ voter, config }: NeighborPort, prefix: number): BallotReport {
    const { attributes, prefixes } = this.context.tables;
    const verdict = voter.verdict(prefix);
    const advertised = voter.advertised(prefix);
    return {
      neighbor: config.address,
      prefix: prefixes.format(prefix),
      verdict: attributesAsObject(attributes, verdict),
      advertised: advertised === UNKNOWN_ADVERTISED ? null : attributesAsObject(attributes, advertised),
      votes: this.context.records.replicas.map((replica, r) =>
        this.vote(replica, voter.hasSay(r, prefix), { vote: voter.currentVote(r, prefix), verdict }),
      ),
    };
  }

  private vote(replica: string, counts: boolean, { vote, verdict }: { vote: number; verdict: number }): BallotVote {
    const { attributes } = this.context.tables;
    const report: BallotVote = {
      replica,
      counts,
      agrees: vote === verdict,
      attributes: attributesAsObject(attributes, vote),
    };
    if (vote !== verdict && vote !== 0 && verdict !== 0) {
      report.diff = diffAttributes(attributes.get(verdict).slice(), attributes.get(vote).slice());
    }
    return report;
  }
}
