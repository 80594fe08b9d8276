// Plays traces against a router in namespaces and brings home what a customer of it ended up with. The router is the whole hypervisor with
// its replicas, or one of the daemons alone with the configuration that is generated for it as a replica. Owns addresses, processes and the
// question of when all is quiet; what is to be concluded from the tables is the tests'.
import { cpSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Lab } from '../../cli/lab/lab.js';
import { startPlainDaemon, type PlainDaemon } from '../../cli/lab/plain-daemons.js';
import type { LabProcess } from '../../cli/lab/process.js';
import { treeUsage, type ProcessUsage } from '../../cli/lab/process-stats.js';
import { waitFor } from '../../cli/lab/wait.js';
import { generate } from '../../configs/generate/index.js';
import { loadConfig } from '../../configs/load.js';
import type { ReplicaKind, RouterConfig, VotingStrategy } from '../../configs/model.js';
import { ControlClient } from '../../hypervisor/control/client.js';
import type { BallotReport, FaultsAnswer, RouterStatus } from '../../hypervisor/status.js';

export const KINDS: readonly ReplicaKind[] = ['frr', 'bird', 'openbgpd'];
// None of these, nor 64901 and 64902 of the tests, occurs in a path of a trace that is played here. (65000 to 65003 do.)
export const ROUTER_AS = 64900;
export const CUSTOMER_AS = 64903;
/** All is quiet when the customer's table has not changed for so long, ms; no daemon holds anything back longer when nothing comes in. */
const QUIET_MS = 3000;

/** One neighbour: a peer of the trace under its own or another AS number. */
export interface TraceNeighbor {
  /** Address of the peer in the trace. */
  peer: string;
  as: number;
  /** Seed of a derived view. */
  derive?: number;
}

export interface TraceScenario {
  name: string;
  /** RIBs, then updates. */
  files: readonly string[];
  neighbors: readonly TraceNeighbor[];
  /** Prefixes of RIBs for each neighbour. */
  limit?: number;
  /** Times the trace's pace; undefined: as fast as it is taken. */
  speed?: number;
  strategy?: VotingStrategy;
  /** Time allowed from the first session to quiet, ms. */
  deadlineMs?: number;
  /** Seconds for which update files are played again and again. */
  loopSeconds?: number;
  /** The section recovery: of the router's configuration, as YAML. */
  recovery?: string;
  /** Routes are installed, too. Default: the router has no forwarding table. */
  fib?: boolean;
  /** Further traces that are played at the same time, each on its own clock. */
  beside?: readonly Pick<TraceScenario, 'files' | 'neighbors'>[];
}

/** What goes on while a trace plays. */
export interface Playing {
  control: ControlClient;
  /** Settles when all is played. */
  played: Promise<unknown>;
  customer: () => Readonly<CustomerReport>;
}

/** The whole router, or one daemon alone. */
export type System = 'router' | ReplicaKind;

/** Prefix to canonical attributes in hexadecimal. */
export type Routes = Map<string, string>;

export interface Outcome {
  system: System;
  routes: Routes;
  /** Routes that the neighbours were handed by the trace: announced and withdrawn prefixes. */
  played: { announced: number; withdrawn: number };
  /** Seconds from the first byte of the trace until it was all handed over, and until the customer's table changed for the last time. */
  playedSeconds: number;
  completeSeconds: number;
  usage: ProcessUsage[];
  /** Of the whole router only. */
  status?: RouterStatus;
  contested?: BallotReport[];
  /** All findings against replicas, known differences of daemons among them. */
  faults?: FaultsAnswer;
  log: string;
}

export interface CustomerReport {
  size: number;
  changedAt: number;
  up: number;
  announced: number;
  withdrawn: number;
  faults: [string, number][];
}

interface Address {
  router: string;
  own: string;
}

const isIpv6 = (address: string): boolean => address.includes(':');

/** The i-th neighbour's end and ours, of the family of its address in the trace. */
function neighborAddress(neighbor: TraceNeighbor, index: number): Address {
  return isIpv6(neighbor.peer)
    ? { router: 'fd77::1', own: `fd77::1:${(index + 1).toString(16)}` }
    : { router: '10.77.0.1', own: `10.77.1.${index + 1}` };
}

function allNeighbors({ neighbors, beside = [] }: TraceScenario): TraceNeighbor[] {
  return [...neighbors, ...beside.flatMap((other) => other.neighbors)];
}

