// The demo's block and its plain lines; the summary's judgement.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { block, Screen, share } from '../../../cli/demo/screen.js';
import { judge } from '../../../cli/demo/summary.js';
import type { Findings } from '../../../cli/demo/story.js';
import { NEIGHBORS } from '../../../cli/demo/topology.js';
import type { FibStatus } from '../../../hypervisor/fib/status.js';
import type { RouterStatus } from '../../../hypervisor/status.js';

function status(change: Partial<RouterStatus> = {}): RouterStatus {
  const neighbors = NEIGHBORS.map(({ address, as }, index) => ({
    ...{ address, as, state: 'Established', uptime: 61, flaps: 0, messagesIn: 0, messagesOut: 0, paused: false },
    ...{ prefixesIn: index < 2 ? 1000 : 0, prefixesOut: 990, lastError: null, gracefulRestart: false, endOfRib: [] },
  }));
  const replicas = ['frr', 'bird', 'openbgpd'].map((name) => ({
    ...{ name, kind: name, version: '1', pid: 7, state: 'voting' as const, restarts: 0, sessionsUp: 5, sessions: 5 },
    ...{
      lagMs: 0,
      backlogBytes: 0,
      dissents: 0,
      faults: { open: 0, found: 0, known: 0 },
      votes: 3000,
      lastError: null,
    },
    ...{ since: '2026-01-01T00:00:00.000Z', nextStart: null, standby: 'no' as const },
    abstains: { quarantined: 0, muted: 0 },
    health: null,
  }));
  return {
    ...{ version: '0', pid: 1, uptime: 9, as: 65000, routerId: '10.0.0.1', strategy: 'continuous-majority', epoch: 1 },
    ...{ electorate: ['frr', 'bird', 'openbgpd'], master: null, quorum: 2, open: true, neighbors, replicas },
    ...{ succession: [], tolerates: 1, alarms: [] },
    restart: { state: 'resynchronised', restarting: false, missing: [] },
    ballots: { total: 2000, unanimous: 1999, contested: 1, withoutMajority: 0 },
    ...{ tables: { prefixes: 1000, attributes: 10, attributeBytes: 100, full: 0 }, voteLogDropped: 0, memory: 1 },
    counters: { updatesIn: 1, decisions: 1 },
    ...{ fib: FIB, fibError: null, http: null, reload: null, logLevels: { log: 'info', voteLog: 'dissent' } },
    ...change,
  };
}

const FIB: FibStatus = {
  ...{ backend: 'kernel', table: 254, protocol: 179, metric: 179, routes: 995, installed: 995, contested: 0 },
  ...{
    withoutMajority: 0,
    pending: 0,
    failing: 0,
    stale: 0,
    created: 995,
    replaced: 0,
    deleted: 0,
    repaired: 0,
    refused: {},
  },
  ...{ foreign: 3, audits: 0, auditDifferences: 0, overruns: 0, tableFull: 0, replicas: [] },
};

function findings(change: Partial<Findings> = {}): Findings {
  return {
    ...{ trace: 'x', status: status(), upstreams: [], convergedMs: 1000 },
    killing: { replica: 'bird', pid: 7, arrivedBefore: 500, backAfterMs: 2000 },
    lie: LIE,
    customerSince: { before: '05:16:17.445', after: '05:16:17.445' },
    table: { held: 990, compared: 990, different: 0, differences: [] },
    forwarding: FORWARDING,
    ...change,
  };
}

const LIE: Findings['lie'] = {
  ...{ replica: 'openbgpd', prefixes: 20, outvoted: 20, right: 20, findings: ['different at fib'] },
  ...{ foundAfterMs: 1500, backAfterMs: 6000 },
};

const FORWARDING: Findings['forwarding'] = {
  kernelRoutes: { atKill: 100, after: 995 },
  verification: {
    ...{ ok: true, quiet: true, verdicts: 995, kernelRoutes: 995, advertised: 995, total: 0, differences: [] },
  },
  packets: {
    ...{ sent: 500, received: 500, lost: 0, inFlight: 0, duplicates: 0, longestGapMs: 0, unbroken: 500, outages: [] },
  },
  hosts: 20,
};

const failed = (found: Findings, kept = true) => judge(found, kept).flatMap(({ ok, what }) => (ok ? [] : [what]));

