// What `btr fib` prints.
import { expect, test } from 'vitest';
import { renderFibStatus, renderRoutes, renderVerification } from '../../../cli/commands/fib.js';
import type {
  FibReplicaStatus,
  FibRouteReport,
  FibStatus,
  FibVerification,
  NextHopsReport,
} from '../../../hypervisor/fib/status.js';

function via(gateway: string | undefined, change: Partial<NextHopsReport['nextHops'][0]> = {}): NextHopsReport {
  const hop = { interface: 'eth0', weight: 1, onlink: false, ...(gateway !== undefined && { gateway }), ...change };
  return { type: 'unicast', nextHops: [hop] };
}

function route(change: Partial<FibRouteReport>): FibRouteReport {
  const verdict = via('10.0.0.1');
  return { prefix: '192.0.2.0/24', state: 'installed', verdict, kernel: verdict, error: null, votes: [], ...change };
}

test('a route that is as it should be says everything once', () => {
  const votes = [
    { replica: 'frr', counts: true, agrees: true, nextHops: via('10.0.0.1') },
    { replica: 'bird', counts: false, agrees: true, nextHops: via('10.0.0.1') },
  ];
  const row = renderRoutes([route({ votes })]).at(-1)!;
  expect(row.split(/ {2,}/)).toEqual(['192.0.2.0/24', 'installed', 'via 10.0.0.1 dev eth0', '=', '=frr', '·bird']);
});

test('votes that differ are told apart by whatever they differ in', () => {
  const several = (weight: number): NextHopsReport => ({
    type: 'unicast',
    nextHops: [...via('10.0.0.1', { weight }).nextHops, ...via('10.0.0.2').nextHops],
  });
  const texts = [
    via('10.0.0.1'),
    via('10.0.0.1', { onlink: true }),
    via('10.0.0.1', { interface: 'eth1' }),
    via(undefined),
    several(1),
    several(2),
    { type: 'blackhole', nextHops: [] } as NextHopsReport,
    null,
  ].map((nextHops) =>
    renderRoutes([route({ votes: [{ replica: 'x', counts: true, agrees: false, nextHops }] })]).join('\n'),
  );
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts[5]).toContain('via 10.0.0.1 dev eth0 weight 2, via 10.0.0.2 dev eth0 weight 1');
  expect(texts.at(-1)).toContain('≠x (none)');
});

test('a refused route says why, and what the kernel has instead', () => {
  const text = renderRoutes([route({ state: 'failing', error: 'ENETUNREACH', kernel: null })]).join('\n');
  expect(text).toContain('failing (ENETUNREACH)');
  expect(text).toContain('(none)');
});

test('the table as a whole: stale routes are told while there are any', () => {
  const status = {
    ...{ backend: 'kernel', table: 254, protocol: 179, metric: 20, routes: 1_000_000, installed: 999_999 },
    ...{ pending: 1, failing: 2, stale: 0, contested: 3, tableFull: 0, replicas: [] as FibReplicaStatus[] },
  } as FibStatus;
  expect(renderFibStatus(status)).toEqual([
    'forwarding table (kernel, table 254, protocol 179, metric 20): 1,000,000 routes, 999,999 installed, 1 pending, ' +
      '2 failing, 3 contested',
  ]);
  expect(renderFibStatus({ ...status, stale: 7 })[0]).toContain('7 stale');
  const bird = { replica: 'bird', conflicts: 2, foreignConflicts: 0, malformed: 1 } as FibReplicaStatus;
  const frr = { ...bird, replica: 'frr', conflicts: 0, malformed: 0 };
  expect(renderFibStatus({ ...status, tableFull: 4, replicas: [frr, bird] }).slice(1)).toEqual([
    '  4 prefixes or next hops of taps found no room: votes are lost',
    '  bird: 2 writes that Linux would have refused, 1 datagrams that were not netlink',
  ]);
});

test('a check says what differs, and that things were changing', () => {
  const found: FibVerification = {
    ...{ ok: true, quiet: true, verdicts: 2, kernelRoutes: 2, advertised: 1, total: 0, differences: [] },
  };
  expect(renderVerification(found)).toEqual(['2 verdicts, 2 routes in the kernel, 1 prefixes advertised: all agree']);
  const text = renderVerification({
    ...found,
    ...{ ok: false, quiet: false, total: 1 },
    differences: [{ prefix: '192.0.2.0/24', kind: 'missing', verdict: via('10.0.0.1'), kernel: null }],
  }).join('\n');
  expect(text).toContain('1 differences');
  expect(text).toContain('things were changing');
  expect(text).toContain('192.0.2.0/24 is not in the kernel: verdict via 10.0.0.1 dev eth0, kernel (none)');
});
