// The story of a prefix by the vote log alone (`btr votes --log … --explain`): the last ballots that it has, who was in dissent and until
// when, and what it cannot tell. Owns this reconstruction; the sentences are summary.ts and log-story.ts.
import { FIB, neighborOf, prefixCountOf } from '../../votelog/facts.js';
import type { LogRecord } from '../../votelog/types.js';
import { historyOf, inTime } from './log-story.js';
import {
  agreeingOf,
  ballotOf,
  diffOf,
  isFields,
  namesOf,
  routeOf,
  textOf,
  votesOf,
  type Fields,
} from './record-reading.js';
import { summaryOf } from './summary.js';
import type { Accusation, BallotStory, Explanation, InputReport, RouteText, VoteStory } from './types.js';
import { listWords, ruleWords, timeWords } from './words.js';

/** `records`: about the prefix, and about sessions and replicas around them, in any order. Undefined when none is about the prefix. */
export function explanationOf(prefix: string, records: readonly LogRecord[]): Explanation | undefined {
  const ordered = [...records].sort(inTime);
  const own = ordered.filter(
    (record) => isFields(record.nlri) || textOf(record.prefix) !== null || record.samples !== undefined,
  );
  const last = own[own.length - 1];
  if (last === undefined) return undefined;
  const ballots = ballotsOf(own);
  const facts = {
    ...{ prefix, at: last.t, source: 'log' as const },
    accused: accusedIn(ordered, prefix),
    voting: votingOf(own),
    inputs: inputsOf(own),
    ...{ replicas: [], ballots, forwarding: null },
    unknown: [...elsewhere(own, prefix), ...unknownOf(own)],
  };
  return { ...facts, summary: summaryOf(facts), history: historyOf(ordered) };
}

/** Where a group spells out the ballot of another prefix: its routes are shown, for want of better ones, and that is said. */
function elsewhere(records: readonly LogRecord[], prefix: string): string[] {
  const others = records.flatMap(({ example }) =>
    isFields(example) && typeof example.prefix === 'string' && example.prefix !== prefix ? [example.prefix] : [],
  );
  const [other] = others.slice(-1);
  if (other === undefined) return [];
  return [`routes are those of ${other}: many prefixes changed at once, and the log spells out one of them`];
}

/** The last thing that went out: to a neighbour, or to the kernel. */
interface Told {
  route: RouteText;
  t: string;
}

/** By place: the last record that tells every vote, or the verdict, of this very prefix (in a group it is told of one of many). */
function ballotsOf(records: readonly LogRecord[]): BallotStory[] {
  const last = new Map<string, { ballot: Fields; record: LogRecord }>();
  const told = new Map<string, Told>();
  for (const record of records) {
    const place = neighborOf(record);
    if (place === undefined) continue;
    const route = record.kind === 'decision' ? routeOf(record.verdict) : undefined;
    if (route !== undefined) told.set(place, { route, t: record.t });
    const ballot = record.kind === 'decision' ? decidedBallot(record) : ballotOf(record);
    if (Array.isArray(ballot.votes)) last.set(place, { ballot, record });
  }
  const places = [...new Set([...last.keys(), ...told.keys()])].sort();
  return places.map((place) => ballotStory(place, last.get(place), told.get(place)));
}

/** A decision as a ballot: who agrees, and who says what else, where that is told of this prefix and not of another of a group. */
function decidedBallot(record: LogRecord): Fields {
  const others = votesOf(record.others).map(({ replica, attributes }) => ({ replica, counts: true, attributes }));
  if (others.length > 0 && prefixCountOf(record) > 1) return {};
  const attributes = record.verdict;
  const agreeing = namesOf(record.agree).map((replica) => ({ replica, counts: true, agrees: true, attributes }));
  return { verdict: record.verdict, rule: record.rule, votes: [...agreeing, ...others] };
}

function ballotStory(
  neighbor: string,
  last: { ballot: Fields; record: LogRecord } | undefined,
  told: Told | undefined,
): BallotStory {
  const ballot = last?.ballot ?? {};
  const votes = votesOf(ballot.votes);
  const counted = votes.filter(({ counts }) => counts);
  const agree = agreeingOf(ballot);
  const rule = textOf(ballot.rule) ?? textOf(last?.record.rule) ?? 'none';
  const verdict = routeOf(ballot.verdict) ?? told?.route ?? null;
  return {
    ...{ neighbor, verdict, rule, agree },
    decided:
      last === undefined
        ? 'not told by the log'
        : `${ruleWords(rule) ?? 'not told'}; ${agree.length} of ${counted.length} agreed`,
    voters: counted.map(({ replica }) => replica),
    contested: agree.length < counted.length,
    trouble: last?.record.kind === 'no-majority' ? 'no-majority' : null,
    votes: votes.map(({ diff, ...vote }): VoteStory => ({
      ...vote,
      ...(diff.length === 0
        ? {}
        : {
            diff: diff.map(({ attribute, majority, vote: right }) => ({
              attribute,
              left: majority ?? undefined,
              right: right ?? undefined,
            })),
          }),
      ...{ since: null, stable: true, unstable: null, dissents: vote.counts && !vote.agrees },
      silenced: vote.counts ? null : 'it did not vote then',
    })),
    emission:
      told === undefined
        ? { state: 'unknown', holds: null, text: 'not told by the log' }
        : {
            ...{ state: told.route === null ? ('nothing' as const) : ('advertised' as const), holds: told.route },
            text: `${told.route === null ? 'a withdrawal' : 'the verdict'}, at ${timeWords(told.t)}`,
          },
  };
}

