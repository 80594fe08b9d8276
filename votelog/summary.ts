// Records counted by something they have in common. Owns the grouping and its bound; what the columns of an index say is counted without the
// records themselves (index/part.ts).
import { neighborOf, prefixCountOf, prefixesOf, replicasOf, timeOf } from './facts.js';
import type { LogRecord, SummaryKey, SummaryRow } from './types.js';

/** Different keys that are told apart; what comes with further ones is counted together. */
export const MAX_KEYS = 200_000;
/** The key of records that have nothing of the kind, and of those that came after too many others. */
export const NO_KEY = '-';
export const OTHER_KEYS = '(others)';

/** A row with its times as ms since 1970. */
interface Count {
  records: number;
  prefixes: number;
  first: number;
  last: number;
}

export class Summary {
  readonly by: SummaryKey;
  private readonly rows = new Map<string, Count>();

  constructor(by: SummaryKey) {
    this.by = by;
  }

  add(record: LogRecord): void {
    const at = timeOf(record);
    const prefixes = this.by === 'prefix' ? 1 : prefixCountOf(record);
    const keys = keysOf(record, this.by);
    for (const key of keys.length === 0 ? [NO_KEY] : keys) this.count(key, prefixes, at);
  }

  /** One more record with this key, about so many prefixes; `at`: ms since 1970. */
  count(key: string, prefixes: number, at: number): void {
    let row = this.rows.get(key);
    if (row === undefined) {
      const name = this.rows.size < MAX_KEYS ? key : OTHER_KEYS;
      row = this.rows.get(name) ?? { records: 0, prefixes: 0, first: at, last: at };
      this.rows.set(name, row);
    }
    row.records++;
    row.prefixes += prefixes;
    if (at < row.first) row.first = at;
    if (at > row.last) row.last = at;
  }

  /** Most records first; hours in their order. */
  result(): SummaryRow[] {
    const order = (a: SummaryRow, b: SummaryRow): number =>
      (this.by === 'hour' ? 0 : b.records - a.records) || (a.key < b.key ? -1 : 1);
    const time = (at: number): string => new Date(at).toISOString();
    return [...this.rows]
      .map(([key, { first, last, ...counts }]) => ({ key, ...counts, first: time(first), last: time(last) }))
      .sort(order);
  }
}

/** The hour (UTC) that a time (ms since 1970) lies in, `2026-03-14T15`. */
export function hourOf(at: number): string {
  return new Date(at).toISOString().slice(0, 13);
}

function keysOf(record: LogRecord, by: SummaryKey): string[] {
  switch (by) {
    case 'replica':
      return replicasOf(record);
    case 'neighbor':
      return [neighborOf(record) ?? NO_KEY];
    case 'kind':
      return [record.kind];
    case 'hour':
      return [hourOf(timeOf(record))];
    case 'attribute':
      return attributesOf(record);
    case 'prefix':
      return prefixesOf(record);
  }
}

/** Names of the attributes in which votes differ; `route` where one side has none. */
function attributesOf(record: LogRecord): string[] {
  const names = new Set<string>();
  const example = record.example as LogRecord | undefined;
  for (const ballot of [record, example]) {
    if (typeof ballot !== 'object' || ballot === null) continue;
    const votes = Array.isArray(ballot.votes) ? (ballot.votes as unknown[]) : [];
    for (const holder of [ballot, ...votes] as (Record<string, unknown> | null)[]) collectDifferences(holder, names);
  }
  if (record.what === 'missing' || record.what === 'extra') names.add('route');
  return [...names];
}

function collectDifferences(holder: Record<string, unknown> | null, names: Set<string>): void {
  if (!Array.isArray(holder?.diff)) return;
  for (const entry of holder.diff as unknown[]) {
    const name = (entry as { attribute?: unknown } | null)?.attribute;
    if (typeof name === 'string') names.add(name);
  }
}
