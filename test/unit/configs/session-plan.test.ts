// Which sessions a replica of each kind has.
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../configs/load.js';
import type { ReplicaConfig, ReplicaFib, ReplicaKind } from '../../../configs/model.js';
import { planSessions } from '../../../configs/session-plan.js';

const { config } = parseConfig(
  `router: { as: 65000, router-id: 10.0.0.1 }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1, afi-safis: [ipv4-unicast, ipv6-unicast], local-address-ipv6: '2a01:1::1' }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1, afi-safis: [ipv6-unicast], local-address-ipv6: '2a01:2::1' }
  - { neighbor-address: '2a01:3::2', peer-as: 65003, local-address: '2a01:3::1' }
replicas: [{ name: a, kind: frr }, { name: b, kind: bird }, { name: c, kind: openbgpd }]
`,
  'router.yaml',
);

/** The replica of that kind, with its FIB votes taken as given. */
function replica(kind: ReplicaKind, fib: ReplicaFib): ReplicaConfig {
  return { ...config!.replicas.find((candidate) => candidate.kind === kind)!, fib };
}

describe('planSessions', () => {
  it.each(['frr', 'bird'] as const)('%s: one session for each neighbour, then probe and tap', (kind) => {
    const plan = planSessions(config!, replica(kind, 'none'));
    expect(plan.map((s) => [s.id, s.role, s.neighbor, s.peerAddress, s.families])).toEqual([
      [0, 'neighbor', 0, '10.0.1.2', 3],
      [1, 'neighbor', 1, '10.0.2.2', 2],
      [2, 'neighbor', 2, '2a01:3::2', 2],
      [3, 'probe', -1, '198.18.0.2', 1],
      [4, 'tap', -1, '198.18.0.3', 1],
    ]);
  });

  it('openbgpd: IPv6 over an IPv4 session becomes a session of its own', () => {
    const plan = planSessions(config!, replica('openbgpd', 'none')).filter((s) => s.role === 'neighbor');
    expect(plan.map((s) => [s.id, s.neighbor, s.peerAddress, s.localAddress, s.families])).toEqual([
      [0, 0, '10.0.1.2', '10.0.1.1', 1],
      [1, 0, 'fd62:7472::1', '2a01:1::1', 2],
      [2, 1, 'fd62:7472::2', '2a01:2::1', 2],
      [3, 2, '2a01:3::2', '2a01:3::1', 2],
    ]);
  });

  it('the tap of a replica that writes no FIB carries both families', () => {
    const taps = (kind: ReplicaKind, fib: ReplicaFib) =>
      planSessions(config!, replica(kind, fib))
        .filter((s) => s.role === 'tap')
        .map((s) => [s.name, s.peerAddress, s.localAddress, s.families]);
    expect(taps('bird', 'netlink')).toEqual([['tap', '198.18.0.3', '198.18.0.1', 1]]);
    expect(taps('bird', 'tap')).toEqual([['tap', '198.18.0.3', '198.18.0.1', 3]]);
    expect(taps('openbgpd', 'none')).toEqual([['tap', '198.18.0.3', '198.18.0.1', 1]]);
    expect(taps('openbgpd', 'tap')).toEqual([
      ['tap', '198.18.0.3', '198.18.0.1', 1],
      ['tap_ipv6', 'fd62:7472::ffff:3', 'fd62:7472::ffff:1', 2],
    ]);
  });

  it.each(['frr', 'bird', 'openbgpd'] as const)(
    '%s: peer addresses and names are unique, families complete',
    (kind) => {
      const plan = planSessions(config!, replica(kind, 'tap'));
      expect(new Set(plan.map((s) => s.peerAddress)).size).toBe(plan.length);
      expect(new Set(plan.map((s) => s.name)).size).toBe(plan.length);
      config!.neighbors.forEach((neighbor, n) => {
        const families = plan.filter((s) => s.neighbor === n).reduce((set, s) => set | s.families, 0);
        expect(families).toBe(neighbor.families);
      });
    },
  );
});
