// Routers under test that write the kernel: a bare BIRD, a bare FRR with zebra, and the hypervisor with so many replicas, each with a
// feeder and with a process that watches the kernel of the router's namespace. What is measured is fib-latency.ts's.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../cli/lab/lab.js';
import { plainConfig } from '../cli/lab/plain-configs.js';
import type { PlainKind } from '../cli/lab/plain-configs.js';
import { startPlainDaemon } from '../cli/lab/plain-daemons.js';
import type { LabProcess } from '../cli/lab/process.js';
import { PeerProcess } from './peer-process.js';
import type { FromWatch } from './route-watch.js';
import { waitForVoters } from './station.js';
import { FEEDER, ROUTER } from './topology.js';

/** A daemon that writes kernel routes by itself. */
type WritingKind = Extract<PlainKind, 'bird' | 'frr'>;

export interface LatencyScenario {
  name: string;
  /** Names of the scenarios that it is compared with. */
  baselines: readonly string[];
  /** The bare daemon … */
  plain?: WritingKind;
  /** … or the hypervisor's replicas. */
  replicas?: readonly PlainKind[];
}

export interface LatencyStation {
  feeder: PeerProcess;
  watch: RouteWatchProcess;
}

const ROUTER_SPACE = 'router';
const FEEDER_SPACE = 'feeder';
const NEIGHBOR = { address: FEEDER.address, as: FEEDER.as, localAddress: ROUTER.towardsFeeder };
/** BIRD may sit on its first End-of-RIB for 3 s; nothing of that may fall into a measurement. */
const SETTLE_MS = 4000;
const START_DEADLINE_MS = 60_000;
const PROGRAM = path.join(import.meta.dirname, 'route-watch.js');
const COUNTS = [1, 3, 5];
const MIXED: readonly (readonly PlainKind[])[] = [
  ['bird', 'frr', 'openbgpd'],
  ['bird', 'frr', 'openbgpd', 'bird', 'frr'],
];

/** The bare daemons, the hypervisor with one, three and five of each, and with three and five of different kinds. */
export function latencyScenarios(): LatencyScenario[] {
  const kinds: readonly WritingKind[] = ['bird', 'frr'];
  const bare = (kind: string) => `${kind} alone`;
  return [
    ...kinds.map((kind) => ({ name: bare(kind), baselines: [], plain: kind })),
    ...kinds.flatMap((kind) =>
      COUNTS.map((count) => ({
        name: `hypervisor, ${count} × ${kind}`,
        baselines: [bare(kind)],
        replicas: Array<PlainKind>(count).fill(kind),
      })),
    ),
    ...MIXED.map((replicas) => ({
      name: `hypervisor, ${replicas.length} of all kinds`,
      baselines: kinds.map(bare),
      replicas,
    })),
  ];
}

/** Starts a scenario and resolves when its session is up and everything is quiet. */
export async function startLatencyStation(
  lab: Lab,
  { plain, replicas = [] }: LatencyScenario,
  strategy: string,
): Promise<LatencyStation> {
  for (const name of [ROUTER_SPACE, FEEDER_SPACE]) lab.addNamespace(name);
  lab.link(
    { namespace: ROUTER_SPACE, addresses: [`${ROUTER.towardsFeeder}/24`] },
    { namespace: FEEDER_SPACE, addresses: [`${FEEDER.address}/24`] },
  );
  if (plain !== undefined) await startWriting(lab, plain);
  const voting = plain === undefined ? await startHypervisor(lab, replicas, strategy) : () => Promise.resolve();
  const watch = await RouteWatchProcess.start(lab, ROUTER_SPACE);
  const settings = { host: ROUTER.towardsFeeder, localAddress: FEEDER.address, as: FEEDER.as, peerAs: ROUTER.as };
  const feeder = await PeerProcess.start(lab, FEEDER_SPACE, { role: 'feeder', ...settings }, 'feeder');
  await feeder.next('established', START_DEADLINE_MS);
  await voting();
  await sleep(SETTLE_MS);
  return { feeder, watch };
}

async function startWriting(lab: Lab, kind: WritingKind): Promise<void> {
  const router = { as: ROUTER.as, routerId: ROUTER.routerId, neighbors: [NEIGHBOR], kernel: true };
  await startPlainDaemon(lab, ROUTER_SPACE, kind, plainConfig(kind, router, ''), { zebra: kind === 'frr' });
}

/** Returns how to wait until all replicas vote (again). */
async function startHypervisor(
  lab: Lab,
  replicas: readonly PlainKind[],
  strategy: string,
): Promise<() => Promise<void>> {
  const [file, runDirectory] = [path.join(lab.directory, 'router.yaml'), path.join(lab.directory, 'run')];
  const { address, as, localAddress } = NEIGHBOR;
  const config = {
    router: { as: ROUTER.as, 'router-id': ROUTER.routerId, 'run-directory': runDirectory },
    neighbors: [{ 'neighbor-address': address, 'peer-as': as, 'local-address': localAddress, 'passive-mode': true }],
    replicas: replicas.map((kind, index) => ({ name: `${kind}${index}`, kind })),
    voting: { strategy },
    fib: { backend: 'kernel' },
  };
  writeFileSync(file, JSON.stringify(config));
  const program = path.join(import.meta.dirname, '../cli/main.js');
  const hypervisor = await lab.spawn(ROUTER_SPACE, ['node', program, 'run', file], { name: 'hypervisor' });
  const voting = () =>
    waitForVoters(path.join(runDirectory, 'control.sock'), replicas.length, () => {
      if (!hypervisor.running) throw new Error(`btr run ended: ${hypervisor.logTail()}`);
    });
  await voting();
  return voting;
}

/** The benchmark's handle on route-watch.ts. */
export class RouteWatchProcess {
  readonly #process: LabProcess;
  readonly #seen = new Map<number, number>();
  readonly #waiting = new Map<number, (atMs: number) => void>();
  #failed: Error | undefined;

  private constructor(child: LabProcess) {
    this.#process = child;
  }

  static async start(lab: Lab, namespace: string): Promise<RouteWatchProcess> {
    const child = await lab.spawn(namespace, ['node', '--enable-source-maps', PROGRAM], { ipc: true, name: 'watch' });
    const watch = new RouteWatchProcess(child);
    await new Promise<void>((resolve, reject) => {
      child.child.on('message', (message: unknown) => watch.#take(message as FromWatch, resolve));
      void child.exited.then(() => reject(new Error(`the watch on the kernel ended: ${child.logTail(5)}`)));
    });
    return watch;
  }

  /** When the route of the `index`-th single prefix appeared (CLOCK_MONOTONIC, ms). Each can be asked for once. */
  route(index: number, deadlineMs: number): Promise<number> {
    const atMs = this.#seen.get(index);
    if (atMs !== undefined) return Promise.resolve(atMs);
    return new Promise((resolve, reject) => {
      const late = () =>
        reject(this.#failed ?? new Error(`no route for single prefix ${index} within ${deadlineMs} ms`));
      const timer = setTimeout(late, deadlineMs);
      this.#waiting.set(index, (at) => (clearTimeout(timer), resolve(at)));
    });
  }

  #take(message: FromWatch, ready: () => void): void {
    if (message.kind === 'ready') ready();
    else if (message.kind === 'lost')
      this.#failed = new Error(`events of the kernel were lost (${this.#process.logFile})`);
    else if (!this.#seen.has(message.index)) {
      this.#seen.set(message.index, message.atMs);
      this.#waiting.get(message.index)?.(message.atMs);
    }
  }
}
