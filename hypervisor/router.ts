// The running router: puts the parts together, starts them and takes everything down in order. Owns composition and life cycle; what parts
// share is made in router-context.ts, work is driven by main-loop.ts, and every decision about routes is made elsewhere.
import { setTimeout as delay } from 'node:timers/promises';
import { parseConfig } from '../configs/load.js';
import type { RouterConfig } from '../configs/model.js';
import { ShimHub } from '../preload/hub.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { ControlServer, type Method } from './control/server.js';
import { HealthDesk } from './health/health-desk.js';
import { httpOpener } from './http/index.js';
import type { Logger } from './logging.js';
import { MainLoop } from './main-loop.js';
import { NeighborPort } from './neighbor-port.js';
import { NeighborPool } from './neighbors/neighbor-pool.js';
import { Opening } from './neighbors/opening.js';
import { Outlets } from './outlets.js';
import { ProbeMessages } from './probe-messages.js';
import { ReplicaPort } from './replica-port.js';
import type { LoadConfig } from './reload/candidate.js';
import { reloadByItself } from './reload/control.js';
import { equipmentOf, type Equipment } from './reload/equipment.js';
import { ReloadDesk } from './reload/reload-desk.js';
import { openContext } from './router-context.js';
import { RouterError, toRouterError } from './router-error.js';
import { RouterFib } from './router-fib.js';
import { routerMethods } from './router-methods.js';
import { RunDirectory } from './run-directory.js';
import { ServiceManager } from './service-manager.js';

/** Longest time that goodbye messages to neighbours may take, ms. */
const GOODBYE_MS = 1000;
/** RFC 4486. */
const CEASE_ADMINISTRATIVE_SHUTDOWN = 2;

/** What is made out of the context, all at once. */
interface Parts {
  pool: NeighborPool;
  opening: Opening;
  reloads: ReloadDesk;
  fib: RouterFib | undefined;
  loop: MainLoop;
  outlets: Outlets;
  methods: Record<string, Method>;
}

export class Router {
  readonly config: RouterConfig;
  private readonly log: Logger;
  private readonly service: ServiceManager;
  private readonly load: LoadConfig;
  private readonly hub = new ShimHub();
  /** By index; neighbours are added by reloads. */
  private readonly neighbors: NeighborPort[] = [];
  private readonly replicas: ReplicaPort[] = [];
  /** What neighbours have sent: the last time, and how many UPDATEs. */
  private readonly input = { at: -Infinity, updates: 0 };
  private run!: RunDirectory;
  private context: RouterContext | undefined;
  private parts: Parts | undefined;
  private control: ControlServer | undefined;
  private stopped = false;
  /** Rejects when the router cannot go on after its start; the owner waits for it beside its signals. */
  readonly failed: Promise<never>;
  private fail!: (error: Error) => void;

  /** `load`: how a configuration file is read when it is to be taken over. */
  constructor(config: RouterConfig, log: Logger, service = new ServiceManager(), load: LoadConfig = parseConfig) {
    this.config = config;
    this.log = log;
    this.service = service;
    this.load = load;
    this.failed = new Promise<never>((_, reject) => {
      this.fail = (error) => reject(new RouterError(error.message));
    });
    this.failed.catch(() => undefined);
  }

  /** Resolves when the replicas have been started. Throws RouterError or RunDirectoryError when the router cannot run. */
  async start(): Promise<void> {
    this.run = RunDirectory.claim(this.config.router.runDirectory);
    const context = this.makeContext();
    this.context = context;
    const parts = this.makeParts(context);
    this.parts = parts;
    const { fib, outlets } = parts;
    await outlets.open('record').catch(toRouterError);
    await outlets.open('bmp').catch(toRouterError);
    await fib?.start().catch(toRouterError);
    if (this.stopped) return;
    this.control = new ControlServer(parts.methods, this.log);
    await this.control.listen(this.run.controlSocket);
    await outlets.open('http').catch(toRouterError);
    parts.loop.start();
    await this.startReplicas(context);
  }

  /** Takes its configuration file over as it is now (SIGHUP). What comes of it is in the log. */
  reload(): void {
    if (this.parts === undefined) this.log.warn('reload: the router is only just starting: nothing was changed');
    else {
      this.service.reloading();
      reloadByItself(this.parts.reloads, this.log);
      if (this.parts.reloads.status.state !== 'running') this.service.reloaded();
    }
  }

