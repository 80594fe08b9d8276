// Collects dissents into patterns as they come, live ones or those of a log, in bounded memory. Owns the counting and what of the values is
// kept; the normal form of a difference is changes.ts, what is said of a pattern verdicts.ts.
import type { FindingReport } from '../../status.js';
import type {
  DifferenceReport,
  FaultPattern,
  PatternChange,
  PatternExample,
  RouteText,
  ValueSummary,
} from '../types.js';
import { changeOf, keyOfChanges, type Change } from './changes.js';
import { adviceOn, rank, sentence } from './verdicts.js';

/** Patterns that are told apart; further ones are counted in `dropped`. */
const MAX_PATTERNS = 2000;
/** Values of one side of one attribute that are kept, and examples. */
const MAX_VALUES = 3;
const MAX_EXAMPLES = 3;
/** Distinct prefixes that are counted exactly, of all patterns together. */
const MAX_PREFIXES = 1_000_000;
const MAX_FINDINGS = 20;

/** One dissent, or many of the same kind that were told together. Times in ms since 1970. */
export interface Occurrence {
  replica: string;
  kind: 'extra' | 'missing' | 'different';
  place: string;
  prefixes: readonly string[];
  /** Of one of them. */
  vote: RouteText;
  majority: RouteText;
  diff: readonly DifferenceReport[];
  against: readonly string[];
  first: number;
  last: number;
  open: boolean;
  /** Names of the known differences that explain it. */
  known: readonly string[];
  finding: number | null;
}

interface Values {
  seen: string[];
  more: boolean;
}

interface Entry {
  key: string;
  replica: string;
  /** What is thought of it, and what the replica did: the same but for a known difference. */
  kind: string;
  said: string;
  cause: string | null;
  known: Set<string>;
  changes: { attribute: string; how: Change['how']; vote: Values; majority: Values }[];
  places: Set<string>;
  prefixes: Set<string>;
  /** More than are in `prefixes`. */
  uncounted: number;
  atLeast: boolean;
  count: number;
  /** Dissents that are open, as `place prefix`; `open` is about what is not counted one by one. */
  openDissents: Set<string>;
  open: boolean;
  first: number;
  last: number;
  against: Set<string>;
  examples: PatternExample[];
  findings: Set<number>;
  reason: string;
}

export class PatternBook {
  /** Occurrences of patterns for which there was no room. */
  dropped = 0;
  private readonly entries = new Map<string, Entry>();
  private distinct = 0;

  add(occurrence: Occurrence): void {
    const { replica, kind, place, prefixes, known, vote, majority, diff } = occurrence;
    const changes = diff.map(changeOf);
    const what = known.length > 0 ? 'known-difference' : kind;
    const entry = this.entryOf(keyOf(replica, what, kind, place, changes), replica, what, null, changes);
    if (entry !== undefined) entry.said = kind;
    if (entry === undefined) return;
    changes.forEach((change, i) => {
      note(entry.changes[i].vote, change.vote);
      note(entry.changes[i].majority, change.majority);
    });
    for (const name of known) entry.known.add(name);
    for (const name of occurrence.against) entry.against.add(name);
    entry.places.add(place);
    for (const prefix of prefixes) {
      this.countPrefix(entry, prefix);
      if (occurrence.open) entry.openDissents.add(`${place} ${prefix}`);
    }
    entry.count += prefixes.length;
    if (entry.examples.length < MAX_EXAMPLES && prefixes.length > 0) {
      entry.examples.push({ prefix: prefixes[0], place, vote, majority });
    }
    this.span(entry, { ...occurrence, open: false });
  }

  /** Dissents of a replica are over: of one kind or of all, at one place or everywhere, on these prefixes or on all. `at`: ms since 1970. */
  end(
    replica: string,
    at: number,
    { kind, place, prefixes }: { kind?: string; place?: string; prefixes?: readonly string[] },
  ): void {
    for (const entry of this.entries.values()) {
      if (entry.replica !== replica || (kind !== undefined && entry.said !== kind)) continue;
      const before = entry.openDissents.size;
      if (prefixes !== undefined) for (const prefix of prefixes) entry.openDissents.delete(`${place ?? ''} ${prefix}`);
      else if (place === undefined) entry.openDissents.clear();
      else for (const one of entry.openDissents) if (one.startsWith(`${place} `)) entry.openDissents.delete(one);
      if (entry.openDissents.size < before) entry.last = Math.max(entry.last, at);
    }
  }

  /** A finding that single dissents are known of: whether it is a known difference, and its number. False when none of them are. */
  attach(finding: FindingReport): boolean {
    const { replica, kind, place, id, example, text } = finding;
    const known = kind === 'known-difference';
    const changes = keyOfChanges(differencesOf(example).map(changeOf));
    let found = false;
    for (const entry of this.entries.values()) {
      if (entry.replica !== replica || place === null || !entry.places.has(place)) continue;
      const same = keyOfChanges(
        entry.changes.map(({ attribute, how }) => ({ attribute, how, vote: null, majority: null })),
      );
      if (known ? same !== changes : entry.said !== kind || entry.kind === 'known-difference') continue;
      found = true;
      if (entry.findings.size < MAX_FINDINGS) entry.findings.add(id);
      if (!known) continue;
      entry.kind = kind;
      for (const name of text.split(', ')) entry.known.add(name);
    }
    return found;
  }

  /** There are more dissents of a replica towards a neighbour than were looked at. */
  moreOf(replica: string, place: string): void {
    for (const entry of this.entries.values()) {
      if (entry.replica === replica && entry.places.has(place)) entry.atLeast = true;
    }
  }

