// What a hypervisor might answer to `btr top`: a picture in which all is well, and ways to change it.
import type { FaultPattern } from '../../../../hypervisor/explain/types.js';
import type {
  BallotReport,
  BallotVote,
  NeighborStatus,
  ReplicaStatus,
  RouterStatus,
} from '../../../../hypervisor/status.js';
import { fakeNeighbor, fakeReplica, fakeStatus } from '../../../support/fake-router.js';
import { initialState, type Picture, type TopState } from '../../../../cli/top/state.js';

export const AT = Date.parse('2026-11-21T16:06:57Z');
const SINCE = '2026-11-21T16:00:00.000Z';

export function neighbor(n: number, more: Partial<NeighborStatus> = {}): NeighborStatus {
  const counts = { prefixesIn: 3000, prefixesOut: 748, messagesIn: 100, messagesOut: 100 };
  return fakeNeighbor(n, { uptime: 132, ...counts, gracefulRestart: false, endOfRib: [], ...more });
}

export function replica(name: string, more: Partial<ReplicaStatus> = {}): ReplicaStatus {
  const health = { cpu: 0.01, memory: 40 << 20, latencyMs: 3, messagesPerSecond: 0, warnings: [] };
  return fakeReplica(name, { version: '1.0', pid: 100, since: SINCE, votes: 1000, health, ...more });
}

export function status(more: Partial<RouterStatus> = {}): RouterStatus {
  return fakeStatus({
    ...{ pid: 4711, uptime: 145, as: 64900, memory: 150 << 20 },
    neighbors: [1, 2, 3].map((n) => neighbor(n)),
    replicas: ['frr', 'bird', 'openbgpd'].map((name) => replica(name)),
    ballots: { total: 5998, unanimous: 5998, contested: 0, withoutMajority: 0 },
    tables: { prefixes: 0, attributes: 0, attributeBytes: 0, full: 0 },
    counters: { updatesIn: 1000, decisions: 2000 },
    ...more,
  });
}

function vote(name: string, more: Partial<BallotVote> = {}): BallotVote {
  return { replica: name, counts: true, agrees: true, since: SINCE, attributes: { ORIGIN: 'IGP' }, ...more };
}

/** openbgpd has another next hop. */
export function ballot(prefix: string, more: Partial<BallotReport> = {}): BallotReport {
  const diff = [{ attribute: 'NEXT_HOP', left: '10.0.1.1', right: '10.0.1.0' }];
  return {
    neighbor: '10.0.1.2',
    prefix,
    verdict: { ORIGIN: 'IGP', NEXT_HOP: '10.0.1.1' },
    advertised: null,
    rule: 'majority',
    contested: true,
    trouble: null,
    dissent: [],
    votes: [vote('frr'), vote('bird'), vote('openbgpd', { agrees: false, diff })],
    ...more,
  };
}

export function pattern(more: Partial<FaultPattern> = {}): FaultPattern {
  const value = (text: string) => ({ values: [text], more: false });
  return {
    key: 'openbgpd | different',
    replica: 'openbgpd',
    kind: 'different',
    cause: null,
    known: [],
    changes: [{ attribute: 'NEXT_HOP', how: 'other', vote: value('10.0.1.0'), majority: value('10.0.1.1') }],
    places: ['10.0.1.2'],
    prefixes: 12,
    atLeast: false,
    count: 12,
    open: true,
    first: '2026-11-21T16:04:55.000Z',
    last: '2026-11-21T16:06:00.000Z',
    against: ['frr', 'bird'],
    examples: [],
    findings: [1],
    text: 'openbgpd differs from frr and bird on 12 prefixes',
    advice: 'restart it',
    commands: [],
    ...more,
  };
}

export function picture(more: Partial<Picture> = {}): Picture {
  return { status: status(), ballots: [], ballotsTotal: 0, patterns: [], injections: [], at: AT, ...more };
}

export function state(more: Partial<TopState> = {}): TopState {
  return { ...initialState(1000), picture: picture(), ...more };
}

/** `count` contested ballots. */
export function contested(count: number): Pick<Picture, 'ballots' | 'ballotsTotal'> {
  const ballots = Array.from({ length: count }, (_, i) => ballot(`192.0.${i}.0/24`));
  return { ballots, ballotsTotal: count };
}
