// The forwarding side of the router in the simulation: the real voter and the real installer, with just enough glue in between to stand
// for the hypervisor: probing, the electorate, taking verdicts, writing, audits, a restart that leaves the kernel as it is.
// Prefixes and next hops are numbers that mean nothing here; engine-world.ts puts the whole engine in the place of voter and installer.
// Everything happens in virtual time.
import { Installer } from '../../../fib/installer.js';
import { createRouteBatch } from '../../../fib/route-batch.js';
import type { RouteBatch } from '../../../fib/route-batch.js';
import { Electorate } from '../../../voter/electorate.js';
import { UpdateVoter } from '../../../voter/update-voter.js';
import { EventQueue } from '../event-queue.js';
import { Random } from '../random.js';
import { HANG_THRESHOLD, STABILITY_THRESHOLD } from '../scenario.js';
import { FirstVoteVoter } from '../world.js';
import { Audits } from './audits.js';
import type { FibChecker } from './checker.js';
import { ModelKernel } from './model-kernel.js';
import type { KernelEvent } from './model-kernel.js';
import { FibReplica } from './model-replica.js';
import { Notes } from './notes.js';
import { RETRY_FIRST, RETRY_MAX } from './scenario.js';
import type { FibSabotage } from './sabotage.js';
import type { FibScenario } from './scenario.js';
import { KernelWriter, WRONG_HOPS } from './writer.js';

const TICK = STABILITY_THRESHOLD / 8;
const PROBE_INTERVAL = 100;
/** Prefixes are numbered from here (the router's own table has the probe before them), next hops from 1: first those that can be the truth. */
const FIRST_ID = 2;
const TRUE_HOPS = 4;
export const ALL_HOPS = [1, 2, 3, 4, 5, 6, 7, WRONG_HOPS];

export interface FibLink {
  running: boolean;
  syncing: boolean;
  probeSentAt: number;
  probing: boolean;
}

export class FibWorld {
  readonly queue = new EventQueue();
  readonly scenario: FibScenario;
  readonly kernel = new ModelKernel();
  readonly notes = new Notes();
  readonly ids: number[];
  readonly replicas: FibReplica[] = [];
  readonly links: FibLink[] = [];
  /** What correct replicas arrive at: prefix → next hops. */
  readonly truth = new Map<number, number>();
  electorate!: Electorate;
  voter!: UpdateVoter;
  installer!: Installer;
  /** Replicas that may be wrong now: faulty, or not known to be well again. */
  faulty = 0;
  /** The hypervisor runs. */
  up = false;
  /** All verdicts are in again, and the sweep has been. */
  resynced = false;
  violation: string | undefined;
  readonly batch: RouteBatch;
  readonly writer: KernelWriter;
  readonly audits: Audits;
  protected readonly random: Random;
  private readonly checkers: readonly FibChecker[];
  protected readonly sabotage: FibSabotage;
  protected readonly inputTimes = new Map<number, number>();
  private readonly lastVerdicts = new Map<number, number>();
  private readonly caughtUp: Float64Array;
  /** Grows with every start of the hypervisor, so that what an earlier one had in mind is dropped. */
  private life = 0;
  private neighborsUp = false;
  private neighborsUpAt = 0;
  private lastEventAt = 0;