  /** CEASE to the neighbours (fib.keep: silence), then the replicas, then everything else. Safe to call at any time, and twice. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.service.stopping();
    const { context, parts } = this;
    parts?.loop.stop();
    // What replicas remove because sessions end, and when they are told to end themselves, is no opinion.
    await context?.fib?.freeze().catch(() => undefined);
    const goodbyes = parts?.pool.stop(CEASE_ADMINISTRATIVE_SHUTDOWN, 'shutting down', this.config.fib.keep);
    await Promise.race([goodbyes, delay(GOODBYE_MS)]);
    await parts?.pool.close();
    context?.injections.close();
    context?.recovery.stop();
    await Promise.all([...this.replicas.map((replica) => replica.stop()), context?.quarantine?.stop()]);
    await context?.fib?.stop(this.config.fib.keep);
    await parts?.outlets.close();
    await this.control?.close();
    context?.journal.stopped();
    await context?.voteLog.close();
    await this.hub.close();
    this.run?.release();
    this.service.close();
  }

  private makeContext(): RouterContext {
    const { config, log, hub, neighbors, replicas } = this;
    return openContext({
      config,
      log,
      hub,
      runDirectory: this.run.path,
      neighbors,
      replicas,
      replicatorInput: () => this.input.at,
      schedule: () => this.parts?.loop.schedule(),
      electorateChanged: () => this.electorateChanged(),
    });
  }

  private makeParts(context: RouterContext): Parts {
    const { config, neighbors, replicas, load, service } = this;
    neighbors.push(...config.neighbors.map((_, index) => this.neighborPort(context, index)));
    const pool = new NeighborPool(config, neighbors, this.log);
    const equipment = this.addReplicas(context);
    const outlets = new Outlets({ context, neighbors, server: () => server() });
    const reloads = new ReloadDesk({
      context,
      neighbors,
      replicas,
      pool,
      outlets,
      load,
      addNeighbor: (n) => neighbors.push(this.neighborPort(context, n)),
      equipment,
      stopped: () => this.stopped,
      began: () => service.reloading(),
      ended: () => service.reloaded(),
    });
    const opening = new Opening(context, pool, {
      opened: () => service.ready(),
      fail: (error) => this.fail(error),
    });
    const health = new HealthDesk(context, {
      vitals: (r, at) => replicas[r].vitals(at),
      updatesIn: () => this.input.updates,
    });
    const fib =
      context.fib &&
      new RouterFib(context, context.fib, {
        neighbors,
        replicas,
        electorateChanged: () => this.electorateChanged(),
        fail: (error) => this.fail(error),
      });
    const loop = new MainLoop({ context, neighbors, replicas, fib, health, opening, service });
    const updatesIn = (): number => this.input.updates;
    const methods = routerMethods({ context, neighbors, replicas, health, reloads, opening, updatesIn, fib });
    const server = httpOpener({ context, methods, log: this.log, neighbors, replicas, health });
    return { pool, opening, reloads, fib, loop, outlets, methods };
  }

  /** Returns what makes their equipment out of another configuration. */
  private addReplicas(context: RouterContext): (from: RouterConfig, r: number) => Equipment {
    const { config, neighbors, hub } = this;
    const { probeNextHops } = config.internal;
    const nextHops = config.fib.backend === 'none' ? undefined : probeNextHops;
    const probes = new ProbeMessages({ ...config.internal, nextHops });
    const parts = { hub, runDirectory: this.run.path, fib: () => context.fib };
    const equipment = (from: RouterConfig, r: number): Equipment => equipmentOf(from, r, parts);
    const atStart = structuredClone(config);
    const events = { neighbor: (n: number): NeighborPort => neighbors[n] };
    for (const index of config.replicas.keys()) {
      this.replicas.push(new ReplicaPort(index, context, { equipment: equipment(atStart, index), probes, events }));
    }
    return equipment;
  }

  private neighborPort(context: RouterContext, index: number): NeighborPort {
    const { replicas, input } = this;
    return new NeighborPort(index, context, {
      up: (port) => replicas.forEach((replica) => replica.neighborUp(port)),
      down: (port) => replicas.forEach((replica) => replica.neighborDown(port.index)),
      input: () => {
        input.at = now();
        input.updates++;
      },
      backlogs: (port) =>
        replicas.flatMap((replica) => (context.electorate.has(replica.index) ? [replica.backlog(port.index)] : [])),
    });
  }

  private async startReplicas({ recovery }: RouterContext): Promise<void> {
    const results = await Promise.allSettled(recovery.begin());
    if (this.stopped) return;
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [String((result.reason as Error).message)] : [],
    );
    const { quorum } = this.config.voting;
    const spare = this.config.replicas.filter(({ standby }) => standby === 'cold').length;
    if (results.length - failures.length + spare < quorum) {
      throw new RouterError([`fewer than ${quorum} replicas (the quorum) could be started:`, ...failures].join('\n  '));
    }
    for (const failure of failures) this.log.error(failure);
  }

  private electorateChanged(): void {
    if (this.stopped) return;
    this.parts?.opening.electorateChanged();
    this.parts?.loop.schedule();
  }
}
