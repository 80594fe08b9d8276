// `btr faults` about a running hypervisor: asks, chooses, prints. Owns the questions.
import type { BallotsAnswer } from '../../hypervisor/reports.js';
import type { FaultsAnswer } from '../../hypervisor/status.js';
import type { SummaryKey } from '../../votelog/types.js';
import type { FaultsOptions } from '../commands/faults.js';
import { printJson, printLines } from '../output/print.js';
import { ask, filterOf, parseLimit, prefixFilterOf } from '../votes/filters.js';
import { printSummary, SUMMARY_ROWS } from '../votes/print-summary.js';
import { chosen, DEFAULT_LIMIT } from './choose.js';
import { renderFindings, renderNotes, renderPatterns } from './render.js';

export async function showLive(options: FaultsOptions): Promise<void> {
  const { all } = options;
  const { replica, neighbor } = filterOf(options);
  const answer = await ask<FaultsAnswer>(options, 'faults', { all, replica, neighbor, ...prefixFilterOf(options) });
  const patterns = chosen(answer.patterns, options);
  if (options.json) return printJson({ ...answer, patterns });
  const limit = parseLimit(options.limit, DEFAULT_LIMIT);
  const notes = renderNotes(answer);
  await printLines([
    ...renderPatterns(patterns, limit, options),
    ...(options.findings && answer.findings.length > 0 ? ['', ...renderFindings(answer.findings)] : []),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ]);
}

/** Dissents that are open now, towards neighbours. */
export async function countLive(options: FaultsOptions): Promise<void> {
  const by = options.by as SummaryKey;
  const question = {
    ...filterOf(options),
    ...prefixFilterOf(options),
    state: 'dissent',
    by,
    limit: parseLimit(options.limit, SUMMARY_ROWS),
  };
  const { rows = [], total } = await ask<BallotsAnswer>(options, 'votes', question);
  await printSummary(rows, { by, what: 'votes', total, json: options.json, lines: false });
}