  constructor(scenario: FibScenario, checkers: readonly FibChecker[], sabotage: FibSabotage = 'none') {
    const { seed, replicas, prefixes, digestion, thinking } = scenario;
    this.scenario = scenario;
    this.checkers = checkers;
    this.sabotage = sabotage;
    this.random = new Random(seed, 'fib world');
    this.ids = Array.from({ length: prefixes }, (_, i) => i + FIRST_ID);
    this.caughtUp = new Float64Array(replicas);
    this.batch = createRouteBatch(scenario.batch);
    this.writer = new KernelWriter(this, sabotage, this.random);
    this.audits = new Audits(this, sabotage, this.random);
    const { queue } = this;
    for (let r = 0; r < replicas; r++) {
      const random = new Random(seed, `fib replica ${r}`);
      const cast = (prefix: number, hops: number): void => this.castVote(r, prefix, hops);
      const reachable = (hops: number): boolean => this.isReachable(hops);
      // Some correct replicas are quick, some are slow.
      const times = { digestion: random.between(0, digestion), thinking: random.between(0, thinking) };
      this.replicas.push(new FibReplica({ queue, random, ...times, cast, reachable }));
      this.links.push({ running: false, syncing: false, probeSentAt: -Infinity, probing: false });
    }
    for (const prefix of this.ids) this.notes.everTrue.set(prefix, new Set());
    for (const prefix of this.ids) this.inputTimes.set(prefix, -Infinity);
    for (const prefix of this.ids) this.setTruth(prefix, this.random.chance(0.7) ? this.randomHops(this.random) : 0);
    this.kernel.listener = (concerned, event) => this.kernelChanged(concerned, event);
  }

  /** The first start of the hypervisor. */
  begin(): void {
    this.start();
    this.queue.after(TICK, () => this.tick());
  }

  /** Runs until `until` (ms) or the first violation. Returns the number of steps. */
  run(until: number): number {
    let steps = 0;
    while (this.violation === undefined && this.queue.step(until)) steps++;
    return steps;
  }

  /** The end: nothing has happened for long. */
  finish(): void {
    this.ask((checker) => checker.atRest?.(this));
  }

  randomHops(random: Random): number {
    return 1 + random.below(TRUE_HOPS);
  }

  isFaulty(r: number): boolean {
    return ((this.faulty >>> r) & 1) === 1;
  }

  /** What the routing protocols make of a prefix changes. */
  setTruth(prefix: number, hops: number): void {
    this.truth.set(prefix, hops);
    this.notes.everTrue.get(prefix)!.add(hops);
    if (!this.neighborsUp) return;
    this.inputTimes.set(prefix, this.queue.now);
    this.noteInput(prefix);
    this.replicas.forEach((replica, r) => this.links[r].running && replica.learn(prefix, hops));
  }

  /** The hypervisor dies, its replicas with it; the kernel keeps its routes. A new one starts after `delay` ms. */
  restart(delay: number): void {
    if (!this.up) return;
    this.up = false;
    this.neighborsUp = false;
    const life = ++this.life;
    for (const [r, link] of this.links.entries()) {
      link.running = false;
      this.replicas[r].restart();
    }
    this.queue.after(delay, () => life === this.life && this.start());
  }

  /** The process of replica `r` is gone; it comes back after `delay` ms. */
  crash(r: number, delay: number): void {
    const link = this.links[r];
    if (!link.running) return;
    link.running = false;
    this.caughtUp[r] = -Infinity;
    this.electorate.leave(r);
    this.electorateChanged();
    this.forget(r);
    this.replicas[r].restart();
    this.inThisLife(delay, () => this.startReplica(r));
  }

  /** Whether replica `r` is in the electorate, hangs nowhere and says the truth on everything that it knows. */
  isWell(r: number): boolean {
    const replica = this.replicas[r];
    if (!this.up || !this.electorate.has(r) || replica.hung || replica.lies.size > 0) return false;
    return this.ids.every((prefix) => this.voter.currentVote(r, prefix) === replica.best(prefix));
  }

  /** Somebody takes the lead from the master. */
  depose(from: number, candidates?: number): void {
    if (this.electorate.overthrow(from, candidates)) this.electorateChanged();
  }

  ask(question: (checker: FibChecker) => string | undefined): void {
    for (const checker of this.checkers) {
      const problem = question(checker);
      if (problem !== undefined) this.fail(`${checker.name}: ${problem}`);
    }
  }

  protected fail(problem: string): void {
    this.violation ??= `t=${this.queue.now.toFixed(1)} ${problem}`;
  }

  /** Runs it after `delay` ms, unless the hypervisor has died by then. */
  inThisLife(delay: number, run: () => void): void {
    const { life } = this;
    this.queue.after(delay, () => {
      if (life === this.life) run();
    });
  }

