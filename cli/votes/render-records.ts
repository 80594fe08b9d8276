// Lines of the vote log as people read them. Owns layout; what a kind of record means in words is hypervisor/explain/log-story.ts.
import { eventOf } from '../../hypervisor/explain/log-story.js';
import { ballotOf, diffOf, isFields, textOf, votesOf } from '../../hypervisor/explain/record-reading.js';
import type { DifferenceReport } from '../../hypervisor/explain/types.js';
import { countWords } from '../../hypervisor/explain/words.js';
import { FIB, prefixCountOf } from '../../votelog/facts.js';
import type { LogRecord } from '../../votelog/types.js';

/** When, about what, and what: one line. With `differences` one more for each attribute that differs. */
export function renderRecord(record: LogRecord, { differences = false } = {}): string[] {
  const { t, place, text } = eventOf(record);
  const about = subject(record, place);
  const line = `${t.slice(0, 23).replace('T', ' ')}Z  ${about === '' ? '' : `${about}: `}${text}`;
  return differences ? [line, ...differenceLines(record)] : [line];
}

/** Whether a record says in what a vote differs. */
export function hasDifferences(record: LogRecord): boolean {
  return differencesOf(record).length > 0;
}

/** `192.0.2.0/24 to 10.0.0.2`, `812 prefixes in the forwarding table`, `10.0.0.2`; empty for what is about the whole router. */
function subject(record: LogRecord, place: string | null): string {
  const count = prefixCountOf(record);
  const what = textOf(record.prefix) ?? (count > 0 ? countWords(count, 'prefix', 'prefixes') : '');
  if (place === null) return what;
  if (what === '') return place === FIB ? 'forwarding table' : place;
  if (place === FIB) return `${what} in the forwarding table`;
  return `${what} ${record.kind === 'input' ? 'from' : 'to'} ${place}`;
}

interface Difference extends DifferenceReport {
  replica: string;
}

/** Of what has just ended there is nothing left to tell; where nobody wins, everybody's difference counts. */
function differencesOf(record: LogRecord): Difference[] {
  if (record.kind.endsWith('-ends')) return [];
  const ballot = ballotOf(record);
  const own = diffOf(ballot.diff);
  const who = textOf(record.replica) ?? 'vote';
  if (own.length > 0) return own.map((difference) => ({ ...difference, replica: who }));
  if (!isFields(ballot) || record.kind !== 'no-majority') return [];
  return votesOf(ballot.votes).flatMap(({ replica, diff }) => diff.map((difference) => ({ ...difference, replica })));
}

function differenceLines(record: LogRecord): string[] {
  return differencesOf(record).map(
    ({ attribute, majority, vote, replica }) =>
      `    ${attribute}: ${record.kind === 'no-majority' ? 'verdict' : 'majority'} ${majority ?? '(none)'} — ${replica} ${vote ?? '(none)'}`,
  );
}
