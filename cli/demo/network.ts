// The demo's processes in their namespaces: the router under `btr run`, two upstreams under `btr replay`, a BIRD as customer.
// What lies behind the upstreams is forwarding.ts.
// Owns starting them, asking them and ending them in order; what happens when is story.ts.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { ControlClient } from '../../hypervisor/control/client.js';
import type { FibVerification } from '../../hypervisor/fib/status.js';
import type { BallotReport, FaultsAnswer, FindingReport, RouterStatus } from '../../hypervisor/status.js';
import { UserError } from '../errors.js';
import type { Lab } from '../lab/lab.js';
import { plainConfig } from '../lab/plain-configs.js';
import { startPlainDaemon } from '../lab/plain-daemons.js';
import type { PlainDaemon } from '../lab/plain-daemons.js';
import type { PacketFlow } from '../lab/packet-flow.js';
import type { LabProcess } from '../lab/process.js';
import { waitFor } from '../lab/wait.js';
import { Window } from '../lab/window.js';
import { CUSTOMER, HTTP_PORT, NEIGHBORS, ROUTER, routerYaml, UPSTREAMS } from './topology.js';
import { connectInternet, openFlow, ownPrefixes, talk } from './forwarding.js';
import type { DemoTrace } from './trace.js';

/** This very program, so that the demo runs what it was started from. */
const BTR = path.resolve(import.meta.dirname, '../main.js');
const ROUTER_NAMESPACE = 'router';
/** The second upstream's paths are chosen by this number. */
const DERIVED_VIEW = 1;
const START_DEADLINE_MS = 60_000;
const STOP_GRACE_MS = 10_000;

/** What an upstream says of itself once all is played (`btr replay --json`). */
export interface UpstreamSummary {
  announced: number;
  messages: number;
  bytes: number;
}

interface Upstream {
  process: LabProcess;
  /** Its stdout so far. */
  output: string;
}

export class DemoNetwork {
  readonly lab: Lab;
  readonly socket: string;
  readonly configFile: string;
  /** Of the dashboard: another one each time. */
  readonly token = randomBytes(8).toString('hex');
  customer: PlainDaemon | undefined;
  /** The prefixes that packets go to, once they do. */
  hostPrefixes: string[] = [];
  #hypervisor: LabProcess | undefined;
  readonly #upstreams: Upstream[] = [];
  #control: ControlClient | undefined;
  #flow: PacketFlow | undefined;

  constructor(lab: Lab, strategy: string) {
    this.lab = lab;
    const runDirectory = path.join(lab.directory, 'run');
    this.socket = path.join(runDirectory, 'control.sock');
    this.configFile = path.join(lab.directory, 'router.yaml');
    writeFileSync(this.configFile, routerYaml(strategy, runDirectory, this.token));
    lab.addNamespace(ROUTER_NAMESPACE);
    for (const { name, address, routerAddress } of NEIGHBORS) {
      lab.addNamespace(name);
      lab.link(
        { namespace: ROUTER_NAMESPACE, interface: `to-${name}`, addresses: [`${routerAddress}/24`] },
        { namespace: name, addresses: [`${address}/24`] },
      );
    }
    connectInternet(lab, ROUTER_NAMESPACE);
  }

