// What the vote log of a run says about faults: which lies were injected and when, and which votes were found in dissent. Owns the reading of
// the records; what follows from them is threshold-figures.ts.
import { NlriCursor } from '../wire/bgp/nlri.js';
import { FAMILIES, familyName } from '../wire/family.js';
import { PrefixTable } from '../wire/prefix-table.js';

/** Times are ms of the wall clock. */
export interface InjectedLie {
  replica: string;
  prefix: string;
  from: number;
  /** Infinity: to the end of the log. */
  to: number;
}

export interface FoundDissent {
  neighbor: string;
  replica: string;
  prefix: string;
  from: number;
  to: number;
}

export interface ThresholdLog {
  lies: InjectedLie[];
  dissents: FoundDissent[];
  oscillations: number;
  knownDifferences: number;
}

interface LogLine {
  t: string;
  kind: string;
  neighbor: string;
  replica: string;
  /** Of an injection: which one, whether it begins, and what about. */
  id?: number;
  state?: string;
  /** How many prefixes; of an injection, which ones. */
  prefixes?: string[] | number;
  prefix?: string;
  /** Of records about many ballots: their prefixes in hexadecimal, by family. */
  nlri?: Record<string, string>;
}

const KINDS = /"kind":"(injection|dissent-begins|dissent-ends|oscillation-begins|known-difference-begins)"/;

/** Reads the lines of a vote log, in order. */
export function readThresholdLog(lines: Iterable<string>): ThresholdLog {
  const lies = new Map<number, InjectedLie[]>();
  const open = new Map<string, FoundDissent>();
  const log: ThresholdLog = { lies: [], dissents: [], oscillations: 0, knownDifferences: 0 };
  for (const text of lines) {
    if (!KINDS.test(text.slice(0, 100))) continue;
    const line = JSON.parse(text) as LogLine;
    const at = Date.parse(line.t);
    if (line.kind === 'injection') readInjection(line, at, lies);
    else if (line.kind === 'known-difference-begins') log.knownDifferences++;
    else if (line.kind === 'oscillation-begins') log.oscillations += prefixesOf(line).length;
    else for (const prefix of prefixesOf(line)) readDissent(line, prefix, at, open, log.dissents);
  }
  log.lies = [...lies.values()].flat();
  return log;
}

function readInjection({ id, state, replica, prefixes }: LogLine, at: number, lies: Map<number, InjectedLie[]>): void {
  // The source of random faults has no prefixes of its own.
  if (id === undefined || (state === 'begins' && !Array.isArray(prefixes))) return;
  if (state === 'begins') {
    const lie = (prefix: string): InjectedLie => ({ replica, prefix, from: at, to: Infinity });
    lies.set(id, (prefixes as string[]).map(lie));
  } else for (const lie of lies.get(id) ?? []) lie.to = at;
}

function readDissent(
  { kind, neighbor, replica }: LogLine,
  prefix: string,
  at: number,
  open: Map<string, FoundDissent>,
  all: FoundDissent[],
): void {
  const key = `${neighbor} ${replica} ${prefix}`;
  const known = open.get(key);
  if (kind === 'dissent-ends') {
    if (known !== undefined) known.to = at;
    open.delete(key);
  } else if (known === undefined) {
    const dissent = { neighbor, replica, prefix, from: at, to: Infinity };
    open.set(key, dissent);
    all.push(dissent);
  }
}

/** Grouped records have their prefixes as NLRI, single ones as text. */
function prefixesOf({ prefix, nlri }: LogLine): string[] {
  if (prefix !== undefined) return [prefix];
  const found: string[] = [];
  const table = new PrefixTable();
  const cursor = new NlriCursor();
  for (const family of FAMILIES) {
    const bytes = Buffer.from(nlri?.[familyName(family)] ?? '', 'hex');
    cursor.reset(bytes, 0, bytes.length, family);
    while (cursor.next()) found.push(table.format(table.intern(family, bytes, cursor.at, cursor.bits)));
  }
  return found;
}