  // --- the hypervisor's start, and who votes

  private start(): void {
    const { scenario, sabotage } = this;
    this.life++;
    this.up = true;
    this.resynced = false;
    this.writer.restart();
    this.audits.restart();
    this.lastEventAt = this.queue.now;
    this.electorate = new Electorate(scenario.replicas);
    this.caughtUp.fill(-Infinity);
    this.lastVerdicts.clear();
    this.notes.restart();
    this.makeRouter();
    if (sabotage !== 'forgetful') for (const [prefix, hops] of this.kernel.own) this.installer.found(prefix, hops);
    if (sabotage === 'early-sweep') this.installer.sweepStale();
    for (let r = 0; r < scenario.replicas; r++) this.startReplica(r);
  }

  protected makeRouter(): void {
    const { scenario } = this;
    const Voter = this.sabotage === 'first-vote' ? FirstVoteVoter : UpdateVoter;
    this.voter = new Voter({
      replicas: scenario.replicas,
      electorate: this.electorate,
      strategy: scenario.strategy,
      options: { stabilityThreshold: STABILITY_THRESHOLD, k: scenario.consensus },
      inputTime: (prefix) => this.inputTimes.get(prefix)!,
      caughtUp: this.caughtUp,
    });
    this.installer = new Installer({ retry: { firstMs: RETRY_FIRST, maxMs: RETRY_MAX } });
  }

  private startReplica(r: number): void {
    Object.assign(this.links[r], { running: true, syncing: true, probing: false, probeSentAt: -Infinity });
    if (!this.neighborsUp) return;
    for (const prefix of this.ids) this.replicas[r].learn(prefix, this.truth.get(prefix)!);
  }

  /** Enough replicas are there to vote: the neighbours tell everything (as after any start), and it reaches the replicas. */
  private openNeighbors(): void {
    this.neighborsUp = true;
    this.neighborsUpAt = this.queue.now;
    this.voter.noteInput(this.queue.now);
    for (const prefix of this.ids) this.setTruth(prefix, this.truth.get(prefix)!);
  }

  private probe(r: number): void {
    const link = this.links[r];
    const { now } = this.queue;
    if (!link.running) return;
    if (link.probing) {
      if (now - link.probeSentAt > HANG_THRESHOLD) this.crash(r, 500);
      return;
    }
    if (now - link.probeSentAt < PROBE_INTERVAL) return;
    link.probing = true;
    link.probeSentAt = now;
    this.replicas[r].probe(() => this.sendProbe(r));
  }

  /** The probe sent to a replica at `probeSentAt` has come back. */
  protected proven(r: number): void {
    const link = this.links[r];
    if (!link.running) return;
    link.probing = false;
    this.caughtUp[r] = Math.max(this.caughtUp[r], link.probeSentAt);
    if (!link.syncing) return;
    link.syncing = false;
    this.electorate.join(r);
    this.electorateChanged();
  }

  private castVote(r: number, prefix: number, hops: number): void {
    if (!this.links[r].running) return;
    this.sendVote(r, prefix, hops);
    this.noticeVerdict(prefix);
    this.writer.schedule();
  }

  // --- what differs when the whole engine is there

  /** The replica has said all that it had to say before the probe. */
  protected sendProbe(r: number): void {
    this.proven(r);
  }

  protected sendVote(r: number, prefix: number, hops: number): void {
    this.voter.vote(r, prefix, hops, this.queue.now);
  }

  protected electorateChanged(): void {}

  protected noteInput(_prefix: number): void {}

  protected forget(r: number): void {
    this.voter.forget(r);
  }

  /** Whether the replicas see a way to these next hops. */
  protected isReachable(_hops: number): boolean {
    return true;
  }

  protected review(): void {
    while (this.voter.tick(this.queue.now, 3));
  }

  /** Takes verdicts and fills the batch. */
  nextWrites(): number {
    this.writer.takeVerdicts();
    return this.installer.next(this.batch, this.queue.now);
  }

