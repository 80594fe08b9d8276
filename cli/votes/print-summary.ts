// Prints counts (`--by`), for people or as JSON.
import type { SummaryKey, SummaryRow } from '../../votelog/types.js';
import { printJson, printLines } from '../output/print.js';
import { count } from '../output/table.js';
import { renderSummary } from './render-ballots.js';

/** Rows that are shown unless somebody asks for more. */
export const SUMMARY_ROWS = 100;

export interface SummaryShown {
  by: SummaryKey;
  /** What is counted: votes that differ now, or records of a log. */
  what: 'votes' | 'records';
  /** Rows that there are. */
  total: number;
  json: boolean;
  /** As JSON: a row a line in place of an array. */
  lines: boolean;
}

export async function printSummary(
  rows: readonly SummaryRow[],
  { by, what, total, json, lines }: SummaryShown,
): Promise<void> {
  if (json && !lines) return printJson(rows);
  if (json) {
    for (const row of rows) await printJson(row, { lines: true });
    return;
  }
  if (rows.length === 0) return printLines([what === 'votes' ? 'no vote differs' : 'no such records']);
  const more = total > rows.length ? [`… and ${count(total - rows.length)} more (--limit)`] : [];
  await printLines([...renderSummary(rows, by, what), ...more]);
}
