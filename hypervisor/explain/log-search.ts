// What of a vote log belongs to the story of a prefix: the latest records about it, and what happened to sessions and replicas meanwhile.
// Owns the choice; reading is votelog/reader.ts.
import type { VoteLogReader } from '../../votelog/reader.js';
import { timeOf } from '../../votelog/facts.js';
import type { LogRecord } from '../../votelog/types.js';
import type { LogAnswer } from './own-log.js';

/** Kinds without prefixes that may be the cause of what is told of one. */
const SURROUNDINGS = ['session', 'replica', 'quarantine', 'overthrow'];
/** How long before the first record about the prefix they are looked for, ms, and how many there may be. */
const BEFORE_MS = 30_000;
const MAX_SURROUNDINGS = 40;

/** `until`: when to give up, ms since 1970. */
export async function aboutPrefix(
  reader: VoteLogReader,
  prefix: string,
  { limit, until, to }: { limit: number; until: number; to?: number },
): Promise<LogAnswer> {
  const records: LogRecord[] = [];
  let problem: string | undefined;
  const span = to === undefined ? {} : { to };
  for await (const record of reader.query({ prefix, newestFirst: true, limit: limit + 1, ...span })) {
    if (records.length === limit) problem = `only the last ${limit} records about the prefix are told`;
    else records.push(record);
    if (Date.now() > until) problem = 'the vote log is long: only its latest part was searched';
    if (problem !== undefined) break;
  }
  const [oldest] = records.slice(-1);
  if (oldest !== undefined && Date.now() < until) {
    const known = new Set(records.map(keyOf));
    const around = { kinds: SURROUNDINGS, from: timeOf(oldest) - BEFORE_MS, ...span };
    for await (const record of reader.query({ ...around, newestFirst: true, limit: MAX_SURROUNDINGS })) {
      if (!known.has(keyOf(record))) records.push(record);
      if (Date.now() > until) break;
    }
  }
  return { records, ...(problem === undefined ? {} : { problem }) };
}

function keyOf({ t, m, kind, replica }: LogRecord): string {
  return `${t} ${m} ${kind} ${replica ?? ''}`;
}
