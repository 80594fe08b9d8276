// One run of `bench:threshold`: a router with three daemons and one stability threshold, the neighbours of a trace, a customer, and lies. Owns
// the network, the processes and their end; what the run shows is threshold-figures.ts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Lab } from '../cli/lab/lab.js';
import type { LabProcess } from '../cli/lab/process.js';
import { waitFor } from '../cli/lab/wait.js';
import { ControlClient } from '../hypervisor/control/client.js';
import { findPeers } from '../traces/replay-plan.js';
import type { FromLieSink, LieSinkSettings } from './lie-sink.js';
import { KINDS, waitForVoters } from './station.js';
import { thresholdFigures, type StoodLie, type ThresholdFigures } from './threshold-figures.js';
import { readThresholdLog } from './threshold-log.js';

export interface ThresholdRun {
  strategy: string;
  /** Ms. */
  threshold: number;
  /** MRT file of updates; its IPv4 peers are played, each as a neighbour. */
  trace: string;
  speed: number;
  seconds: number;
  /** Means, ms. `interval` 0: no lies. */
  interval: number;
  duration: number;
  seed: number;
}

interface Neighbor {
  peer: string;
  as: number;
  address: string;
}

const ROUTER = { as: 64900, address: '10.77.0.1' };
const CUSTOMER = { as: 64903, address: '10.77.2.1' };
const PROGRAM = path.join(import.meta.dirname, '../cli/main.js');
/** Lies begin when the tables are no longer empty, ms. */
const WARM_UP_MS = 5000;
/** All is quiet when the customer has heard nothing for so long, beyond the threshold, ms. */
const QUIET_MS = 2000;
const DEADLINE_MS = 120_000;
/** Nobody is restarted for lies: the same replicas are watched from beginning to end. */
const FAULT_THRESHOLD_S = 3600;

export async function runThreshold(run: ThresholdRun): Promise<ThresholdFigures> {
  const peers = (await findPeers([run.trace], [])).filter(({ address }) => !address.includes(':'));
  const neighbors = peers.map(({ address, as }, i) => ({ peer: address, as, address: `10.77.1.${i + 1}` }));
  const lab = Lab.create('threshold');
  let control: ControlClient | undefined;
  try {
    network(lab, neighbors);
    control = await startRouter(lab, run, neighbors);
    const customer = await Customer.start(lab);
    const playing = play(lab, run, neighbors);
    if (run.interval > 0) await startLies(control, customer, run);
    const updates = await playing;
    await control.request('inject-clear');
    await customer.quiet(run.threshold + QUIET_MS);
    const log = readThresholdLog(await voteLogLines(path.join(lab.directory, 'run')));
    return thresholdFigures(log, customer.lies, { customer: CUSTOMER.address, updates, end: Date.now() });
  } finally {
    control?.close();
    await lab.destroy();
  }
}

function network(lab: Lab, neighbors: readonly Neighbor[]): void {
  for (const name of ['router', 'peers', 'customer']) lab.addNamespace(name);
  // Addresses without a common subnet: no route has another neighbour's address as its next hop.
  const own = [`${ROUTER.address}/32`];
  const places = [
    { namespace: 'peers', addresses: neighbors.map(({ address }) => address) },
    { namespace: 'customer', addresses: [CUSTOMER.address] },
  ];
  for (const { namespace, addresses } of places) {
    const [near, far] = lab.link(
      { namespace: 'router', addresses: own },
      { namespace, addresses: addresses.map((address) => `${address}/32`) },
    );
    lab.run(namespace, ['ip', 'route', 'add', ...own, 'dev', far]);
    for (const address of addresses) lab.run('router', ['ip', 'route', 'add', `${address}/32`, 'dev', near]);
  }
}

