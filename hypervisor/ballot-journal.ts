// What a voter reports, as lines of the vote log: spelled out, with every vote, while it is little; grouped, with one ballot as an example,
// when it is much, so that half a table in dispute does not cost more than the voting. Serves both voters. Owns the mapping; the events are
// voter/types.ts, what a vote means in words is told by the owner (BallotWords), and the fields are described in docs/vote-log.md.
import type { Strategy, VoterEvent } from '../voter/types.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import { familyName } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { wallClock } from './clock.js';
import { hex, namesOf, nlriByFamily, plainRecord } from './vote-records.js';

/** Events of one turn that get a line each, at most, and what these lines may take together (characters); others share lines. */
const SPELLED_OUT = 100;
const SPELLED_CHARACTERS = 512 * 1024;

type Fields = Record<string, unknown>;

/** What is asked of a voter. */
export type ReportedBallots = Pick<UpdateVoter, 'rule' | 'verdict' | 'currentVote' | 'hasSay'>;

/** A voter's values for people. `id` 0: no route. */
export interface BallotWords {
  /** Whose ballots these are. */
  place: { neighbor: string } | { fib: true };
  /** As it is now. */
  readonly strategy: Strategy;
  /** Replica names by index. */
  replicas: readonly string[];
  prefixes: PrefixTable;
  /** As the fields `verdict` and `vote` say it. */
  route(id: number): unknown;
  /** Attributes by name, as in `votes`. */
  attributes(id: number): Record<string, string> | null;
  /** Canonical bytes. */
  raw(id: number): Uint8Array;
  /** What differs, attribute by attribute; undefined where that means nothing. Both ids are routes. */
  diff(majority: number, vote: number): unknown;
  /** When something last came in for the prefix, ms; not finite or 0: not known. */
  lastInput(prefix: number): number;
}

interface Value {
  route: unknown;
  attributes: Record<string, string> | null;
  raw: string | null;
}

export class BallotJournal {
  private readonly words: BallotWords;
  /** Many ballots share values; ids mean nothing beyond one turn. */
  private readonly values = new Map<number, Value>();

  constructor(words: BallotWords) {
    this.words = words;
  }

  /** The lines about `events`, which `voter` has just reported. Votes are told as they are now. */
  lines(events: readonly VoterEvent[], voter: ReportedBallots): string[] {
    const lines: string[] = [];
    let spelled = 0;
    if (events.length <= SPELLED_OUT) {
      for (let characters = 0; spelled < events.length && characters < SPELLED_CHARACTERS; spelled++) {
        const line = this.line(events[spelled], voter);
        characters += line.length;
        lines.push(line);
      }
    }
    for (const group of groupsOf(events.slice(spelled))) lines.push(this.groupLine(group, voter));
    this.values.clear();
    return lines;
  }

  private line(event: VoterEvent, voter: ReportedBallots): string {
    const { prefixes, place } = this.words;
    return plainRecord(event.at, event.type, {
      ...place,
      family: familyName(prefixes.family(event.prefix)),
      ...this.shared(event),
      ...this.ballot(event, voter),
    });
  }

  private groupLine(events: readonly VoterEvent[], voter: ReportedBallots): string {
    const [first] = events;
    const ids = Uint32Array.from(events, ({ prefix }) => prefix);
    return plainRecord(first.at, first.type, {
      ...this.words.place,
      ...this.shared(first),
      prefixes: ids.length,
      nlri: nlriByFamily(this.words.prefixes, ids),
      example: this.ballot(first, voter),
    });
  }

  /** What the events of one group have in common. */
  private shared(event: VoterEvent): Fields {
    const { replicas, strategy } = this.words;
    switch (event.type) {
      case 'dissent-begins':
      case 'dissent-ends':
        return { replica: replicas[event.replica], what: event.kind, strategy };
      case 'verdict':
        return { rule: event.rule, agree: namesOf(event.agree, replicas), strategy };
      case 'overthrow':
        return { from: replicas[event.from], to: replicas[event.to], strategy };
      case 'no-majority':
        return { voters: namesOf(event.voters, replicas), strategy };
      default:
        return { replicas: namesOf(event.replicas, replicas), strategy };
    }
  }

