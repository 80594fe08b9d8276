// An incident out of the vote log as people read it: golden transcripts (test/golden/inspecting), who is accused of what and until when, and
// that logs of any content are read without falling over.
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderPatterns } from '../../../../cli/faults/render.js';
import { renderExplanation } from '../../../../cli/votes/render-explanation.js';
import { hasDifferences, renderRecord } from '../../../../cli/votes/render-records.js';
import { explanationOf } from '../../../../hypervisor/explain/log-explanation.js';
import { LogPatterns, PATTERN_KINDS } from '../../../../hypervisor/explain/log-patterns.js';
import { summaryOf } from '../../../../hypervisor/explain/summary.js';
import type { Accusation, BallotStory, Explanation } from '../../../../hypervisor/explain/types.js';
import type { LogRecord } from '../../../../votelog/types.js';
import { CUSTOMER, INCIDENT, LIED, OTHER_LIE } from '../../../support/incident.js';

const golden = (name: string): string => path.resolve(import.meta.dirname, '../../../golden/inspecting', name);
const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
/** What the log has of a prefix, as the reader finds it: records that name it, groups, and what happened around. */
const about = (prefix: string, records = INCIDENT): LogRecord[] =>
  records.filter((record) => {
    const samples = record.samples as string[] | undefined;
    const named = record.prefix === prefix || record.nlri !== undefined || samples?.includes(prefix);
    return named === true || record.kind === 'session' || record.kind === 'replica';
  });
const storyOf = (prefix: string, records = INCIDENT): Explanation => explanationOf(prefix, about(prefix, records))!;

function patterns(records: readonly LogRecord[], all = false) {
  const found = new LogPatterns();
  for (const record of records) if (PATTERN_KINDS.includes(record.kind)) found.add(record);
  return found.patterns({ all, source: ' --log votes.jsonl' });
}

describe('an incident, in words', () => {
  test('btr votes --log', async () => {
    await expect(text(INCIDENT.flatMap((record) => renderRecord(record)))).toMatchFileSnapshot(golden('records.txt'));
  });

  test('btr votes --log --diff', async () => {
    const lines = INCIDENT.filter(hasDifferences).flatMap((record) => renderRecord(record, { differences: true }));
    await expect(text(lines)).toMatchFileSnapshot(golden('differences.txt'));
  });

  test('btr votes --log --explain', async () => {
    await expect(text(renderExplanation(storyOf(LIED)))).toMatchFileSnapshot(golden('story.txt'));
    await expect(text(renderExplanation(storyOf(OTHER_LIE)))).toMatchFileSnapshot(golden('story-without-majority.txt'));
  });

  test('btr faults --log', async () => {
    await expect(text(renderPatterns(patterns(INCIDENT), 20, { diff: true }))).toMatchFileSnapshot(
      golden('faults.txt'),
    );
  });
});

describe('who is accused', () => {
  test('towards a neighbour and in the forwarding table is one accusation, over when the replica leaves', () => {
    const { accused } = storyOf(LIED);
    expect(accused).toMatchObject([
      {
        ...{ replica: 'bird', kind: 'different', places: [CUSTOMER, 'fib'], against: ['frr', 'openbgpd'] },
        ...{ since: '2026-11-21T14:03:12.000Z', until: '2026-11-21T14:03:30.000Z', finding: 1 },
        diff: [{ attribute: 'NEXT_HOP', majority: '10.0.2.1', vote: '10.0.2.9' }],
      },
    ]);
  });

  test('while it lasts there is no end, and the log of before has nobody', () => {
    const before = INCIDENT.filter(({ t }) => t < '2026-11-21T14:03:15');
    expect(storyOf(LIED, before).accused[0]).toMatchObject({ until: null, stable: true });
    expect(storyOf(LIED, INCIDENT.slice(0, 4)).accused).toEqual([]);
    expect(explanationOf(LIED, INCIDENT.slice(0, 2))).toBeUndefined();
  });

  test('of a group that spells out another prefix it is said whose routes are shown', () => {
    const own = (prefix: string): string[] => storyOf(prefix).unknown.filter((line) => line.startsWith('routes are'));
    expect(own(LIED)).toEqual([]);
    expect(own(OTHER_LIE)[0]).toContain(`routes are those of ${LIED}`);
  });
});

