// One replica of the router, as the other parts know it. Owns how it comes, goes and fails, and carries out what recovery decides about it.
// The process itself is replicas/, its sessions replica-links.ts, what it says replica-intake.ts, whether it keeps up replica-watch.ts,
// its life recovery/.
import type { ReplicaConfig } from '../configs/model.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import type { Vitals } from './health/health-desk.js';
import type { NeighborPort } from './neighbor-port.js';
import type { ProbeMessages } from './probe-messages.js';
import type { Equipment } from './reload/equipment.js';
import type { LinkEvents, ReplicaLink } from './replica-link.js';
import { ReplicaIntake } from './replica-intake.js';
import { ReplicaLinks } from './replica-links.js';
import { ReplicaProgress } from './replica-progress.js';
import { ReplicaWatch } from './replica-watch.js';
import { anyEnding, anyStopped } from './replicas/process-end.js';
import { waitsOf } from './replicas/processor-wait.js';
import type { Replica, ReplicaExit } from './replicas/replica.js';
import type { DownReason } from '../session/types.js';
import type { SystemCause } from '../voter/faults/types.js';
import type { ReplicaState, ReplicaStatus } from './status.js';

export interface ReplicaEvents {
  neighbor(index: number): NeighborPort;
}

export class ReplicaPort implements LinkEvents {
  readonly index: number;
  /** What it runs with. */
  config: ReplicaConfig;
  private readonly context: RouterContext;
  private replica!: Replica;
  private readonly probing: ReplicaProgress;
  private readonly intake: ReplicaIntake;
  private readonly watch: ReplicaWatch;
  private readonly events: ReplicaEvents;
  private links!: ReplicaLinks;
  /** What it is started with the next time. */
  private next: Equipment | undefined;
  private stopping = false;

  constructor(
    index: number,
    context: RouterContext,
    parts: {
      equipment: Equipment;
      probes: ProbeMessages;
      events: ReplicaEvents;
    },
  ) {
    const { voting } = context.config;
    this.index = index;
    this.config = parts.equipment.config;
    this.context = context;
    this.probing = new ReplicaProgress(voting, parts.probes, this.config.fib);
    this.events = parts.events;
    const judge = {
      state: () => this.state,
      isStopped: () => anyStopped(this.replica.pids),
      waits: (at: number) => waitsOf(this.replica.pids, at),
      fault: (cause: SystemCause, reason: string, neighbor?: number) => this.fault(cause, reason, neighbor),
      neighbor: (n: number) => this.events.neighbor(n),
    };
    this.intake = new ReplicaIntake(index, context, this.probing, judge);
    this.watch = new ReplicaWatch(index, context, { probing: this.probing, intake: this.intake, judge });
    this.equipWith(parts.equipment);
  }

  /** What it runs with from its next start on. */
  equip(equipment: Equipment): void {
    this.next = equipment;
  }

  /** Takes over what the configuration says of voting now. */
  configure(): void {
    this.probing.configure(this.context.config.voting);
  }

  get name(): string {
    return this.config.name;
  }

  get state(): ReplicaState {
    return this.stopping ? 'stopped' : this.context.recovery.life(this.index).phase;
  }

  /** It has sessions, and what it says is looked at. */
  get isAtWork(): boolean {
    const { state } = this;
    return state === 'syncing' || state === 'standby' || state === 'voting';
  }

  /** Starts the daemon; resolves when it is ready, rejects when it could not be started: recovery knows of it by then. */
  async start(): Promise<void> {
    if (this.next !== undefined) this.equipWith(this.next);
    this.context.fib?.reset(this.index);
    try {
      await this.replica.start();
    } catch (error) {
      this.notStarted((error as Error).message);
      throw error;
    }
    this.ready();
  }

  /** Ends it at once. Recovery hears of it when its processes are gone. */
  kill(): void {
    this.links.close();
    // A daemon that is just being launched has no processes yet.
    if (!this.replica.killAll('SIGKILL')) void this.replica.stop();
  }

