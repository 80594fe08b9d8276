// The metrics of the sessions with neighbours (`bgp_…`), in the words that exporters of other BGP speakers use. Owns their names.
import { FAMILIES, familyName } from '../../wire/family.js';
import type { NotificationCount } from '../io/message-counters.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { NeighborStatus } from '../status.js';
import { each, type Labels, type MetricFamily } from './exposition.js';

const STATES = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'] as const;

/** What is asked of a neighbour. */
export type SessionPort = Pick<NeighborPort, 'config' | 'status' | 'traffic' | 'prefixes'>;

interface Session {
  labels: Labels;
  port: SessionPort;
  status: NeighborStatus;
  traffic: ReturnType<NeighborPort['traffic']>;
}

export function sessionMetrics(ports: readonly SessionPort[]): MetricFamily[] {
  const sessions = ports
    .filter(({ config }) => config.removed !== true)
    .map((port) => {
      const status = port.status();
      return { labels: { peer: status.address, peer_as: status.as }, port, status, traffic: port.traffic() };
    });
  return [...stateMetrics(sessions), ...trafficMetrics(sessions), ...tableMetrics(sessions)];
}

function stateMetrics(sessions: readonly Session[]): MetricFamily[] {
  const states = sessions.flatMap(({ labels, status }) =>
    STATES.map((state) => ({ labels: { ...labels, state }, value: status.state === state ? 1 : 0 })),
  );
  return [
    each('gauge', 'bgp_session_up', '1 while the session is established.', sessions, ({ labels, status }) => ({
      labels,
      value: status.state === 'Established' ? 1 : 0,
    })),
    {
      name: 'bgp_session_state',
      type: 'gauge',
      help: '1 for the state (RFC 4271) that the session is in, 0 for the others.',
      samples: states,
    },
    {
      name: 'bgp_session_state_transitions_total',
      type: 'counter',
      help: 'Changes of state (RFC 4271).',
      samples: sessions.flatMap(({ labels, traffic }) =>
        [...traffic.transitions].map(([key, value]) => {
          const [from, to] = key.split(' ');
          return { labels: { ...labels, from, to }, value };
        }),
      ),
    },
    each(
      'gauge',
      'bgp_session_uptime_seconds',
      'Since the session was established; 0 while it is not.',
      sessions,
      ({ labels, status }) => ({ labels, value: status.uptime }),
    ),
    each(
      'counter',
      'bgp_session_established_total',
      'Times the session was established.',
      sessions,
      ({ labels, traffic }) => ({ labels, value: traffic.establishments }),
    ),
    each(
      'counter',
      'bgp_session_flaps_total',
      'Times an established session was lost.',
      sessions,
      ({ labels, status }) => ({ labels, value: status.flaps }),
    ),
    each(
      'gauge',
      'bgp_session_reading_paused',
      '1 while nothing is read because the replicas are busy.',
      sessions,
      ({ labels, status }) => ({ labels, value: status.paused ? 1 : 0 }),
    ),
  ];
}

function trafficMetrics(sessions: readonly Session[]): MetricFamily[] {
  const byType = (direction: 'received' | 'sent') =>
    sessions.flatMap(({ labels, traffic }) =>
      Object.entries(traffic[direction]).map(([type, value]) => ({ labels: { ...labels, type }, value })),
    );
  const byCode = (counts: (session: Session) => readonly NotificationCount[]) =>
    sessions.flatMap((session) =>
      counts(session).map(({ code, subcode, count }) => ({
        labels: { ...session.labels, code, subcode },
        value: count,
      })),
    );
  return [
    {
      name: 'bgp_messages_received_total',
      type: 'counter',
      help: 'BGP messages received, by type.',
      samples: byType('received'),
    },
    { name: 'bgp_messages_sent_total', type: 'counter', help: 'BGP messages sent, by type.', samples: byType('sent') },
    {
      name: 'bgp_notifications_received_total',
      type: 'counter',
      help: 'NOTIFICATIONs received, by code and subcode; 0/0 for those beyond 32 different ones.',
      samples: byCode(({ traffic }) => traffic.notificationsReceived),
    },
    {
      name: 'bgp_notifications_sent_total',
      type: 'counter',
      help: 'NOTIFICATIONs sent, by code and subcode.',
      samples: byCode(({ traffic }) => traffic.notificationsSent),
    },
    each(
      'counter',
      'bgp_updates_treated_as_withdraw_total',
      'UPDATEs received with errors that RFC 7606 answers by a withdrawal.',
      sessions,
      ({ labels, traffic }) => ({ labels, value: traffic.treatedAsWithdraw }),
    ),
  ];
}

function tableMetrics(sessions: readonly Session[]): MetricFamily[] {
  const byFamily = (count: (prefixes: ReturnType<SessionPort['prefixes']>) => number) =>
    sessions.flatMap(({ labels, port }) =>
      FAMILIES.map((family) => ({
        labels: { ...labels, afi_safi: familyName(family) },
        value: count(port.prefixes(family)),
      })),
    );
  return [
    {
      name: 'bgp_rib_prefixes',
      type: 'gauge',
      help: 'Prefixes that the neighbour has announced and not withdrawn.',
      samples: byFamily(({ received }) => received),
    },
    {
      name: 'bgp_rib_adj_out_prefixes',
      type: 'gauge',
      help: 'Prefixes that the neighbour has been sent and that were not withdrawn.',
      samples: byFamily(({ advertised }) => advertised),
    },
    each(
      'counter',
      'bgp_max_prefix_exceeded_total',
      'Times the session was reset because the neighbour announced more than maximum-prefixes.',
      sessions,
      ({ labels, traffic }) => ({ labels, value: traffic.maximumExceeded }),
    ),
  ];
}
