// A disposable instance of a replica's daemon, on which messages that may be poison are tried. It has the replica's configuration and
// sessions, but no forwarding table and no vote: what it says is only looked at. Owns its process and sessions from start to end, and
// tells survival from death; what to feed is recovery/narrowing.ts.
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { generate } from '../../configs/generate/index.js';
import type { ReplicaConfig, RouterConfig } from '../../configs/model.js';
import { INTERNAL_HOLD_TIME, planSessions, type ReplicaSession } from '../../configs/session-plan.js';
import type { ShimHub } from '../../preload/hub.js';
import { now } from '../clock.js';
import { HangWatch } from '../hang-watch.js';
import { ProbeEscort } from '../probe-escort.js';
import { ProbeMessages } from '../probe-messages.js';
import { ProbeTracker } from '../probe-tracker.js';
import { waitsOf } from '../replicas/processor-wait.js';
import { Replica } from '../replicas/replica.js';
import { TrialSession } from './trial-session.js';

/** Names of replicas have no dot. */
const SUFFIX = '.trial';
/** Added to the replica's own nice value: a trial may take its time. */
const NICER = 10;
const READY_MS = 30_000;
/** For all sessions to come up; BIRD may wait for a second before it takes one. */
const SESSIONS_MS = 20_000;
/** After the probes have come back, for what the daemon holds back for a moment (FRR: 50 ms). */
const SETTLE_MS = 150;
const POLL_MS = 10;

/** A neighbour as its session was negotiated. */
export interface TrialNeighbor {
  index: number;
  families: number;
  routerId: string;
}

/** One message as the replica got it. */
export interface TrialMessage {
  neighbor: number;
  bytes: Uint8Array;
}

export interface TrialSetup {
  config: RouterConfig;
  replica: ReplicaConfig;
  hub: ShimHub;
  runDirectory: string;
  /** Those that the instance has sessions with. */
  neighbors: readonly TrialNeighbor[];
  /** What it is fed at once, before anything is tried. */
  before: readonly TrialMessage[];
}

/** What narrowing needs of an instance. */
export interface Instance {
  /** Feeds the messages in their order and waits. Resolves with what it died of, undefined if it did not. */
  feed(messages: readonly TrialMessage[]): Promise<string | undefined>;
  stop(): Promise<void>;
}

export class TrialInstance implements Instance {
  private readonly setup: TrialSetup;
  private readonly replica: Replica;
  private readonly sessions: TrialSession[];
  private readonly probes: ProbeMessages;
  private readonly tracker: ProbeTracker;
  private readonly escort = new ProbeEscort();
  private readonly hangs: HangWatch;
  private death: string | undefined;
  private ending = false;

  private constructor(setup: TrialSetup) {
    const config = trialConfig(setup);
    const [own] = config.replicas;
    const plan = planSessions(config, own);
    this.setup = setup;
    this.replica = new Replica({
      hub: setup.hub,
      replica: own,
      runDirectory: setup.runDirectory,
      sessions: plan,
      generate: (paths) => generate(config, own, paths),
      readyTimeout: READY_MS,
      stopGrace: 0,
    });
    this.probes = new ProbeMessages(config.internal);
    const hangMs = config.voting.hangThreshold;
    this.tracker = new ProbeTracker({ busyIntervalMs: 0, idleIntervalMs: 0, hangMs });
    // It runs behind everything else: without a processor nobody answers.
    this.hangs = new HangWatch(this.tracker, (at) => waitsOf(this.replica.pids, at));
    this.sessions = plan.flatMap((session) => this.sessionFor(session));
    this.replica.on('exit', ({ text }) => this.died(text));
  }

