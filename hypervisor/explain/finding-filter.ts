// Which findings a question to `btr faults` is about, by what a finding tells of itself: place, examples and samples. Owns the reading of
// the question; single dissents are looked for where they are (live-patterns.ts).
import { covers, parsePrefix, type Prefix } from '../../wire/prefix-text.js';
import { parseBallotQuery, type BallotFilter, type BallotQuery } from '../ballots/query.js';
import type { RouterContext } from '../context.js';
import type { FindingReport } from '../status.js';

/** As it comes over the control socket. */
export interface FaultsQuery extends Pick<BallotQuery, 'prefix' | 'match' | 'neighbor' | 'as'> {
  replica?: unknown;
  all?: unknown;
}

/** Throws an Error for the user. `neighbor` may be `fib`: then no dissents towards neighbours are meant. */
export function parseFaultsQuery(query: FaultsQuery, context: Pick<RouterContext, 'config'>): BallotFilter {
  const { prefix, match, neighbor, as } = query;
  const asked = { prefix, match, as, ...(neighbor === 'fib' ? {} : { neighbor }), state: 'dissent' as const };
  const filter = parseBallotQuery(JSON.parse(JSON.stringify(asked)) as BallotQuery, context);
  return neighbor === 'fib' ? { ...filter, neighbors: [] } : filter;
}

/** Whether a finding may be about what is asked for, as far as it says. System events are about no prefix. */
export function concerns(
  finding: FindingReport,
  { neighbor, as }: FaultsQuery,
  { prefix, match }: BallotFilter,
): boolean {
  const { place, samples, example } = finding;
  if (neighbor !== undefined && place !== null && place !== neighbor) return false;
  if (prefix !== undefined && !samples.some((text) => relates(parsePrefix(text), prefix, match))) return false;
  return as === undefined || [example?.vote, example?.majority].some((route) => hasAs(route?.AS_PATH, Number(as)));
}

function relates(sample: Prefix | undefined, wanted: Prefix, match: BallotFilter['match']): boolean {
  if (sample === undefined) return false;
  const [inside, around] = [covers(wanted, sample), covers(sample, wanted)];
  return match === 'exact' ? inside && around : match === 'covered' ? inside : around;
}

function hasAs(path: string | undefined, as: number): boolean {
  return path !== undefined && (path.match(/\d+/g) ?? []).some((digits) => Number(digits) === as);
}
