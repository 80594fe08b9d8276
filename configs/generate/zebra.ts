// Native configuration of FRR's zebra, which writes the routes of its bgpd to the kernel and resolves their next hops.
// Why each line is there: docs/replica-configuration.md.
import type { ReplicaConfig, RouterConfig } from '../model.js';
import { header } from './common.js';
import type { GeneratedFile } from './types.js';

export function zebraFile(config: RouterConfig, replica: ReplicaConfig): GeneratedFile {
  const lines = [
    header(config, replica),
    'frr defaults traditional',
    `hostname ${replica.name}`,
    'no zebra nexthop kernel enable',
    'ip nht resolve-via-default',
    'ipv6 nht resolve-via-default',
    '!',
  ];
  return { name: 'zebra.conf', contents: `${lines.join('\n')}\n`, mode: 0o640 };
}
