// docs/known-bugs.md says what the last recorded run gave, and nothing else.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { EXPECTATIONS } from '../../bugs/expectations.js';
import { readResults, type TriggerResults } from '../../bugs/results.js';
import type { Outcome } from '../../bugs/scenario.js';
import { renderPage } from '../../bugs/table.js';

const PAGE = path.resolve(import.meta.dirname, '../../../docs/known-bugs.md');

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  ...{ findings: [], session: 'up', routes: { '20.66.0.0/24': null }, restarts: {}, again: {}, transient: [] },
  ...more,
});

function rowOf(runs: TriggerResults['runs']): string {
  const alone = { outcome: 'crash (SIGSEGV)', wrong: true };
  const result: TriggerResults = {
    ...{ id: 'origin-value-three', title: '', category: 'crash', profile: 'rm', correct: 'treat as withdraw', runs },
    alone: { 'frr-8.4.4': alone, 'bird-2.0.12': { outcome: null, wrong: false }, 'openbgpd-7.7': alone },
  };
  const row = renderPage([result])
    .split('\n')
    .find((line) => line.startsWith('| origin-value-three'));
  return row!;
}

test('the page is the recorded results, every input in every way', () => {
  const results = readResults();
  expect(results.map(({ id }) => id)).toEqual(Object.keys(EXPECTATIONS).sort());
  for (const { runs } of results) expect(Object.keys(runs)).toHaveLength(6);
  expect(readFileSync(PAGE, 'utf8')).toBe(renderPage(results));
});

test('strategies that come to the same share an entry, others do not', () => {
  const same = { 'continuous-majority/raw': outcome(), 'master-slave/raw': outcome() };
  expect(rowOf(same)).toBe(
    '| origin-value-three (rm) | treat as withdraw | dies, SIGSEGV ! | – | dies, SIGSEGV ! | not run | W |',
  );
  const killed = { ...same, 'master-slave/raw': outcome({ restarts: { openbgpd: 1, frr: 1 }, transient: ['x'] }) };
  expect(rowOf(killed)).toContain('| W: continuous-majority; W (F O) ~: master-slave |');
});

test('findings are marked and listed', () => {
  const runs = { 'continuous-majority/raw': outcome({ findings: ['kernel: nothing there'] }) };
  expect(rowOf(runs)).toContain('| W **!** |');
});
