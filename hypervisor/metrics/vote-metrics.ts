// The metrics of the router, its votes and its tables (`btr_…`). Owns their names.
import process from 'node:process';
import { FAMILIES, familyName } from '../../wire/family.js';
import type { RouterStatus } from '../status.js';
import { histogram, single, type MetricFamily, type Sample } from './exposition.js';
import { OUTCOMES, type Meters } from './meters.js';

const ALARMS = ['quorum', 'tolerance', 'no-majority', 'reload'] as const;

export function voteMetrics(status: RouterStatus, meters: Meters): MetricFamily[] {
  return [...routerMetrics(status), ...ballotMetrics(status, meters), ...tableMetrics(status)];
}

function routerMetrics(status: RouterStatus): MetricFamily[] {
  const { version, as, routerId, strategy, alarms } = status;
  return [
    {
      name: 'btr_info',
      type: 'gauge',
      help: 'Always 1; what this router is.',
      samples: [{ labels: { version, as, router_id: routerId, strategy, node: process.version }, value: 1 }],
    },
    single('gauge', 'btr_electorate_size', 'Replicas whose votes count.', status.electorate.length),
    single('counter', 'btr_electorate_changes_total', 'Changes of electorate or master.', status.epoch),
    single('gauge', 'btr_quorum', 'Replicas that must vote before neighbours are spoken to.', status.quorum),
    single(
      'gauge',
      'btr_tolerated_faults',
      'Replicas of the present electorate that may be wrong at the same time: k of 2k + 1.',
      status.tolerates,
    ),
    single('gauge', 'btr_open', '1 while sessions with neighbours may be open.', status.open ? 1 : 0),
    {
      name: 'btr_alarm',
      type: 'gauge',
      help: '1 while the alarm is raised.',
      samples: ALARMS.map((alarm) => ({
        labels: { alarm },
        value: alarms.some(({ kind }) => kind === alarm) ? 1 : 0,
      })),
    },
  ];
}

function ballotMetrics({ ballots }: RouterStatus, meters: Meters): MetricFamily[] {
  const outcomes = FAMILIES.flatMap((family): Sample[] => {
    const afi_safi = familyName(family);
    return [
      ...OUTCOMES.map((outcome, i) => ({ labels: { afi_safi, outcome }, value: meters.outcomes[family][i] })),
      { labels: { afi_safi, outcome: 'tie' }, value: meters.ties[family] },
    ];
  });
  return [
    {
      name: 'btr_votes_total',
      type: 'counter',
      help: 'Verdicts that went out to neighbours, per prefix, by how much of the electorate was behind them; tie: ballots left as they were.',
      samples: outcomes,
    },
    histogram(
      'btr_vote_duration_seconds',
      "From a neighbour's input to the verdict that goes out because of it, per prefix.",
      meters.latency,
    ),
    {
      name: 'btr_contested_verdicts_total',
      type: 'counter',
      help: 'New verdicts of ballots in dispute, by the rule that made them.',
      samples: [...meters.contested].map(([rule, value]) => ({ labels: { rule }, value })),
    },
    {
      name: 'btr_ballots',
      type: 'gauge',
      help: 'Ballots of all neighbours with a route as verdict, by state.',
      samples: [
        { labels: { state: 'unanimous' }, value: ballots.unanimous },
        { labels: { state: 'contested' }, value: ballots.contested },
      ],
    },
    single(
      'gauge',
      'btr_ballots_without_majority',
      'Contested ballots whose votes are all stable and that nobody wins.',
      ballots.withoutMajority,
    ),
    single('counter', 'btr_oscillations_total', 'Ballots that did not come to rest.', meters.oscillations),
  ];
}

function tableMetrics({ tables, voteLogDropped, reload }: RouterStatus): MetricFamily[] {
  return [
    single('gauge', 'btr_table_prefixes', 'Different prefixes that are known.', tables.prefixes),
    single('gauge', 'btr_table_attributes', 'Different sets of attributes that are known.', tables.attributes),
    single('gauge', 'btr_table_attributes_bytes', 'Memory that these take.', tables.attributeBytes),
    single('counter', 'btr_table_full_total', 'Routes and votes that found no room.', tables.full),
    single('counter', 'btr_vote_log_dropped_total', 'Lines that the vote log had to leave out.', voteLogDropped),
    single(
      'gauge',
      'btr_last_reload_successful',
      '0 when the last reload failed, else 1.',
      reload?.state === 'failed' ? 0 : 1,
    ),
  ];
}
