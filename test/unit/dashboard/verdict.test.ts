// The first thing on the page: whether all is well, and if not, who and what.
import { expect, test } from 'vitest';
import type { RouterStatus } from '../../../hypervisor/status.js';
import { fakeFib, fakeNeighbor, fakeReplica, fakeStatus } from '../../support/fake-router.js';
import { pageModule } from '../../support/page-module.js';

interface Judgement {
  level: string;
  title: string;
  text: string;
  issues: { level: string; text: string }[];
}
interface Pattern {
  replica: string;
  kind: string;
  open: boolean;
  text: string;
}
const { judge, placesText } = await pageModule<{
  judge(status: RouterStatus, faults: { patterns: Pattern[] } | undefined, now: number): Judgement;
  placesText(places: string[]): string;
}>('verdict.js');

const NOW = Date.parse('2026-03-01T12:00:00Z');
const AGO = '2026-03-01T11:59:00Z';

function statusWith(replica: Parameters<typeof fakeReplica>[1], more: Partial<RouterStatus> = {}): RouterStatus {
  const status = fakeStatus(more);
  status.replicas[1] = fakeReplica('bird', { since: AGO, ...replica });
  return status;
}
const pattern = (replica: string, more: Partial<Pattern> = {}): Pattern => ({
  ...{ replica, kind: 'different', open: true, text: `${replica} differs on 3 prefixes` },
  ...more,
});
const verdict = (status: RouterStatus, patterns: Pattern[] = []): Judgement => judge(status, { patterns }, NOW);

test('nothing is wrong', () => {
  expect(verdict(fakeStatus())).toEqual({
    level: 'good',
    title: 'All replicas agree',
    text: '3 of 3 replicas vote; 1 of them may be wrong and is still outvoted. All 2,820,633 ballots are unanimous.',
    issues: [],
  });
});

test('before the findings are known nobody is accused', () => {
  expect(judge(fakeStatus(), undefined, NOW)).toMatchObject({ level: 'good', issues: [] });
});

test.each<[string, RouterStatus, Pattern[], string, string, RegExp | undefined]>([
  [
    'a liar',
    fakeStatus(),
    [pattern('bird')],
    'warn',
    'bird disagrees with the others',
    /^bird differs on 3 prefixes\.$/,
  ],
  [
    'two liars',
    fakeStatus(),
    [pattern('bird'), pattern('frr')],
    'warn',
    'bird and frr disagree with the others',
    /bird/,
  ],
  ['a finding of before', fakeStatus(), [pattern('bird', { open: false })], 'good', 'All replicas agree', undefined],
  [
    'a known difference',
    fakeStatus(),
    [pattern('bird', { kind: 'known-difference' })],
    'good',
    'All replicas agree',
    undefined,
  ],
  [
    'a crash',
    statusWith({ state: 'backoff', lastError: 'signal SIGSEGV' }),
    [pattern('bird', { kind: 'system' })],
    'bad',
    'bird is down',
    /bird is down, waits to be started since 11:59:00 \(1 min 0 s\): signal SIGSEGV\./,
  ],
  ['one that comes back', statusWith({ state: 'syncing' }), [], 'busy', 'bird comes back', /bird synchronises since/],
  ['a standby that is off', statusWith({ state: 'off', standby: 'cold' }), [], 'good', 'All replicas agree', undefined],
  [
    'a neighbour without a session',
    fakeStatus({ neighbors: [fakeNeighbor(1, { state: 'Active', lastError: 'hold timer expired' })] }),
    [],
    'warn',
    '1 neighbour without a session',
    /Neighbour 10\.0\.1\.2 has no session \(Active\): hold timer expired\./,
  ],
  ['the start', fakeStatus({ open: false, electorate: [] }), [], 'good', 'The router is starting', undefined],
  [
    'an alarm',
    fakeStatus({ alarms: [{ kind: 'quorum', text: '1 of 2 replicas vote', since: AGO }] }),
    [],
    'bad',
    'The router needs attention',
    /Alarm since 11:59:00 \(1 min 0 s\): 1 of 2 replicas vote\./,
  ],
  [
    'a kernel that refuses',
    fakeStatus({ fib: fakeFib({ failing: 2 }) }),
    [],
    'bad',
    'The router needs attention',
    /The kernel refuses 2 routes/,
  ],
  [
    'a full table',
    fakeStatus({ tables: { ...fakeStatus().tables, full: 1 } }),
    [],
    'bad',
    'The router needs attention',
    /room/,
  ],
  ['a slow disk', fakeStatus({ voteLogDropped: 9 }), [], 'warn', 'Something needs a look', /lost 9 lines/],
])('%s', (_, status, patterns, level, title, issue) => {
  const judged = verdict(status, patterns);
  expect([judged.level, judged.title]).toEqual([level, title]);
  if (issue === undefined) expect(judged.issues).toEqual([]);
  else expect(judged.issues[0].text).toMatch(issue);
});

test('the worst comes first', () => {
  const status = statusWith({ state: 'retired' }, { voteLogDropped: 1 });
  expect(verdict(status, [pattern('frr')]).issues.map(({ level }) => level)).toEqual(['bad', 'warn', 'warn']);
});

test('that the majority is passed on is said only where there is one', () => {
  const status = fakeStatus({ ballots: { total: 10, unanimous: 7, contested: 3, withoutMajority: 0 } });
  expect(verdict(status, [pattern('bird')]).text).toContain(
    '3 of 10 ballots are contested, all of them have a majority. What neighbours are told is what the majority says.',
  );
  status.ballots.withoutMajority = 1;
  expect(verdict(status, [pattern('bird')]).text).toMatch(/1 of them without a majority\.$/);
});

test('places are neighbours and the forwarding table', () => {
  expect(placesText(['10.0.1.2', 'fib', '10.0.2.2'])).toBe('towards 10.0.1.2 and 10.0.2.2 and in the forwarding table');
  expect(placesText(['fib'])).toBe('in the forwarding table');
});
