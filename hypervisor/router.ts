// The running router: puts the parts together, drives the main loop, opens the neighbours' sessions when enough replicas are ready,
// and takes everything down in order. Owns composition and life cycle; every decision about routes is made elsewhere.
import { setTimeout as delay } from 'node:timers/promises';
import { parseConfig } from '../configs/load.js';
import type { RouterConfig, VoteLogConfig } from '../configs/model.js';
import { ShimHub } from '../preload/hub.js';
import { Replicator } from '../replicator/replicator.js';
import { Electorate } from '../voter/electorate.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import { Canonicaliser } from '../wire/bgp/canonical.js';
import { PrefixClock } from '../wire/prefix-clock.js';
import { Abstentions } from './abstentions.js';
import { BmpExporter } from './bmp/bmp-exporter.js';
import { bmpMethods } from './bmp/control.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { ControlServer, type Method } from './control/server.js';
import { Explainer } from './explain/explainer.js';
import { LivePatterns } from './explain/live-patterns.js';
import { OwnLog } from './explain/own-log.js';
import { FaultDesk } from './faults/fault-desk.js';
import type { FibPort } from './fib/port.js';
import type { FibStatus } from './fib/status.js';
import { HealthDesk } from './health/health-desk.js';
import { openHttp } from './http/index.js';
import type { HttpServer } from './http/server.js';
import { InputJournal } from './input-journal.js';
import { installGateOf } from './install-gate.js';
import { Intake } from './intake.js';
import type { Logger } from './logging.js';
import { Meters } from './metrics/meters.js';
import { NeighborPort } from './neighbor-port.js';
import { NeighborPool } from './neighbors/neighbor-pool.js';
import { ProbeMessages } from './probe-messages.js';
import { ReplicaPort, type Equipment } from './replica-port.js';
import { quarantineMethods } from './quarantine/control.js';
import { QuarantineDesk } from './quarantine/quarantine-desk.js';
import { recordMethods } from './recording/control.js';
import { Recorder } from './recording/recorder.js';
import { RecoveryDesk } from './recovery/recovery-desk.js';
import type { LoadConfig } from './reload/candidate.js';
import { reloadByItself, reloadMethods } from './reload/control.js';
import { equipmentOf } from './reload/equipment.js';
import { ReloadDesk } from './reload/reload-desk.js';
import { Reports } from './reports.js';
import { restartWatchOf } from './restart-watch.js';
import { openFib, RouterFib } from './router-fib.js';
import { injectionMethods, openInjections } from './router-injection.js';
import { RunDirectory } from './run-directory.js';
import { routerStatus } from './router-status.js';
import { ServiceManager } from './service-manager.js';
import type { RouterStatus } from './status.js';
import { Tables } from './tables.js';
import { Taps } from './taps.js';
import { VoteLog } from './vote-log.js';
import { plainRecord } from './vote-records.js';

/** What keeps the router from running; the message is for the user. */
export class RouterError extends Error {}

/** How often time-driven work is looked at, ms. */
const TICK_MS = 25;
/** Longest time that goodbye messages to neighbours may take, ms. */
const GOODBYE_MS = 1000;
const CEASE = { ADMINISTRATIVE_SHUTDOWN: 2, OUT_OF_RESOURCES: 8 } as const;

