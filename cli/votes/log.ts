// `btr votes --log`: records of a vote log, counts of them, what is written to it from now on, and the story of a prefix by the log alone.
// Streams: memory is bounded by `--limit`, not by the log. Layout is render-records.ts and render-explanation.ts.
import process from 'node:process';
import { explanationOf } from '../../hypervisor/explain/log-explanation.js';
import { aboutPrefix } from '../../hypervisor/explain/log-search.js';
import type { LogFilter, LogRecord, SummaryKey } from '../../votelog/types.js';
import type { VotesOptions } from '../commands/votes.js';
import { UserError } from '../errors.js';
import { printJson, printLines } from '../output/print.js';
import { filterOf, parseLimit, parsePrefixOption, prefixFilterOf, withLog } from './filters.js';
import { printSummary, SUMMARY_ROWS } from './print-summary.js';
import { renderExplanation } from './render-explanation.js';
import { hasDifferences, renderRecord } from './render-records.js';

/** Records that are shown unless somebody asks for more; as JSON all of them. */
const DEFAULT_LIMIT = 100;
/** Of a story. */
const STORY_RECORDS = 2000;

export function showLog(options: VotesOptions): Promise<void> {
  const filter = logFilterOf(options);
  return withLog(options, async (reader) => {
    if (options.by !== undefined) {
      const [by, limit] = [options.by as SummaryKey, parseLimit(options.limit, SUMMARY_ROWS)];
      const rows = await reader.summary(filter, by);
      const { json } = options;
      return printSummary(rows.slice(0, limit), { by, what: 'records', total: rows.length, json, lines: true });
    }
    if (options.json && options.limit === undefined) {
      for await (const record of reader.query(filter)) {
        if (!options.diff || hasDifferences(record)) await printJson(record, { lines: true });
      }
      return;
    }
    const limit = parseLimit(options.limit, DEFAULT_LIMIT);
    const { records, more } = await latest(reader.query({ ...filter, newestFirst: true }), limit, options.diff);
    if (records.length === 0 && options.prefix !== undefined)
      throw new UserError(`the log has nothing about ${options.prefix}`);
    if (more && !options.json) await printLines(['… (there are earlier ones: --limit)']);
    for (const record of records) await print(record, options);
    if (records.length === 0 && !options.json) await printLines(['no such records']);
  });
}

/** Until it is interrupted. */
export function followLog(options: VotesOptions): Promise<void> {
  const filter = logFilterOf(options);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  return withLog(options, async (reader) => {
    for await (const record of reader.follow(filter, stop.signal)) {
      if (!options.diff || hasDifferences(record)) await print(record, options);
    }
  });
}

export function explainLog(text: string, options: VotesOptions): Promise<void> {
  const prefix = parsePrefixOption(text);
  const { to } = filterOf(options);
  return withLog(options, async (reader) => {
    const span = { limit: STORY_RECORDS, until: Infinity, ...(to === undefined ? {} : { to }) };
    const { records, problem } = await aboutPrefix(reader, prefix, span);
    const story = explanationOf(prefix, records);
    if (story === undefined) throw new UserError(`the log has nothing about ${prefix}`);
    if (problem !== undefined) story.unknown.push(problem);
    if (options.json) await printJson(story);
    else await printLines(renderExplanation(story));
  });
}

function logFilterOf(options: VotesOptions): LogFilter {
  const { kind } = options;
  return {
    ...filterOf(options),
    ...prefixFilterOf(options),
    ...(kind === undefined ? {} : { kinds: kind.flatMap((names) => names.split(',')) }),
  };
}

/** The last `limit` in the order of time. */
async function latest(
  newestFirst: AsyncIterable<LogRecord>,
  limit: number,
  differences: boolean,
): Promise<{ records: LogRecord[]; more: boolean }> {
  const records: LogRecord[] = [];
  for await (const record of newestFirst) {
    if (differences && !hasDifferences(record)) continue;
    if (records.length === limit) return { records: records.reverse(), more: true };
    records.push(record);
  }
  return { records: records.reverse(), more: false };
}

function print(record: LogRecord, { json, diff }: VotesOptions): Promise<void> {
  return json ? printJson(record, { lines: true }) : printLines(renderRecord(record, { differences: diff }));
}
