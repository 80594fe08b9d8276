// Reads fields of vote-log records, which may come from anywhere and be anything: what has another type than expected is not there. Owns
// that caution; what fields mean is docs/vote-log.md.
import type { LogRecord } from '../../votelog/types.js';
import type { DifferenceReport, RouteText } from './types.js';

export type Fields = Record<string, unknown>;

export interface RecordVote {
  replica: string;
  counts: boolean;
  agrees: boolean;
  attributes: RouteText;
  diff: DifferenceReport[];
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? (value as unknown[]).filter((name) => typeof name === 'string') : [];
}

/** The ballot that a record has: of a group the one that is its example. */
export function ballotOf(record: LogRecord): Fields {
  return isFields(record.example) ? record.example : record;
}

/** A route as `verdict`, `vote`, `majority` have it: attributes by name, next hops as text, or null; undefined when there is none of it. */
export function routeOf(value: unknown): RouteText | undefined {
  if (value === null) return null;
  if (typeof value === 'string') return { 'next hops': value };
  if (!isFields(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string')) as RouteText;
}

/** Differences of a record (`left`: the majority) or of a finding's example (`majority`, `vote`). */
export function diffOf(value: unknown): DifferenceReport[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[])
    .filter(isFields)
    .flatMap(({ attribute, left, right, majority, vote }) =>
      typeof attribute === 'string'
        ? [{ attribute, majority: textOf(left) ?? textOf(majority), vote: textOf(right) ?? textOf(vote) }]
        : [],
    );
}

export function votesOf(value: unknown): RecordVote[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).filter(isFields).flatMap(({ replica, counts, agrees, attributes, diff }) =>
    typeof replica === 'string'
      ? [
          {
            ...{ replica, counts: counts === true, agrees: agrees === true },
            ...{ attributes: routeOf(attributes) ?? null, diff: diffOf(diff) },
          },
        ]
      : [],
  );
}

/** Who agrees in a ballot, as far as the record tells. */
export function agreeingOf(ballot: Fields): string[] {
  const votes = votesOf(ballot.votes);
  if (votes.length > 0) return votes.filter(({ counts, agrees }) => counts && agrees).map(({ replica }) => replica);
  return namesOf(ballot.agree);
}
