// One unmodified daemon alone in a namespace: how to start BIRD, FRR's bgpd and OpenBGPD, and how to ask each of them
// about its sessions and prefixes. Several may run side by side. Owns their run directories below the lab's.
// Which configuration they get is the caller's choice (plain-configs.ts writes one that suits comparisons).
import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { lookUp } from '../../hypervisor/replicas/account.js';
import { accepts } from '../../hypervisor/replicas/process-set.js';
import { UserError } from '../errors.js';
import { findProgram } from './lab.js';
import type { Lab } from './lab.js';
import { makeOpenbgpdHome } from './openbgpd-home.js';
import type { PlainKind } from './plain-configs.js';
import type { LabProcess } from './process.js';
import { waitFor } from './wait.js';

const execute = promisify(execFile);
const CLIENT_BUFFER_BYTES = 1 << 30;

/** A neighbour as the daemon sees it. Counts are of IPv4 and IPv6 unicast together; -1 where the daemon does not tell. */
export interface PlainSession {
  address: string;
  established: boolean;
  prefixesIn: number;
  prefixesOut: number;
}

export interface PlainDaemon {
  kind: PlainKind;
  process: LabProcess;
  /** FRR's zebra, when the daemon was started with one. */
  zebra?: LabProcess;
  directory: string;
  /** Runs its control client (birdc, vtysh -c, bgpctl) with these words and returns what it prints. */
  query(...words: string[]): Promise<string>;
  sessions(): Promise<PlainSession[]>;
  stop(): Promise<void>;
}

/** Where Debian puts them. FRR's bgpd and OpenBGPD's share a name, so neither is looked up by it on PATH. */
const BINARIES: Record<PlainKind, { package: string; programs: () => (string | undefined)[] }> = {
  bird: { package: 'bird2', programs: () => [findProgram('bird'), findProgram('birdc')] },
  frr: { package: 'frr', programs: () => [present('/usr/lib/frr/bgpd'), findProgram('vtysh')] },
  openbgpd: { package: 'openbgpd', programs: () => [present('/usr/sbin/bgpd'), findProgram('bgpctl')] },
};

/** The daemon kinds that are not installed, as "kind (Debian package x)"; empty when all are there. */
export function missingDaemons(kinds: readonly PlainKind[]): string[] {
  return kinds
    .filter((kind) => BINARIES[kind].programs().includes(undefined))
    .map((kind) => `${kind} (Debian package ${BINARIES[kind].package})`);
}

export interface PlainOptions {
  /** Of its directory and in messages. Default: the kind. */
  name?: string;
  /** FRR: run zebra as well, which writes bgpd's routes into the kernel. The others do so when their configuration says so. */
  zebra?: boolean;
}

/** Starts a daemon in a namespace with a native configuration and returns when its control client answers. */
export async function startPlainDaemon(
  lab: Lab,
  namespace: string,
  kind: PlainKind,
  config: string | ((directory: string) => string),
  options: string | PlainOptions = {},
): Promise<PlainDaemon> {
  const { name = kind, zebra: withZebra = false } = typeof options === 'string' ? { name: options } : options;
  const [missing] = missingDaemons([kind]);
  if (missing) throw new UserError(`${missing} is not installed`);
  const [server, client] = BINARIES[kind].programs() as [string, string];
  const directory = path.join(lab.directory, name);
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, `${kind}.conf`);
  // OpenBGPD refuses a file that others may read or that is not its starter's.
  writeFileSync(file, typeof config === 'string' ? config : config(directory), {
    mode: kind === 'frr' ? 0o644 : 0o600,
  });
  const zebra = withZebra ? await startZebra(lab, namespace, name, directory) : undefined;
  const argv = prepare[kind](server, file, directory).filter((word) => !(withZebra && WITHOUT_ZEBRA.includes(word)));
  const process = await lab.spawn(namespace, argv, { name, log: path.join(directory, 'log') });
  const query = (...words: string[]) => ask[kind](client, directory, words);
  const daemon: PlainDaemon = {
    kind,
    process,
    ...(zebra && { zebra }),
    directory,
    query,
    sessions: () => sessions[kind](query),
    stop: async () => {
      await process.stop();
      await zebra?.stop();
    },
  };
  await waitFor(
    async () => {
      if (!process.running) throw new UserError(`${name} ended at once: ${process.logTail()}`);
      return (await daemon.sessions()) && true;
    },
    { what: `${name} answers its control client; its log: ${process.logFile}`, deadlineMs: 15_000 },
  );
  return daemon;
}

/** bgpd's options for a life without zebra. */
const WITHOUT_ZEBRA: readonly string[] = ['-Z', '-n'];

