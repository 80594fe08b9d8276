// One replica of the router: its process, its sessions, its probes, and whether its votes count.
// Owns the life cycle starting → ready → syncing → voting and back, and turns system events into restarts. The process itself is
// replicas/, a single session replica-link.ts, how far it has come replica-progress.ts.
import type { ReplicaConfig } from '../configs/model.js';
import { INTERNAL_HOLD_TIME, type ReplicaSession } from '../configs/session-plan.js';
import { MUTED, QUARANTINED } from './abstentions.js';
import { now, wallClock } from './clock.js';
import type { RouterContext } from './context.js';
import { Departures } from './link-delays.js';
import type { NeighborPort } from './neighbor-port.js';
import type { ProbeMessages } from './probe-messages.js';
import { ReplicaProgress } from './replica-progress.js';
import { ReplicaLink, type LinkEvents, type LinkSettings } from './replica-link.js';
import type { Replica, ReplicaExit } from './replicas/replica.js';
import { RestartBudget } from './restart-budget.js';
import type { DownReason } from '../session/types.js';
import type { SystemCause } from '../voter/faults/types.js';
import type { ReplicaState, ReplicaStatus } from './status.js';
import { plainRecord } from './vote-records.js';

/** A session that a replica does not take for this many hang thresholds is a fault. */
const OPEN_THRESHOLDS = 3;
/** One that it has not taken after this time (BIRD may wait for a second) costs it its vote, ms. */
const OPEN_GRACE_MS = 3000;

/** A replica that does not become quiet after its replay may vote after this many stability thresholds. */
const BUSY_SYNC_THRESHOLDS = 5;

export interface ReplicaEvents {
  /** The electorate changed. */
  electorate(): void;
  neighbor(index: number): NeighborPort;
}

export class ReplicaPort implements LinkEvents {
  readonly index: number;
  readonly config: ReplicaConfig;
  state: ReplicaState = 'stopped';
  private readonly context: RouterContext;
  private readonly replica: Replica;
  private readonly plan: readonly ReplicaSession[];
  private readonly probing: ReplicaProgress;
  private readonly budget = new RestartBudget();
  private readonly events: ReplicaEvents;
  private readonly links = new Map<number, ReplicaLink>();
  private readonly departures: Departures;
  private restartTimer: NodeJS.Timeout | undefined;
  private stopping = false;
  private votes = 0;
  private lastVoteAt = -Infinity;
  private unsound = 0;
  /** When its history had been replayed on all sessions, ms; Infinity while it has not. */
  private replayedAt = Infinity;
  /** How far its forwarding path was last said to have come, ms. */
  private forwardedTold = -Infinity;
  private lastError: string | null = null;
  private faulted = false;

  constructor(
    index: number,
    context: RouterContext,
    parts: {
      replica: Replica;
      plan: readonly ReplicaSession[];
      probes: ProbeMessages;
      events: ReplicaEvents;
    },
  ) {
    const { voting } = context.config;
    this.index = index;
    this.config = context.config.replicas[index];
    this.context = context;
    this.replica = parts.replica;
    this.plan = parts.plan;
    this.probing = new ReplicaProgress(voting, parts.probes, this.config.fib);
    this.events = parts.events;
    this.departures = new Departures(this.config.diversity.disconnectDelay);
    this.replica.on('exit', (exit) => this.ended(exit));
    this.replica.on('warn', (text) => context.log.warn(`replica ${this.config.name}: ${text}`));
  }

  get name(): string {
    return this.config.name;
  }

