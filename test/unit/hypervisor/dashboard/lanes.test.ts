// The replicas' lanes: as the router keeps them, and as a page that only hears of the last spans has them.
import { expect, test } from 'vitest';
import { Lanes, type ReplicaLanes } from '../../../../hypervisor/http/dashboard/lanes.js';
import type { ReplicaStatus } from '../../../../hypervisor/status.js';
import { fakeReplica } from '../../../support/fake-router.js';
import { pageModule } from '../../../support/page-module.js';

type Grow = (lanes: Record<string, ReplicaLanes>, news: ReturnType<Lanes['latest']>) => void;
const { growLanes } = await pageModule<{ growLanes: Grow }>('lanes.js');

const T0 = Date.parse('2026-01-01T12:00:00Z');

function replica(state: string, since: number, dissents = 0, quarantined = 0): ReplicaStatus {
  return fakeReplica('frr', {
    state: state as never,
    since: new Date(since).toISOString(),
    dissents,
    abstains: { quarantined, muted: 0 },
  });
}

test('states follow one another; dissents and quarantine begin, keep the most they were, and end', () => {
  const lanes = new Lanes();
  lanes.update([replica('syncing', T0)], T0 + 500);
  lanes.update([replica('voting', T0 + 700, 3)], T0 + 1000);
  lanes.update([replica('voting', T0 + 700, 9, 2)], T0 + 2000);
  lanes.update([replica('voting', T0 + 700, 4, 1)], T0 + 3000);
  lanes.update([replica('voting', T0 + 700)], T0 + 4000);
  lanes.update([replica('voting', T0 + 700, 1)], T0 + 5000);
  expect(lanes.report()).toEqual({
    frr: {
      state: [
        { from: T0, to: T0 + 700, value: 'syncing' },
        { from: T0 + 700, to: null, value: 'voting' },
      ],
      dissent: [
        { from: T0 + 1000, to: T0 + 4000, value: 9 },
        { from: T0 + 5000, to: null, value: 1 },
      ],
      quarantine: [{ from: T0 + 2000, to: T0 + 4000, value: 2 }],
    },
  });
});

test('a state that is said to have begun before the one that it follows does not', () => {
  const lanes = new Lanes();
  lanes.update([replica('voting', T0 + 1000)], T0 + 2000);
  lanes.update([replica('backoff', T0)], T0 + 3000);
  expect(lanes.report().frr.state).toEqual([
    { from: T0 + 1000, to: T0 + 1000, value: 'voting' },
    { from: T0 + 1000, to: null, value: 'backoff' },
  ]);
});

test('a replica that never comes to rest has a lane of 500 spans', () => {
  const lanes = new Lanes();
  for (let i = 0; i < 2000; i++) {
    lanes.update([replica(i % 2 ? 'voting' : 'syncing', T0 + i * 1000, i % 2)], T0 + i * 1000);
  }
  const { state, dissent } = lanes.report().frr;
  expect([state.length, dissent.length]).toEqual([500, 500]);
  expect(state.at(-1)).toEqual({ from: T0 + 1_999_000, to: null, value: 'voting' });
});

test('what ended more than 12 hours ago is forgotten, what lasts is not', () => {
  const lanes = new Lanes();
  lanes.update([replica('syncing', T0, 5)], T0);
  lanes.update([replica('voting', T0 + 1000)], T0 + 1000);
  lanes.update([replica('voting', T0 + 1000)], T0 + 13 * 3_600_000);
  expect(lanes.report().frr).toEqual({
    state: [{ from: T0 + 1000, to: null, value: 'voting' }],
    dissent: [],
    quarantine: [],
  });
});

test('a page that has the lanes of its beginning and hears of the last spans has the same lanes', () => {
  const lanes = new Lanes();
  const steps: [string, number, number][] = [
    ['starting', 0, 0],
    ['syncing', 0, 0],
    ['voting', 0, 0],
    ['voting', 3, 0],
    ['voting', 7, 1],
    ['ending', 0, 1],
    ['ending', 0, 0],
    ['voting', 2, 0],
    ['voting', 2, 0],
    ['voting', 0, 4],
  ];
  let page: Record<string, ReplicaLanes> = {};
  let since = T0;
  let before = '';
  steps.forEach(([state, dissents, quarantined], i) => {
    const at = T0 + i * 1000;
    if (state !== before) [since, before] = [at - 10, state];
    lanes.update([replica(state, Math.max(since, T0), dissents, quarantined)], at);
    if (i === 3) page = structuredClone(lanes.report());
    if (i >= 3) growLanes(page, lanes.latest());
    if (i >= 3) expect(page).toEqual(lanes.report());
  });
  expect(page.frr.dissent).toHaveLength(2);
});