  /** Ends it in order, because it is not needed. */
  end(): void {
    this.links.close();
    void this.replica.stop();
  }

  /** Ends it in order, for good: the hypervisor is ending. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.links.close();
    await this.replica.stop();
  }

  /** The neighbour's session came up: the replica is connected to it. */
  neighborUp(port: NeighborPort): void {
    if (this.isAtWork) this.links.neighborUp(port);
  }

  neighborDown(index: number): void {
    this.links.neighborDown(index);
  }

  /** Bytes that wait for it from neighbour `n`; Infinity while one of its sessions to it is not up. */
  backlog(n: number): number {
    return this.links.backlog(n);
  }

  /** Hands on what has come in since the last turn. */
  pump(): void {
    this.links.pump();
  }

  /** Everything that was handed to it before `since` has been worked off. */
  digested(since: number): boolean {
    return this.probing.digestedUntil >= since;
  }

  /** What the passing of time asks for. */
  tick(at: number): void {
    if (this.isAtWork) this.watch.tick(at, this.links);
  }

  /** All but its health. */
  status(): Omit<ReplicaStatus, 'health'> {
    let [up, backlog] = [0, 0];
    for (const link of this.links) {
      if (!link.isUp) continue;
      up++;
      backlog += link.backlog;
    }
    const { voters } = this;
    return {
      name: this.config.name,
      kind: this.config.kind,
      version: this.replica.version ?? '',
      pid: this.replica.pid ?? null,
      state: this.state,
      ...this.context.recovery.status(this.index),
      sessionsUp: up,
      sessions: this.links.size,
      lagMs: Math.round(this.probing.tracker.lag(now())),
      backlogBytes: backlog,
      faults: this.context.faults.counts(this.index),
      dissents: voters.reduce((sum, voter) => sum + voter.stats().dissents[this.index], 0),
      votes: this.intake.votes,
    };
  }

  /** What early warning looks at; undefined while it does not run. */
  vitals(at: number): Vitals | undefined {
    if (!this.isAtWork) return undefined;
    const { tracker } = this.probing;
    return {
      pids: this.replica.pids,
      settled: this.state !== 'syncing',
      latencyMs: Math.max(tracker.roundTrip, tracker.lag(at)),
      updates: this.intake.updates,
    };
  }

  /** Link callbacks. */
  established(link: ReplicaLink): void {
    this.context.log.debug(`replica ${this.name}: session ${link.plan.name} is up`);
    const at = now();
    this.probing.tracker.life(at);
    if (link.plan.role === 'neighbor') this.context.taps.replicaUp(this.index, link.plan.neighbor, at);
  }

  left(link: ReplicaLink): void {
    if (link.plan.role === 'neighbor') this.context.taps.replicaDown(this.index, link.plan.neighbor, now());
  }

  lost(link: ReplicaLink, reason: DownReason): void {
    const cause = reason.origin === 'received' ? 'notification' : 'session';
    this.fault(cause, `lost the session ${link.plan.name}: ${reason.text}`, link.plan.neighbor);
  }

  refresh(link: ReplicaLink): void {
    if (link.plan.role === 'probe') link.write(this.probing.again());
  }

  progress(link: ReplicaLink, hasRead: boolean): void {
    if (hasRead) this.probing.tracker.life(now());
    if (link.plan.neighbor >= 0) this.events.neighbor(link.plan.neighbor).pace();
  }

  update(link: ReplicaLink, message: Uint8Array, start: number, end: number): void {
    this.intake.update(link, message, start, end);
  }

  /** Injected faults: signals the process that speaks BGP, or all of its processes. False when none runs. */
  signal(signal: NodeJS.Signals, all: boolean): boolean {
    return all ? this.replica.killAll(signal) : this.replica.kill(signal);
  }

