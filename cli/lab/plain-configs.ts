// Native configurations of one plain daemon that does what the hypervisor's replicas do: accept every neighbour,
// choose deterministically, announce everything with itself as next hop, without artificial delays.
// For baselines and comparisons; the replicas' own configurations come from configs/.
import path from 'node:path';

export type PlainKind = 'bird' | 'frr' | 'openbgpd';

export interface PlainNeighbor {
  address: string;
  as: number;
  /** Our end of the link to it. */
  localAddress: string;
  /** Wait for it to connect (default) or connect to it. */
  passive?: boolean;
}

export interface PlainRouter {
  as: number;
  routerId: string;
  neighbors: readonly PlainNeighbor[];
  /** IPv6 unicast as well. OpenBGPD sends a wrong IPv6 next hop over an IPv4 session: give it a neighbour per family. */
  ipv6?: boolean;
  /** Writes its routes into the kernel of its namespace (BIRD; FRR through the zebra that startPlainDaemon adds). */
  kernel?: boolean;
}

/** Text of the daemon's own configuration file. `directory` is where its control socket goes (OpenBGPD names it there). */
export function plainConfig(kind: PlainKind, router: PlainRouter, directory: string): string {
  if (kind === 'bird') return birdConfig(router);
  return kind === 'frr' ? frrConfig(router) : openbgpdConfig(router, directory);
}

function birdConfig({ as, routerId, neighbors, ipv6, kernel }: PlainRouter): string {
  const families = ipv6 ? ['ipv4', 'ipv6'] : ['ipv4'];
  const channel = (family: string) => `${family} { import all; export all; next hop self; };`;
  const protocols = neighbors.map(({ address, as: peerAs, localAddress, passive = true }, index) =>
    [
      `protocol bgp n${index} {`,
      `  local ${localAddress} as ${as};`,
      `  neighbor ${address} as ${peerAs};`,
      ...(passive ? ['  passive;'] : ['  connect delay time 1;', '  connect retry time 1;']),
      '  deterministic med on;',
      ...families.map((family) => `  ${channel(family)}`),
      '}',
    ].join('\n'),
  );
  const writers = (kernel ? families : []).map(
    (family) => `protocol kernel { ${family} { import none; export where source = RTS_BGP; }; }`,
  );
  return [`router id ${routerId};`, 'protocol device { scan time 60; }', ...writers, ...protocols, ''].join('\n');
}

function frrConfig({ as, routerId, neighbors, ipv6 }: PlainRouter): string {
  const lines = [
    `router bgp ${as}`,
    ` bgp router-id ${routerId}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ' bgp deterministic-med',
    ' bgp bestpath compare-routerid',
    ' coalesce-time 0',
  ];
  for (const { address, as: peerAs, passive = true } of neighbors) {
    lines.push(` neighbor ${address} remote-as ${peerAs}`, ` neighbor ${address} advertisement-interval 0`);
    lines.push(` neighbor ${address} solo`);
    lines.push(passive ? ` neighbor ${address} passive` : ` neighbor ${address} timers connect 1`);
  }
  for (const family of ipv6 ? ['ipv4 unicast', 'ipv6 unicast'] : ['ipv4 unicast']) {
    lines.push(` address-family ${family}`);
    for (const { address } of neighbors) {
      lines.push(`  neighbor ${address} activate`, `  neighbor ${address} next-hop-self`);
    }
    lines.push(' exit-address-family');
  }
  return `${lines.join('\n')}\n`;
}

function openbgpdConfig({ as, routerId, neighbors, ipv6 }: PlainRouter, directory: string): string {
  const blocks = neighbors.map(({ address, as: peerAs, localAddress, passive = true }) =>
    [
      `neighbor ${address} {`,
      `  remote-as ${peerAs}`,
      `  local-address ${localAddress}`,
      ...(passive ? ['  passive'] : []),
      ...(address.includes(':') ? [] : ['  announce IPv4 unicast']),
      ...(ipv6 && address.includes(':') ? ['  announce IPv6 unicast'] : []),
      '  enforce neighbor-as no',
      '}',
    ].join('\n'),
  );
  const listeners = [...new Set(neighbors.map(({ localAddress }) => `listen on ${localAddress}`))];
  return [
    `AS ${as}`,
    `router-id ${routerId}`,
    `socket "${path.join(directory, 'bgpd.sock')}"`,
    ...listeners,
    'nexthop qualify via default',
    ...blocks,
    'allow from any',
    'allow to any',
    'match to any set nexthop self',
    '',
  ].join('\n');
}