function customerAddresses(scenario: TraceScenario): Address[] {
  const families = new Set(allNeighbors(scenario).map(({ peer }) => isIpv6(peer)));
  return [
    ...(families.has(false) ? [{ router: '10.77.0.1', own: '10.77.2.1' }] : []),
    ...(families.has(true) ? [{ router: 'fd77::1', own: 'fd77::2:1' }] : []),
  ];
}

function routerYaml(scenario: TraceScenario, directory: string): string {
  const neighbor = ({ router, own }: Address, as: number): string =>
    `  - { neighbor-address: '${own}', local-address: '${router}', peer-as: ${as}, passive-mode: true }`;
  return [
    `router: { as: ${ROUTER_AS}, router-id: 10.77.0.1, run-directory: ${path.join(directory, 'run')} }`,
    'neighbors:',
    ...allNeighbors(scenario).map((entry, index) => neighbor(neighborAddress(entry, index), entry.as)),
    ...customerAddresses(scenario).map((address) => neighbor(address, CUSTOMER_AS)),
    'replicas:',
    ...KINDS.map((kind) => `  - { name: ${kind}, kind: ${kind} }`),
    `voting: { strategy: ${scenario.strategy ?? 'continuous-majority'} }`,
    ...(scenario.recovery === undefined ? [] : [`recovery: ${scenario.recovery}`]),
    scenario.fib ? 'fib: { backend: kernel }' : 'fib: { backend: none }',
    '',
  ].join('\n');
}

const BTR = path.resolve(import.meta.dirname, '../../dist/cli/main.js');

export class TraceLab {
  private readonly lab: Lab;
  private readonly scenario: TraceScenario;
  private readonly system: System;
  private config!: RouterConfig;
  private router!: LabProcess;
  private daemon: PlainDaemon | undefined;
  private control: ControlClient | undefined;
  private customer: CustomerReport | undefined;
  private dumped: string | undefined;

  private constructor(scenario: TraceScenario, system: System) {
    this.scenario = scenario;
    this.system = system;
    this.lab = Lab.create(`trace-${system}`);
  }

  /**
   * Plays the scenario against the system from its start to quiet, and takes everything down again. `during` is begun with the trace (of
   * the whole router only), and waited for. `examine` looks at what came out while the router still runs; when that, or anything before,
   * throws, the files of the lab are kept, and the error says where.
   */
  static async run(
    scenario: TraceScenario,
    system: System,
    during?: (playing: Playing) => Promise<void>,
    examine?: (outcome: Outcome, control: ControlClient) => Promise<void>,
  ): Promise<Outcome> {
    const lab = new TraceLab(scenario, system);
    try {
      const outcome = await lab.play(during);
      if (lab.control !== undefined) await examine?.(outcome, lab.control);
      return outcome;
    } catch (error) {
      const kept = examine === undefined ? '' : `\nall files are kept in ${lab.keep()}`;
      throw new Error(`${scenario.name}, ${system}: ${(error as Error).message}\n${lab.logs()}${kept}`, {
        cause: error,
      });
    } finally {
      lab.control?.close();
      await lab.lab.destroy();
    }
  }

  private async play(during?: (playing: Playing) => Promise<void>): Promise<Outcome> {
    const { lab } = this;
    this.network();
    const yaml = path.join(lab.directory, 'router.yaml');
    writeFileSync(yaml, routerYaml(this.scenario, lab.directory));
    const { config, diagnostics } = loadConfig(yaml);
    if (config === undefined) throw new Error(`configuration: ${JSON.stringify(diagnostics)}`);
    this.config = config;
    await (this.system === 'router' ? this.startRouter(yaml) : this.startDaemon(this.system));
    const customer = await this.startCustomer();
    const played = this.replayAll();
    await Promise.all([played, during?.({ control: this.control!, played, customer: () => ({ ...this.customer! }) })]);
    const finish = Date.now();
    const summary = await played;
    const startedAt = Date.now() - summary.seconds * 1000;
    await this.untilQuiet(Math.max(10_000, (this.scenario.deadlineMs ?? 120_000) - (Date.now() - finish)));
    const usage = treeUsage(this.router.pid);
    const contested = await this.contested();
    const status = await this.status();
    const faults = (await this.control?.request('faults', { all: true })) as FaultsAnswer | undefined;
    const routes = await this.dump(customer);
    const counts = { announced: 0, withdrawn: 0 };
    for (const player of summary.players) {
      counts.announced += player.announced;
      counts.withdrawn += player.withdrawn;
    }
    return {
      system: this.system,
      routes,
      played: counts,
      playedSeconds: summary.seconds,
      completeSeconds: (this.customer!.changedAt - startedAt) / 1000,
      usage,
      ...(status === undefined ? {} : { status }),
      ...(contested === undefined ? {} : { contested }),
      ...(faults === undefined ? {} : { faults }),
      log: readFileSync(this.router.logFile, 'utf8'),
    };
  }