export class Router {
  readonly config: RouterConfig;
  private readonly log: Logger;
  private readonly service: ServiceManager;
  private readonly load: LoadConfig;
  private readonly hub = new ShimHub();
  private run!: RunDirectory;
  private context!: RouterContext;
  private control: ControlServer | undefined;
  private http: HttpServer | undefined;
  private pool: NeighborPool | undefined;
  private fib: RouterFib | undefined;
  private health!: HealthDesk;
  private neighbors: NeighborPort[] = [];
  private replicas: ReplicaPort[] = [];
  private reloads!: ReloadDesk;
  private ticker: NodeJS.Timeout | undefined;
  private scheduled = false;
  private lastInput = -Infinity;
  private updatesIn = 0;
  /** Neighbour sessions may be open. */
  private open = false;
  private withoutReplicasSince = Infinity;
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
    this.context = this.makeContext();
    this.makePorts();
    await this.fib?.start().catch((error: Error) => {
      throw new RouterError(error.message);
    });
    if (this.stopped) return;
    await this.listenForControl();
    await this.listenForHttp();
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    const results = await Promise.allSettled(this.context.recovery.begin());
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [String((result.reason as Error).message)] : [],
    );
    if (this.stopped) return;
    const { quorum } = this.config.voting;
    const spare = this.config.replicas.filter(({ standby }) => standby === 'cold').length;
    if (results.length - failures.length + spare < quorum) {
      throw new RouterError([`fewer than ${quorum} replicas (the quorum) could be started:`, ...failures].join('\n  '));
    }
    for (const failure of failures) this.log.error(failure);
    this.service.ready();
  }

  /** Takes its configuration file over as it is now (SIGHUP). What comes of it is in the log. */
  reload(): void {
    if (this.reloads === undefined) this.log.warn('reload: the router is only just starting: nothing was changed');
    else reloadByItself(this.reloads, this.log);
  }

  /** CEASE to the neighbours (fib.keep: silence), then the replicas, then everything else. Safe to call at any time, and twice. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.service.stopping();
    clearInterval(this.ticker);
    const { fib } = this.context ?? {};
    // What replicas remove because sessions end, and when they are told to end themselves, is no opinion.
    await fib?.freeze().catch(() => undefined);
    const goodbyes = this.pool?.stop(CEASE.ADMINISTRATIVE_SHUTDOWN, 'shutting down', this.config.fib.keep);
    await Promise.race([goodbyes, delay(GOODBYE_MS)]);
    await this.pool?.close();
    this.context?.injections.close();
    this.context?.recovery.stop();
    await Promise.all([...this.replicas.map((replica) => replica.stop()), this.context?.quarantine?.stop()]);
    await fib?.stop(this.config.fib.keep);
    await this.http?.close();
    await this.control?.close();
    await this.context?.bmp?.close();
    await this.context?.recorder?.close();
    await this.context?.voteLog.close();
    await this.hub.close();
    this.run?.release();
    this.service.close();
  }

  private makeContext(): RouterContext {
    const { config, log } = this;
    const tables = new Tables(config.limits);
    const clock = new PrefixClock();
    const { prefixes, attributes } = tables;
    const replicas = config.replicas.map(({ name }) => name);
    const replicator = new Replicator({
      prefixes,
      attributes,
      maxQueueBytes: config.limits.replicaQueueBytes,
      suspectBytes: config.quarantine.enabled ? config.quarantine.suspectBytes : 0,
      maxQuarantined: config.quarantine.maxMessages,
      ...(config.fib.backend === 'none' ? {} : { clock }),
    });
    const electorate = new Electorate(replicas.length, successionOf(config));
    const context = {
      config,
      log,
      tables,
      replicator,
      electorate,
      caughtUp: new Float64Array(replicas.length).fill(-Infinity),
      intake: new Intake(prefixes, attributes, new Canonicaliser({ ignoreAttributes: config.voting.ignoreAttributes })),
      voteLog: openVoteLog(config.voteLog, log),
      records: { prefixes, attributes, replicas },
      meters: new Meters({
        inputTime: (prefix) => replicator.inputTime(prefix),
        family: (prefix) => prefixes.family(prefix),
        members: () => electorate.members,
      }),
      taps: new Taps(),
      recorder: openRecorder(config, log),
      restart: restartWatchOf(config),
      gate: installGateOf(config, prefixes, (prefix) => this.requeue(prefix)),
      replicatorInput: () => this.lastInput,
      schedule: () => this.schedule(),
    };
    context.taps.add(new InputJournal(context));
    const bmp = config.bmp.collectors.length > 0 ? new BmpExporter(context, () => this.neighbors) : undefined;
    for (const tap of [context.recorder, bmp]) if (tap !== undefined) context.taps.add(tap);
    const fib = openFib(context, clock);
    const voters = (): UpdateVoter[] => this.neighbors.map(({ voter }) => voter);
    const abstentions = new Abstentions(replicas.length, { prefixes, fib, voters });
    const faults = new FaultDesk({ ...context, fib });
    return {
      ...context,
      bmp,
      fib,
      abstentions,
      faults,
      injections: openInjections(context, fib, {
        neighbor: (n) => this.neighbors[n],
        replica: (r) => this.replicas[r],
      }),
      recovery: new RecoveryDesk(
        { ...context, abstentions, faults },
        {
          replicas: () => this.replicas,
          neighbors: () => this.neighbors,
          electorateChanged: () => this.electorateChanged(),
        },
      ),
      quarantine: config.quarantine.enabled
        ? new QuarantineDesk({
            context: { ...context, abstentions },
            hub: this.hub,
            runDirectory: this.run.path,
            neighbors: () => this.neighbors,
          })
        : undefined,
    };
  }

  private makePorts(): void {
    const { config, context } = this;
    this.neighbors = config.neighbors.map((_, index) => this.neighborPort(index));
    const pool = new NeighborPool(config, this.neighbors, this.log);
    this.pool = pool;
    const { probeNextHops } = config.internal;
    const probes = new ProbeMessages({
      ...config.internal,
      nextHops: config.fib.backend === 'none' ? undefined : probeNextHops,
    });
    const parts = { hub: this.hub, runDirectory: this.run.path, fib: () => context.fib };
    const equipment = (from: RouterConfig, r: number): Equipment => equipmentOf(from, r, parts);
    const atStart = structuredClone(config);
    this.replicas = config.replicas.map((_, index) => {
      const events = { neighbor: (n: number) => this.neighbors[n] };
      return new ReplicaPort(index, context, { equipment: equipment(atStart, index), probes, events });
    });
    const { neighbors, replicas, load } = this;
    this.reloads = new ReloadDesk({
      context,
      neighbors,
      replicas,
      pool,
      load,
      addNeighbor: (n) => neighbors.push(this.neighborPort(n)),
      equipment,
      stopped: () => this.stopped,
    });
    this.health = new HealthDesk(context, {
      vitals: (r, at) => this.replicas[r].vitals(at),
      updatesIn: () => this.updatesIn,
    });
    if (context.fib === undefined) return;
    this.fib = new RouterFib(context, context.fib, {
      neighbors,
      replicas,
      electorateChanged: () => this.electorateChanged(),
      fail: (error) => this.fail(error),
    });
  }

  private neighborPort(index: number): NeighborPort {
    const { context } = this;
    return new NeighborPort(index, context, {
      up: (port) => this.replicas.forEach((replica) => replica.neighborUp(port)),
      down: (port) => this.replicas.forEach((replica) => replica.neighborDown(port.index)),
      input: () => {
        this.lastInput = now();
        this.updatesIn++;
      },
      backlogs: (port) =>
        this.replicas.flatMap((replica) =>
          context.electorate.has(replica.index) ? [replica.backlog(port.index)] : [],
        ),
    });
  }

  private async listenForControl(): Promise<void> {
    this.control = new ControlServer(this.methods(), this.log);
    await this.control.listen(this.run.controlSocket);
  }

  private async listenForHttp(): Promise<void> {
    const { context, log, neighbors, replicas, health } = this;
    this.http = openHttp({ context, methods: this.methods(), log, neighbors, replicas, health });
    await this.http?.listen().catch((error: Error) => {
      throw new RouterError(error.message);
    });
  }

  /** What can be asked of the running router. */
  private methods(): Record<string, Method> {
    const reports = new Reports(this.context, this.neighbors);
    const { context, neighbors, replicas } = this;
    const patterns = new LivePatterns(context, neighbors);
    const log = new OwnLog(context.config.voteLog.file);
    const explainer = new Explainer({ context, neighbors, replicas, reports, log });
    return {
      status: () => this.status(),
      fib: (query) => this.withFib((fib) => fib.routes(query)),
      'fib-verify': () => this.withFib(() => this.fib?.verify()),
      votes: (params) => reports.ballots(params),
      faults: async (params) => {
        const answer = this.context.faults.report(params);
        return { ...answer, patterns: await patterns.of(answer.findings) };
      },
      explain: (params) => explainer.explain(params),
      'vote-log': () => context.config.voteLog,
      ...injectionMethods(this.context.injections),
      ...quarantineMethods(this.context.quarantine),
      ...recordMethods(this.config, this.context.recorder),
      ...bmpMethods(this.context.bmp),
      replica: (params) => this.context.recovery.command(params),
      ...reloadMethods(this.reloads, this.context),
      'replica-pid': () => Object.fromEntries(this.replicas.map((replica) => [replica.name, replica.status().pid])),
    };
  }

  private async status(): Promise<RouterStatus> {
    const ports = { neighbors: this.neighbors, replicas: this.replicas, health: this.health, reloads: this.reloads };
    let [fib, fibError]: [FibStatus | null, string | null] = [null, null];
    try {
      fib = (await this.context.fib?.status()) ?? null;
    } catch (error) {
      fibError = (error as Error).message;
    }
    const { open, updatesIn } = this;
    const voteLogDropped = this.context.voteLog.dropped;
    return routerStatus(this.context, ports, { open, updatesIn, voteLogDropped, fib, fibError });
  }

  private withFib(use: (fib: FibPort) => unknown): unknown {
    const { fib } = this.context;
    if (fib === undefined) throw new Error('this router has no forwarding table (fib.backend: none)');
    return use(fib);
  }

  /** Something that kept a prefix from being advertised is over. */
  private requeue(prefix: number): void {
    for (const neighbor of this.neighbors) neighbor.requeue(prefix);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.turn());
  }

  /** After the reads of one turn of the event loop: feed the replicas, then send verdicts. One batch each, then others have a turn. */
  private turn(): void {
    this.scheduled = false;
    for (const replica of this.replicas) replica.pump();
    this.context.quarantine?.apply(now());
    this.context.fib?.flush();
    let more = false;
    for (const neighbor of this.neighbors) {
      neighbor.pace();
      more = neighbor.pump() || more;
    }
    if (more) this.schedule();
  }

  private tick(): void {
    const at = now();
    this.service.alive(at);
    if (this.service.listens) this.service.status(this.inOneLine());
    for (const replica of this.replicas) replica.tick(at);
    for (const neighbor of this.neighbors) neighbor.tick(at, this.settledSince(neighbor.upSince));
    this.fib?.tick(at, (since) => this.settledSince(since));
    this.context.faults.tick(at);
    this.context.recovery.tick(at);
    this.context.injections.tick(at);
    this.health.tick(at);
    this.context.quarantine?.tick(at);
    this.context.voteLog.flush();
    if (at - this.withoutReplicasSince > this.config.voting.holdWithoutReplicas) this.closeNeighbors();
    const { abstentions, gate, injections, replicator } = this.context;
    const holders = [
      replicator,
      abstentions,
      injections,
      ...(gate ? [gate] : []),
      ...this.neighbors.map(({ voter }) => voter),
    ];
    if (this.context.tables.sweepIfGrown(holders)) this.context.intake.forgetCaches();
  }

  /** Every member has worked off everything that was there at `since`. */
  private settledSince(since: number): boolean {
    const { electorate } = this.context;
    return (
      electorate.size > 0 && this.replicas.every((replica) => !electorate.has(replica.index) || replica.digested(since))
    );
  }

  /** What `systemctl status` shows. */
  private inOneLine(): string {
    const { electorate, recovery } = this.context;
    const up = this.neighbors.filter(({ negotiated }) => negotiated !== undefined).length;
    const alarms = recovery.raised.map(({ text }) => `; ${text}`).join('');
    return `${electorate.size} of ${this.replicas.length} replicas vote, ${up} of ${this.neighbors.length} neighbours are up${alarms}`;
  }

  private electorateChanged(): void {
    if (this.stopped) return;
    const { electorate } = this.context;
    if (!this.open && electorate.size >= this.config.voting.quorum) {
      this.open = true;
      this.log.info(`${electorate.size} replicas are ready to vote: neighbour sessions are opened`);
      this.pool?.start().catch((error: Error) => this.fail(error));
    }
    if (electorate.size === 0 && this.open) {
      this.withoutReplicasSince = now();
      this.log.error('no replica is left to vote: what was advertised stays for now');
    } else {
      this.withoutReplicasSince = Infinity;
    }
    this.schedule();
  }

  private closeNeighbors(): void {
    this.withoutReplicasSince = Infinity;
    this.open = false;
    this.log.error(
      `no replica came back within ${this.config.voting.holdWithoutReplicas} ms: neighbour sessions are closed`,
    );
    this.context.voteLog.append(plainRecord(now(), 'session', { state: 'closed', reason: 'no replica is left' }));
    void this.pool?.stop(CEASE.OUT_OF_RESOURCES, 'no replica is left');
  }
}

/** Who leads under master-slave when others are gone: standbys come last. */
function successionOf({ replicas }: RouterConfig): number[] {
  return [...replicas.keys()].sort(
    (a, b) => Number(replicas[a].standby !== 'no') - Number(replicas[b].standby !== 'no'),
  );
}

function openRecorder(config: RouterConfig, log: Logger): Recorder | undefined {
  if (!config.record.enabled) return undefined;
  try {
    return new Recorder(config, log);
  } catch (error) {
    throw new RouterError(`cannot record: ${(error as Error).message}`);
  }
}

function openVoteLog(config: VoteLogConfig, log: Logger): VoteLog {
  try {
    return new VoteLog(config, log);
  } catch (error) {
    throw new RouterError(`cannot open the vote log: ${(error as Error).message}`);
  }
}
