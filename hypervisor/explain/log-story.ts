// Lines of the vote log as sentences of a story. Owns the wording for each kind of record; what the fields mean is docs/vote-log.md.
import { neighborOf, prefixCountOf } from '../../votelog/facts.js';
import type { LogRecord } from '../../votelog/types.js';
import {
  agreeingOf,
  ballotOf,
  diffOf,
  isFields,
  namesOf,
  numberOf,
  routeOf,
  textOf,
  votesOf,
} from './record-reading.js';
import type { StoryEvent } from './types.js';
import { countWords, diffWords, listWords, routeWords } from './words.js';

/** Records as events of the story of one prefix, the oldest first. */
export function historyOf(records: readonly LogRecord[]): StoryEvent[] {
  return [...records].sort(inTime).map((record) => {
    const event = eventOf(record);
    const others = prefixCountOf(record) - 1;
    return others > 0
      ? { ...event, text: `${event.text} (with ${countWords(others, 'other prefix', 'other prefixes')})` }
      : event;
  });
}

/** The wall clock counts; within a millisecond the monotonic one. */
export function inTime(a: LogRecord, b: LogRecord): number {
  return a.t === b.t ? (numberOf(a.m) ?? 0) - (numberOf(b.m) ?? 0) : a.t < b.t ? -1 : 1;
}

/** What a record tells; which prefixes it is about is not said. */
export function eventOf(record: LogRecord): StoryEvent {
  const text = Object.hasOwn(TEXTS, record.kind) ? TEXTS[record.kind](record) : otherText(record);
  return { t: record.t, kind: record.kind, place: neighborOf(record) ?? null, replica: textOf(record.replica), text };
}

const TEXTS: Record<string, (record: LogRecord) => string> = {
  'dissent-begins': (record) => {
    const against = agreeingOf(ballotOf(record));
    const others = against.length > 0 ? `, against ${listWords(against)}` : '';
    return `${who(record)} dissents: ${dissentWords(record)}${others}`;
  },
  'dissent-ends': (record) => `${who(record)} dissents no longer`,
  verdict: (record) => {
    const ballot = ballotOf(record);
    const agree = agreeingOf(ballot).length > 0 ? agreeingOf(ballot) : namesOf(record.agree);
    const verdict = routeOf(ballot.verdict);
    const what = verdict === undefined ? 'changes' : `becomes ${routeWords(verdict)}`;
    return `the verdict ${what} (${textOf(record.rule) ?? 'unknown rule'}${agree.length > 0 ? `: ${listWords(agree)}` : ''})`;
  },
  'no-majority': (record) => {
    const say = votesOf(ballotOf(record).votes)
      .filter(({ counts }) => counts)
      .map(({ replica, attributes }) => `${replica}: ${routeWords(attributes)}`);
    return `no majority although all votes are stable${say.length > 0 ? ` (${say.join(' | ')})` : ''}`;
  },
  'oscillation-begins': () => 'the votes do not come to rest',
  'oscillation-ends': () => 'the votes have come to rest',
  overthrow: ({ from, to }) => `master ${textOf(from) ?? '?'} is overthrown, ${textOf(to) ?? '?'} leads`,
  'fault-begins': (record) => `finding ${number(record)} against ${who(record)} (${findingWords(record)})`,
  'fault-ends': (record) => `finding ${number(record)} against ${who(record)} (${findingWords(record)}) is over`,
  'known-difference-begins': (record) =>
    `${who(record)} differs as is known of it (${textOf(record.text) ?? 'known difference'}; finding ${number(record)})`,
  'known-difference-ends': (record) => `the known difference of ${who(record)} is over`,
  decision: (record) => {
    const route = routeOf(record.verdict);
    const agree = namesOf(record.agree);
    const late = numberOf(record.latency);
    const facts = [
      ...(agree.length > 0 ? [`agreed by ${listWords(agree)}`] : []),
      ...(late === null ? [] : [`${late.toFixed(1)} ms after the input`]),
    ];
    const by = facts.length > 0 ? ` (${facts.join(', ')})` : '';
    const told = route === undefined ? 'a route' : routeWords(route);
    if (record.fib === true)
      return route === null ? `the kernel’s route is to go${by}` : `the kernel is to have ${told}${by}`;
    return route === null ? `the neighbour is told that there is no route${by}` : `the neighbour is told ${told}${by}`;
  },
  input: (record) => {
    const [route, why] = [routeOf(record.attributes), textOf(record.reason)];
    if (why !== null) return `the neighbour sends what is treated as a withdrawal: ${why}`;
    if (route === null) return 'the neighbour withdraws it';
    return `the neighbour announces ${route === undefined ? 'it' : routeWords(route)}`;
  },
  quarantine: (record) => {
    const { state } = record;
    const messages = countWords(numberOf(record.messages) ?? 1, 'message', 'messages');
    const why = textOf(record.reason) ?? textOf(record.because);
    if (state === 'withheld')
      return `${messages} withheld from ${who(record)}: ${why ?? 'it died with them under way'}`;
    return `quarantine: ${messages} of ${who(record)} ${textOf(state) ?? ''}${why === null ? '' : ` (${why})`}`;
  },
  replica: (record) => `replica ${who(record)}: ${textOf(record.state) ?? ''}${because(record)}`,
  session: (record) => `session ${textOf(record.state) ?? ''}${because(record)}`,
  warning: (record) => `early warning about ${who(record)}${because(record)}`,
  alarm: (record) => `alarm ${textOf(record.state) ?? ''}: ${textOf(record.text) ?? ''}`,
  injection: (record) => `injected fault ${textOf(record.fault) ?? ''} on ${who(record)} ${textOf(record.state) ?? ''}`,
  'fib-refused': (record) => `the kernel refuses ${routed(record)}: ${textOf(record.error) ?? 'unknown error'}`,
  'fib-interfered': (record) => `somebody else changed or removed ${routed(record)} in the kernel; it is put right`,
};

function otherText(record: LogRecord): string {
  const subject = textOf(record.replica);
  return `${record.kind}${subject === null ? '' : ` ${subject}`}${because(record)}`;
}

function who(record: LogRecord): string {
  return textOf(record.replica) ?? 'a replica';
}

function number(record: LogRecord): string {
  const id = numberOf(record.id);
  return id === null ? '' : `#${id}`;
}

function because(record: LogRecord): string {
  const why = textOf(record.reason) ?? textOf(record.text);
  return why === null || why === '' ? '' : `: ${why}`;
}

function routed(record: LogRecord): string {
  const route = textOf(record.route) ?? (isFields(record.example) ? textOf(record.example.route) : null);
  return route === null ? 'our route' : `the route ${route}`;
}

function findingWords(record: LogRecord): string {
  const cause = textOf(record.cause);
  if (cause !== null) return `${cause}${because(record)}`;
  return textOf(record.what) ?? 'fault';
}

function dissentWords(record: LogRecord): string {
  const ballot = ballotOf(record);
  const diff = diffOf(ballot.diff);
  if (diff.length > 0) return diffWords(diff);
  const [vote, verdict] = [routeOf(ballot.vote), routeOf(ballot.verdict)];
  if (record.what === 'missing')
    return `no route${verdict ? ` instead of ${routeWords(verdict)}` : ' where the majority has one'}`;
  if (record.what === 'extra') return `${vote ? routeWords(vote) : 'a route'} where the majority has none`;
  return `${vote === undefined ? 'something' : routeWords(vote)} instead of ${verdict === undefined ? 'what the majority says' : routeWords(verdict)}`;
}