  /** The ends of all logs, for an error message: the files go with the lab. */
  private logs(): string {
    const directory = path.join(this.lab.directory, 'log');
    return readdirSync(directory)
      .map((name) => `--- ${name}\n${readFileSync(path.join(directory, name), 'utf8').slice(-3000)}`)
      .join('\n');
  }

  /** Returns the directory that now has a copy of the lab's files. */
  private keep(): string {
    const copy = mkdtempSync(path.join(tmpdir(), 'kept-'));
    const isFile = (source: string): boolean => statSync(source).isDirectory() || statSync(source).isFile();
    cpSync(this.lab.directory, copy, { recursive: true, filter: isFile });
    return copy;
  }

  private network(): void {
    const { lab, scenario } = this;
    for (const name of ['router', 'peers', 'customer']) lab.addNamespace(name);
    const ends = allNeighbors(scenario).map((neighbor, index) => neighborAddress(neighbor, index).own);
    const host = (address: string): string => `${address}/${isIpv6(address) ? 128 : 32}`;
    const customers = customerAddresses(scenario).map(({ own }) => own);
    // On both links: nobody answers for an IPv6 address of another link.
    const own = ['10.77.0.1/32', 'fd77::1/128'];
    const toPeers = lab.link(
      { namespace: 'router', addresses: own },
      { namespace: 'peers', addresses: ends.map(host) },
    );
    const toCustomer = lab.link(
      { namespace: 'router', addresses: own },
      { namespace: 'customer', addresses: customers.map(host) },
    );
    const route = (namespace: string, to: string, device: string): void => {
      lab.run(namespace, ['ip', 'route', 'add', to, 'dev', device]);
    };
    for (const [namespace, device] of [
      ['peers', toPeers[1]],
      ['customer', toCustomer[1]],
    ] as const) {
      route(namespace, '10.77.0.1/32', device);
      route(namespace, 'fd77::1/128', device);
    }
    for (const address of ends) route('router', host(address), toPeers[0]);
    for (const address of customers) route('router', host(address), toCustomer[0]);
  }

  private async startRouter(yaml: string): Promise<void> {
    const { lab } = this;
    const extra = process.env.BTR_NODE_OPTIONS?.split(' ') ?? [];
    this.router = await lab.spawn('router', [process.execPath, ...extra, BTR, 'run', yaml], { name: 'hypervisor' });
    await waitFor(
      async () => {
        if (!this.router.running) throw new Error('the hypervisor ended');
        this.control ??= await ControlClient.connect(path.join(lab.directory, 'run/control.sock'));
        const status = await this.status();
        return status?.open === true && status.electorate.length === KINDS.length;
      },
      { what: 'all replicas vote', deadlineMs: 60_000 },
    );
  }

  private async startDaemon(kind: ReplicaKind): Promise<void> {
    const replica = this.config.replicas.find((candidate) => candidate.kind === kind)!;
    const native = (dir: string): string =>
      generate(this.config, replica, { dir, controlSocket: path.join(dir, 'bgpd.sock') })[0].contents;
    this.daemon = await startPlainDaemon(this.lab, 'router', kind, native);
    this.router = this.daemon.process;
  }

  private async startCustomer(): Promise<LabProcess> {
    const targets = customerAddresses(this.scenario).map(({ router, own }, index) => ({
      host: router,
      localAddress: own,
      as: CUSTOMER_AS,
      routerId: `10.77.2.${index + 1}`,
    }));
    const script = path.join(import.meta.dirname, 'customer.mjs');
    const argv = [process.execPath, script, JSON.stringify(targets)];
    const customer = await this.lab.spawn('customer', argv, { name: 'customer', stdin: 'pipe', stdout: 'pipe' });
    createInterface(customer.child.stdout!).on('line', (line) => {
      const report = JSON.parse(line) as CustomerReport | { dumped: string };
      if ('dumped' in report) this.dumped = report.dumped;
      else this.customer = report;
    });
    await waitFor(() => this.customer?.up === targets.length, {
      what: 'the customer is connected',
      deadlineMs: 60_000,
    });
    return customer;
  }

