// Findings against replicas as people read them: what is wrong in a sentence each, with what to do about it, then the single findings. Owns
// layout; sentences come with the patterns (hypervisor/explain/patterns/verdicts.ts).
import { countWords, placesWords, routeWords, timeWords } from '../../hypervisor/explain/words.js';
import type { FaultPattern, PatternExample } from '../../hypervisor/explain/types.js';
import type { FaultsAnswer, FindingExampleReport, FindingReport } from '../../hypervisor/status.js';
import { tableLines } from '../output/table.js';

/** Prefixes of a finding, or examples of a pattern, that are shown. */
const NAMED = 5;

/** The verdicts, ranked, and what to do. `limit`: patterns that are shown; `diff`: with examples, attribute by attribute. */
export function renderPatterns(patterns: readonly FaultPattern[], limit: number, { diff = false } = {}): string[] {
  if (patterns.length === 0) return ['no faults'];
  const told = new Set<string>();
  const lines = patterns
    .slice(0, limit)
    .flatMap((pattern, i) => [
      ...(i > 0 ? [''] : []),
      ...patternLines(pattern),
      ...(diff ? pattern.examples.flatMap((example) => differenceLines(pattern.replica, example)) : []),
      ...adviceLines(pattern, told),
    ]);
  const rest = patterns.length - limit;
  return rest > 0 ? [...lines, '', `… and ${rest} more patterns (--limit)`] : lines;
}

/** Advice and commands that stand above already are not said again. */
function adviceLines({ replica, open, advice, commands }: FaultPattern, told: Set<string>): string[] {
  const fresh = (text: string): boolean => !told.has(`${replica} ${text}`);
  const lines = [
    ...(open && fresh(advice) ? [`      ${advice}`] : []),
    ...commands.filter(fresh).map((command) => `        ${command}`),
  ];
  for (const text of [advice, ...commands]) told.add(`${replica} ${text}`);
  return lines;
}

/** One prefix: what the replica says and what the majority says, where that differs. */
function differenceLines(replica: string, { prefix, place, vote, majority }: PatternExample): string[] {
  const head = `      ${prefix}${place === 'fib' || place === '' ? '' : ` to ${place}`}`;
  if (vote === null || majority === null)
    return [head, `          majority: ${routeWords(majority)}`, `          ${replica}: ${routeWords(vote)}`];
  const names = [...new Set([...Object.keys(majority), ...Object.keys(vote)])];
  return [
    head,
    ...names
      .filter((name) => majority[name] !== vote[name])
      .map(
        (name) => `          ${name}: majority ${majority[name] ?? '(none)'} — ${replica} ${vote[name] ?? '(none)'}`,
      ),
  ];
}

function patternLines({ text, places, examples, findings, count, last, kind, open }: FaultPattern): string[] {
  const where = kind === 'system' ? '' : placesWords(places.filter((place) => place !== 'fib'));
  const named = examples.map(({ prefix }) => prefix).filter((prefix, i, all) => all.indexOf(prefix) === i);
  const times =
    kind === 'system' || open || count <= 1
      ? ''
      : `${count.toLocaleString('en-US')} dissents, the last at ${timeWords(last)}`;
  const numbers = findings.length === 0 ? '' : `finding ${findings.map((id) => `#${id}`).join(' ')}`;
  const example = named.length === 0 ? '' : `for instance ${named.join(', ')}`;
  const details = [where, example, times, numbers].filter((part) => part !== '');
  return [
    `${open ? 'OPEN' : kind === 'known-difference' ? 'known' : 'over'}  ${text}`,
    ...(details.length === 0 ? [] : [`      ${details.join('; ')}`]),
  ];
}

/** The findings one by one: a table, then what each is about. */
export function renderFindings(findings: readonly FindingReport[]): string[] {
  if (findings.length === 0) return [];
  const header = ['', 'replica', 'fault', 'where', 'state', 'first', 'last', 'prefixes', 'times'];
  return [...tableLines(header, findings.map(row)), '', ...findings.flatMap(details)];
}

/** What is said beside the findings. */
export function renderNotes({
  knownDifferences,
  oscillating,
  withoutMajority,
}: Pick<FaultsAnswer, 'knownDifferences' | 'oscillating' | 'withoutMajority'>): string[] {
  return [
    ...(withoutMajority > 0
      ? [
          `${countWords(withoutMajority, 'ballot has', 'ballots have')} no majority: too many replicas differ, and nobody can be blamed ` +
            '(btr votes --kind no-majority)',
        ]
      : []),
    ...(knownDifferences > 0 ? [`${knownDifferences} known differences of daemons are no faults (--all)`] : []),
    ...(oscillating > 0 ? [`${oscillating} ballots do not come to rest: no fault is looked for on them`] : []),
  ];
}

function row(finding: FindingReport): (string | number | null)[] {
  const { id, replica, kind, cause, place, open, first, last, prefixes, total } = finding;
  return [
    `#${id}`,
    replica,
    cause ?? kind,
    place === null ? '' : place === 'fib' ? 'forwarding table' : place,
    open ? 'open' : 'over',
    timeWords(first),
    timeWords(last),
    kind === 'system' ? null : prefixes,
    total,
  ];
}

function details({ id, replica, kind, text, samples, prefixes, total, open, example }: FindingReport): string[] {
  if (kind === 'system') return [`#${id} ${replica}: ${text}`];
  const rest = (open ? prefixes : total) > NAMED ? ', …' : '';
  const habit = text === '' ? '' : ` (${text})`;
  return [
    `#${id} ${replica}, ${kind}${habit}: ${samples.slice(0, NAMED).join(', ')}${rest}`,
    ...(example === null ? [] : exampleLines(replica, example)),
  ];
}

function exampleLines(replica: string, { prefix, vote, majority, diff }: FindingExampleReport): string[] {
  const lines =
    diff.length > 0
      ? diff.map((d) => `${d.attribute}: majority ${d.majority ?? '(none)'} — ${replica} ${d.vote ?? '(none)'}`)
      : [`majority: ${routeWords(majority)}`, `${replica}: ${routeWords(vote)}`];
  return [`    ${prefix}`, ...lines.map((line) => `        ${line}`)];
}
