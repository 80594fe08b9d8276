// The metrics of the sessions with neighbours (`bgp_…`), in the words that exporters of other BGP speakers use. Owns their names. There may be a
// thousand neighbours: what they count is taken at once, so that it fits together, and becomes samples when these are asked for.
import { FAMILIES, familyName } from '../../wire/family.js';
import type { NotificationCount } from '../io/message-counters.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { NeighborStatus } from '../status.js';
import type { Labels, MetricFamily, Sample } from './exposition.js';

const STATES = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'] as const;

/** What is asked of a neighbour. */
export type SessionPort = Pick<NeighborPort, 'config' | 'status' | 'traffic' | 'prefixes'>;

interface Session {
  labels: Labels;
  status: NeighborStatus;
  traffic: ReturnType<NeighborPort['traffic']>;
  /** By family. */
  prefixes: readonly { received: number; advertised: number }[];
}

export function sessionMetrics(ports: readonly SessionPort[]): MetricFamily[] {
  const sessions = ports
    .filter(({ config }) => config.removed !== true)
    .map((port): Session => {
      const status = port.status();
      const prefixes = FAMILIES.map((family) => port.prefixes(family));
      return { labels: { peer: status.address, peer_as: status.as }, status, traffic: port.traffic(), prefixes };
    });
  return [...stateMetrics(sessions), ...trafficMetrics(sessions), ...tableMetrics(sessions)];
}

/** A family with several samples for each session: what labels they have besides, and the value. */
function spread(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  sessions: readonly Session[],
  of: (session: Session) => Iterable<readonly [Labels, number]>,
): MetricFamily {
  function* samples(): Generator<Sample> {
    for (const session of sessions) {
      for (const [more, value] of of(session)) yield { labels: { ...session.labels, ...more }, value };
    }
  }
  return { name, type, help, samples: { [Symbol.iterator]: samples } };
}

/** A family with one sample for each session. */
function each(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  sessions: readonly Session[],
  value: (session: Session) => number,
): MetricFamily {
  return spread(type, name, help, sessions, (session) => [[{}, value(session)]]);
}

function stateMetrics(sessions: readonly Session[]): MetricFamily[] {
  return [
    each('gauge', 'bgp_session_up', '1 while the session is established.', sessions, ({ status }) =>
      Number(status.state === 'Established'),
    ),
    spread(
      'gauge',
      'bgp_session_state',
      '1 for the state (RFC 4271) that the session is in, 0 for the others.',
      sessions,
      ({ status }) => STATES.map((state) => [{ state }, Number(status.state === state)]),
    ),
    spread('counter', 'bgp_session_state_transitions_total', 'Changes of state (RFC 4271).', sessions, ({ traffic }) =>
      [...traffic.transitions].map(([key, value]) => {
        const [from, to] = key.split(' ');
        return [{ from, to }, value];
      }),
    ),
    each(
      'gauge',
      'bgp_session_uptime_seconds',
      'Since the session was established; 0 while it is not.',
      sessions,
      ({ status }) => status.uptime,
    ),
    each(
      'counter',
      'bgp_session_established_total',
      'Times the session was established.',
      sessions,
      ({ traffic }) => traffic.establishments,
    ),
    each(
      'counter',
      'bgp_session_flaps_total',
      'Times an established session was lost.',
      sessions,
      ({ status }) => status.flaps,
    ),
    each(
      'gauge',
      'bgp_session_reading_paused',
      '1 while nothing is read because the replicas are busy.',
      sessions,
      ({ status }) => Number(status.paused),
    ),
  ];
}

function trafficMetrics(sessions: readonly Session[]): MetricFamily[] {
  const byType = (counts: Readonly<Record<string, number>>): [Labels, number][] =>
    Object.entries(counts).map(([type, value]) => [{ type }, value]);
  const byCode = (counts: readonly NotificationCount[]): [Labels, number][] =>
    counts.map(({ code, subcode, count }) => [{ code, subcode }, count]);
  return [
    spread('counter', 'bgp_messages_received_total', 'BGP messages received, by type.', sessions, ({ traffic }) =>
      byType(traffic.received),
    ),
    spread('counter', 'bgp_messages_sent_total', 'BGP messages sent, by type.', sessions, ({ traffic }) =>
      byType(traffic.sent),
    ),
    spread(
      'counter',
      'bgp_notifications_received_total',
      'NOTIFICATIONs received, by code and subcode; 0/0 for those beyond 32 different ones.',
      sessions,
      ({ traffic }) => byCode(traffic.notificationsReceived),
    ),
    spread(
      'counter',
      'bgp_notifications_sent_total',
      'NOTIFICATIONs sent, by code and subcode.',
      sessions,
      ({ traffic }) => byCode(traffic.notificationsSent),
    ),
    each(
      'counter',
      'bgp_updates_treated_as_withdraw_total',
      'UPDATEs received with errors that RFC 7606 answers by a withdrawal.',
      sessions,
      ({ traffic }) => traffic.treatedAsWithdraw,
    ),
  ];
}

function tableMetrics(sessions: readonly Session[]): MetricFamily[] {
  const byFamily = (prefixes: Session['prefixes'], which: 'received' | 'advertised'): [Labels, number][] =>
    FAMILIES.map((family, i) => [{ afi_safi: familyName(family) }, prefixes[i][which]]);
  return [
    spread(
      'gauge',
      'bgp_rib_prefixes',
      'Prefixes that the neighbour has announced and not withdrawn.',
      sessions,
      ({ prefixes }) => byFamily(prefixes, 'received'),
    ),
    spread(
      'gauge',
      'bgp_rib_adj_out_prefixes',
      'Prefixes that the neighbour has been sent and that were not withdrawn.',
      sessions,
      ({ prefixes }) => byFamily(prefixes, 'advertised'),
    ),
    each(
      'counter',
      'bgp_max_prefix_exceeded_total',
      'Times the session was reset because the neighbour announced more than maximum-prefixes.',
      sessions,
      ({ traffic }) => traffic.maximumExceeded,
    ),
  ];
}
