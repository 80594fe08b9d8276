// The pane of findings in `btr top`: what is held against replicas, the pattern that asks most for something to be done first.
import type { FaultPattern } from '../../../hypervisor/explain/types.js';
import { changeWords } from '../../../hypervisor/explain/patterns/verdicts.js';
import { count } from '../../output/table.js';
import type { Row } from '../grid.js';
import { clockTime, type PaneView } from './pane.js';

/** What the other columns do not say. */
function what({ kind, changes, places, text }: FaultPattern): string {
  if (changes.length === 0) return text;
  const where = places.includes('fib') ? 'forwarding table: ' : '';
  return where + changes.map(changeWords).join(', ') + (kind === 'known-difference' ? ' (known of it)' : '');
}

function row(pattern: FaultPattern, at: number): Row {
  const { key, replica, kind, cause, open, prefixes, atLeast, first } = pattern;
  return {
    key,
    cells: [
      { text: replica },
      { text: cause ?? kind },
      { text: open ? 'open' : 'over', tone: open && kind !== 'known-difference' ? 'bad' : 'dim' },
      { text: kind === 'system' ? '-' : `${count(prefixes)}${atLeast ? '+' : ''}` },
      { text: clockTime(first, at) },
      { text: what(pattern) },
    ],
  };
}

export const findingsPane: PaneView = {
  columns: [
    { title: 'FINDING', spare: 0 },
    { title: 'KIND', spare: 2, most: 18 },
    { title: 'STATE', spare: 1 },
    { title: 'PREFIXES', align: 'right', spare: 3 },
    { title: 'SINCE', spare: 2 },
    { title: 'IN WHAT', spare: 1 },
  ],
  empty: 'nothing is held against any replica',
  rows: ({ picture }) => (picture === undefined ? [] : picture.patterns.map((pattern) => row(pattern, picture.at))),
};