  /** Starts the daemon; resolves when it is ready, rejects when it cannot be started: then it is tried again later. */
  async start(): Promise<void> {
    this.state = 'starting';
    this.faulted = false;
    this.context.fib?.reset(this.index);
    this.budget.started(now());
    try {
      await this.replica.start();
    } catch (error) {
      this.notStarted((error as Error).message);
      throw error;
    }
    this.ready();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restartTimer);
    this.leave('the hypervisor is shutting down');
    this.closeLinks();
    await this.replica.stop();
    this.state = 'stopped';
  }

  /** The neighbour's session came up: the replica is connected to it. */
  neighborUp(port: NeighborPort): void {
    if (this.state !== 'syncing' && this.state !== 'voting') return;
    for (const plan of this.plan) if (plan.neighbor === port.index) this.openLink(plan);
  }

  neighborDown(index: number): void {
    for (const [id, link] of this.links) {
      if (link.plan.neighbor !== index) continue;
      this.links.delete(id);
      this.departures.add(link);
    }
  }

  /** Bytes that wait for it from neighbour `n`; Infinity while one of its sessions to it is not up. */
  backlog(n: number): number {
    let sum = 0;
    for (const link of this.links.values()) if (link.plan.neighbor === n) sum += link.backlog;
    return sum;
  }

  /** Hands on what has come in since the last turn. */
  pump(): void {
    for (const link of this.links.values()) link.pump();
  }

  /** Everything that was handed to it before `since` has been worked off. */
  digested(since: number): boolean {
    return this.probing.digestedUntil >= since;
  }

  /** What the passing of time asks for: probes, hang detection, joining the electorate. */
  tick(at: number): void {
    if (this.state !== 'syncing' && this.state !== 'voting') return;
    this.prove(at);
    this.probe(at);
    if (this.probing.tracker.isHung(at)) {
      this.fault(
        'hang',
        `hangs: no answer to a probe and no other sign of life for ${this.context.config.voting.hangThreshold} ms`,
      );
      return;
    }
    for (const link of this.links.values()) {
      if (!link.isUp) this.missing(link, at);
    }
    if (this.state === 'syncing') this.trySynchronise(at);
  }

  /**
   * A session that is not up. What it votes lacks that neighbour's routes, so it soon has no say, unless nobody else has; much later it
   * is a fault.
   */
  private missing(link: ReplicaLink, at: number): void {
    const reason = `does not take the session ${link.plan.name}: ${link.lastError ?? 'no answer'}`;
    if (at - link.firstAttempt > OPEN_THRESHOLDS * this.context.config.voting.hangThreshold) {
      this.fault('unanswered', reason, link);
    } else if (this.state === 'voting' && at - link.wantedSince > OPEN_GRACE_MS && this.context.electorate.size > 1) {
      this.state = 'syncing';
      this.replayedAt = Infinity;
      this.lastError = reason;
      this.context.log.warn(`replica ${this.name} ${reason}; it does not vote until it does`);
      this.leave(reason);
    }
  }

  status(): ReplicaStatus {
    let [up, backlog] = [0, 0];
    for (const link of this.links.values()) {
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
      since: wallClock(now()),
      nextStart: null,
      standby: this.config.standby,
      restarts: this.budget.restarts,
      sessionsUp: up,
      sessions: this.links.size,
      lagMs: Math.round(this.probing.tracker.lag(now())),
      backlogBytes: backlog,
      faults: this.context.faults.counts(this.index),
      dissents: voters.reduce((sum, voter) => sum + voter.stats().dissents[this.index], 0),
      abstains: {
        quarantined: this.context.abstentions.count(this.index, QUARANTINED),
        muted: this.context.abstentions.count(this.index, MUTED),
      },
      votes: this.votes,
      lastError: this.lastError,
    };
  }

  /** Link callbacks. */
  established(link: ReplicaLink): void {
    this.context.log.debug(`replica ${this.name}: session ${link.plan.name} is up`);
    this.probing.tracker.life(now());
  }

  lost(link: ReplicaLink, reason: DownReason): void {
    const cause = reason.origin === 'received' ? 'notification' : 'session';
    this.fault(cause, `lost the session ${link.plan.name}: ${reason.text}`, link);
  }

  refresh(link: ReplicaLink): void {
    if (link.plan.role === 'probe') link.write(this.probing.again());
  }

  progress(link: ReplicaLink): void {
    this.probing.tracker.life(now());
    if (link.plan.neighbor >= 0) this.events.neighbor(link.plan.neighbor).pace();
  }

  update(link: ReplicaLink, message: Uint8Array, start: number, end: number): void {
    const at = now();
    this.probing.tracker.life(at);
    if (link.plan.role === 'tap') {
      if (this.probing.onTap(message, start, end, at)) this.context.replicator.probeReturned(this.index);
      if (this.config.fib === 'tap') this.context.fib?.tap(this.index, message, start, end);
      return;
    }
    if (link.plan.role === 'probe') return;
    this.probing.sent(end - start);
    const { voter, config } = this.events.neighbor(link.plan.neighbor);
    const { intake } = this.context;
    const before = intake.votes;
    const verdict = intake.cast(message, start, end, link.plan.families, config.peerAs, this.index, voter, at);
    this.votes += intake.votes - before;
    this.lastVoteAt = at;
    this.context.schedule();
    if (verdict.kind !== 'sound') this.noteUnsound(link, verdict.reason, verdict.kind);
  }

  /** Probe number n has come out of the replica's forwarding path. */
  forwarded(n: number): void {
    this.probing.onForwarding(n);
  }

  /** It does not read what its kernel tells it, so what it believes of links and addresses is not so. */
  kernelFault(reason: string): void {
    this.fault('kernel', reason);
  }

  private prove(at: number): void {
    const { context, index, probing } = this;
    probing.tick(at);
    context.caughtUp[index] = probing.advertisedUntil;
    if (probing.forwardedUntil === this.forwardedTold) return;
    this.forwardedTold = probing.forwardedUntil;
    context.fib?.caughtUp(index, this.forwardedTold);
  }

  private get voters(): NeighborPort['voter'][] {
    return this.context.config.neighbors.map((_, n) => this.events.neighbor(n).voter);
  }

  private ready(): void {
    if (this.stopping) return;
    const at = now();
    this.context.log.info(
      `replica ${this.name} (${this.config.kind} ${this.replica.version ?? ''}) is ready, pid ${this.replica.pid ?? '?'}`,
    );
    this.probing.restart(at);
    this.forwardedTold = -Infinity;
    this.replayedAt = Infinity;
    this.context.caughtUp[this.index] = -Infinity;
    for (const voter of this.voters) voter.forget(this.index);
    this.context.abstentions.forgotten(this.index, at);
    for (const plan of this.plan) {
      if (plan.neighbor < 0 || this.events.neighbor(plan.neighbor).negotiated !== undefined) this.openLink(plan);
    }
    this.state = 'syncing';
  }

  private openLink(plan: ReplicaSession): void {
    this.departures.finish(plan.id);
    const link = new ReplicaLink(this.index, plan, this.settingsFor(plan), {
      connect: (session) => this.replica.connect(session),
      events: this,
      replicator: this.context.replicator,
    });
    this.links.set(plan.id, link);
  }

  /** How the hypervisor introduces itself on this session: as the neighbour, or as the internal peer. */
  private settingsFor(plan: ReplicaSession): LinkSettings {
    const { internal } = this.context.config;
    const negotiated = plan.neighbor < 0 ? undefined : this.events.neighbor(plan.neighbor).negotiated;
    return {
      as: plan.peerAs,
      replicaAs: plan.localAs,
      // An identifier is an IPv4 address, whatever the session goes over: the tap has the same one on both of its sessions.
      routerId: negotiated?.peerRouterId ?? (plan.role === 'probe' ? internal.probeAddress : internal.tapAddress),
      families: plan.families & (negotiated?.families ?? plan.families),
      holdTime: INTERNAL_HOLD_TIME[this.config.kind],
      deliver: this.config.deliver,
      diversity: this.config.diversity,
    };
  }

  private closeLinks(): void {
    for (const link of this.links.values()) link.close();
    this.links.clear();
    this.departures.finishAll();
  }

  private probe(at: number): void {
    const link = [...this.links.values()].find(({ plan }) => plan.role === 'probe');
    const tap = [...this.links.values()].find(({ plan }) => plan.role === 'tap');
    if (!link?.isUp || !tap?.isUp) return;
    // Busy: something was delivered that no probe has proven yet.
    const busy = this.state !== 'voting' || this.context.replicatorInput() > this.probing.digestedUntil;
    const probe = this.probing.next(at, busy, () => this.deliveredUntil(at));
    if (probe === undefined) return;
    link.write(probe);
    if ([...this.links.values()].every(({ flushed }) => flushed)) this.context.replicator.probeSent(this.index);
  }

  /** What came in before this time has been handed to the replica, ms. */
  private deliveredUntil(at: number): number {
    let delivered = Math.min(at, this.departures.since);
    for (const link of this.links.values()) {
      if (link.plan.role !== 'neighbor') continue;
      // Nothing of a neighbour has been delivered before the session that stands for it is up.
      const until = link.isUp ? link.deliveredUntil(at) : this.events.neighbor(link.plan.neighbor).upSince;
      delivered = Math.min(delivered, until);
    }
    return delivered;
  }

  /**
   * Synchronised: all sessions up, the history replayed, a later probe back, and quiet since; a replica that is kept busy by new
   * input is taken after a while, for its votes need stability anyway before anybody blames it.
   */
  private trySynchronise(at: number): void {
    let [up, drained] = [this.links.size > 0, true];
    for (const link of this.links.values()) {
      up &&= link.isUp;
      drained &&= link.drained;
    }
    if (!up) {
      this.replayedAt = Infinity;
      return;
    }
    if (this.replayedAt === Infinity && !drained) return;
    this.replayedAt = Math.min(this.replayedAt, at);
    const settle = this.context.config.voting.stabilityThreshold;
    const quiet = this.votes === 0 || at - Math.max(this.replayedAt, this.lastVoteAt) >= settle;
    const longEnough = at - this.replayedAt >= BUSY_SYNC_THRESHOLDS * settle;
    if ((quiet || longEnough) && this.probing.digestedUntil >= this.replayedAt) this.join(at);
  }

  private join(at: number): void {
    this.state = 'voting';
    this.lastError = null;
    this.context.electorate.join(this.index);
    this.context.log.info(`replica ${this.name} votes now`);
    this.context.voteLog.append(plainRecord(at, 'replica', { replica: this.name, state: 'voting' }));
    this.events.electorate();
  }

  private leave(reason: string): void {
    if (!this.context.electorate.leave(this.index)) return;
    this.context.voteLog.append(plainRecord(now(), 'replica', { replica: this.name, state: 'left', reason }));
    this.events.electorate();
  }

  /** A system event: out of the electorate, killed, and started again when it has ended. */
  private fault(cause: SystemCause, reason: string, link?: ReplicaLink): void {
    if (this.stopping || this.faulted) return;
    this.faulted = true;
    this.lastError = reason;
    this.context.log.warn(`replica ${this.name}: ${reason}; it is killed and started again`);
    this.accuse(cause, reason, link);
    this.leave(reason);
    this.closeLinks();
    this.state = 'backoff';
    this.replica.killAll('SIGKILL');
  }

  private ended({ text, expected, signal }: ReplicaExit): void {
    if (!this.stopping && !expected && !this.faulted) {
      this.lastError = text;
      this.context.log.warn(`replica ${this.name} ended: ${text}`);
      // Nothing that a daemon does by itself ends it like that.
      const killed = signal === 'SIGKILL' || signal === 'SIGTERM';
      this.accuse(killed ? 'killed' : 'crash', text);
    }
    this.closeLinks();
    this.leave(text);
    if (!this.stopping && !expected) this.scheduleRestart();
  }

  /** Told while the links are as they were, so that what was on its way can be seen. */
  private accuse(cause: SystemCause, reason: string, link?: ReplicaLink): void {
    const neighbor = link === undefined || link.plan.neighbor < 0 ? {} : { neighbor: link.plan.neighbor };
    const fault = { replica: this.index, cause, reason, ...neighbor, at: now() };
    this.context.faults.system(fault);
    this.context.quarantine?.suspect(fault);
  }

  private scheduleRestart(): void {
    const delay = this.budget.failed(now());
    this.state = 'backoff';
    this.context.voteLog.append(
      plainRecord(now(), 'replica', { replica: this.name, state: 'restarting', reason: this.lastError, delay }),
    );
    clearTimeout(this.restartTimer);
    this.restartTimer = setTimeout(() => {
      this.start().catch((error: Error) => {
        if (!this.stopping) this.context.log.error(error.message);
      });
    }, delay);
  }

  private notStarted(reason: string): void {
    if (this.stopping) return;
    this.lastError = reason;
    // A daemon that ended by itself before it was ready has been taken care of already.
    if (this.state === 'starting') this.scheduleRestart();
  }

  private noteUnsound(link: ReplicaLink, reason: string, kind: string): void {
    this.unsound++;
    if (kind === 'reset') {
      this.fault('broken-update', `sent a broken UPDATE on session ${link.plan.name}: ${reason}`, link);
    } else if (this.unsound <= 10 || this.unsound % 1000 === 0) {
      this.context.log.warn(`replica ${this.name}: UPDATE on session ${link.plan.name} is not sound: ${reason}`);
    }
  }
}
