// The demo's block and its plain lines; the summary's judgement.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { block, Screen, share } from '../../../cli/demo/screen.js';
import { judge } from '../../../cli/demo/summary.js';
import type { Findings } from '../../../cli/demo/story.js';
import { NEIGHBORS } from '../../../cli/demo/topology.js';
import type { RouterStatus } from '../../../hypervisor/status.js';

function status(change: Partial<RouterStatus> = {}): RouterStatus {
  const neighbors = NEIGHBORS.map(({ address, as }, index) => ({
    ...{ address, as, state: 'Established', uptime: 61, flaps: 0, messagesIn: 0, messagesOut: 0, paused: false },
    ...{ prefixesIn: index < 2 ? 1000 : 0, prefixesOut: 990, lastError: null, gracefulRestart: false, endOfRib: [] },
  }));
  const replicas = ['frr', 'bird', 'openbgpd'].map((name) => ({
    ...{ name, kind: name, version: '1', pid: 7, state: 'voting' as const, restarts: 0, sessionsUp: 5, sessions: 5 },
    ...{ lagMs: 0, backlogBytes: 0, dissents: 0, votes: 3000, lastError: null },
  }));
  return {
    ...{ version: '0', pid: 1, uptime: 9, as: 65000, routerId: '10.0.0.1', strategy: 'continuous-majority', epoch: 1 },
    ...{ electorate: ['frr', 'bird', 'openbgpd'], master: null, quorum: 2, open: true, neighbors, replicas },
    restart: { state: 'resynchronised', restarting: false, missing: [] },
    ballots: { total: 2000, unanimous: 1999, contested: 1, withoutMajority: 0 },
    ...{ tables: { prefixes: 1000, attributes: 10, attributeBytes: 100, full: 0 }, voteLogDropped: 0, memory: 1 },
    ...change,
  };
}

function findings(change: Partial<Findings> = {}): Findings {
  return {
    ...{ trace: 'x', status: status(), upstreams: [], convergedMs: 1000 },
    killing: { replica: 'bird', pid: 7, arrivedBefore: 500, backAfterMs: 2000 },
    customerSince: { before: '05:16:17.445', after: '05:16:17.445' },
    table: { held: 990, compared: 990, different: 0, differences: [] },
    ...change,
  };
}

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
    expect(text).toContain('in 1,000 + 1,000; frr voting, bird voting, openbgpd voting; unanimous 99.950 %; out 990');
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
  });

  it('notices a replica that did not come back', () => {
    const lost = status({ electorate: ['frr', 'openbgpd'] });
    expect(failed(findings({ status: lost }))).toEqual(['bird was killed and votes again', 'all replicas vote']);
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
});
