// What a vote log says was wrong with replicas, as patterns (`btr faults --log`): reads record after record, in bounded memory. Owns which
// kinds of records count and when a dissent is over; patterns are patterns/.
import { neighborOf, prefixesOf, timeOf } from '../../votelog/facts.js';
import type { LogRecord } from '../../votelog/types.js';
import type { FindingExampleReport, FindingReport } from '../status.js';
import { PatternBook } from './patterns/pattern-book.js';
import { agreeingOf, ballotOf, diffOf, isFields, namesOf, numberOf, routeOf, textOf } from './record-reading.js';
import type { FaultPattern } from './types.js';

/** Kinds of records that patterns are made of. */
export const PATTERN_KINDS = [
  'dissent-begins',
  'dissent-ends',
  'fault-begins',
  'fault-ends',
  'known-difference-begins',
  'known-difference-ends',
  'replica',
  'session',
];

/** Findings that are kept; there are at most some for each replica, neighbour and kind, and a new one an hour. */
const MAX_FINDINGS = 10_000;
/** States of a replica in which what it said before is no opinion any more. */
const GONE = new Set(['left', 'restarting', 'retired', 'ended']);

export class LogPatterns {
  private readonly book = new PatternBook();
  /** By number and first time: numbers begin anew with every run of the router. */
  private readonly findings = new Map<string, FindingReport>();
  private readonly replicas = new Set<string>();

  add(record: LogRecord): void {
    switch (record.kind) {
      case 'dissent-begins':
        this.begins(record);
        break;
      case 'dissent-ends':
        this.ends(record);
        break;
      case 'fault-begins':
      case 'known-difference-begins':
        this.finding(record, true);
        break;
      case 'fault-ends':
      case 'known-difference-ends':
        this.finding(record, false);
        break;
      default:
        this.gone(record);
    }
  }

  /** `all`: known differences, too. `source`: the option that makes a command look into the same log. */
  patterns({ all, source }: { all: boolean; source: string }): FaultPattern[] {
    for (const finding of this.findings.values()) {
      if (!this.book.attach(finding)) this.book.addFinding(finding);
    }
    return this.book.patterns(source).filter(({ kind }) => all || kind !== 'known-difference');
  }

  private begins(record: LogRecord): void {
    const [replica, place] = [textOf(record.replica), neighborOf(record)];
    const kind = dissentKind(record.what);
    if (replica === null || place === undefined || kind === undefined) return;
    const ballot = ballotOf(record);
    const [vote, majority] = [routeOf(ballot.vote) ?? null, routeOf(ballot.verdict) ?? null];
    const at = timeOf(record);
    this.replicas.add(replica);
    this.book.add({
      ...{ replica, kind, place, vote, majority },
      prefixes: prefixesOf(record),
      diff: diffOf(ballot.diff),
      against: agreeingOf(ballot),
      ...{ first: at, last: at, open: true, known: [], finding: null },
    });
  }

  private ends(record: LogRecord): void {
    const [replica, place] = [textOf(record.replica), neighborOf(record)];
    if (replica === null || place === undefined) return;
    this.book.end(replica, timeOf(record), { place, prefixes: prefixesOf(record) });
  }

  private finding(record: LogRecord, open: boolean): void {
    const [replica, first, last] = [textOf(record.replica), dateOf(record.first, record), dateOf(record.last, record)];
    const [id, kind] = [numberOf(record.id), textOf(record.what)];
    if (replica === null || id === null || kind === null) return;
    const key = `${id} ${first}`;
    const known = this.findings.get(key);
    if (known === undefined && this.findings.size >= MAX_FINDINGS) return;
    const place = textOf(record.place);
    const total = numberOf(record.total) ?? Math.max(known?.total ?? 0, numberOf(record.prefixes) ?? 0, 1);
    this.findings.set(key, {
      ...{
        id,
        replica,
        kind,
        cause: textOf(record.cause),
        place,
        open,
        first,
        last,
        total,
      },
      since: open ? record.t : null,
      prefixes: open ? (numberOf(record.prefixes) ?? 0) : 0,
      samples: known?.samples.length ? known.samples : namesOf(record.samples),
      example: exampleOf(record.example) ?? known?.example ?? null,
      text: textOf(record.text) ?? known?.text ?? '',
    });
    // Dissents end without a word when a replica leaves or abstains; the finding is closed nevertheless.
    if (!open && place !== null && kind !== 'known-difference') this.book.end(replica, timeOf(record), { place, kind });
  }

  /** A replica that does not vote, and a neighbour without a session, are no place for dissents. */
  private gone(record: LogRecord): void {
    const at = timeOf(record);
    const replica = textOf(record.replica);
    if (record.kind === 'replica' && replica !== null && GONE.has(textOf(record.state) ?? '')) {
      this.book.end(replica, at, {});
    } else if (record.kind === 'session' && record.state !== 'up') {
      const place = textOf(record.neighbor);
      for (const name of this.replicas) this.book.end(name, at, place === null ? {} : { place });
    }
  }
}

/** The time that a field tells; that of the record where it tells none. */
function dateOf(value: unknown, { t }: LogRecord): string {
  const text = textOf(value);
  return text === null || Number.isNaN(Date.parse(text)) ? t : text;
}

function dissentKind(what: unknown): 'extra' | 'missing' | 'different' | undefined {
  return what === 'extra' || what === 'missing' || what === 'different' ? what : undefined;
}

function exampleOf(value: unknown): FindingExampleReport | null {
  if (!isFields(value)) return null;
  const prefix = textOf(value.prefix);
  if (prefix === null) return null;
  return {
    prefix,
    vote: routeOf(value.vote) ?? null,
    majority: routeOf(value.majority) ?? null,
    diff: diffOf(value.diff),
  };
}
