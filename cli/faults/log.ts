// `btr faults` by a vote log: patterns of what it tells, counts, and what is found from now on. Streams: memory is bounded by the number of
// patterns, not by the log.
import process from 'node:process';
import { LogPatterns, PATTERN_KINDS } from '../../hypervisor/explain/log-patterns.js';
import type { LogFilter, SummaryKey } from '../../votelog/types.js';
import type { FaultsOptions } from '../commands/faults.js';
import { printJson, printLines } from '../output/print.js';
import { filterOf, parseLimit, prefixFilterOf, withLog } from '../votes/filters.js';
import { printSummary } from '../votes/print-summary.js';
import { renderRecord } from '../votes/render-records.js';
import { chosen, DEFAULT_LIMIT } from './choose.js';
import { renderPatterns } from './render.js';

export function showLog(options: FaultsOptions): Promise<void> {
  // Which place a pattern has is known when it is whole.
  const { replica, from, to } = filterOf(options);
  const filter = defined({ replica, from, to, ...prefixFilterOf(options), kinds: PATTERN_KINDS });
  return withLog(options, async (reader, place) => {
    const found = new LogPatterns();
    for await (const record of reader.query(filter)) found.add(record);
    const source = ` --log ${quoted(place)}`;
    const patterns = chosen(found.patterns({ all: options.all, source }), options);
    if (options.json) return printJson({ patterns, skipped: reader.skipped });
    await printLines(renderPatterns(patterns, parseLimit(options.limit, DEFAULT_LIMIT), options));
  });
}

/** Dissents that began, in the time that is asked for. */
export function countLog(options: FaultsOptions): Promise<void> {
  const by = options.by as SummaryKey;
  const filter = { ...filterOf(options), ...prefixFilterOf(options), kinds: ['dissent-begins'] };
  return withLog(options, async (reader) => {
    const rows = await reader.summary(filter, by);
    const limit = parseLimit(options.limit, rows.length);
    const { json } = options;
    await printSummary(rows.slice(0, limit), { by, what: 'records', total: rows.length, json, lines: true });
  });
}

/** Until it is interrupted. */
export function followLog(options: FaultsOptions): Promise<void> {
  const kinds = [
    'fault-begins',
    'fault-ends',
    ...(options.all ? ['known-difference-begins', 'known-difference-ends'] : []),
  ];
  const filter = { ...filterOf(options), ...prefixFilterOf(options), kinds };
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return withLog(options, async (reader) => {
    for await (const record of reader.follow(filter, stop.signal)) {
      if (options.kind !== undefined && !options.kind.includes(String(record.what))) continue;
      await (options.json
        ? printJson(record, { lines: true })
        : printLines(renderRecord(record, { differences: options.diff })));
    }
  });
}

function defined(filter: { [K in keyof LogFilter]: LogFilter[K] | undefined }): LogFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as LogFilter;
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
