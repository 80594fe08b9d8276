// The pane of contested ballots in `btr top`: who differs, and in what.
import { routeWords } from '../../../hypervisor/explain/words.js';
import type { BallotReport } from '../../../hypervisor/status.js';
import type { Row } from '../grid.js';
import { clockTime, type PaneView } from './pane.js';

/** Between prefix and neighbour in a row's key. */
const SEPARATOR = ' ';

export function ballotKey({ prefix, neighbor }: Pick<BallotReport, 'prefix' | 'neighbor'>): string {
  return prefix + SEPARATOR + neighbor;
}

export function prefixOfKey(key: string): string {
  return key.split(SEPARATOR)[0];
}

/** What the first one of those who differ says. */
function difference({ votes, verdict }: BallotReport): string {
  const [first] = votes.filter(({ counts, agrees }) => counts && !agrees);
  if (first === undefined) return '';
  if (verdict === null) return `has a route: ${routeWords(first.attributes)}`;
  if (first.attributes === null) return 'has no route';
  return (first.diff ?? [])
    .map(({ attribute, left, right }) => `${attribute} ${right ?? 'absent'} instead of ${left ?? 'absent'}`)
    .join('; ');
}

function row(ballot: BallotReport, at: number): Row {
  const differing = ballot.votes.filter(({ counts, agrees }) => counts && !agrees);
  const since = differing.flatMap((vote) => vote.since ?? []).sort()[0] ?? null;
  const lasting = ballot.dissent.length > 0 || ballot.trouble !== null;
  return {
    key: ballotKey(ballot),
    cells: [
      { text: ballot.prefix },
      { text: ballot.neighbor },
      {
        text: ballot.trouble ?? differing.map(({ replica }) => replica).join(' '),
        tone: lasting ? 'bad' : 'warn',
      },
      { text: clockTime(since, at) },
      { text: difference(ballot) },
    ],
  };
}

export const ballotsPane: PaneView = {
  columns: [
    { title: 'CONTESTED', spare: 0 },
    { title: 'TO', spare: 3 },
    { title: 'WHO DIFFERS', spare: 0, most: 24 },
    { title: 'SINCE', spare: 2 },
    { title: 'IN WHAT', spare: 1 },
  ],
  empty: 'no contested ballots',
  rows: ({ picture }) => (picture === undefined ? [] : picture.ballots.map((ballot) => row(ballot, picture.at))),
  total: ({ picture }) => picture?.ballotsTotal ?? 0,
};
