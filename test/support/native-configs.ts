// Hand-written native configurations for tests of the replica processes alone, so that these do not depend on the
// generators: every session passive or not as asked, everything accepted, next hop self.
import type { GeneratedFile, ReplicaPaths } from '../../configs/generate/types.js';
import type { ReplicaKind } from '../../configs/model.js';
import type { ReplicaSession } from '../../configs/session-plan.js';

export const LOCAL_AS = 65010;
export const ROUTER_ID = '10.255.0.1';

interface Options {
  passive: boolean;
}

type Writer = (sessions: readonly ReplicaSession[], paths: ReplicaPaths, options: Options) => string;

const isV6 = (session: ReplicaSession): boolean => session.peerAddress.includes(':');

const bird: Writer = (sessions, _paths, { passive }) =>
  [
    'log stderr all;',
    `router id ${ROUTER_ID};`,
    'protocol device { scan time 60; }',
    ...sessions.map(
      (s) => `protocol bgp ${s.name} {
  local ${s.localAddress} as ${LOCAL_AS}; neighbor ${s.peerAddress} as ${s.peerAs};
  ${passive ? 'passive;' : 'connect delay time 1; connect retry time 1; error wait time 1, 1;'}
  ${isV6(s) ? 'ipv6' : 'ipv4'} { import all; export all; next hop self; };
}`,
    ),
  ].join('\n') + '\n';

const frr: Writer = (sessions, _paths, { passive }) => {
  const family = (name: string, v6: boolean): string[] => [
    ` address-family ${name} unicast`,
    ...sessions
      .filter((s) => isV6(s) === v6)
      .flatMap((s) => [`  neighbor ${s.peerAddress} activate`, `  neighbor ${s.peerAddress} next-hop-self`]),
    ' exit-address-family',
  ];
  return (
    [
      `router bgp ${LOCAL_AS}`,
      ` bgp router-id ${ROUTER_ID}`,
      ' no bgp ebgp-requires-policy',
      ' no bgp network import-check',
      ' no bgp default ipv4-unicast',
      ' coalesce-time 0',
      ...sessions.flatMap((s) => [
        ` neighbor ${s.peerAddress} remote-as ${s.peerAs}`,
        ` neighbor ${s.peerAddress} advertisement-interval 0`,
        ...(passive
          ? [` neighbor ${s.peerAddress} passive`]
          : [` neighbor ${s.peerAddress} timers connect 1`, ` neighbor ${s.peerAddress} disable-connected-check`]),
      ]),
      ...family('ipv4', false),
      ...family('ipv6', true),
    ].join('\n') + '\n'
  );
};

const openbgpd: Writer = (sessions, { controlSocket }, { passive }) =>
  [
    `AS ${LOCAL_AS}`,
    `router-id ${ROUTER_ID}`,
    `socket "${controlSocket}"`,
    ...[...new Set(sessions.map((s) => s.localAddress))].map((address) => `listen on ${address}`),
    'nexthop qualify via default',
    ...sessions.map(
      (s) => `neighbor ${s.peerAddress} {
  remote-as ${s.peerAs}
  local-address ${s.localAddress}
  ${passive ? 'passive' : ''}
  announce IPv4 ${isV6(s) ? 'none' : 'unicast'}
  announce IPv6 ${isV6(s) ? 'unicast' : 'none'}
}`,
    ),
    'allow from any',
    'allow to any',
    'match to any set nexthop self',
  ].join('\n') + '\n';

const WRITERS: Record<ReplicaKind, Writer> = { frr, bird, openbgpd };
const NAMES: Record<ReplicaKind, string> = { frr: 'frr.conf', bird: 'bird.conf', openbgpd: 'openbgpd.conf' };

/** The files of a replica of `kind`, in the form that the drivers take. */
export function nativeConfig(
  kind: ReplicaKind,
  sessions: readonly ReplicaSession[],
  paths: ReplicaPaths,
  options: Options = { passive: true },
): GeneratedFile[] {
  return [{ name: NAMES[kind], contents: WRITERS[kind](sessions, paths, options), mode: 0o600 }];
}
