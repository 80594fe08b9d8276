// Findings as lines of the vote log and as answers to `btr faults`. Owns the mapping to names and texts.
import { diffAttributes } from '../../wire/bgp/describe.js';
import type { Finding, FindingExample } from '../../voter/faults/types.js';
import { wallClock } from '../clock.js';
import type { FindingExampleReport, FindingReport } from '../status.js';
import { cutDifferences, hex, plainRecord, textsOf } from '../vote-records.js';
import type { FaultDeskParts } from './fault-desk.js';

type Names = Pick<FaultDeskParts, 'config' | 'records'>;

export function findingReport(finding: Finding, names: Names): FindingReport {
  const { id, kind, cause, first, last, oldest, open, prefixes, total, samples, example, text } = finding;
  return {
    id,
    replica: names.records.replicas[finding.replica],
    kind,
    cause: cause ?? null,
    place: placeName(finding, names),
    open,
    first: wallClock(first),
    last: wallClock(last),
    since: oldest === undefined ? null : wallClock(oldest),
    prefixes,
    total,
    samples: [...samples],
    example: example === undefined ? null : exampleReport(example),
    text,
  };
}

/** `fault-begins`, `fault-ends`; of a known difference `known-difference-begins` and `-ends`. */
export function faultRecord(type: 'begins' | 'ends', finding: Finding, now: number, names: Names): string {
  const { kind, samples, example, text } = finding;
  const subject = kind === 'known-difference' ? kind : 'fault';
  const { id, replica, cause, place, first, last, prefixes, total } = findingReport(finding, names);
  const base = { id, replica, what: kind, ...(cause === null ? {} : { cause }), place, first };
  if (type === 'ends') return plainRecord(now, `${subject}-ends`, { ...base, last, total });
  return plainRecord(now, `${subject}-begins`, {
    ...base,
    prefixes,
    ...(text === '' ? {} : { text }),
    ...(samples.length === 0 ? {} : { samples }),
    ...(example === undefined ? {} : { example: { ...exampleReport(example), ...rawOf(example) } }),
  });
}

function placeName({ place }: Finding, { config }: Names): string | null {
  if (place === undefined) return null;
  return place === 'fib' ? place : config.neighbors[place].address;
}

function exampleReport({ prefix, vote, majority }: FindingExample): FindingExampleReport {
  const both = vote instanceof Uint8Array && majority instanceof Uint8Array;
  const diff = both ? cutDifferences(diffAttributes(majority, vote)) : [];
  return {
    prefix,
    vote: route(vote),
    majority: route(majority),
    diff: diff.map(({ attribute, left, right }) => ({ attribute, majority: left ?? null, vote: right ?? null })),
  };
}

/** The canonical bytes of both sides, of a dissent towards a neighbour. */
function rawOf({ vote, majority }: FindingExample): { voteRaw?: string | null; majorityRaw?: string | null } {
  if (typeof vote === 'string' || typeof majority === 'string') return {};
  return { voteRaw: vote && hex(vote), majorityRaw: majority && hex(majority) };
}

/** Attributes by name; next hops are under `next hops`. */
function route(value: Uint8Array | string | null): Record<string, string> | null {
  if (value === null) return null;
  if (typeof value === 'string') return { 'next hops': value };
  return textsOf(value);
}
