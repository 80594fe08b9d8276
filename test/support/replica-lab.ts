// What the tests of real replicas share: a network namespace for the test process, a run directory, the planned sessions,
// and looking at processes through /proc. The namespace has no name and goes away with the process.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ReplicaConfig, ReplicaKind } from '../../configs/model.js';
import type { ReplicaSession } from '../../configs/session-plan.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';
import { Replica, type ReplicaOptions } from '../../hypervisor/replicas/replica.js';
import { ShimHub } from '../../preload/hub.js';
import { CLONE_NEWNET, unshare } from '../../preload/native.js';
import { nativeConfig } from './native-configs.js';

const SESSIONS: [string, string, string, number][] = [
  ['neighbor_1', '10.0.1.2', '10.0.1.1', 65001],
  ['neighbor_2', '10.0.2.2', '10.0.2.1', 65002],
  ['neighbor_3', 'fd00:1::2', 'fd00:1::1', 65001],
  ['neighbor_4', 'fd00:2::2', 'fd00:2::1', 65002],
];

/** Two neighbours over IPv4 and two over IPv6, each for the family of its transport. */
export const sessions: ReplicaSession[] = SESSIONS.map(([name, peerAddress, localAddress, peerAs], id) => ({
  id,
  role: 'neighbor',
  neighbor: id,
  peerAddress,
  localAddress,
  peerAs,
  localAs: 65010,
  families: peerAddress.includes(':') ? 2 : 1,
  name,
}));

/** Why the daemon cannot be tested here, or undefined. */
export function cannotRun(kind: ReplicaKind): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root (namespaces, running daemons as their own users)';
  const driver = DRIVERS[kind];
  if (driver.executables.some((file) => existsSync(file))) return undefined;
  return `${kind} is not installed (Debian package ${driver.debianPackage})`;
}

/** Puts this process into a namespace of its own that holds the router's addresses. Call it once, before any thread. */
export function enterNamespace(): void {
  unshare(CLONE_NEWNET);
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  // Link-local addresses at once: without one, bgpd beside zebra takes no IPv6 session.
  writeFileSync('/proc/sys/net/ipv6/conf/default/dad_transmits', '0');
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'e0', 'type', 'veth', 'peer', 'name', 'e1');
  ip('link', 'set', 'e0', 'up');
  ip('link', 'set', 'e1', 'up');
  for (const { localAddress } of sessions) {
    const v6 = localAddress.includes(':');
    ip('address', 'add', `${localAddress}/${v6 ? 64 : 24}`, 'dev', 'e0', ...(v6 ? ['nodad'] : []));
  }
}

/** What the configuration of a replica says where the file says nothing. */
export const PLAIN_REPLICA: Omit<ReplicaConfig, 'name' | 'kind'> = {
  environment: {},
  fib: 'none',
  standby: 'no',
  deliver: 'raw',
  diversity: { addressSpaceRandomisation: true },
};

export class ReplicaLab {
  readonly directory = mkdtempSync(path.join(os.tmpdir(), 'btr-test-'));
  readonly hub = new ShimHub();
  private readonly replicas: Replica[] = [];

  constructor() {
    chmodSync(this.directory, 0o711);
  }

  make(kind: ReplicaKind, options: Partial<ReplicaOptions> & { name?: string; passive?: boolean } = {}): Replica {
    const { name = kind, passive = true, ...rest } = options;
    const replica = new Replica({
      hub: this.hub,
      replica: { name, kind, ...PLAIN_REPLICA },
      runDirectory: this.directory,
      sessions,
      generate: (paths) => nativeConfig(kind, sessions, paths, { passive }),
      ...rest,
    });
    this.replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    for (const replica of this.replicas) await replica.stop();
    await this.hub.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface ProcessStatus {
  pid: number;
  group: number;
  name: string;
  uids: number[];
  capabilities: string[];
  /** CPU time so far, clock ticks. */
  ticks: number;
}

function statusOf(pid: number): ProcessStatus | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const line = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    return {
      pid,
      group: Number(fields[2]),
      name: line('Name'),
      uids: line('Uid').split('\t').map(Number),
      capabilities: ['CapPrm', 'CapEff', 'CapInh', 'CapAmb'].map(line),
      ticks: Number(fields[11]) + Number(fields[12]),
    };
  } catch {
    return undefined;
  }
}

/** Every live process of the group. */
export function processesOf(group: number): ProcessStatus[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => statusOf(Number(entry)))
    .filter((status): status is ProcessStatus => status?.group === group);
}
