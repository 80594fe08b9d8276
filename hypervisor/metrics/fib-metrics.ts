// The metrics of the forwarding table (`btr_fib_…`). Owns their names.
import type { FibStatus } from '../fib/status.js';
import { each, single, type MetricFamily } from './exposition.js';

/** Of a router without a forwarding table nothing; of one that does not answer only that it does not. */
export function fibMetrics(status: FibStatus | null, error: string | null): MetricFamily[] {
  if (status === null && error === null) return [];
  const answers = single(
    'gauge',
    'btr_fib_up',
    '0 when the forwarding table does not answer.',
    status === null ? 0 : 1,
  );
  return status === null
    ? [answers]
    : [answers, ...routeMetrics(status), ...writeMetrics(status), ...voteMetrics(status)];
}

function routeMetrics({ table, routes, installed, pending, failing, stale, foreign }: FibStatus): MetricFamily[] {
  const states = Object.entries({ installed, pending, failing, stale });
  return [
    {
      name: 'btr_fib_routes',
      type: 'gauge',
      help: 'Prefixes whose verdict is a route.',
      samples: [{ labels: { table }, value: routes }],
    },
    each(
      'gauge',
      'btr_fib_kernel_routes',
      'Own routes by state: the kernel has them, they wait to be written, it refuses them, or they are left from an earlier run.',
      states,
      ([state, value]) => ({ labels: { table, state }, value }),
    ),
    single('gauge', 'btr_fib_foreign_routes', 'Routes of others that the replicas see.', foreign),
  ];
}

function writeMetrics(status: FibStatus): MetricFamily[] {
  const { created, replaced, deleted, repaired, refused, audits, auditDifferences, overruns, tableFull } = status;
  return [
    each(
      'counter',
      'btr_fib_writes_total',
      'Routes written to the kernel.',
      Object.entries({ create: created, replace: replaced, delete: deleted }),
      ([operation, value]) => ({ labels: { operation }, value }),
    ),
    each(
      'counter',
      'btr_fib_install_errors_total',
      'Writes that the kernel refused.',
      Object.entries(refused),
      ([errno, value]) => ({ labels: { errno }, value }),
    ),
    single('counter', 'btr_fib_repairs_total', 'Own routes that somebody else had changed or removed.', repaired),
    single('counter', 'btr_fib_audits_total', 'Whole checks of the table.', audits),
    single('counter', 'btr_fib_audit_differences_total', 'Differences that these found.', auditDifferences),
    single('counter', 'btr_fib_overruns_total', 'Times that events of the kernel were lost.', overruns),
    single('counter', 'btr_fib_table_full_total', 'Votes that found no room.', tableFull),
  ];
}

function voteMetrics({ contested, withoutMajority, replicas }: FibStatus): MetricFamily[] {
  return [
    single('gauge', 'btr_fib_ballots_contested', 'Ballots of the forwarding table in dispute.', contested),
    single('gauge', 'btr_fib_ballots_without_majority', 'Those that nobody wins.', withoutMajority),
    each('gauge', 'btr_fib_replica_routes', 'Prefixes for which it wants a route.', replicas, (one) => ({
      labels: { replica: one.replica, source: one.source },
      value: one.routes,
    })),
    each(
      'gauge',
      'btr_fib_replica_dissents',
      'Ballots of the forwarding table on which it differs from the majority now.',
      replicas,
      ({ replica, dissents }) => ({ labels: { replica }, value: dissents }),
    ),
    each('counter', 'btr_fib_replica_writes_total', 'Routes that it has written to its kernel.', replicas, (one) => ({
      labels: { replica: one.replica },
      value: one.routeWrites,
    })),
  ];
}
