// Daemons that install routes, as the tests of netlink channels need them: native configuration with a kernel protocol or
// zebra, and asking each of them with its own control client what it sees and what it believes to have installed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { GeneratedFile, ReplicaPaths } from '../../configs/generate/types.js';
import type { ReplicaConfig, ReplicaKind } from '../../configs/model.js';
import type { ReplicaSession } from '../../configs/session-plan.js';
import type { Replica } from '../../hypervisor/replicas/replica.js';
import { findBird16 } from './bird16.js';
import { LOCAL_AS, ROUTER_ID, nativeConfig } from './native-configs.js';
import { cannotRun, sessions } from './replica-lab.js';

export interface FibDaemon {
  name: string;
  replica: Pick<ReplicaConfig, 'kind' | 'binary'>;
  sessions: readonly ReplicaSession[];
  files: (paths: ReplicaPaths) => GeneratedFile[];
  /** Does it know the interface as usable, with this address? */
  sees: (replica: Replica, name: string, address: string) => Promise<boolean>;
  /** Does it say that the kernel has its route to the prefix? */
  believes: (replica: Replica, prefix: string) => Promise<boolean>;
  /** Dumps the kernel's routes from time to time and mends what differs. */
  scans: boolean;
}

const execute = promisify(execFile);

/** Never synchronously: before the daemon answers it may have to be answered, by the virtual kernel in this thread. */
async function ask(file: string, ...args: string[]): Promise<string> {
  return (await execute(file, args, { timeout: 10_000 })).stdout;
}

const isV6 = (text: string): boolean => text.includes(':');

function birdConfig(families: readonly string[], plan: readonly ReplicaSession[]): string {
  const old = families.length === 1;
  const channel = (family: string, text: string): string => (old ? text : `${family} { ${text} };`);
  return [
    'log stderr all;',
    `router id ${ROUTER_ID};`,
    'protocol device { scan time 1; }',
    `protocol direct { ${old ? '' : 'ipv4; ipv6; '}check link; }`,
    ...families.map(
      (family) => `protocol kernel kernel_${family} {
  ${channel(family, 'import none; export where source = RTS_BGP && dest != RTD_UNREACHABLE;')}
  scan time 1;
}`,
    ),
    ...plan.map(
      (s) => `protocol bgp ${s.name} {
  local ${s.localAddress} as ${LOCAL_AS}; neighbor ${s.peerAddress} as ${s.peerAs};
  multihop 2; passive;
  ${channel(isV6(s.peerAddress) ? 'ipv6' : 'ipv4', 'import all; export all; next hop self;')}
}`,
    ),
    '',
  ].join('\n');
}

function bird(name: string, birdc: string, binary: string | undefined, families: readonly string[]): FibDaemon {
  const plan = sessions.filter((session) => families.includes(isV6(session.peerAddress) ? 'ipv6' : 'ipv4'));
  const query = (replica: Replica, ...words: string[]): Promise<string> =>
    ask(birdc, '-r', '-s', replica.paths.controlSocket, ...words);
  return {
    name,
    replica: { kind: 'bird', ...(binary !== undefined && { binary }) },
    sessions: plan,
    files: () => [{ name: 'bird.conf', contents: birdConfig(families, plan), mode: 0o600 }],
    sees: async (replica, link, address) =>
      new RegExp(`^${link} up [^]*?\\b${address}/`, 'm').test(await query(replica, 'show', 'interfaces')),
    // Exported without complaint, and not withdrawn since: BIRD keeps no other record of what the kernel took.
    believes: async (replica, prefix) => {
      const family = isV6(prefix) ? 'ipv6' : 'ipv4';
      const exported = await query(replica, 'show', 'route', prefix, 'export', `kernel_${family}`);
      return exported.includes(prefix) && !replica.outputTail().includes('Netlink');
    },
    scans: true,
  };
}

interface ZebraRoute {
  protocol: string;
  installed?: boolean;
}

function frr(): FibDaemon {
  const query = (replica: Replica, command: string): Promise<string> =>
    ask('vtysh', '--vty_socket', replica.paths.dir, '-d', 'zebra', '-c', command);
  return {
    name: 'frr',
    replica: { kind: 'frr' },
    sessions,
    files: (paths) => {
      const [bgpd] = nativeConfig('frr', sessions, paths);
      // A link that goes down is to take its routes with it, not the sessions: these are virtual.
      const contents = bgpd.contents.replace(/^( bgp router-id .*)$/m, '$1\n no bgp fast-external-failover');
      return [
        { ...bgpd, contents },
        { name: 'zebra.conf', contents: 'ip nht resolve-via-default\n', mode: 0o600 },
      ];
    },
    sees: async (replica, link, address) =>
      new RegExp(`^${link} +up [^]*?\\b${address}/`, 'm').test(await query(replica, 'show interface brief')),
    believes: async (replica, prefix) => {
      const words = `show ${isV6(prefix) ? 'ipv6' : 'ip'} route ${prefix} json`;
      const answer = JSON.parse(await query(replica, words)) as Record<string, ZebraRoute[] | undefined>;
      return answer[prefix]?.some(({ protocol, installed }) => protocol === 'bgp' && installed === true) ?? false;
    },
    scans: false,
  };
}

/** Every daemon that can be run here, and why the others cannot. */
export function fibDaemons(): { daemons: FibDaemon[]; missing: string[] } {
  const daemons: FibDaemon[] = [];
  const missing: string[] = [];
  const offer = (kind: ReplicaKind, make: () => FibDaemon, needs: string): void => {
    const reason = cannotRun(kind) ?? (existsSync(needs) ? undefined : `${needs} is not installed`);
    if (reason === undefined) daemons.push(make());
    else missing.push(reason);
  };
  offer('frr', frr, '/usr/lib/frr/zebra');
  offer('bird', () => bird('bird 2', '/usr/sbin/birdc', undefined, ['ipv4', 'ipv6']), '/usr/sbin/birdc');
  const old = process.getuid?.() === 0 ? findBird16() : 'needs root';
  if (typeof old === 'string') missing.push(old);
  else daemons.push(bird('bird 1.6', path.resolve(old.birdc), old.bird, ['ipv4']));
  return { daemons, missing };
}
