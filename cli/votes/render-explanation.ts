// The story of a prefix (`btr votes --explain`) as people read it: the short version first, then from input to kernel, then what the log
// tells. Owns layout; sentences and facts come with the explanation.
import { diffWords, listWords, routeWords, timeWords } from '../../hypervisor/explain/words.js';
import type {
  BallotStory,
  DeliveryReport,
  Explanation,
  ForwardingStory,
  InputReport,
  VoteStory,
} from '../../hypervisor/explain/types.js';
import { hopsWords } from '../../hypervisor/explain/forwarding-story.js';

/** Events of the log that are shown; `--json` has all. */
const EVENTS = 30;

export function renderExplanation(story: Explanation): string[] {
  const { prefix, at, source, summary } = story;
  const where = source === 'live' ? `at ${timeWords(at)}` : `by the vote log, up to ${timeWords(at)}`;
  return [
    `${prefix}, ${where}`,
    '',
    ...summary.map((sentence) => `  ${sentence}`),
    ...section('who announces it, and who has got that', story.inputs.flatMap(inputLines)),
    ...section('what the replicas say, and what is decided', [
      ...votingLines(story),
      ...story.ballots.flatMap(ballotLines),
    ]),
    ...section('the forwarding table', story.forwarding === null ? [] : forwardingLines(story.forwarding)),
    ...section('what the vote log tells', historyLines(story)),
    ...section('not known', story.unknown),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function inputLines({ neighbor, as, state, since, attributes, reason, deliveries }: InputReport): string[] {
  const who = as === 0 ? neighbor : `${neighbor} (AS ${as})`;
  const when = since === null ? '' : ` since ${timeWords(since)}`;
  const why = reason === null ? '' : `: ${reason}`;
  switch (state) {
    case 'announced':
      return [`${who} announces ${routeWords(attributes)}${when}`, ...deliveryLines(deliveries)];
    case 'withdrawn':
      return [`${who} has withdrawn it${when.replace('since', 'at')}`, ...deliveryLines(deliveries)];
    case 'treated-as-withdrawn':
      return [
        `${who}: what it sent${when.replace('since', 'at')} is treated as a withdrawal (RFC 7606)${why}`,
        ...deliveryLines(deliveries),
      ];
    case 'nothing':
      return [`${who} has never announced it${why}`];
    case 'down':
      return [`${who} has no session${why}`];
    case 'unknown':
      return [`${who}: not known`];
  }
}

const DELIVERIES: Readonly<Record<DeliveryReport['state'], string>> = {
  'worked-off': 'has worked it off',
  delivered: 'has got it, and has not answered a probe since',
  waiting: 'has not got it yet',
  withheld: 'is not given it',
  'no-session': 'has no session for this neighbour now',
};

/** Those in the same state share a line. */
function deliveryLines(deliveries: readonly DeliveryReport[]): string[] {
  const lines = new Map<string, string[]>();
  for (const { replica, state, quarantined, backlogBytes } of deliveries) {
    const numbers = quarantined.map((id) => `#${id}`);
    const more =
      state === 'withheld'
        ? ` because of quarantined ${listWords(numbers)} (btr quarantine show ${quarantined[0] ?? 'N'})`
        : state === 'waiting'
          ? ` (${backlogBytes.toLocaleString('en-US')} bytes wait)`
          : '';
    const text = DELIVERIES[state] + more;
    lines.set(text, [...(lines.get(text) ?? []), replica]);
  }
  return [...lines].map(([text, names]) => {
    const many = names.length > 1 ? text.replace(/^has /, 'have ').replace(/^is /, 'are ') : text;
    return `    ${listWords(names)} ${many}`;
  });
}

function votingLines({ voting, replicas }: Explanation): string[] {
  if (voting === null) return [];
  const { strategy, electorate, master, epoch, stabilityThreshold } = voting;
  const leads = master === null ? '' : `, master ${master}`;
  const numbers = epoch < 0 ? '' : ` (epoch ${epoch}; votes are stable after ${stabilityThreshold} ms)`;
  return [
    `${strategy}; electorate ${electorate.length === 0 ? '(empty)' : electorate.join(', ')}${leads}${numbers}`,
    ...replicas
      .filter(({ counts, reason }) => !counts && reason !== null)
      .map(({ name, state, reason }) => `${name} (${state}) has no say: ${reason}`),
  ];
}

function ballotLines({ neighbor, verdict, decided, votes, emission, trouble }: BallotStory): string[] {
  const place = neighbor === 'fib' ? 'forwarding table' : `to ${neighbor}`;
  return [
    `${place}: ${routeWords(verdict)}`,
    `    decided:  ${decided}`,
    ...(trouble === null ? [] : [`    trouble:  ${TROUBLES[trouble]}`]),
    ...votes.map(voteLine),
    ...(emission.state === 'unknown' ? [] : [`    told:     ${emission.text}`]),
  ];
}

const TROUBLES: Readonly<Record<'no-majority' | 'oscillating', string>> = {
  'no-majority': 'all votes are stable and none has a majority: the verdict stays as it is',
  oscillating: 'the votes do not come to rest: no fault is looked for meanwhile',
};

const UNSTABLE: Readonly<Record<'vote' | 'input' | 'lag', string>> = {
  vote: 'changed a moment ago',
  input: 'its input changed a moment ago',
  lag: 'lags: it has not worked off the last input',
};

function voteLine(vote: VoteStory): string {
  const { replica, counts, agrees, attributes, since, stable, unstable, silenced } = vote;
  const mark = !counts ? '·' : agrees ? '=' : '≠';
  const when = since === null ? '' : ` since ${timeWords(since)}`;
  const state = stable || unstable === null ? '' : ` (${UNSTABLE[unstable]})`;
  const diff = (vote.diff ?? []).map(({ attribute, left, right }) => ({
    ...{ attribute, majority: left ?? null, vote: right ?? null },
  }));
  const said = agrees ? 'agrees' : diff.length > 0 ? `says ${diffWords(diff)}` : `says ${routeWords(attributes)}`;
  const blame = vote.dissents ? ', against the stable majority' : '';
  return `    ${mark} ${replica.padEnd(10)} ${said}${when}${blame}${state}${silenced === null ? '' : ` — does not count: ${silenced}`}`;
}

function forwardingLines({ text, votes }: ForwardingStory): string[] {
  return [
    text,
    ...votes.map(({ replica, counts, agrees, nextHops }) => {
      const mark = !counts ? '·' : agrees ? '=' : '≠';
      return `    ${mark} ${replica.padEnd(10)} ${agrees ? 'agrees' : `says ${hopsWords(nextHops)}`}${counts ? '' : ' (has no say now)'}`;
    }),
  ];
}

function historyLines({ history }: Explanation): string[] {
  const shown = history.slice(-EVENTS);
  const hidden = history.length - shown.length;
  return [
    ...(hidden > 0 ? [`(${hidden} earlier lines: --json, or btr votes --log)`] : []),
    ...shown.map(({ t, place, text }) => {
      const where = place === null ? '' : `${place === 'fib' ? 'forwarding table' : place}: `;
      return `${t.slice(0, 23).replace('T', ' ')}Z  ${where}${text}`;
    }),
  ];
}