  /** Injected faults: a session to a neighbour is lost as if the replica had sent a NOTIFICATION. False when none is up. */
  loseSession(neighbor: number, text: string): boolean {
    for (const link of this.links) {
      if (link.plan.neighbor !== neighbor || !link.isUp) continue;
      this.lost(link, { origin: 'received', code: 6, subcode: 0, data: new Uint8Array(0), text });
      return true;
    }
    return false;
  }

  /** No process of it runs now. */
  private equipWith({ config, replica, plan }: Equipment): void {
    const { index, context } = this;
    this.next = undefined;
    this.config = config;
    this.replica = replica;
    const neighbor = (n: number): NeighborPort => this.events.neighbor(n);
    this.links = new ReplicaLinks(index, context, { config, replica, plan, neighbor, events: this });
    replica.on('exit', (exit) => this.ended(exit));
    replica.on('warn', (text) => context.log.warn(`replica ${config.name}: ${text}`));
  }

  /** Probe number n has come out of the replica's forwarding path. */
  forwarded(n: number): void {
    this.probing.onForwarding(n);
  }

  /** It has written routes to its kernel: it works, however late its probes are. */
  isWriting(): void {
    this.probing.tracker.life(now());
  }

  /** It does not read what its kernel tells it, so what it believes of links and addresses is not so. */
  kernelFault(reason: string): void {
    this.fault('kernel', reason);
  }

  private get voters(): NeighborPort['voter'][] {
    return this.context.config.neighbors.map((_, n) => this.events.neighbor(n).voter);
  }

  private ready(): void {
    if (this.stopping || this.state !== 'starting') return;
    const at = now();
    this.context.log.info(
      `replica ${this.name} (${this.config.kind} ${this.replica.version ?? ''}) is ready, pid ${this.replica.pid ?? '?'}`,
    );
    this.context.fib?.processes(this.index, this.replica.pids);
    this.probing.restart(at);
    this.watch.restart();
    this.context.caughtUp[this.index] = -Infinity;
    for (const voter of this.voters) voter.forget(this.index);
    this.context.abstentions.forgotten(this.index, at);
    this.context.injections.forgotten(this.index, at);
    this.context.recovery.started(this.index);
    this.links.open();
  }

  /** A system event of the running replica, on a session with `neighbor` (negative: an internal one) or of all of it. */
  fault(cause: SystemCause, reason: string, neighbor?: number): void {
    if (this.stopping || (this.state !== 'starting' && !this.isAtWork)) return;
    this.context.log.warn(`replica ${this.name}: ${reason}; it is killed and started again`);
    this.accuse(cause, reason, neighbor);
    this.context.recovery.faulted(this.index, reason);
  }

  private ended({ text, expected, signal }: ReplicaExit): void {
    if (this.stopping) return;
    const { state } = this;
    // It was not ready in time: start() says so.
    if (state === 'starting' && expected) return;
    if (state !== 'ending') {
      this.context.log.warn(`replica ${this.name} ended: ${text}`);
      // Nothing that a daemon does by itself ends it like that.
      this.accuse(signal === 'SIGKILL' || signal === 'SIGTERM' ? 'killed' : 'crash', text);
    }
    this.context.faults.exited(this.index, signal, text);
    this.context.quarantine?.exited(this.index, signal, text);
    this.links.close();
    this.context.recovery.ended(this.index, text);
  }

  /** Told while the links are as they were, so that what was on its way can be seen. */
  private accuse(cause: SystemCause, reason: string, neighbor = -1): void {
    const dying = cause === 'session' && anyEnding(this.replica.pids);
    const fault = { replica: this.index, cause, reason, ...(neighbor < 0 ? {} : { neighbor }), dying, at: now() };
    this.context.faults.system(fault);
    this.context.quarantine?.suspect(fault);
  }

  /** A daemon that ended by itself before it was ready has been taken care of already. */
  private notStarted(reason: string): void {
    if (this.stopping) return;
    if (this.state === 'starting') this.accuse('start', reason);
    if (this.state === 'starting' || this.state === 'ending') this.context.recovery.ended(this.index, reason);
  }
}
