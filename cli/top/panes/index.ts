// The panes by name, their rows as the filter leaves them, and which of these is chosen.
import type { Row } from '../grid.js';
import type { Pane, TopState } from '../state.js';
import { ballotsPane } from './ballots.js';
import { findingsPane } from './findings.js';
import { neighborsPane } from './neighbors.js';
import type { PaneView } from './pane.js';
import { replicasPane } from './replicas.js';

export const PANE_VIEWS: Readonly<Record<Pane, PaneView>> = {
  neighbors: neighborsPane,
  replicas: replicasPane,
  ballots: ballotsPane,
  findings: findingsPane,
};

/** What the filter leaves. */
export function rowsOf(state: TopState, pane: Pane): Row[] {
  const rows = PANE_VIEWS[pane].rows(state);
  const wanted = state.filter.toLowerCase();
  if (wanted === '') return rows;
  return rows.filter(({ cells }) => cells.some(({ text }) => text.toLowerCase().includes(wanted)));
}

/** Where the chosen row is: the first one, unless another was chosen and is still there. */
export function chosenIndex(state: TopState, pane: Pane, rows: readonly Row[]): number {
  return Math.max(
    0,
    rows.findIndex(({ key }) => key === state.selected[pane]),
  );
}
