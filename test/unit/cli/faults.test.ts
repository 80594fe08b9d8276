// `btr faults` as people read it.
import { expect, test } from 'vitest';
import { renderFindings, renderNotes } from '../../../cli/faults/render.js';
import type { FindingReport } from '../../../hypervisor/status.js';

const dissent: FindingReport = {
  ...{ id: 3, replica: 'bird', kind: 'different', cause: null, place: '10.0.2.2', open: true },
  ...{ first: '2026-11-21T10:00:00.123Z', last: '2026-11-21T10:00:05.123Z', prefixes: 7, total: 9 },
  since: '2026-11-21T10:00:00.123Z',
  samples: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
  example: {
    prefix: 'a',
    vote: { MED: '77' },
    majority: {},
    diff: [{ attribute: 'MED', majority: null, vote: '77' }],
  },
  text: '',
};
const system: FindingReport = {
  ...{ id: 4, replica: 'frr', kind: 'system', cause: 'crash', place: null, open: false, prefixes: 0, total: 2 },
  ...{ first: dissent.first, last: dissent.last, since: null, samples: [], example: null, text: 'killed by SIGSEGV' },
};

test('a table, then what each finding is about', () => {
  const lines = renderFindings([dissent, system]);
  expect(lines[1]).toMatch(
    /^#3 +bird +different +10\.0\.2\.2 +open +2026-11-21 10:00:00Z +2026-11-21 10:00:05Z +7 +9$/,
  );
  expect(lines[2]).toMatch(/^#4 +frr +crash +over +2026-11-21 10:00:00Z +2026-11-21 10:00:05Z +- +2$/);
  expect(lines.slice(4)).toEqual([
    '#3 bird, different: a, b, c, d, e, …',
    '    a',
    '        MED: majority (none) — bird 77',
    '#4 frr: killed by SIGSEGV',
  ]);
  expect(renderFindings([])).toEqual([]);
});

test('what is no fault is told beside them', () => {
  expect(renderNotes({ knownDifferences: 2, oscillating: 1, withoutMajority: 3 })).toEqual([
    '3 ballots have no majority: too many replicas differ, and nobody can be blamed (btr votes --kind no-majority)',
    '2 known differences of daemons are no faults (--all)',
    '1 ballots do not come to rest: no fault is looked for on them',
  ]);
  expect(renderNotes({ knownDifferences: 0, oscillating: 0, withoutMajority: 0 })).toEqual([]);
});

test('a route that only one side has is shown whole', () => {
  const example = { prefix: 'a', vote: null, majority: { 'next hops': 'via 10.0.0.1' }, diff: [] };
  const text = renderFindings([{ ...dissent, kind: 'missing', place: 'fib', example }]).join('\n');
  expect(text).toMatch(/missing +forwarding table/);
  expect(text).toContain('majority: next hops via 10.0.0.1\n        bird: no route');
});
