// `btr votes` about a running hypervisor: asks page by page, so that neither side has all of it at once, and prints. Owns the questions;
// layout is render-ballots.ts and render-explanation.ts.
import process from 'node:process';
import { BALLOT_STATES, type BallotState } from '../../hypervisor/ballots/query.js';
import type { Explanation } from '../../hypervisor/explain/types.js';
import type { BallotsAnswer } from '../../hypervisor/reports.js';
import type { BallotReport } from '../../hypervisor/status.js';
import type { SummaryKey } from '../../votelog/types.js';
import type { VotesOptions } from '../commands/votes.js';
import { UserError } from '../errors.js';
import { count } from '../output/table.js';
import { printJson, printLines } from '../output/print.js';
import { ask, filterOf, parseLimit, prefixFilterOf } from './filters.js';
import { prefixToExplain } from './which-prefix.js';
import { printSummary, SUMMARY_ROWS } from './print-summary.js';
import { renderBallots } from './render-ballots.js';
import { renderExplanation } from './render-explanation.js';

/** Ballots that are asked for at a time. */
const PAGE = 500;
const DEFAULT_LIMIT = 1000;

export async function showLive(options: VotesOptions): Promise<void> {
  const query = queryOf(options);
  if (options.by !== undefined) return summary(options, query);
  const limit = parseLimit(options.limit, DEFAULT_LIMIT);
  const { ballots, total } = await pages(options, query, limit);
  if (options.json) return printJson(ballots);
  if (ballots.length === 0) return nothing(options, query);
  const more = total > ballots.length ? [`… and ${count(total - ballots.length)} more (--limit)`] : [];
  await printLines([...renderBallots(ballots, { differences: options.diff }), ...more]);
}

/** Why there is nothing to show. */
function nothing({ prefix, covered, covering }: VotesOptions, query: Record<string, unknown>): Promise<void> {
  const { state = 'contested', ...conditions } = query;
  if (prefix !== undefined && query.state === undefined) {
    const hint = covered || covering ? '' : ' (--covering: what it lies in, --covered: what lies in it)';
    throw new UserError(`nobody has said anything about ${prefix}${hint}`);
  }
  const what = state === 'all' ? 'ballots' : state === 'dissent' ? 'dissents' : `${String(state)} ballots`;
  return printLines([`no ${what}${Object.keys(conditions).length === 0 ? '' : ' that all conditions hold for'}`]);
}

/** A prefix that nobody knows has a short story, and exit status 1. */
export async function explainLive(prefix: string, options: VotesOptions): Promise<void> {
  const story = await ask<Explanation>(options, 'explain', { prefix: await prefixToExplain(prefix, options) });
  if (options.json) await printJson(story);
  else await printLines(renderExplanation(story));
  const known = story.ballots.some(
    ({ votes, verdict }) => verdict !== null || votes.some(({ attributes }) => attributes !== null),
  );
  const input = story.inputs.some(({ state }) => state !== 'nothing' && state !== 'down');
  if (!known && !input && story.history.length === 0) process.exitCode = 1;
}

async function summary(options: VotesOptions, query: Record<string, unknown>): Promise<void> {
  const by = options.by as SummaryKey;
  const limit = parseLimit(options.limit, SUMMARY_ROWS);
  const { rows = [], total } = await ask<BallotsAnswer>(options, 'votes', { ...query, by, limit });
  await printSummary(rows, { by, what: 'votes', total, json: options.json, lines: false });
}

async function pages(
  options: VotesOptions,
  query: Record<string, unknown>,
  limit: number,
): Promise<{ ballots: BallotReport[]; total: number }> {
  const first = await ask<BallotsAnswer>(options, 'votes', { ...query, limit: Math.min(limit, PAGE) });
  const ballots = [...first.ballots];
  for (let after = first.next; after !== null && ballots.length < limit;) {
    const page = await ask<BallotsAnswer>(options, 'votes', {
      ...query,
      after,
      limit: Math.min(limit - ballots.length, PAGE),
    });
    ballots.push(...page.ballots);
    after = page.ballots.length === 0 ? null : page.next;
  }
  return { ballots, total: Math.max(first.total, ballots.length) };
}

function queryOf(options: VotesOptions): Record<string, unknown> {
  const { kind } = options;
  return {
    ...filterOf(options),
    ...prefixFilterOf(options),
    ...(kind === undefined ? {} : { state: stateOf(kind) }),
  };
}

function stateOf(kinds: readonly string[]): BallotState {
  const [state] = kinds;
  if (kinds.length !== 1 || !BALLOT_STATES.includes(state as BallotState)) {
    throw new UserError(`--kind of live ballots is one of ${BALLOT_STATES.join(', ')} (other kinds: --log)`, 2);
  }
  return state as BallotState;
}