describe('the summary', () => {
  const accusation: Accusation = {
    ...{
      replica: 'bird',
      kind: 'different',
      places: [CUSTOMER],
      since: '2026-11-21T14:03:12.000Z',
      until: null,
      stable: true,
    },
    ...{ diff: [{ attribute: 'MED', majority: '0', vote: null }], vote: {}, majority: { MED: '0' } },
    ...{ against: ['frr', 'openbgpd'], finding: 3, known: [] },
  };
  const ballot: BallotStory = {
    ...{ neighbor: CUSTOMER, verdict: { MED: '0' }, rule: 'majority', decided: '', voters: ['frr', 'openbgpd'] },
    ...{ agree: ['frr', 'openbgpd'], contested: false, trouble: null, votes: [] },
    emission: { state: 'advertised', holds: { MED: '0' }, text: 'the verdict' },
  };
  const facts: Omit<Explanation, 'summary' | 'history'> = {
    ...{ prefix: LIED, at: '2026-11-21T14:04:00.000Z', source: 'live', accused: [], voting: null, inputs: [] },
    ...{ replicas: [], ballots: [ballot], forwarding: null, unknown: [] },
  };
  const first = (more: Partial<typeof facts>): string => summaryOf({ ...facts, ...more })[0];

  test.each<[string, Partial<Accusation>, string]>([
    [
      'a lie',
      {},
      'bird says MED absent instead of 0 towards 10.0.2.2 since 2026-11-21 14:03:12Z; frr and openbgpd agree and outvote it (finding #3).',
    ],
    [
      'against one',
      { against: ['frr'] },
      'bird says MED absent instead of 0 towards 10.0.2.2 since 2026-11-21 14:03:12Z; frr says otherwise and outvotes it (finding #3).',
    ],
    [
      'too much',
      { kind: 'extra', diff: [], vote: { MED: '7' }, majority: null },
      'bird has a route where the majority has none (MED 7) towards 10.0.2.2 since 2026-11-21 14:03:12Z; frr and openbgpd agree and outvote it (finding #3).',
    ],
    [
      'too little',
      { kind: 'missing', diff: [], vote: null },
      'bird has no route where the majority has one (MED 0) towards 10.0.2.2 since 2026-11-21 14:03:12Z; frr and openbgpd agree and outvote it (finding #3).',
    ],
    [
      'late, perhaps',
      { stable: false },
      'bird says MED absent instead of 0 towards 10.0.2.2 since 2026-11-21 14:03:12Z. It may only be late: nobody is blamed before votes are stable.',
    ],
    [
      'a habit',
      { known: ['med'] },
      'bird says MED absent instead of 0 towards 10.0.2.2 since 2026-11-21 14:03:12Z. That is a known difference of this daemon (med) and no fault (finding #3).',
    ],
  ])('%s', (_, more, expected) => expect(first({ accused: [{ ...accusation, ...more }] })).toBe(expected));

  test('that nobody wins comes before who differs', () => {
    const without = { ...ballot, trouble: 'no-majority' as const };
    expect(first({ ballots: [without], accused: [accusation] })).toMatch(/^Nobody has a majority towards 10\.0\.2\.2/);
  });

  test('agreement names who agrees', () => {
    expect(first({})).toBe('All with a say (frr and openbgpd) agree, towards every neighbour.');
    expect(first({ ballots: [{ ...ballot, voters: ['frr'] }] })).toBe(
      'Only frr has a say: nobody contradicts it, towards every neighbour.',
    );
    expect(first({ ballots: [] })).toBe('No replica votes on it now.');
  });

  test('what a neighbour is told instead is said', () => {
    const gated = {
      ...ballot,
      emission: { state: 'gated' as const, holds: null, text: 'the verdict, once the kernel has a route' },
    };
    expect(summaryOf({ ...facts, ballots: [gated] })).toContain(
      '10.0.2.2 is told the verdict, once the kernel has a route.',
    );
  });
});

describe('logs of any content', () => {
  /** A record of the incident with fields that are missing, or anything. */
  const broken: fc.Arbitrary<LogRecord> = fc
    .tuple(
      fc.constantFrom(...INCIDENT),
      fc.array(fc.tuple(fc.nat(20), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 }),
    )
    .map(([record, changes]) => {
      const names = Object.keys(record).filter((name) => name !== 'kind' && name !== 't');
      const copy: LogRecord = { ...record };
      for (const [i, value] of changes) copy[names[i % names.length]] = value;
      return copy;
    });

  test('times that are none are those of their records', () => {
    const begun = INCIDENT.find(({ kind }) => kind === 'fault-begins')!;
    const [found] = patterns([{ ...begun, first: 'once', last: '' }], true);
    expect([found.first, found.last].map((time) => Date.parse(time))).toEqual(
      [begun.t, begun.t].map((t) => Date.parse(t)),
    );
  });

  test('are told without falling over', () => {
    fc.assert(
      fc.property(fc.array(broken, { maxLength: 12 }), (records) => {
        for (const record of records)
          expect(renderRecord(record, { differences: true }).join()).toContain('2026-11-21');
        const found = patterns(records, true);
        expect(renderPatterns(found, 20, { diff: true })).not.toEqual([]);
        const story = explanationOf(LIED, records);
        if (story !== undefined) expect(renderExplanation(story)[0]).toContain(LIED);
      }),
      { numRuns: 300 },
    );
  });
});
