// What a pane of `btr top` is: columns, and the rows that a state has for them.
import type { Column, Row } from '../grid.js';
import type { TopState } from '../state.js';

export interface PaneView {
  columns: readonly Column[];
  /** Said in place of rows. */
  empty: string;
  /** Regardless of the filter. */
  rows(state: TopState): Row[];
  /** How many there are in all, where `rows` has only the first ones. */
  total?(state: TopState): number;
}

/** `14:03:12`, as written in `iso` (UTC); with the day when that is not the day of `at` (ms since 1970). */
export function clockTime(iso: string | null, at: number): string {
  if (iso === null) return '-';
  const today = new Date(at).toISOString().slice(0, 10);
  const day = iso.slice(0, 10);
  return day === today ? iso.slice(11, 19) : `${day.slice(5)} ${iso.slice(11, 16)}`;
}