  /** Everything that is played, until all of it is over. */
  private async replayAll(): Promise<ReplaySummary> {
    const parts = [this.scenario, ...(this.scenario.beside ?? [])];
    let first = 0;
    const summaries = parts.map((part) => {
      const offset = first;
      first += part.neighbors.length;
      return this.replay(part, offset);
    });
    const all = await Promise.all(summaries);
    return {
      seconds: Math.max(...all.map(({ seconds }) => seconds)),
      players: all.flatMap(({ players }) => players),
    };
  }

  /** `offset`: how many neighbours others play. */
  private async replay(
    { files, neighbors }: Pick<TraceScenario, 'files' | 'neighbors'>,
    offset: number,
  ): Promise<ReplaySummary> {
    const { limit, speed, loopSeconds } = this.scenario;
    const maps = neighbors.flatMap((neighbor, index) => {
      const { router, own } = neighborAddress(neighbor, offset + index);
      const to = isIpv6(router) ? `[${router}]` : router;
      const derive = neighbor.derive === undefined ? '' : `,derive=${neighbor.derive}`;
      return ['--map', `peer=${neighbor.peer},local=${own},as=${neighbor.as},to=${to}${derive}`];
    });
    const argv = [process.execPath, BTR, 'replay', ...files, ...maps, '--json', '--wait', '60'];
    if (limit !== undefined) argv.push('--limit', String(limit));
    if (speed !== undefined) argv.push('--speed', String(speed));
    if (loopSeconds !== undefined) argv.push('--loop', String(loopSeconds));
    const replay = await this.lab.spawn('peers', argv, { name: 'replay', stdout: 'pipe' });
    return new Promise<ReplaySummary>((resolve, reject) => {
      createInterface(replay.child.stdout!).on('line', (line) => resolve(JSON.parse(line) as ReplaySummary));
      void replay.exited.then(() => reject(new Error(`btr replay ended: ${replay.logTail()}`)));
    });
  }

  /** Nothing changes any more at the customer, and the router says that nothing is under way. */
  private async untilQuiet(deadlineMs: number): Promise<void> {
    const playedAt = Date.now();
    let [votes, votesAt] = [0, 0];
    const quiet = async (): Promise<boolean> => {
      if (Date.now() - Math.max(playedAt, this.customer!.changedAt) < QUIET_MS) return false;
      const status = await this.status();
      if (status === undefined) return true;
      const cast = status.replicas.reduce((sum, replica) => sum + replica.votes, 0);
      if (cast !== votes) [votes, votesAt] = [cast, Date.now()];
      if (Date.now() - votesAt < QUIET_MS) return false;
      const idle = status.replicas.every(({ state, backlogBytes }) => state === 'voting' && backlogBytes === 0);
      return idle && status.neighbors.every(({ state, paused }) => state === 'Established' && !paused);
    };
    await waitFor(quiet, { what: 'all is quiet', deadlineMs, intervalMs: 250 });
  }

  private async status(): Promise<RouterStatus | undefined> {
    return (await this.control?.request('status')) as RouterStatus | undefined;
  }

  private async contested(): Promise<BallotReport[] | undefined> {
    const answer = await this.control?.request('votes', { limit: 20_000 });
    return (answer as { ballots: BallotReport[] } | undefined)?.ballots;
  }

  private async dump(customer: LabProcess): Promise<Routes> {
    const file = path.join(this.lab.directory, 'customer.routes');
    customer.child.stdin!.write(`dump ${file}\n`);
    await waitFor(() => this.dumped === file, { what: "the customer's table", deadlineMs: 60_000 });
    const routes: Routes = new Map();
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const blank = line.indexOf(' ');
      if (blank > 0) routes.set(line.slice(0, blank), line.slice(blank + 1));
    }
    return routes;
  }
}

interface ReplaySummary {
  seconds: number;
  players: { announced: number; withdrawn: number }[];
}