/** Every replica that was in dissent, with its last one at each place; what ended is told with its end. */
function accusedIn(records: readonly LogRecord[], prefix: string): Accusation[] {
  const open = new Map<string, Accusation>();
  for (const record of records) {
    const [replica, place] = [textOf(record.replica), neighborOf(record)];
    if (record.kind === 'dissent-begins' && replica !== null && place !== undefined) {
      open.set(`${replica} ${place}`, accusationOf(record, replica, place));
    } else if (replica !== null && (record.kind === 'dissent-ends' || hasLeft(record))) {
      for (const accusation of open.values()) {
        const concerned =
          accusation.replica === replica && (record.kind === 'replica' || accusation.places.includes(place ?? ''));
        if (concerned) accusation.until ??= record.t;
      }
    } else if (record.kind === 'fault-begins' || record.kind === 'known-difference-begins') {
      noteFinding(open.values(), record, prefix);
    }
  }
  return merged([...open.values()]);
}

function hasLeft({ kind, state }: LogRecord): boolean {
  return kind === 'replica' && state === 'left';
}

function accusationOf(record: LogRecord, replica: string, place: string): Accusation {
  const ballot = ballotOf(record);
  const what = record.what;
  return {
    replica,
    kind: what === 'missing' || what === 'extra' ? what : 'different',
    places: [place],
    // When it became one, as in the live state: its vote may be older, and that of the others newer.
    since: record.t,
    until: null,
    stable: true,
    diff: diffOf(ballot.diff),
    vote: routeOf(ballot.vote) ?? null,
    majority: routeOf(ballot.verdict) ?? null,
    against: agreeingOf(ballot),
    finding: null,
    known: [],
  };
}

function noteFinding(accusations: Iterable<Accusation>, record: LogRecord, prefix: string): void {
  const samples = Array.isArray(record.samples) ? (record.samples as unknown[]) : [];
  for (const accusation of accusations) {
    if (accusation.replica !== record.replica || !accusation.places.includes(textOf(record.place) ?? '')) continue;
    const known = record.kind === 'known-difference-begins';
    if (known ? !samples.includes(prefix) : record.what !== accusation.kind) continue;
    if (typeof record.id === 'number') accusation.finding = record.id;
    if (known) accusation.known = (textOf(record.text) ?? 'known').split(', ');
  }
}

/** The same at several places is told once; what is not over comes first. */
function merged(accusations: readonly Accusation[]): Accusation[] {
  const found = new Map<string, Accusation>();
  // What neighbours were told says more than next hops: it is what is shown.
  const inTable = ({ places }: Accusation): number => Number(places.includes(FIB));
  for (const accusation of [...accusations].sort((a, b) => inTable(a) - inTable(b))) {
    const key = `${accusation.replica} ${accusation.kind}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, accusation);
    else {
      known.places.push(...accusation.places);
      if ((accusation.since ?? '') < (known.since ?? '')) known.since = accusation.since;
      known.until = known.until === null || accusation.until === null ? null : max(known.until, accusation.until);
    }
  }
  return [...found.values()].sort((a, b) => Number(a.until !== null) - Number(b.until !== null));
}

const max = (a: string, b: string): string => (a > b ? a : b);

function votingOf(records: readonly LogRecord[]): Explanation['voting'] {
  for (const record of [...records].reverse()) {
    const strategy = textOf(record.strategy);
    const votes = votesOf(ballotOf(record).votes);
    if (strategy === null || votes.length === 0) continue;
    const electorate = votes.filter(({ counts }) => counts).map(({ replica }) => replica);
    return { strategy, electorate, epoch: -1, master: null, stabilityThreshold: 0, faultThreshold: 0 };
  }
  return null;
}

/** What neighbours said, as far as the log has it (level `all`). */
function inputsOf(records: readonly LogRecord[]): InputReport[] {
  const last = new Map<string, InputReport>();
  for (const record of records) {
    if (record.kind !== 'input') continue;
    const neighbor = textOf(record.neighbor);
    const attributes = routeOf(record.attributes);
    if (neighbor === null || attributes === undefined) continue;
    const reason = textOf(record.reason);
    last.set(neighbor, {
      ...{ neighbor, as: 0, since: record.t, attributes, reason, deliveries: [] },
      state: reason !== null ? 'treated-as-withdrawn' : attributes === null ? 'withdrawn' : 'announced',
    });
  }
  return [...last.values()];
}

function unknownOf(records: readonly LogRecord[]): string[] {
  const kinds = new Set(records.map(({ kind }) => kind));
  const missing = [
    ...(kinds.has('input') ? [] : ['what neighbours announced']),
    ...(kinds.has('decision') ? [] : ['what each neighbour was told']),
  ];
  const unknown = [
    'what each replica was given, and what the kernel holds: ask a running router, or see the recorded messages',
  ];
  if (missing.length > 0) unknown.unshift(`${listWords(missing)}: the log has that only at level all (vote-log.level)`);
  if (![...kinds].some((kind) => kind.startsWith('dissent') || kind === 'verdict')) {
    unknown.unshift('who said what: the log has dissents and verdicts only at level dissent or all (vote-log.level)');
  }
  return unknown;
}