describe('the screen', () => {
  it('never rounds up to 100 %', () => {
    expect(share(999_999, 1_000_000)).toBe('99.999 %');
    expect(share(1, 1)).toBe('100.000 %');
    expect(share(0, 0)).toBe('–');
  });

  it('draws its block over the one before, and events above it', () => {
    const out = new PassThrough({ encoding: 'utf8' });
    const screen = new Screen({ out, terminal: true, columns: 100 });
    screen.draw(status(), NEIGHBORS, 1000);
    screen.event('something happened');
    screen.draw(status(), NEIGHBORS, 1000);
    const lines = block(status(), NEIGHBORS, 1000).length;
    const text = String(out.read());
    expect(text.split(`\x1b[${lines}A\x1b[J`)).toHaveLength(2);
    expect(text).toMatch(/J +[\d.]+ s {2}something happened\n\n {2}arrives/);
  });

  it('writes no control characters without a terminal, and no line twice', () => {
    const out = new PassThrough({ encoding: 'utf8' });
    const screen = new Screen({ out, terminal: false, columns: 100 });
    for (let i = 0; i < 5; i++) screen.draw(status(), NEIGHBORS, 1000);
    const text = String(out.read());
    expect(text).not.toContain('\x1b');
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(text).toContain(
      'in 1,000 + 1,000; frr voting, bird voting, openbgpd voting; unanimous 99.950 %; kernel 995; out 990',
    );
  });
});

describe('judge', () => {
  it('finds nothing wrong when nothing is', () => expect(failed(findings())).toEqual([]));

  it('notices a flap, whoever tells of it', () => {
    const flapped = status();
    flapped.neighbors[0]!.flaps = 1;
    expect(failed(findings({ status: flapped }))).toEqual(['no session flapped']);
    expect(failed(findings(), false)).toEqual(['no session flapped']);
    const since = { before: '05:16:17.445', after: '05:16:30.000' };
    expect(failed(findings({ customerSince: since }))).toEqual(['no session flapped']);
    const told = { before: '05:16:17.445', after: '05:16:17.446' };
    expect(failed(findings({ customerSince: told }))).toEqual([]);
  });

  it('notices a replica that did not come back', () => {
    const lost = status({ electorate: ['frr', 'openbgpd'] });
    expect(failed(findings({ status: lost }))).toEqual(['bird was killed and votes again', 'all replicas vote']);
  });

  it('notices a liar that was believed, that nobody contradicted, and one that did not come back', () => {
    const what = 'openbgpd lied, was outvoted and restarted';
    for (const lie of [
      { ...LIE, right: 19 },
      { ...LIE, outvoted: 19 },
      { ...LIE, prefixes: 0, outvoted: 0, right: 0 },
    ]) {
      expect(failed(findings({ lie }))).toEqual([what]);
    }
    const lost = status({ electorate: ['frr', 'bird'] });
    expect(failed(findings({ status: lost }))).toEqual([what, 'all replicas vote']);
  });

  it('notices a wrong route, a missing one and an empty table', () => {
    for (const table of [
      { held: 990, compared: 990, different: 1, differences: ['x'] },
      { held: 989, compared: 989, different: 0, differences: [] },
      { held: 0, compared: 0, different: 0, differences: [] },
    ]) {
      expect(failed(findings({ table }))).toEqual(["the customer's table is what was voted"]);
    }
  });

  it('notices a kernel that holds something else than what was voted, or nothing', () => {
    const { kernelRoutes, verification } = FORWARDING;
    const empty = status({ fib: { ...FIB, routes: 0, installed: 0 } });
    for (const found of [
      findings({ forwarding: { ...FORWARDING, verification: { ...verification, ok: false, total: 1 } } }),
      findings({ forwarding: { ...FORWARDING, kernelRoutes: { ...kernelRoutes, after: 994 } } }),
      findings({ status: empty, forwarding: { ...FORWARDING, kernelRoutes: { atKill: 0, after: 0 } } }),
    ]) {
      expect(failed(found)).toEqual(['the kernel forwards by what was voted']);
    }
  });

  it('notices packets that were lost, and that none came back', () => {
    for (const change of [{ lost: 1, received: 499 }, { received: 0 }]) {
      const packets = { ...FORWARDING.packets, ...change };
      expect(failed(findings({ forwarding: { ...FORWARDING, packets } }))).toEqual(['no packet was lost']);
    }
  });
});