/** Starts zebra beside a bgpd to come; returns when bgpd can connect to it. */
export async function startZebra(lab: Lab, namespace: string, name: string, directory: string): Promise<LabProcess> {
  const [program, owner] = [present('/usr/lib/frr/zebra'), lookUp('frr')];
  if (!program || !owner) throw new UserError('zebra (Debian package frr) is not installed');
  // It drops its privileges to FRR's user before it makes its sockets, and takes no other user.
  chownSync(directory, owner.uid, owner.gid);
  const file = path.join(directory, 'zebra.conf');
  writeFileSync(file, 'ip nht resolve-via-default\n', { mode: 0o644 });
  const socket = path.join(directory, 'zserv.api');
  const paths = ['-f', file, '-z', socket, '-i', path.join(directory, 'zebra.pid'), '--vty_socket', directory];
  const zebra = await lab.spawn(namespace, [program, '-P', '0', ...paths, '--log', 'stdout'], {
    name: `${name}-zebra`,
    log: path.join(directory, 'zebra.log'),
  });
  await waitFor(async () => !zebra.running || (await accepts(socket)), {
    what: 'zebra accepts on its socket',
    deadlineMs: 15_000,
  });
  if (!zebra.running) throw new UserError(`zebra ended at once: ${zebra.logTail()}`);
  return zebra;
}

const prepare: Record<PlainKind, (server: string, file: string, directory: string) => string[]> = {
  bird: (server, file, directory) => [
    ...[server, '-f', '-c', file, '-s', path.join(directory, 'bird.ctl'), '-P', path.join(directory, 'bird.pid')],
  ],
  // -Z: no zebra, every next hop counts as reachable; -n: nothing to the kernel; -P 0: no telnet port; -S: keeps its user,
  // so that it can write into a directory that is ours.
  frr: (server, file, directory) => [
    ...[server, '-Z', '-n', '-S', '-P', '0', '-f', file, '-i', path.join(directory, 'bgpd.pid')],
    ...['-z', path.join(directory, 'zserv.api'), '--vty_socket', directory, '--log', 'stdout'],
  ],
  openbgpd: (server, file) => {
    makeOpenbgpdHome();
    return [server, '-d', '-f', file];
  },
};

const ask: Record<PlainKind, (client: string, directory: string, words: string[]) => Promise<string>> = {
  bird: (client, directory, words) => output(client, ['-r', '-s', path.join(directory, 'bird.ctl'), ...words]),
  frr: (client, directory, words) => output(client, ['--vty_socket', directory, '-d', 'bgpd', '-c', words.join(' ')]),
  openbgpd: (client, directory, words) => output(client, ['-s', path.join(directory, 'bgpd.sock'), ...words]),
};

const sessions: Record<PlainKind, (query: PlainDaemon['query']) => Promise<PlainSession[]>> = {
  bird: async (query) => parseBirdSessions(await query('show', 'protocols', 'all')),
  frr: async (query) => parseFrrSessions(await query('show bgp summary json')),
  openbgpd: async (query) => parseOpenbgpdSessions(await query('-j', 'show', 'neighbor')),
};

async function output(program: string, args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { maxBuffer: CLIENT_BUFFER_BYTES });
  return stdout;
}

/** From `birdc show protocols all`. */
export function parseBirdSessions(text: string): PlainSession[] {
  const found: PlainSession[] = [];
  for (const block of text.split(/\n(?=\S)/)) {
    const address = /Neighbor address:\s+(\S+)/.exec(block)?.[1];
    if (address === undefined) continue;
    let [prefixesIn, prefixesOut] = [0, 0];
    for (const routes of block.matchAll(/Routes:\s+(\d+) imported,(?: \d+ filtered,)? (\d+) exported/g)) {
      prefixesIn += Number(routes[1]);
      prefixesOut += Number(routes[2]);
    }
    found.push({ address, established: /BGP state:\s+Established/.test(block), prefixesIn, prefixesOut });
  }
  return found;
}

/** From `show bgp summary json`. */
export function parseFrrSessions(text: string): PlainSession[] {
  interface FrrPeer {
    state: string;
    pfxRcd?: number;
    pfxSnt?: number;
  }
  const families = JSON.parse(text) as Record<string, { peers?: Record<string, FrrPeer> }>;
  const found = new Map<string, PlainSession>();
  for (const { peers } of Object.values(families)) {
    for (const [address, peer] of Object.entries(peers ?? {})) {
      const session = found.get(address) ?? { address, established: false, prefixesIn: 0, prefixesOut: 0 };
      session.established ||= peer.state === 'Established';
      session.prefixesIn += peer.pfxRcd ?? 0;
      session.prefixesOut += peer.pfxSnt ?? 0;
      found.set(address, session);
    }
  }
  return [...found.values()];
}

/** From `bgpctl -j show neighbor`. */
export function parseOpenbgpdSessions(text: string): PlainSession[] {
  interface Prefixes {
    prefixes?: { sent?: number; received?: number };
  }
  interface Neighbor {
    remote_addr?: string;
    state?: string;
    stats?: Prefixes & { update?: { sent?: Prefixes; received?: Prefixes } };
  }
  const { neighbors = [] } = JSON.parse(text) as { neighbors?: Neighbor[] };
  return neighbors.map((neighbor) => ({
    address: neighbor.remote_addr ?? '',
    established: neighbor.state === 'Established',
    prefixesIn: neighbor.stats?.prefixes?.received ?? -1,
    prefixesOut: neighbor.stats?.prefixes?.sent ?? -1,
  }));
}

function present(file: string): string | undefined {
  return existsSync(file) ? file : undefined;
}