  /** Starts the router and returns once all its replicas vote. */
  async startRouter(voters: number): Promise<void> {
    const argv = [process.execPath, BTR, 'run', this.configFile];
    this.#hypervisor = await this.lab.spawn(ROUTER_NAMESPACE, argv, { name: 'router' });
    this.#control = await waitFor(
      async () => {
        this.#checkRouter();
        return ControlClient.connect(this.socket);
      },
      { what: 'the hypervisor opens its control socket', deadlineMs: START_DEADLINE_MS },
    );
    await waitFor(async () => (await this.status()).electorate.length >= voters, {
      what: `${voters} replicas vote (log: ${this.#hypervisor.logFile})`,
      deadlineMs: START_DEADLINE_MS,
    });
  }

  async startCustomer(): Promise<void> {
    const neighbors = [
      { address: CUSTOMER.routerAddress, as: ROUTER.as, localAddress: CUSTOMER.address, passive: false },
    ];
    const config = plainConfig('bird', { as: CUSTOMER.as, routerId: CUSTOMER.address, neighbors }, '');
    this.customer = await startPlainDaemon(this.lab, CUSTOMER.name, 'bird', config, CUSTOMER.name);
    this.#flow = await openFlow(this.lab);
  }

  /** Both upstreams begin to play at once; the second one tells other paths to the same prefixes. */
  async startUpstreams(trace: DemoTrace, prefixes: number | undefined): Promise<void> {
    for (const [index, { name, as, address, routerAddress }] of UPSTREAMS.entries()) {
      const view = [
        ...(trace.peer === undefined ? [] : [`peer=${trace.peer}`]),
        ...[`local=${address}`, `as=${as}`, `to=${routerAddress}`],
        ...(index === 0 ? [] : [`derive=${DERIVED_VIEW}`]),
      ];
      const limit = prefixes === undefined ? [] : ['--limit', String(prefixes)];
      const options = ['--map', view.join(','), '--peer-as', String(ROUTER.as), '--wait', '30', '--json', ...limit];
      const argv = [process.execPath, BTR, 'replay', trace.file, ...options];
      const upstream: Upstream = { process: await this.lab.spawn(name, argv, { name, stdout: 'pipe' }), output: '' };
      upstream.process.child.stdout?.setEncoding('utf8').on('data', (text: string) => (upstream.output += text));
      this.#upstreams.push(upstream);
    }
  }

  /** What each upstream has played; undefined until all of them are through. */
  played(): UpstreamSummary[] | undefined {
    if (!this.#upstreams.every(({ output }) => output.endsWith('\n'))) return undefined;
    return this.#upstreams.map(({ output }) => (JSON.parse(output) as { players: UpstreamSummary[] }).players[0]!);
  }

  async status(): Promise<RouterStatus> {
    return (await this.#ask('status')) as RouterStatus;
  }

  /** The ballot of one prefix towards the customer. */
  async ballot(prefix: string): Promise<BallotReport | undefined> {
    const answer = (await this.#ask('votes', { prefix, neighbor: CUSTOMER.address })) as { ballots: BallotReport[] };
    return answer.ballots[0];
  }

  /** Packets from the customer to the Internet, to which the router has routes by now. Resolves once they come back. */
  async startPackets(): Promise<PacketFlow> {
    this.hostPrefixes = await talk(this.#flow!, this.lab.namespace(ROUTER_NAMESPACE));
    return this.#flow!;
  }

  /** What was found against a replica, apart from what is over. */
  async findings(replica: string): Promise<FindingReport[]> {
    const { findings } = (await this.#ask('faults', { replica })) as FaultsAnswer;
    return findings.filter(({ open }) => open);
  }

  /** Puts a fault into a replica, as `btr inject` does. */
  async inject(fault: Record<string, unknown>): Promise<void> {
    await this.#ask('inject', fault);
  }

  /** How many of its own routes `ip` finds in the router's kernel. */
  async kernelRoutes(): Promise<number> {
    return (await ownPrefixes(this.lab.namespace(ROUTER_NAMESPACE))).length;
  }

  /** Whether verdicts, kernel and what was advertised agree. */
  async verifyForwarding(): Promise<FibVerification> {
    return (await this.#ask('fib-verify')) as FibVerification;
  }

  /** Makes the dashboard reachable from outside of the router's namespace. Returns its address. */
  async showDashboard(): Promise<string> {
    const { port } = await Window.open(this.lab, {
      namespace: ROUTER_NAMESPACE,
      port: HTTP_PORT,
      preferred: HTTP_PORT,
    });
    return `http://127.0.0.1:${port}/`;
  }

  /** Throws when something that must go on has ended, with the end of its log. */
  checkAlive(): void {
    this.#checkRouter();
    for (const { process: child } of this.#upstreams) {
      if (!child.running) throw new UserError(`${child.name} ended early: ${child.logTail()}`);
    }
  }

  get upstreamsRunning(): boolean {
    return this.#upstreams.every(({ process: child }) => child.running);
  }

  /** Ends the upstreams as their user would. False: one of them had lost its session. */
  async stopUpstreams(): Promise<boolean> {
    const ends = await Promise.all(this.#upstreams.map(({ process: child }) => child.stop(STOP_GRACE_MS, 'SIGINT')));
    return ends.every(({ code }) => code === 0);
  }

  /** The router says goodbye to its neighbours and ends its replicas. True when it ended by itself, with status 0. */
  async stopRouter(): Promise<boolean> {
    this.#control?.close();
    const status = await this.#hypervisor?.stop(STOP_GRACE_MS);
    return status?.code === 0;
  }

  #checkRouter(): void {
    if (this.#hypervisor && !this.#hypervisor.running) {
      throw new UserError(`the router ended: ${this.#hypervisor.logTail()}`);
    }
  }

  #ask(method: string, params?: Record<string, unknown>): Promise<unknown> {
    if (!this.#control) throw new Error('the router was not started');
    return this.#control.request(method, params);
  }
}
