// Lines of the vote log as people read them. Owns layout; what a kind of record means in words is hypervisor/explain/log-story.ts.
import { eventOf } from '../../hypervisor/explain/log-story.js';
import { ballotOf, diffOf, textOf } from '../../hypervisor/explain/record-reading.js';
import type { LogRecord } from '../../votelog/types.js';

/** One line, and with `differences` one for each attribute that differs. */
export function renderRecord(record: LogRecord, { differences = false } = {}): string[] {
  const { t, place, text } = eventOf(record);
  const where = place === null ? '' : `${place === 'fib' ? 'forwarding table' : place}: `;
  const line = `${t.slice(0, 23).replace('T', ' ')}  ${where}${text}`;
  return differences ? [line, ...differenceLines(record)] : [line];
}

/** Whether a record says in what a vote differs. */
export function hasDifferences(record: LogRecord): boolean {
  return diffOf(ballotOf(record).diff).length > 0;
}

function differenceLines(record: LogRecord): string[] {
  const who = textOf(record.replica) ?? 'vote';
  return diffOf(ballotOf(record).diff).map(
    ({ attribute, majority, vote }) =>
      `    ${attribute}: majority ${majority ?? '(none)'} — ${who} ${vote ?? '(none)'}`,
  );
}