async function startRouter(
  lab: Lab,
  { strategy, threshold }: ThresholdRun,
  neighbors: readonly Neighbor[],
): Promise<ControlClient> {
  const neighbor = ({ address, as }: { address: string; as: number }): string =>
    `  - { neighbor-address: ${address}, local-address: ${ROUTER.address}, peer-as: ${as}, passive-mode: true }`;
  const runDirectory = path.join(lab.directory, 'run');
  const file = path.join(lab.directory, 'router.yaml');
  const lines = [
    `router: { as: ${ROUTER.as}, router-id: ${ROUTER.address}, run-directory: ${runDirectory} }`,
    'neighbors:',
    ...[...neighbors, CUSTOMER].map(neighbor),
    'replicas:',
    ...KINDS.map((kind) => `  - { name: ${kind}, kind: ${kind} }`),
    'voting:',
    `  { strategy: ${strategy}, stability-threshold: ${threshold}ms, fault-threshold: ${FAULT_THRESHOLD_S}s }`,
    'fib: { backend: none }',
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  const hypervisor = await lab.spawn('router', [process.execPath, PROGRAM, 'run', file], { name: 'hypervisor' });
  const socket = path.join(runDirectory, 'control.sock');
  await waitForVoters(socket, KINDS.length, () => {
    if (!hypervisor.running) throw new Error(`btr run ended: ${hypervisor.logTail()}`);
  });
  return ControlClient.connect(socket);
}

/** Plays the trace; returns how many prefixes were announced and withdrawn. */
async function play(lab: Lab, run: ThresholdRun, neighbors: readonly Neighbor[]): Promise<number> {
  const maps = neighbors.flatMap(({ peer, as, address }) => [
    '--map',
    `peer=${peer},local=${address},as=${as},to=${ROUTER.address}`,
  ]);
  const how = ['--speed', String(run.speed), '--loop', String(run.seconds), '--json', '--wait', '60'];
  const argv = [process.execPath, PROGRAM, 'replay', run.trace, ...maps, ...how];
  const replay = await lab.spawn('peers', argv, { name: 'replay', stdout: 'pipe' });
  return new Promise((resolve, reject) => {
    createInterface(replay.child.stdout!).on('line', (line) => {
      const { players } = JSON.parse(line) as { players: { announced: number; withdrawn: number }[] };
      resolve(players.reduce((sum, { announced, withdrawn }) => sum + announced + withdrawn, 0));
    });
    void replay.exited.then(() => reject(new Error(`btr replay ended: ${replay.logTail()}`)));
  });
}

async function startLies(
  control: ControlClient,
  customer: Customer,
  { interval, duration, seed }: ThresholdRun,
): Promise<void> {
  const begun = (): boolean => customer.firstMs > 0 && Date.now() - customer.firstMs > WARM_UP_MS;
  await waitFor(begun, { what: 'the tables fill', deadlineMs: DEADLINE_MS });
  // Those that show at the customer by themselves.
  const kinds = ['wrong-nexthop', 'extra'];
  const lies = { meanInterval: interval, meanDuration: duration, kinds, seed, where: 'update' };
  await control.request('inject-random', lies);
}

/** The lines of the vote log that are kept, oldest first. */
async function voteLogLines(runDirectory: string): Promise<string[]> {
  const current = path.join(runDirectory, 'votes.jsonl');
  const files = [4, 3, 2, 1].map((n) => `${current}.${n}`).concat(current);
  const lines = () =>
    files.filter((file) => existsSync(file)).flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  // The end of the source of random faults is the last thing that was written of faults.
  const ended = (line: string): boolean => line.includes('"kind":"injection"') && line.includes('"state":"ends"');
  if (lines().some((line) => line.includes('"kind":"injection"')))
    await waitFor(() => lines().some(ended), { what: 'the vote log is written', deadlineMs: DEADLINE_MS });
  return lines();
}

class Customer {
  readonly lies: StoodLie[] = [];
  /** When it heard something first and last, ms of the wall clock; 0 before that. */
  firstMs = 0;
  private lastMs = 0;
  private established = false;
  private failure: Error | undefined;

  static async start(lab: Lab): Promise<Customer> {
    const program = path.join(import.meta.dirname, 'lie-sink.js');
    const child: LabProcess = await lab.spawn('customer', [process.execPath, program], { ipc: true, name: 'customer' });
    const customer = new Customer();
    child.child.on('message', (message: unknown) => customer.take(message as FromLieSink));
    const settings: LieSinkSettings = { host: ROUTER.address, localAddress: CUSTOMER.address, as: CUSTOMER.as };
    child.child.send!(settings as never, undefined, () => undefined);
    await waitFor(() => customer.check(customer.established), { what: 'the customer', deadlineMs: DEADLINE_MS });
    return customer;
  }

  /** Returns when it has heard nothing for so long, ms. */
  async quiet(ms: number): Promise<void> {
    const since = Date.now();
    const isQuiet = (): boolean => this.check(Date.now() - Math.max(since, this.lastMs) > ms);
    await waitFor(isQuiet, { what: 'the customer hears nothing more', deadlineMs: DEADLINE_MS });
  }

  private check(value: boolean): boolean {
    if (this.failure !== undefined) throw this.failure;
    return value;
  }

  private take(message: FromLieSink): void {
    if (message.kind === 'established') this.established = true;
    else if (message.kind === 'down') this.failure = new Error(`the customer: ${message.reason}`);
    else if (message.kind === 'lie') this.lies.push(message);
    else {
      this.lastMs = message.lastMs;
      // Before the first route there is an End-of-RIB.
      if (this.firstMs === 0 && message.updates > 10) this.firstMs = Date.now();
    }
  }
}
