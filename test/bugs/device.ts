// The router as the corpus wants it: AS 65000 between a feeder and a second neighbour on links of their own, three default daemons, and the
// kernel of its namespace as forwarding table. Owns the network and the configuration of each profile; what is played is scenario.ts.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { waitFor } from '../../cli/lab/wait.js';
import type { Delivery, VotingStrategy } from '../../configs/model.js';
import { kernelRoutes, RouteWatch, type KernelRoutes, type RouteEvent } from '../support/kernel-routes.js';
import {
  linkOf,
  neighborConfig,
  REPLICAS,
  RouterLab,
  worldLinkOf,
  type Config,
  type RouterSetup,
  type RunningRouter,
} from '../support/router-lab.js';
import type { Profile } from './corpus.js';
import { writeNativeFiles } from './native.js';
import { corpusAddress6, corpusLocalAddress6 } from './peer.js';

export interface DeviceSetup {
  strategy: VotingStrategy;
  profile: Profile;
  /** For all replicas, or for each by its name. */
  deliver: Delivery | Record<string, Delivery>;
}

const NEIGHBORS = [1, 2];
const IDLE_DEADLINE_MS = 20_000;
const DUAL = { 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'] };

/** A network for routers, one after the other; like RouterLab.create: once per process, before any socket is opened. */
export class BugLab {
  private readonly routers: RouterLab;
  private runs = 0;

  private constructor(routers: RouterLab) {
    this.routers = routers;
  }

  static create(name: string): BugLab {
    const routers = RouterLab.create(name, NEIGHBORS.length, { links: 'each' });
    for (const n of NEIGHBORS) {
      execFileSync('ip', ['address', 'add', `${corpusAddress6(n)}/64`, 'dev', worldLinkOf(n), 'nodad']);
      const inside = ['address', 'add', `${corpusLocalAddress6(n)}/64`, 'dev', linkOf(n), 'nodad'];
      execFileSync('ip', ['-n', routers.lab.namespace('router'), ...inside]);
    }
    return new BugLab(routers);
  }

  /** Starts a router; resolves when all its replicas vote. */
  async start(setup: DeviceSetup): Promise<BugDevice> {
    const { lab } = this.routers;
    const config = this.configuration(setup);
    const watch = await RouteWatch.start(lab, 'router');
    try {
      const router = await this.routers.run(config);
      const device = new BugDevice(router, watch, lab.namespace('router'), setup);
      await router.untilVoting(REPLICAS.length);
      return device;
    } catch (error) {
      await watch.stop();
      throw error;
    }
  }

  destroy(): Promise<void> {
    return this.routers.destroy();
  }

  private configuration({ strategy, profile, deliver }: DeviceSetup): RouterSetup {
    const replicas: Config[] = REPLICAS.map((replica) => ({
      ...replica,
      deliver: typeof deliver === 'string' ? deliver : deliver[replica.name as string],
    }));
    const families = profile === 'lu' ? {} : DUAL;
    const setup: RouterSetup = {
      run: `run-${this.runs++}`,
      neighbors: NEIGHBORS.map((n) => neighborConfig(n, { ...families, 'local-address-ipv6': corpusLocalAddress6(n) })),
      replicas,
      // A replica that loses a vote for longer than the fault threshold is restarted, too. Here restarts are counted that a message causes.
      voting: { strategy, 'fault-threshold': '10m' },
      more: {
        defaults: { martians: 'none', 'reject-default-route': false },
        fib: { backend: 'kernel' },
      },
    };
    if (profile === 'plain') return setup;
    const { file } = this.routers.write(setup);
    const files = writeNativeFiles(file, profile);
    return { ...setup, replicas: replicas.map((r) => ({ ...r, 'config-file': files.get(r.name as string) })) };
  }
}

/** A running router and its kernel's routes, now and as they came and went. */
export class BugDevice {
  readonly router: RunningRouter;
  private readonly watch: RouteWatch;
  private readonly namespace: string;
  readonly strategy: VotingStrategy;
  /** The form in which most of the replicas get messages. */
  readonly deliver: Delivery;

  constructor(router: RunningRouter, watch: RouteWatch, namespace: string, setup: DeviceSetup) {
    this.strategy = setup.strategy;
    this.deliver = mostly(setup);
    this.router = router;
    this.watch = watch;
    this.namespace = namespace;
  }

  /** The router's own routes in the kernel. */
  routes(): Promise<KernelRoutes> {
    return kernelRoutes(this.namespace);
  }

  /** Changes of these routes since the router was started. */
  routeEvents(): Promise<RouteEvent[]> {
    return this.watch.own();
  }

  /** Nothing is left of neighbours that were here before. */
  async untilIdle(): Promise<void> {
    await this.router.until('no neighbour is there', ({ neighbors }) => neighbors.every(({ uptime }) => uptime === 0));
    await waitFor(async () => (await this.routes()).size === 0, {
      what: 'the kernel holds no route of the router',
      deadlineMs: IDLE_DEADLINE_MS,
    });
  }

  /** Starts so far of each replica, the first one not counted. */
  async restarts(): Promise<Record<string, number>> {
    const { replicas } = await this.router.status();
    return Object.fromEntries(replicas.map(({ name, restarts }) => [name, restarts]));
  }

  /** Keeps the log of a router that did not do what it should. */
  saveLog(file: string): void {
    writeFileSync(file, this.router.log);
  }

  async stop(): Promise<void> {
    await this.router.stop();
    await this.watch.stop();
  }
}

function mostly({ deliver }: DeviceSetup): Delivery {
  if (typeof deliver === 'string') return deliver;
  const raw = Object.values(deliver).filter((form) => form === 'raw').length;
  return 2 * raw > REPLICAS.length ? 'raw' : 'repaired';
}