  /**
   * Resolves when it runs, has its sessions and has given back a probe; rejects, leaving nothing, when that does not happen or `signal`
   * says meanwhile that nobody wants it any more.
   */
  static async start(setup: TrialSetup, signal: AbortSignal): Promise<TrialInstance> {
    const instance = new TrialInstance(setup);
    const stop = (): void => void instance.stop();
    signal.addEventListener('abort', stop);
    try {
      await instance.begin();
      return instance;
    } catch (error) {
      await instance.stop();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async feed(messages: readonly TrialMessage[]): Promise<string | undefined> {
    for (const { neighbor, bytes } of messages) {
      const session = this.sessions.find((one) => one.plan.neighbor === neighbor && one.carries(bytes));
      session?.write(bytes);
    }
    // A probe that is overtaken by what the daemon still holds back proves less than the one after it.
    await this.probe();
    await this.probe();
    await this.until(() => false, now() + SETTLE_MS);
    return this.death;
  }

  async stop(): Promise<void> {
    this.ending = true;
    this.death ??= 'stopped';
    for (const session of this.sessions) session.close();
    this.replica.killAll('SIGKILL');
    await this.replica.stop();
    try {
      rmSync(this.replica.paths.dir, { recursive: true, force: true });
    } catch {
      // On a disk that cannot be written any more it stays; the next instance of this name takes it over.
    }
  }

  private async begin(): Promise<void> {
    await this.replica.start();
    if (this.ending) throw new Error('stopped');
    const deadline = now() + SESSIONS_MS;
    for (const session of this.sessions) session.open((plan) => this.replica.connect(plan));
    await this.until(() => this.sessions.every(({ isUp }) => isUp), deadline);
    const missing = this.sessions.find(({ isUp }) => !isUp);
    if (this.death === undefined && missing) this.died(`does not take the session ${missing.plan.name}`);
    const death = await this.feed(this.setup.before);
    if (death !== undefined) throw new Error(`the disposable instance ${death} before anything was tried`);
  }

  private sessionFor(plan: ReplicaSession): TrialSession[] {
    const { config, neighbors } = this.setup;
    const neighbor = neighbors.find(({ index }) => index === plan.neighbor);
    if (plan.role === 'neighbor' && neighbor === undefined) return [];
    const { probeAddress, tapAddress } = config.internal;
    const settings = {
      routerId: neighbor?.routerId ?? (plan.role === 'probe' ? probeAddress : tapAddress),
      families: plan.families & (neighbor?.families ?? plan.families),
      holdTime: INTERNAL_HOLD_TIME[this.setup.replica.kind],
    };
    const events = {
      lost: (reason: string) => this.died(`lost the session ${plan.name}: ${reason}`),
      broken: (reason: string) => this.died(`sent a broken UPDATE on session ${plan.name}: ${reason}`),
      update: (message: Uint8Array, start: number, end: number) => this.heard(plan, message, start, end),
    };
    return [new TrialSession(plan, settings, events)];
  }

  private heard(plan: ReplicaSession, message: Uint8Array, start: number, end: number): void {
    const sequence = plan.role === 'tap' ? this.probes.sequenceOf(message, start, end) : undefined;
    if (sequence !== undefined && this.tracker.returned(sequence, now())) this.escort.returned();
  }

  /** Waits for a probe that is sent behind everything; a missing one is a death too. */
  private async probe(): Promise<void> {
    const { hangThreshold } = this.setup.config.voting;
    await this.until(() => this.sessions.every(({ isRead }) => isRead), now() + hangThreshold);
    const { tracker } = this;
    const link = this.sessions.find(({ plan }) => plan.role === 'probe');
    const write = (messages: Uint8Array): void => link?.write(messages);
    if (this.replica.driver.readsAhead) {
      const others = this.sessions.filter(({ plan }) => plan.role === 'neighbor');
      this.probes.escort(this.escort.send(others), write);
    }
    write(this.probes.announce(tracker.send(now())));
    let hangs = false;
    await this.until(() => !tracker.isOut || (hangs = this.hangs.isHung(now())), Infinity);
    if (hangs) this.died(`hangs: no answer to a probe for ${hangThreshold} ms`);
  }

  /** Resolves when the condition holds, at the deadline (ms), or when the instance is dead. */
  private async until(condition: () => boolean, deadline: number): Promise<void> {
    while (this.death === undefined && !condition() && now() < deadline) await delay(POLL_MS);
  }

  private died(reason: string): void {
    this.death ??= reason;
  }
}

/** The router's configuration with this one replica, under a name of its own and without a forwarding table. */
function trialConfig({ config, replica }: TrialSetup): RouterConfig {
  const nice = Math.min(19, (replica.diversity.nice ?? 0) + NICER);
  const own: ReplicaConfig = {
    ...replica,
    name: `${replica.name}${SUFFIX}`,
    fib: 'none',
    diversity: { ...replica.diversity, nice },
  };
  return { ...config, fib: { ...config.fib, backend: 'none' }, replicas: [own] };
}
