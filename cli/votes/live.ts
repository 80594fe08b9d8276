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
import { ask, filterOf, parseLimit, parsePrefixOption } from './filters.js';
import { renderBallots, renderSummary } from './render-ballots.js';
import { renderExplanation } from './render-explanation.js';

/** Ballots that are asked for at a time. */
const PAGE = 500;
const DEFAULT_LIMIT = 1000;
const SUMMARY_ROWS = 100;

export async function showLive(options: VotesOptions): Promise<void> {
  const query = queryOf(options);
  if (options.by !== undefined) return summary(options, query);
  const limit = parseLimit(options.limit, DEFAULT_LIMIT);
  const { ballots, total } = await pages(options, query, limit);
  if (options.json) return printJson(ballots);
  if (ballots.length === 0) {
    if (options.prefix !== undefined) throw new UserError(`nobody has said anything about ${options.prefix}`);
    const state = (query.state as string | undefined) ?? 'contested';
    return printLines([state === 'all' ? 'no ballots' : `no ${state === 'dissent' ? 'dissents' : `${state} ballots`}`]);
  }
  await printLines(renderBallots(ballots, { differences: options.diff }));
  if (total > ballots.length) await printLines([`… and ${count(total - ballots.length)} more (--limit)`]);
}

/** A prefix that nobody knows has a short story, and exit status 1. */
export async function explainLive(prefix: string, options: VotesOptions): Promise<void> {
  const story = await ask<Explanation>(options, 'explain', { prefix: parsePrefixOption(prefix) });
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
  if (options.json) return printJson(rows);
  if (rows.length === 0) return printLines(['no vote differs']);
  await printLines(renderSummary(rows, by, 'votes'));
  if (total > rows.length) await printLines([`… and ${count(total - rows.length)} more (--limit)`]);
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
  const { prefix, covered, covering, as, kind } = options;
  return {
    ...filterOf(options),
    ...(prefix === undefined ? {} : { prefix: parsePrefixOption(prefix) }),
    ...(covered ? { match: 'covered' } : covering ? { match: 'covering' } : {}),
    ...(as === undefined ? {} : { as }),
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
