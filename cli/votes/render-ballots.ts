// Ballots of the live state, and counts, as people read them. Owns layout; lines are made safe where they are printed.
import type { BallotReport, BallotVote } from '../../hypervisor/status.js';
import { routeWords, timeWords } from '../../hypervisor/explain/words.js';
import type { SummaryKey, SummaryRow } from '../../votelog/types.js';
import { safeText } from '../output/safe-text.js';
import { tableLines } from '../output/table.js';

const TROUBLES: Readonly<Record<'no-majority' | 'oscillating', string>> = {
  'no-majority': 'nobody has a majority: it stays as it was',
  oscillating: 'the votes do not come to rest',
};

/**
 * What is decided, and who says what: `=` agrees, `≠` differs (in these attributes), `·` has no say now. `differences`: only those who
 * differ.
 */
export function renderBallots(ballots: readonly BallotReport[], { differences = false } = {}): string[] {
  return ballots.flatMap(({ prefix, neighbor, verdict, trouble, votes }) => {
    const shown = votes.filter(({ agrees }) => !differences || !agrees);
    if (shown.length === 0) return [];
    const why = trouble === null ? '' : ` (${TROUBLES[trouble]})`;
    return [
      `${prefix} to ${neighbor}${differences ? why : ''}`,
      ...(differences ? [] : [`    verdict: ${routeWords(verdict)}${why}`]),
      ...shown.flatMap(renderVote),
    ];
  });
}

function renderVote({ replica, counts, agrees, attributes, diff = [], since }: BallotVote): string[] {
  const mark = !counts ? '·' : agrees ? '=' : '≠';
  const when = agrees || since === null ? '' : ` since ${timeWords(since)}`;
  const what = agrees ? 'agrees' : diff.length > 0 ? `differs${when}` : `${routeWords(attributes)}${when}`;
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
    // A key may be anything that a log has.
    safeText(key, 100),
    records,
    prefixes,
    timeWords(first),
    timeWords(last),
  ]);
  return tableLines([KEYS[by], what, 'prefixes', 'first', 'last'], cells);
}
