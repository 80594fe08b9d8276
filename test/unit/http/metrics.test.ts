// The metrics: every one that the code can say is in docs/metrics.md and the other way round, with its type and labels; names and format as
// Prometheus wants them, whatever a configuration calls its things; and numbers that are counted rightly.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { HttpCounters } from '../../../hypervisor/http/counters.js';
import { exposition, single, type MetricFamily } from '../../../hypervisor/metrics/exposition.js';
import { fibMetrics } from '../../../hypervisor/metrics/fib-metrics.js';
import { Histogram, quantile } from '../../../hypervisor/metrics/histogram.js';
import { Meters } from '../../../hypervisor/metrics/meters.js';
import { bmpMetrics, httpMetrics, recorderMetrics } from '../../../hypervisor/metrics/outlet-metrics.js';
import { ProcessMeter } from '../../../hypervisor/metrics/process-meter.js';
import { replicaMetrics } from '../../../hypervisor/metrics/replica-metrics.js';
import { sessionMetrics, type SessionPort } from '../../../hypervisor/metrics/session-metrics.js';
import { voteMetrics } from '../../../hypervisor/metrics/vote-metrics.js';
import { IPV4_UNICAST, IPV6_UNICAST, type Family } from '../../../wire/family.js';
import { lint, readExposition, valueOf } from '../../support/exposition.js';
import { fakeFib, fakeNeighbor, fakeStatus } from '../../support/fake-router.js';
import { documentedMetrics } from '../../support/metrics-page.js';

const NAMES = { replicas: ['frr', 'bird', 'openbgpd'], neighbors: ['10.0.1.2', '10.0.2.2'] };

/** Prefixes below 100 are IPv4 and came in at 1000 ms. */
function meters(members = 0b111): Meters {
  return new Meters({
    inputTime: (prefix) => (prefix === 7 ? 0 : 1000),
    family: (prefix) => (prefix < 100 ? IPV4_UNICAST : IPV6_UNICAST),
    members: () => members,
  });
}

function session(n: number): SessionPort {
  const counts = { open: 1, update: 2, notification: 3, keepalive: 4, 'route-refresh': 5 };
  const notifications = [{ code: 6, subcode: 2, count: 3 }];
  return {
    config: { address: `10.0.${n}.2` },
    status: () => fakeNeighbor(n),
    traffic: () => ({
      ...{ establishments: 2, received: counts, sent: counts, treatedAsWithdraw: 1, maximumExceeded: 1 },
      ...{ notificationsReceived: notifications, notificationsSent: notifications },
      transitions: new Map([['Idle Active', 2]]),
    }),
    prefixes: (family: Family) => ({ received: 10 + family, advertised: 20 + family }),
  } as unknown as SessionPort;
}

/** Something of everything. */
function everything(): MetricFamily[] {
  const counted = meters();
  counted.findings.add('1 system crash');
  counted.quarantined.add('1 0 crash', 2);
  counted.contested.add('stable-majority');
  const fib = fakeFib({
    refused: { ENOBUFS: 3 },
    replicas: [
      { ...{ replica: 'frr', source: 'netlink', routes: 1, dissents: 0, sockets: 1, routeWrites: 1 } },
    ] as never,
  });
  const status = fakeStatus({ fib, strategy: 'master-slave', master: 'frr' });
  const http = new HttpCounters();
  http.answers.add('200');
  const process = new ProcessMeter();
  process.close();
  return [
    ...voteMetrics(status, counted),
    ...replicaMetrics(status, NAMES, counted),
    ...sessionMetrics([session(1), session(2)]),
    ...fibMetrics(status.fib, null),
    ...recorderMetrics({ records: 1, dropped: 0, queued: 0, files: 1, bytes: 1, error: null } as never),
    ...bmpMetrics([
      { name: 'vm', collector: 'c', connected: true, connects: 1, overflows: 0, bytes: 1, queued: 0, lastError: null },
    ]),
    ...httpMetrics(http),
    ...process.families(),
  ];
}

const textOf = (families: readonly MetricFamily[]): string => [...exposition(families)].join('');

describe('all of them', () => {
  test('are those of docs/metrics.md, with types and labels', () => {
    const documented = documentedMetrics().map(({ name, type, labels }) => [name, { type, labels: labels.sort() }]);
    const said = everything().map(({ name, type, samples }) => {
      const labels = Object.keys([...samples][0].labels).filter((label) => label !== 'le');
      return [name, { type, labels: labels.sort() }];
    });
    expect(Object.fromEntries(said)).toEqual(Object.fromEntries(documented));
    expect(said).toHaveLength(documented.length);
  });

  test('pass the linter', () => {
    expect(lint(readExposition(textOf(everything())))).toEqual([]);
  });

  test('cannot be broken by what things are called', () => {
    const hostile = 'x"} 1\nbtr_quorum 99\n# TYPE \\ {a="b"} \u0000\u2028é';
    const collector = {
      name: hostile,
      collector: hostile,
      connected: true,
      connects: 1,
      overflows: 0,
      bytes: 1,
      queued: 0,
    };
    const families = readExposition(textOf(bmpMetrics([{ ...collector, lastError: hostile }])));
    expect([...families.keys()].every((name) => name.startsWith('btr_bmp_'))).toBe(true);
    expect(families.get('btr_bmp_connected')!.samples).toEqual([
      { name: 'btr_bmp_connected', labels: { name: hostile, collector: hostile }, value: 1 },
    ]);
  });

  test('the linter finds what is wrong', () => {
    const bad = (name: string, type: 'counter' | 'gauge', help = 'A sentence.', labels = {}) =>
      lint(readExposition(textOf([{ name, type, help, samples: [{ labels, value: 1 }] }])));
    expect(bad('btr_good_total', 'counter')).toEqual([]);
    expect(bad('btr_good', 'counter')).not.toEqual([]);
    expect(bad('btr_things_total', 'gauge')).not.toEqual([]);
    expect(bad('btr_delay_ms', 'gauge')).not.toEqual([]);
    expect(bad('btr_Things', 'gauge')).not.toEqual([]);
    expect(bad('btr_things', 'gauge', 'no sentence')).not.toEqual([]);
    expect(bad('btr_things', 'gauge', 'A sentence.', { quantile: '0.5' })).not.toEqual([]);
    expect(() => readExposition('btr_things 1\n')).toThrow('a stray sample');
  });

  test('without a forwarding table there is nothing about it; one that does not answer says so', () => {
    expect(fibMetrics(null, null)).toEqual([]);
    expect(fibMetrics(null, 'it has ended').map(({ name, samples }) => [name, [...samples][0].value])).toEqual([
      ['btr_fib_up', 0],
    ]);
  });

  test('numbers are written so that they are read back', () => {
    for (const value of [0, 1.5, 1e21, 1e-7, Infinity, -Infinity, 2 ** 53]) {
      const families = readExposition(textOf([single('gauge', 'a', 'A.', value)]));
      expect(valueOf(families, 'a')).toBe(value);
    }
  });
});