  /** What is the event's own: prefix, verdict, and who says what. */
  private ballot(event: VoterEvent, voter: ReportedBallots): Fields {
    const { prefix } = event;
    const verdict = verdictOf(event, voter);
    const fields: Fields = { prefix: this.words.prefixes.format(prefix), verdict: this.value(verdict).route };
    if (event.type === 'verdict') fields.was = this.value(event.from).route;
    else fields.rule = voter.rule(prefix);
    if (event.type === 'overthrow') fields.changed = event.changed;
    if ('since' in event) fields.since = wallClock(event.since);
    if (event.type === 'dissent-begins' || event.type === 'dissent-ends') {
      fields.vote = this.value(event.vote).route;
      const diff = this.diff(event.majority, event.vote);
      if (diff !== undefined) fields.diff = diff;
    }
    fields.latency = this.latency(event);
    fields.votes = this.words.replicas.map((_, r) => this.vote(r, prefix, verdict, voter));
    return fields;
  }

  private vote(r: number, prefix: number, verdict: number, voter: ReportedBallots): Fields {
    const id = voter.currentVote(r, prefix);
    const { attributes, raw } = this.value(id);
    const agrees = id === verdict;
    const vote: Fields = { replica: this.words.replicas[r], counts: voter.hasSay(r, prefix), agrees, attributes, raw };
    const diff = agrees ? undefined : this.diff(verdict, id);
    if (diff !== undefined) vote.diff = diff;
    return vote;
  }

  private diff(majority: number, vote: number): unknown {
    return majority === 0 || vote === 0 || majority === vote ? undefined : this.words.diff(majority, vote);
  }

  /** From the last input for the prefix to the event, ms; null when there was none, or it is not known. */
  private latency({ prefix, at }: VoterEvent): number | null {
    return latencySince(this.words.lastInput(prefix), at);
  }

  private value(id: number): Value {
    let value = this.values.get(id);
    if (value === undefined) {
      const { words } = this;
      const raw = id === 0 ? null : hex(words.raw(id));
      this.values.set(id, (value = { route: words.route(id), attributes: words.attributes(id), raw }));
    }
    return value;
  }
}

/** From `input` (not finite or 0: not known) to `at`, ms with microseconds; null when that means nothing. */
export function latencySince(input: number, at: number): number | null {
  return Number.isFinite(input) && input > 0 && input <= at ? Math.round((at - input) * 1000) / 1000 : null;
}

/** What the votes are held against: for a dissent the majority of stable votes, else the verdict. */
function verdictOf(event: VoterEvent, voter: ReportedBallots): number {
  if (event.type === 'verdict') return event.to;
  return 'majority' in event ? event.majority : voter.verdict(event.prefix);
}

/** Events that share everything but prefix and votes. Costs no text per event: there may be tens of thousands. */
function groupsOf(events: readonly VoterEvent[]): VoterEvent[][] {
  const kinds = new Map<string, Map<number, VoterEvent[]>>();
  for (const event of events) {
    const kind = event.type + ('kind' in event ? event.kind : 'rule' in event ? event.rule : '');
    let groups = kinds.get(kind);
    if (groups === undefined) kinds.set(kind, (groups = new Map<number, VoterEvent[]>()));
    const key = numberOf(event);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return [...kinds.values()].flatMap((groups) => [...groups.values()]);
}

/** The replicas of an event as one number. */
function numberOf(event: VoterEvent): number {
  switch (event.type) {
    case 'dissent-begins':
    case 'dissent-ends':
      return event.replica;
    case 'verdict':
      return event.agree;
    case 'no-majority':
      return event.voters;
    case 'overthrow':
      return event.from * 65_536 + event.to;
    default:
      return event.replicas;
  }
}