  /** The kernel says that some of its events were lost. */
  protected resync(): void {
    this.audits.wanted = true;
  }

  // --- the passing of time

  private noticeVerdicts(): void {
    for (const prefix of this.ids) this.noticeVerdict(prefix);
  }

  private noticeVerdict(prefix: number): void {
    const verdict = this.voter.verdict(prefix);
    if ((this.lastVerdicts.get(prefix) ?? 0) === verdict) return;
    this.lastVerdicts.set(prefix, verdict);
    this.ask((checker) => checker.onVerdict?.(this, prefix));
  }

  private tick(): void {
    this.queue.after(TICK, () => this.tick());
    if (!this.up) return;
    for (let r = 0; r < this.links.length; r++) this.probe(r);
    if (!this.neighborsUp && this.electorate.size === this.scenario.replicas) this.openNeighbors();
    this.review();
    this.noticeVerdicts();
    this.voter.drainEvents();
    this.watchResync();
    this.audits.startIfDue();
    if (this.sabotage === 'impatient') for (const prefix of this.ids) this.installer.retry(prefix);
    this.writer.schedule();
    this.ask((checker) => checker.onTick?.(this));
  }

  private watchResync(): void {
    const digested = this.caughtUp.every((time) => time > this.neighborsUpAt);
    if (this.resynced || !this.neighborsUp || !digested || this.voter.unsettled > 0) return;
    if (this.electorate.size < this.scenario.replicas) return;
    this.resynced = true;
    if (this.sabotage === 'no-sweep') return;
    for (const prefix of this.ids) this.nudge(prefix);
    this.installer.sweepStale();
  }

  /** The installer is given a reason to write to a prefix. */
  nudge(prefix: number): void {
    this.notes.nudged.set(prefix, this.queue.now);
  }

  // --- what others do to the kernel, as far as the hypervisor hears of it

  private kernelChanged(concerned: readonly number[], event: KernelEvent): void {
    const { notes, queue, random, scenario } = this;
    const actions = concerned.map((prefix) => notes.act(prefix, queue.now));
    if (!this.up || !this.concerns(event)) return;
    const arrival = (): number => {
      this.lastEventAt = Math.max(this.lastEventAt, queue.now + random.between(0, scenario.eventDelay));
      return this.lastEventAt - queue.now;
    };
    if (random.chance(scenario.eventLoss)) {
      if (this.noticesLoss(event))
        this.inThisLife(arrival(), () => {
          this.resync();
          this.noticeVerdicts();
        });
      return;
    }
    this.inThisLife(arrival(), () => {
      this.hear(event);
      this.noticeVerdicts();
      concerned.forEach((prefix, i) => notes.told(prefix, actions[i]));
      this.writer.schedule();
    });
  }

  protected concerns(event: KernelEvent): boolean {
    return event.kind !== 'foreign-new' || event.replaced;
  }

  protected noticesLoss(_event: KernelEvent): boolean {
    return this.random.chance(this.scenario.lossNoticed);
  }

  protected hear(event: KernelEvent): void {
    const { installer, queue } = this;
    if (event.kind === 'link') {
      for (const prefix of this.ids) {
        this.nudge(prefix);
        if (event.up || installer.installedHops(prefix) !== event.hops) continue;
        this.noteLost(prefix);
        installer.lost(prefix, queue.now);
      }
      installer.retryAll(queue.now);
      this.audits.wanted = true;
      return;
    }
    this.nudge(event.prefix);
    if (event.kind === 'foreign-gone') return installer.retry(event.prefix);
    this.audits.touched.add(event.prefix);
    installer.external(event.prefix, event.kind === 'own' ? event.hops : 0, queue.now);
  }

  /** The router takes a route for lost with its link. By now it may have been written again; then the next attempt finds it there. */
  protected noteLost(prefix: number): void {
    this.audits.touched.add(prefix);
    this.notes.disturbed.add(prefix);
    this.notes.troubled.set(prefix, this.queue.now);
  }
}