  /**
   * A finding of which no single dissents are known: only what it says of itself, its number and an example. `against`: who agrees with
   * the majority, as far as known.
   */
  addFinding(finding: FindingReport, against: readonly string[] = []): void {
    const { replica, kind, cause, place, example, text, samples } = finding;
    const changes = differencesOf(example).map(changeOf);
    const known = kind === 'known-difference' ? text.split(', ').filter((name) => name !== '') : [];
    const key = keyOf(replica, kind, cause ?? '', place ?? '', changes);
    const entry = this.entryOf(key, replica, kind, cause, changes);
    if (entry === undefined) return;
    changes.forEach((change, i) => {
      const { vote, majority } = entry.changes[i];
      note(vote, change.vote);
      note(majority, change.majority);
      // One example stands for all of them: what the others say is not known.
      if (finding.total > 1) vote.more = majority.more = true;
    });
    for (const name of known) entry.known.add(name);
    for (const name of against) entry.against.add(name);
    if (place !== null) entry.places.add(place);
    if (kind === 'system') entry.reason = text;
    const before = entry.prefixes.size;
    for (const sample of samples) this.countPrefix(entry, sample);
    const rest = Math.max(finding.open ? finding.prefixes : finding.total, samples.length) - samples.length;
    if (kind !== 'system') {
      // What is not named may be the same as what another neighbour's finding has.
      entry.uncounted = before === 0 ? rest : Math.max(entry.uncounted, rest);
    }
    entry.count += finding.total;
    if (example !== null && entry.examples.length < MAX_EXAMPLES) {
      const { prefix, vote, majority } = example;
      entry.examples.push({ prefix, place: place ?? '', vote, majority });
    }
    // An open one counts since what is open began, whatever was before.
    const begin = finding.open ? (finding.since ?? finding.first) : finding.first;
    const [first, last] = [Date.parse(begin), Date.parse(finding.last)];
    this.span(entry, { first, last, open: finding.open, finding: finding.id });
  }

  /** Those that ask most for something to be done first. `source`: the option that makes a command look at the same place (a log). */
  patterns(source = ''): FaultPattern[] {
    return [...this.entries.values()]
      .map((entry) => report(entry))
      .sort(rank)
      .map(({ pattern, reason }) => ({ ...pattern, text: sentence(pattern, reason), ...adviceOn(pattern, source) }));
  }

  private entryOf(
    key: string,
    replica: string,
    kind: string,
    cause: string | null,
    changes: readonly Change[],
  ): Entry | undefined {
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    if (this.entries.size >= MAX_PATTERNS) {
      this.dropped++;
      return undefined;
    }
    const values = (): Values => ({ seen: [], more: false });
    const entry: Entry = {
      ...{
        key,
        replica,
        kind,
        said: kind,
        cause,
        known: new Set(),
        openDissents: new Set(),
        places: new Set(),
        prefixes: new Set(),
        uncounted: 0,
      },
      changes: changes.map(({ attribute, how }) => ({ attribute, how, vote: values(), majority: values() })),
      ...{ atLeast: false, count: 0, open: false, first: Infinity, last: -Infinity },
      ...{ against: new Set(), examples: [], findings: new Set(), reason: '' },
    };
    this.entries.set(key, entry);
    return entry;
  }

  private countPrefix(entry: Entry, prefix: string): void {
    if (entry.prefixes.has(prefix)) return;
    if (this.distinct >= MAX_PREFIXES) {
      entry.atLeast = true;
      return;
    }
    this.distinct++;
    entry.prefixes.add(prefix);
  }

  private span(
    entry: Entry,
    { first, last, open, finding }: { first: number; last: number; open: boolean; finding: number | null },
  ): void {
    entry.first = Math.min(entry.first, first);
    entry.last = Math.max(entry.last, last);
    entry.open ||= open;
    if (finding !== null && entry.findings.size < MAX_FINDINGS) entry.findings.add(finding);
  }
}

/** Towards neighbours and in the forwarding table are different things; towards which neighbour is not. */
function keyOf(replica: string, what: string, detail: string, place: string, changes: readonly Change[]): string {
  const where = place === 'fib' || place === '' ? place : 'update';
  return [replica, what, what === detail ? '' : detail, where, keyOfChanges(changes)].join(' | ');
}

/** Next hops of the forwarding table have no attributes to differ in. */
function differencesOf(example: FindingReport['example']): readonly DifferenceReport[] {
  if (example !== null && example.diff.length > 0) return example.diff;
  const [vote, majority] = [example?.vote?.['next hops'], example?.majority?.['next hops']];
  return vote === undefined || majority === undefined ? [] : [{ attribute: 'next hops', vote, majority }];
}

function note(values: Values, text: string | null): void {
  if (text === null || values.seen.includes(text)) return;
  if (values.seen.length < MAX_VALUES) values.seen.push(text);
  else values.more = true;
}

function report(entry: Entry): { pattern: Omit<FaultPattern, 'text' | 'advice' | 'commands'>; reason: string } {
  const { key, replica, kind, cause, places, prefixes, uncounted, atLeast, count, first, last } = entry;
  const open = entry.open || entry.openDissents.size > 0;
  const summary = ({ seen, more }: Values): ValueSummary => ({ values: seen, more });
  const changes: PatternChange[] = entry.changes.map(({ attribute, how, vote, majority }) => ({
    ...{ attribute, how, vote: summary(vote), majority: summary(majority) },
  }));
  return {
    pattern: {
      ...{ key, replica, kind, cause, known: [...entry.known].sort(), changes, places: [...places].sort() },
      ...{ prefixes: prefixes.size + uncounted, atLeast, count, open },
      ...{ first: new Date(first).toISOString(), last: new Date(last).toISOString() },
      ...{ against: [...entry.against], examples: entry.examples, findings: [...entry.findings] },
    },
    reason: entry.reason,
  };
}
