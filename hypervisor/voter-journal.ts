// What one neighbour's voter reports, for everybody who listens: the vote log, the search for faults, and what is counted. Owns the
// distribution; the lines are ballot-journal.ts and decision-journal.ts.
import { diffAttributes } from '../wire/bgp/describe.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import { BallotJournal, type BallotWords } from './ballot-journal.js';
import type { RouterContext } from './context.js';
import { DecisionJournal, type Decided } from './decision-journal.js';
import { attributesAsObject, cutDifferences } from './vote-records.js';

export class VoterJournal {
  private readonly context: RouterContext;
  private readonly index: number;
  private readonly ballots: BallotJournal;
  private readonly decisions: DecisionJournal;

  constructor(context: RouterContext, index: number) {
    this.context = context;
    this.index = index;
    const { records, replicator, config } = context;
    const { attributes, prefixes, replicas } = records;
    const route = (id: number): Record<string, string> | null => attributesAsObject(attributes, id);
    const words: BallotWords = {
      place: { neighbor: config.neighbors[index].address },
      get strategy() {
        return config.voting.strategy;
      },
      replicas,
      prefixes,
      route,
      attributes: route,
      raw: (id) => attributes.get(id),
      // Copies: the second look-up may move the table's memory.
      diff: (majority, vote) =>
        cutDifferences(diffAttributes(attributes.get(majority).slice(), attributes.get(vote).slice())),
      lastInput: (prefix) => replicator.inputTime(prefix),
    };
    this.ballots = new BallotJournal(words);
    this.decisions = new DecisionJournal(words);
  }

  /** A group of verdicts went out; the session came up at `since`, ms. Costs nothing below the level that has decisions. */
  decided(group: Decided, voter: UpdateVoter, now: number, since: number): void {
    const { voteLog } = this.context;
    if (!voteLog.wants('decision')) return;
    for (const line of this.decisions.lines(group, voter, now, since)) voteLog.append(line);
  }

  /** Writes down everything that has happened since the last call, and tells who looks for faults. */
  record(voter: UpdateVoter, now: number): void {
    const { faults, meters, voteLog } = this.context;
    const events = voter.drainEvents();
    faults.voted(this.index, voter, events, now);
    meters.voterEvents(this.index, events);
    if (events.length === 0) return;
    const written = events.filter(({ type }) => voteLog.wants(type));
    for (const line of this.ballots.lines(written, voter)) voteLog.append(line);
  }
}
