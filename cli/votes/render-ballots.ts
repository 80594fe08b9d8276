// Ballots of the live state, and counts, as people read them. Owns layout; lines are made safe where they are printed.
import type { BallotReport, BallotVote } from '../../hypervisor/status.js';
import { routeWords, timeWords } from '../../hypervisor/explain/words.js';
import type { SummaryKey, SummaryRow } from '../../votelog/types.js';
import { safeText } from '../output/safe-text.js';
import { tableLines } from '../output/table.js';

/** `=` agrees, `≠` differs, `·` has no say now. `differences`: only those who differ, and only in what. */
export function renderBallots(ballots: readonly BallotReport[], { differences = false } = {}): string[] {
  return ballots.flatMap((ballot) => {
    const head = `${ballot.prefix} to ${ballot.neighbor}`;
    const votes = ballot.votes.filter(({ agrees }) => !differences || !agrees);
    if (differences) return votes.length === 0 ? [] : [head, ...votes.flatMap((vote) => renderVote(vote, true))];
    const trouble = ballot.trouble === null ? '' : ` (${ballot.trouble})`;
    return [
      head,
      `    verdict: ${routeWords(ballot.verdict)}${trouble}`,
      ...votes.flatMap((vote) => renderVote(vote, false)),
    ];
  });
}

function renderVote({ replica, counts, agrees, attributes, diff = [], since }: BallotVote, short: boolean): string[] {
  const mark = !counts ? '·' : agrees ? '=' : '≠';
  const when = agrees || since === null ? '' : ` since ${timeWords(since)}`;
  const what = agrees ? 'agrees' : short && diff.length > 0 ? `differs${when}` : `${routeWords(attributes)}${when}`;
  return [
    `    ${mark} ${replica.padEnd(12)} ${what}${counts ? '' : ' (has no say now)'}`,
    ...diff.map((d) => `        ${d.attribute}: verdict ${d.left ?? '(none)'} — ${replica} ${d.right ?? '(none)'}`),
  ];
}

const KEYS: Readonly<Record<SummaryKey, string>> = {
  replica: 'replica',
  prefix: 'prefix',
  neighbor: 'neighbour',
  attribute: 'attribute',
  hour: 'hour (UTC)',
  kind: 'kind',
};

/** `what`: what is counted. */
export function renderSummary(rows: readonly SummaryRow[], by: SummaryKey, what: 'votes' | 'records'): string[] {
  const cells = rows.map(({ key, records, prefixes, first, last }) => [
    safeText(key, 100),
    records,
    prefixes,
    timeWords(first),
    timeWords(last),
  ]);
  return tableLines([KEYS[by], what, 'prefixes', 'first', 'last'], cells);
}
