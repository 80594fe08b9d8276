// What can be asked about ballots (control method `votes`): the shape of the question, and its check. Owns no answers.
import type { PrefixMatch, SummaryKey } from '../../votelog/types.js';
import { formatPrefix, parsePrefix, type Prefix } from '../../wire/prefix-text.js';
import { wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';

/** `all`: every ballot on which anybody has said anything. */
export const BALLOT_STATES = ['contested', 'dissent', 'no-majority', 'oscillating', 'all'] as const;
export type BallotState = (typeof BALLOT_STATES)[number];

export const SUMMARY_KEYS: readonly SummaryKey[] = ['replica', 'prefix', 'neighbor', 'attribute', 'hour', 'kind'];

/** As it comes over the control socket or HTTP. */
export interface BallotQuery {
  prefix?: string;
  /** Default `exact`. */
  match?: PrefixMatch;
  /** Address. */
  neighbor?: string;
  /** Only ballots on which this replica differs from the verdict. */
  replica?: string;
  /** Only with this AS in the path of the verdict or of a vote. */
  as?: number;
  /** Default: `contested`; with a prefix `all`. */
  state?: BallotState;
  /** When the latest of the votes that differ took its value (with `all`: of any vote), ms since 1970, both included. */
  from?: number;
  to?: number;
  /** Ballots in the answer; at most 20,000. Of a summary: rows. */
  limit?: number;
  /** Goes on where an answer ended (`next`). */
  after?: string;
  /** Rows of a summary instead of ballots. */
  by?: SummaryKey;
}

/** The same, checked: names are indices, times are those of `now()`. */
export interface BallotFilter {
  prefix: Prefix | undefined;
  match: PrefixMatch;
  neighbors: readonly number[];
  replica: number | undefined;
  as: number | undefined;
  state: BallotState;
  from: number;
  to: number;
  limit: number;
  /** Where to begin: index in `neighbors`, and the prefix id behind which. */
  start: { neighbor: number; prefix: number };
  by: SummaryKey | undefined;
}

/** Most ballots in one answer, whatever is asked for. */
const MAX_BALLOTS = 20_000;

/** Throws an Error for the user when the question makes no sense. */
export function parseBallotQuery(query: BallotQuery, { config }: Pick<RouterContext, 'config'>): BallotFilter {
  const { prefix: text, match = 'exact', state, by, limit = MAX_BALLOTS } = query;
  const prefix = text === undefined ? undefined : parsePrefix(String(text));
  if (text !== undefined && prefix === undefined) throw new Error(`"${text}" is no prefix (say 192.0.2.0/24)`);
  if (!['exact', 'covered', 'covering'].includes(match)) throw new Error('"match" is exact, covered or covering');
  if (state !== undefined && !BALLOT_STATES.includes(state)) {
    throw new Error(`there are no ballots of the kind "${String(state)}"; there are: ${BALLOT_STATES.join(', ')}`);
  }
  if (by !== undefined && !SUMMARY_KEYS.includes(by)) {
    throw new Error(`there is no summary by "${String(by)}"; there are: ${SUMMARY_KEYS.join(', ')}`);
  }
  const offset = Date.parse(wallClock(0));
  return {
    prefix,
    match,
    neighbors: neighborsOf(query.neighbor, config),
    replica: replicaOf(query.replica, config),
    as: numberOf(query.as, 'as'),
    state: state ?? (prefix === undefined ? 'contested' : 'all'),
    from: (numberOf(query.from, 'from') ?? -Infinity) - offset,
    to: (numberOf(query.to, 'to') ?? Infinity) - offset,
    limit: Math.max(0, Math.min(numberOf(limit, 'limit') ?? MAX_BALLOTS, MAX_BALLOTS)),
    start: startOf(query.after),
    by,
  };
}

/** `neighbor:prefix`, for `after`. */
export function cursorOf(neighbor: number, prefix: number): string {
  return `${neighbor}:${prefix}`;
}

function startOf(after: unknown): { neighbor: number; prefix: number } {
  if (after === undefined) return { neighbor: 0, prefix: 0 };
  const [, neighbor, prefix] = /^(\d{1,6}):(\d{1,10})$/.exec(String(after)) ?? [];
  if (neighbor === undefined) throw new Error('"after" is what an answer had as "next"');
  return { neighbor: Number(neighbor), prefix: Number(prefix) };
}

function neighborsOf(address: unknown, config: RouterContext['config']): number[] {
  const all = [...config.neighbors.keys()].filter((n) => config.neighbors[n].removed !== true);
  const chosen = address === undefined ? all : all.filter((n) => config.neighbors[n].address === address);
  if (chosen.length === 0 && address !== undefined) throw new Error(`there is no neighbour ${String(address)}`);
  return chosen;
}

function replicaOf(name: unknown, config: RouterContext['config']): number | undefined {
  if (name === undefined) return undefined;
  const r = config.replicas.findIndex((replica) => replica.name === name);
  if (r < 0) {
    const names = config.replicas.map((replica) => replica.name);
    throw new Error(`there is no replica "${String(name)}"; there are: ${names.join(', ')}`);
  }
  return r;
}

function numberOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) throw new Error(`"${name}" is a number`);
  return number;
}

/** Canonical text of a prefix. */
export function prefixText({ family, address, bits }: Prefix): string {
  return formatPrefix(family, address, 0, bits);
}
