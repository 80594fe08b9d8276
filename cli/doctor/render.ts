// What `btr doctor` prints: a line for each thing, what to do below those that need it, and the sum.
import { displayWidth, fit, wrap } from '../output/width.js';
import type { Finding, Level } from './finding.js';

const WORDS: Readonly<Record<Level, string>> = { ok: 'ok', note: 'note', warning: 'WARNING', problem: 'PROBLEM' };
const LEVEL_COLUMNS = 11;
const MOST_NAME_COLUMNS = 30;

/** Lines for people. `quiet` leaves out what is well. */
export function renderFindings(findings: readonly Finding[], columns: number, quiet = false): string[] {
  const shown = quiet ? findings.filter(({ level }) => level !== 'ok') : findings;
  const names = Math.min(
    MOST_NAME_COLUMNS,
    Math.floor(columns / 3),
    Math.max(0, ...shown.map(({ name }) => displayWidth(name))),
  );
  const indent = LEVEL_COLUMNS + names + 2;
  const areas = [...new Set(shown.map(({ area }) => area))];
  return [
    ...areas.flatMap((area) => [
      area,
      ...shown.filter((one) => one.area === area).flatMap((one) => lines(one, names, indent, columns)),
    ]),
    sum(findings),
  ];
}

function lines({ name, level, text, advice }: Finding, names: number, indent: number, columns: number): string[] {
  const width = Math.max(20, columns - indent);
  const below = (text: string, mark: string): string[] =>
    wrap(text, width - mark.length, 0).map(
      (line, i) => ' '.repeat(indent) + (i === 0 ? mark : ' '.repeat(mark.length)) + line,
    );
  const head = `  ${fit(WORDS[level], LEVEL_COLUMNS - 2)}${fit(name, names)}`;
  const long = displayWidth(name) > names;
  const said = below(text, '');
  const first = long
    ? [`${head.slice(0, LEVEL_COLUMNS)}${name}`, ...said]
    : [head + said[0].slice(head.length), ...said.slice(1)];
  return [...first, ...(advice === null || level === 'ok' ? [] : below(advice, '→ '))];
}

function sum(findings: readonly Finding[]): string {
  const of = (level: Level): number => findings.filter((one) => one.level === level).length;
  const [problems, warnings] = [of('problem'), of('warning')];
  const counted = (count: number, word: string): string =>
    `${count === 0 ? 'no' : count} ${word}${count === 1 ? '' : 's'}`;
  return `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}`;
}

/** 1 when the router would not run as it is meant to. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return findings.some(({ level }) => level === 'problem') ? 1 : 0;
}
