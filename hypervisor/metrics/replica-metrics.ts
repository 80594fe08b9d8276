// The metrics of the replicas (`btr_replica_…`): their lives, how they keep up, and what is held against them. Owns their names.
import { REPLICA_PHASES } from '../../recovery/types.js';
import type { DissentKind } from '../../voter/types.js';
import type { ReplicaStatus, RouterStatus } from '../status.js';
import { each, type Labels, type MetricFamily, type Sample } from './exposition.js';
import type { Meters, Tally } from './meters.js';

const DISSENT_KINDS: readonly DissentKind[] = ['extra', 'missing', 'different'];

type Status = Pick<RouterStatus, 'replicas' | 'electorate' | 'master'>;

/** Names of the replicas and addresses of the neighbours, by index. */
export interface Names {
  replicas: readonly string[];
  neighbors: readonly string[];
}

export function replicaMetrics(status: Status, names: Names, meters: Meters): MetricFamily[] {
  return [...lifeMetrics(status), ...paceMetrics(status.replicas), ...faultMetrics(status.replicas, names, meters)];
}

/** A gauge or counter with one sample for each replica; those whose value is undefined are left out. */
function perReplica(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  replicas: readonly ReplicaStatus[],
  value: (replica: ReplicaStatus) => number | undefined,
): MetricFamily {
  const samples = replicas.flatMap((replica): Sample[] => {
    const known = value(replica);
    return known === undefined ? [] : [{ labels: { replica: replica.name }, value: known }];
  });
  return { name, type, help, samples };
}

function lifeMetrics({ replicas, electorate, master }: Status): MetricFamily[] {
  const states = replicas.flatMap(({ name, state }) =>
    [...REPLICA_PHASES, 'stopped'].map((one) => ({
      labels: { replica: name, state: one },
      value: state === one ? 1 : 0,
    })),
  );
  return [
    each('gauge', 'btr_replica_up', '1 while its processes run.', replicas, ({ name, kind, version, pid }) => ({
      labels: { replica: name, daemon: kind, version },
      value: pid === null ? 0 : 1,
    })),
    perReplica(
      'gauge',
      'btr_replica_voting',
      '1 while its votes count (it is in the electorate).',
      replicas,
      (replica) => (electorate.includes(replica.name) ? 1 : 0),
    ),
    perReplica('gauge', 'btr_replica_master', '1 for the master (master-slave only).', replicas, (replica) =>
      master === null ? undefined : Number(master === replica.name),
    ),
    { name: 'btr_replica_state', type: 'gauge', help: '1 for the state that it is in.', samples: states },
    perReplica('counter', 'btr_replica_restarts_total', 'Starts after the first one.', replicas, (r) => r.restarts),
    perReplica('gauge', 'btr_replica_sessions_up', 'Its sessions that are up.', replicas, (r) => r.sessionsUp),
    perReplica('gauge', 'btr_replica_sessions', 'Its sessions that there should be.', replicas, (r) => r.sessions),
  ];
}

function paceMetrics(replicas: readonly ReplicaStatus[]): MetricFamily[] {
  return [
    perReplica(
      'gauge',
      'btr_replica_lag_seconds',
      'How long the probe that is out has been out: how far it is behind.',
      replicas,
      (r) => r.lagMs / 1000,
    ),
    perReplica(
      'gauge',
      'btr_replica_backlog_bytes',
      'Bytes that wait to be delivered to it.',
      replicas,
      (r) => r.backlogBytes,
    ),
    perReplica('counter', 'btr_replica_votes_total', 'Votes that it has cast.', replicas, (r) => r.votes),
    perReplica(
      'gauge',
      'btr_replica_cpu_ratio',
      'Processor seconds per second, all its processes; absent while it does not run.',
      replicas,
      (r) => r.health?.cpu,
    ),
    perReplica(
      'gauge',
      'btr_replica_resident_memory_bytes',
      'Resident memory, all its processes; absent while it does not run.',
      replicas,
      (r) => r.health?.memory,
    ),
    perReplica(
      'gauge',
      'btr_replica_warnings',
      'Early warnings about it that hold.',
      replicas,
      (r) => r.health?.warnings.length,
    ),
  ];
}

function faultMetrics(
  replicas: readonly ReplicaStatus[],
  { replicas: names, neighbors: peers }: Names,
  meters: Meters,
): MetricFamily[] {
  return [
    perReplica(
      'gauge',
      'btr_replica_dissents',
      'Ballots on which its stable vote differs from the majority now.',
      replicas,
      (r) => r.dissents,
    ),
    {
      name: 'btr_dissent_total',
      type: 'counter',
      help: 'Stable votes towards neighbours that began to differ from the majority, by kind.',
      samples: names.flatMap((replica, r) =>
        DISSENT_KINDS.map((kind) => ({ labels: { replica, kind }, value: meters.dissents.of(`${r} ${kind}`) })),
      ),
    },
    perReplica('gauge', 'btr_replica_faults_open', 'Open faults found against it.', replicas, (r) => r.faults.open),
    tallied(
      'btr_faults_total',
      'Findings against it; known-difference is a habit of the daemon and no fault.',
      meters.findings,
      names,
      ([kind, cause]) => ({ kind, cause }),
    ),
    {
      name: 'btr_replica_abstentions',
      type: 'gauge',
      help: 'Prefixes on which it has no say, by reason.',
      samples: replicas.flatMap(({ name, abstains }) =>
        Object.entries(abstains).map(([reason, value]) => ({ labels: { replica: name, reason }, value })),
      ),
    },
    tallied(
      'btr_quarantined_messages_total',
      'Messages of a neighbour that were withheld from it because it failed (reason) while they were on their way.',
      meters.quarantined,
      names,
      ([peer, reason]) => ({ peer: peers[Number(peer)], reason }),
    ),
    perReplica(
      'counter',
      'btr_master_overthrows_total',
      'Times it was overthrown as the master.',
      replicas,
      (replica) => meters.overthrows.of(`${names.indexOf(replica.name)}`),
    ),
  ];
}

/** A counter out of a tally whose keys are `index word word …`. */
function tallied(
  name: string,
  help: string,
  tally: Tally<string>,
  names: readonly string[],
  labels: (words: string[]) => Labels,
): MetricFamily {
  const samples = [...tally].map(([key, value]): Sample => {
    const [index, ...words] = key.split(' ');
    return { labels: { replica: names[Number(index)], ...labels(words) }, value };
  });
  return { name, type: 'counter', help, samples };
}