describe('counting', () => {
  const group = (agree: number, ids: number[], family: Family = IPV4_UNICAST) => ({
    ...{ family, attributes: 1, agree, ids: Uint32Array.from(ids), from: 0, to: ids.length },
  });

  test('verdicts by how much of the electorate is behind them', () => {
    const counted = meters();
    counted.decided(0, group(0b111, [1, 2, 3]), 1100);
    counted.decided(0, group(0b011, [4]), 1100);
    counted.decided(0, group(0b100, [101, 102], IPV6_UNICAST), 1100);
    expect([...counted.outcomes[IPV4_UNICAST]]).toEqual([3, 1, 0]);
    expect([...counted.outcomes[IPV6_UNICAST]]).toEqual([0, 0, 2]);
    expect(counted.decisions).toBe(6);
  });

  test('latency is that of verdicts which an input has caused', () => {
    const counted = meters();
    counted.decided(0, group(0b111, [1, 2]), 1100);
    expect([counted.latency.count, Math.round(counted.latency.sum * 10)]).toEqual([2, 2]);
    // Told again because the session came up: not because anything came in.
    counted.retold(0, 2000);
    counted.decided(0, group(0b111, [1, 2]), 2100);
    // So long ago that something else must be the reason.
    counted.decided(1, group(0b111, [7]), 400_000);
    expect(counted.latency.count).toBe(2);
    counted.decided(1, group(0b111, [1]), 1200);
    expect(counted.latency.count).toBe(3);
    expect(counted.latency.counts[counted.latency.bucketOf(0.1)]).toBe(2);
  });

  test('what voters report', () => {
    const counted = meters();
    counted.voterEvents(0, [
      { type: 'dissent-begins', replica: 1, kind: 'missing', prefix: 1 },
      { type: 'no-majority', prefix: 101 },
      { type: 'verdict', rule: 'stable-majority', prefix: 1 },
      { type: 'oscillation-begins', prefix: 1 },
      { type: 'overthrow', from: 0, to: 1, at: 5 },
    ] as never);
    const families = readExposition(
      textOf([...voteMetrics(fakeStatus(), counted), ...replicaMetrics(fakeStatus(), NAMES, counted)]),
    );
    expect(valueOf(families, 'btr_dissent_total', { replica: 'bird', kind: 'missing' })).toBe(1);
    expect(valueOf(families, 'btr_dissent_total', { replica: 'frr', kind: 'missing' })).toBe(0);
    expect(valueOf(families, 'btr_votes_total', { afi_safi: 'ipv6-unicast', outcome: 'tie' })).toBe(1);
    expect(valueOf(families, 'btr_contested_verdicts_total', { rule: 'stable-majority' })).toBe(1);
    expect(valueOf(families, 'btr_oscillations_total')).toBe(1);
    expect(valueOf(families, 'btr_master_overthrows_total', { replica: 'frr' })).toBe(1);
  });

  test('the main loop’s delay', async () => {
    const meter = new ProcessMeter();
    const until = performance.now() + 120;
    while (performance.now() < until) Math.sqrt(2);
    await delay(30);
    meter.close();
    const { delays } = meter;
    // One look came some 100 ms late.
    expect(delays.counts.slice(delays.bucketOf(0.075)).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(
      1,
    );
    expect(delays.sum).toBeGreaterThan(0.08);
  });
});

describe('a histogram', () => {
  test('counts bounds as part of the bucket below them', () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0, 1, 1.5, 2, 3]) histogram.add(value);
    expect([...histogram.counts]).toEqual([2, 2, 1]);
    expect([histogram.count, histogram.sum]).toEqual([5, 7.5]);
  });

  test('quantiles lie between the bounds of their bucket', () => {
    expect(quantile(0.5, [1, 2, 4], [0, 10, 0, 0])).toBe(1.5);
    expect(quantile(1, [1, 2, 4], [0, 10, 0, 0])).toBe(2);
    expect(quantile(0.99, [1, 2, 4], [0, 0, 0, 5])).toBe(4);
    expect(quantile(0.5, [1, 2], [0, 0, 0])).toBeNaN();
  });
});
