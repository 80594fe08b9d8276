// One router under test between a feeder and a sink, in three namespaces of a lab: plain daemons, or the hypervisor.
// Owns their start and the moment when all sessions are up and quiet. What is measured is measure.ts's.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../cli/lab/lab.js';
import { plainConfig } from '../cli/lab/plain-configs.js';
import type { PlainKind } from '../cli/lab/plain-configs.js';
import { startPlainDaemon } from '../cli/lab/plain-daemons.js';
import { waitFor } from '../cli/lab/wait.js';
import { ControlClient } from '../hypervisor/control/client.js';
import type { RouterStatus } from '../hypervisor/status.js';
import type { BenchInput } from './input.js';
import { PeerProcess } from './peer-process.js';
import { FEEDER, ROUTER, SINK } from './topology.js';

export const KINDS: readonly PlainKind[] = ['bird', 'openbgpd', 'frr'];

export interface Station {
  name: string;
  feeder: PeerProcess;
  sink: PeerProcess;
  /** Process whose tree is the router under test. */
  routerPid: number;
}

/** BIRD 2.0.12 may hold its first End-of-RIB for up to 3 s; nothing of that may fall into a measurement. */
const SETTLE_MS = 4000;
const START_DEADLINE_MS = 60_000;

const NEIGHBORS = [
  { address: FEEDER.address, as: FEEDER.as, localAddress: ROUTER.towardsFeeder },
  { address: SINK.address, as: SINK.as, localAddress: ROUTER.towardsSink },
];

/** Starts one plain daemon of each kind given, side by side, each with a feeder and a sink of its own. */
export async function startPlain(lab: Lab, kinds: readonly PlainKind[], input: BenchInput): Promise<Station[]> {
  const stations: Station[] = [];
  for (const kind of kinds) {
    const router = addNamespaces(lab, kind);
    const model = { as: ROUTER.as, routerId: ROUTER.routerId, neighbors: NEIGHBORS };
    const daemon = await startPlainDaemon(lab, router, kind, (directory) => plainConfig(kind, model, directory));
    stations.push(await connectPeers(lab, kind, daemon.process.pid, input));
  }
  await sleep(SETTLE_MS);
  return stations;
}

export interface HypervisorSettings {
  strategy: string;
  /** fib.backend; default none. */
  fib?: string;
  /** Folder for a CPU profile of the hypervisor's main thread (for Chrome's developer tools). */
  profile?: string | undefined;
  /** Level of the vote log; default the router's. */
  voteLog?: string;
}

/** Starts `btr run` with one replica of each kind and waits until all of them vote. */
export async function startHypervisor(
  lab: Lab,
  kinds: readonly PlainKind[],
  { strategy, profile, fib = 'none', voteLog }: HypervisorSettings,
  input: BenchInput,
): Promise<Station> {
  const name = 'hypervisor';
  const router = addNamespaces(lab, name);
  const file = path.join(lab.directory, 'router.yaml');
  const runDirectory = path.join(lab.directory, 'run');
  const more = voteLog === undefined ? [] : [`vote-log: { level: ${voteLog} }`];
  writeFileSync(file, [...routerYaml(kinds, strategy, fib, runDirectory), ...more, ''].join('\n'));
  const program = path.join(import.meta.dirname, '../cli/main.js');
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', path.resolve(profile)];
  const hypervisor = await lab.spawn(router, ['node', ...profiling, program, 'run', file], { name });
  const socket = path.join(runDirectory, 'control.sock');
  await waitForVoters(socket, kinds.length, () => {
    if (!hypervisor.running) throw new Error(`btr run ended: ${hypervisor.logTail()}`);
  });
  const station = await connectPeers(lab, name, hypervisor.pid, input);
  await waitForVoters(socket, kinds.length);
  await sleep(SETTLE_MS);
  return station;
}

function routerYaml(kinds: readonly PlainKind[], strategy: string, fib: string, runDirectory: string): string[] {
  const neighbors = NEIGHBORS.map(
    ({ address, as, localAddress }) =>
      `  - { neighbor-address: ${address}, peer-as: ${as}, local-address: ${localAddress}, passive-mode: true }`,
  );
  return [
    `router: { as: ${ROUTER.as}, router-id: ${ROUTER.routerId}, run-directory: ${runDirectory} }`,
    'neighbors:',
    ...neighbors,
    'replicas:',
    ...kinds.map((kind) => `  - { name: ${kind}, kind: ${kind} }`),
    `voting: { strategy: ${strategy} }`,
    `fib: { backend: ${fib} }`,
  ];
}

/** Waits until so many replicas vote; `check` throws when that cannot happen any more. */
export async function waitForVoters(socket: string, voters: number, check = () => {}): Promise<void> {
  let fatal: Error | undefined;
  await waitFor(
    async () => {
      try {
        check();
      } catch (error) {
        fatal = error as Error;
        return true;
      }
      const client = await ControlClient.connect(socket);
      try {
        const status = (await client.request('status')) as RouterStatus;
        return status.electorate.length >= voters;
      } finally {
        client.close();
      }
    },
    { what: `${voters} replicas vote`, deadlineMs: START_DEADLINE_MS, intervalMs: 200 },
  );
  if (fatal) throw fatal;
}

/** Namespaces and links of one station; returns the router's namespace. */
function addNamespaces(lab: Lab, name: string): string {
  for (const place of ['router', 'feeder', 'sink']) lab.addNamespace(`${name}-${place}`);
  const router = `${name}-router`;
  lab.link(
    { namespace: router, addresses: [`${ROUTER.towardsFeeder}/24`] },
    { namespace: `${name}-feeder`, addresses: [`${FEEDER.address}/24`] },
  );
  lab.link(
    { namespace: router, addresses: [`${ROUTER.towardsSink}/24`] },
    { namespace: `${name}-sink`, addresses: [`${SINK.address}/24`] },
  );
  return router;
}

async function connectPeers(lab: Lab, name: string, routerPid: number, input: BenchInput): Promise<Station> {
  const start = (role: 'feeder' | 'sink', host: string, own: { as: number; address: string }) =>
    PeerProcess.start(
      lab,
      `${name}-${role}`,
      {
        role,
        host,
        localAddress: own.address,
        as: own.as,
        peerAs: ROUTER.as,
        ...(role === 'feeder' ? { input: input.file } : { expect: input.prefixes }),
      },
      `${name} ${role}`,
    );
  const feeder = await start('feeder', ROUTER.towardsFeeder, FEEDER);
  const sink = await start('sink', ROUTER.towardsSink, SINK);
  await Promise.all([feeder, sink].map((peer) => peer.next('established', START_DEADLINE_MS)));
  return { name, feeder, sink, routerPid };
}
