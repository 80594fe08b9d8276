// The simulated router with recovery: the real voters, electorate, replicator with its quarantine, planner, ledger and abstentions, with just
// enough in between to stand for the hypervisor. Owns inputs, votes, verdicts on their way out, and the order of a tick; a replica is
// host.ts, what the planner decides desk.ts, poison ward.ts.
import { Abstentions } from '../../../hypervisor/abstentions.js';
import type { TrialVerdict } from '../../../recovery/narrowing.js';
import type { RecoveryEffect } from '../../../recovery/types.js';
import { Replicator } from '../../../replicator/replicator.js';
import type { Suspect } from '../../../replicator/types.js';
import type { SystemCause } from '../../../voter/faults/types.js';
import { Electorate } from '../../../voter/electorate.js';
import { UpdateVoter } from '../../../voter/update-voter.js';
import { VoteFaults, type VoteFault } from '../../../voter/vote-faults.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { Emitters } from '../emitters.js';
import { EventQueue } from '../event-queue.js';
import { ModelNeighbor } from '../model-neighbor.js';
import { Random } from '../random.js';
import { FAMILIES, Routes } from '../routes.js';
import { STABILITY_THRESHOLD } from '../scenario.js';
import type { RecoveryChecker } from './checker.js';
import { Desk } from './desk.js';
import { Host } from './host.js';
import type { Dose, PoisonKind } from './poison.js';
import { sabotagedVoter, type RecoverySabotage } from './sabotage.js';
import type { RecoveryScenario } from './scenario.js';
import { Standing } from './standing.js';
import { isCausedByInput, Ward } from './ward.js';

export const TICK = STABILITY_THRESHOLD / 8;
const UNBOUNDED = 1 << 30;

const context = { as4: true, ebgp: true, families: FAMILIES };
const view = new UpdateView();

export class RecoveryWorld {
  readonly queue = new EventQueue();
  readonly scenario: RecoveryScenario;
  readonly seats: number;
  readonly routes: Routes;
  readonly replicator: Replicator;
  readonly electorate: Electorate;
  readonly voters: UpdateVoter[] = [];
  readonly neighbors: ModelNeighbor[] = [];
  readonly hosts: Host[] = [];
  readonly abstentions: Abstentions;
  readonly desk: Desk;
  readonly ward: Ward;
  readonly standing: Standing;
  readonly caughtUp: Float64Array;
  /** By neighbour: number of its session, and since when it is up, ms. */
  readonly sessions: number[] = [];
  readonly upSince: number[] = [];
  violation: string | undefined;
  readonly emitters: Emitters;
  /** When somebody joined or left it last, ms. */
  electorateChangedAt = -Infinity;
  private readonly checkers: readonly RecoveryChecker[];
  private readonly sabotage: RecoverySabotage;
  private readonly random: Random;
  private readonly lastVerdicts: Map<number, number>[] = [];
  private readonly filters: VoteFaults[] = [];
  private readonly alterations = new Map<number, VoteFault>();

  constructor(scenario: RecoveryScenario, checkers: readonly RecoveryChecker[], sabotage: RecoverySabotage = 'none') {
    this.scenario = scenario;
    this.checkers = checkers;
    this.sabotage = sabotage;
    this.seats = scenario.standby.filter((kind) => kind === 'no').length;
    this.random = new Random(scenario.seed, 'recovery world');
    this.routes = new Routes(scenario.prefixes);
    this.emitters = new Emitters({
      ...{ queue: this.queue, random: this.random, routes: this.routes, blocking: scenario.blocking },
      ...{ voters: this.voters, neighbors: this.neighbors },
      loses: () => this.is('lost-emission') && this.unlucky(),
      falsifies: () => this.is('wrong-emission') && this.unlucky(),
      emitted: (n, prefix, route) => this.ask((checker) => checker.onEmission?.(this, n, prefix, route)),
    });
    const { prefixes, attributes } = this.routes;
    this.replicator = new Replicator({
      prefixes,
      attributes,
      maxQueueBytes: this.is('unbounded') ? UNBOUNDED : scenario.maxQueueBytes,
      suspectBytes: scenario.suspectBytes,
      maxQuarantined: this.is('hoarding') ? UNBOUNDED : scenario.maxQuarantined,
    });
    const replicas = scenario.standby.length;
    this.electorate = new Electorate(replicas);
    this.caughtUp = new Float64Array(replicas).fill(-Infinity);
    this.abstentions = new Abstentions(replicas, { prefixes, fib: undefined, voters: () => this.voters });
    for (let n = 0; n < scenario.neighbors; n++) {
      this.neighbors.push(new ModelNeighbor(n, this.routes, new Random(scenario.seed, `neighbor ${n}`)));
      this.newVoter(n);
    }
    this.desk = new Desk(this);
    this.ward = new Ward(this);
    this.standing = new Standing(this);
    for (let r = 0; r < replicas; r++) this.hosts.push(new Host(r, this));
    this.desk.begin();
    this.queue.after(TICK, () => this.tick());
  }

  /** Runs until `until` (ms) or the first violation. Returns the number of steps. */
  run(until: number): number {
    let steps = 0;
    while (this.violation === undefined && this.queue.step(until)) {
      steps++;
      this.ward.apply(this.queue.now);
      this.ask((checker) => checker.onStep?.(this));
    }
    return steps;
  }

  finish(): void {
    this.ask((checker) => checker.atRest?.(this));
  }

  is(sabotage: RecoverySabotage): boolean {
    return this.sabotage === sabotage;
  }

  /** For sabotage: now and then. */
  unlucky(): boolean {
    return this.random.chance(0.2);
  }

  isVulnerable(r: number, kind: PoisonKind): boolean {
    return ((this.scenario.vulnerable[kind] >>> r) & 1) === 1;
  }

  /** What a correct replica that is given everything says to neighbour `n`. */
  truth(n: number, prefix: number): number {
    let best = 0;
    for (const neighbor of this.neighbors) {
      if (neighbor.index !== n) best = this.routes.better(best, neighbor.announced.get(prefix) ?? 0);
    }
    return best;
  }

  neighborUp(n: number): void {
    const { now } = this.queue;
    this.neighbors[n].sessionUp();
    this.upSince[n] = now;
    this.newVoter(n);
    this.voters[n].noteInput(now);
    this.abstentions.voterMade(this.voters[n], now);
    this.replicator.neighborUp(n, FAMILIES, now);
    for (const host of this.hosts) host.neighborUp(n);
    this.receive(n, this.neighbors[n].sayAll());
  }

  neighborDown(n: number): void {
    const { now } = this.queue;
    this.neighbors[n].sessionDown();
    this.sessions[n]++;
    for (const host of this.hosts) host.neighborDown(n);
    this.replicator.neighborDown(n, now);
    this.desk.ledger.placeGone(n, now);
  }

  receive(n: number, messages: readonly Uint8Array[]): void {
    if (!this.neighbors[n].up) return;
    for (const message of messages) {
      const verdict = parseUpdate(message, 0, message.length, context, view);
      this.replicator.receive(n, message, 0, message.length, view, verdict, this.queue.now);
    }
    for (const host of this.hosts) host.wake();
  }

  castVote(r: number, session: number, n: number, prefix: number, route: number): void {
    if (!this.hosts[r].up || session !== this.sessions[n]) return;
    this.hosts[r].voted();
    this.filters[n].vote(r, prefix, route, this.queue.now);
    this.noticeVerdict(n, prefix);
    this.emitters.schedule(n);
  }

  /** Votes are altered on their way to the voters from now on. */
  alter(fault: VoteFault): void {
    this.alterations.set(fault.id, fault);
    for (const filter of this.filters) filter.begin(fault, this.routes.prefixes.limit, this.queue.now);
    this.noticeVerdicts();
  }

  /** Nothing happens when that has ended already. */
  alterNoMore(id: number): void {
    if (!this.alterations.delete(id)) return;
    for (const filter of this.filters) filter.end(id, this.queue.now);
    this.noticeVerdicts();
  }

  isAltered(r: number): boolean {
    for (const { replica } of this.alterations.values()) if (replica === r) return true;
    return false;
  }

  accuse(r: number, cause: SystemCause, reason: string, neighbor?: number): void {
    const fault = { replica: r, cause, reason, at: this.queue.now, ...(neighbor === undefined ? {} : { neighbor }) };
    if (this.is('passed-on-reset')) this.neighbors[0].flaps++;
    this.desk.system(fault);
    this.ward.suspect(fault);
    if (isCausedByInput(cause)) this.ask((checker) => checker.onAccusation?.(this, r));
    const { dyingOf } = this.hosts[r];
    if (!dyingOf || !isCausedByInput(cause) || (cause === 'notification' && dyingOf.neighbor !== neighbor)) return;
    // What a neighbour sent before its session went down is not suspected any more.
    if (this.sessions[dyingOf.neighbor] === dyingOf.session)
      this.ask((checker) => checker.onDeath?.(this, r, dyingOf.dose));
  }

  /** Replica `r` starts anew: it has said nothing, and nothing of it is altered any more. */
  forget(r: number, now: number): void {
    this.caughtUp[r] = -Infinity;
    for (const voter of this.voters) voter.forget(r);
    this.abstentions.forgotten(r, now);
    for (const filter of this.filters) filter.forget(r, now);
    for (const [id, { replica }] of this.alterations) if (replica === r) this.alterNoMore(id);
  }

  changeElectorate(r: number, change: () => void): void {
    const before = this.allVerdicts();
    this.electorateChangedAt = this.queue.now;
    change();
    if (this.is('departure-withdraws')) this.withdrawAll();
    this.ask((checker) => checker.onElectorate?.(this, r, before));
  }

  effect(effect: RecoveryEffect): void {
    this.ask((checker) => checker.onEffect?.(this, effect));
  }

  dosed(r: number, dose: Dose): void {
    this.ask((checker) => checker.onDose?.(this, r, dose));
  }

  judged(r: number, suspect: Suspect, verdict: TrialVerdict, released: boolean): void {
    this.ask((checker) => checker.onJudgement?.(this, r, suspect, verdict, released));
  }

  explained(r: number, diedAt: number): void {
    this.ask((checker) => checker.onExplained?.(this, r, diedAt));
  }

  allVerdicts(): number[] {
    return this.voters.flatMap((voter) => this.routes.ids.map((prefix) => voter.verdict(prefix)));
  }

  private ask(question: (checker: RecoveryChecker) => string | undefined): void {
    for (const checker of this.checkers) {
      const problem = question(checker);
      if (problem !== undefined) this.violation ??= `t=${this.queue.now.toFixed(1)} ${checker.name}: ${problem}`;
    }
  }

  private newVoter(n: number): void {
    const { scenario, electorate, replicator } = this;
    const lagless = this.is('no-lag');
    this.sessions[n] = (this.sessions[n] ?? 0) + 1;
    this.lastVerdicts[n] = new Map();
    const Voter = sabotagedVoter(this.sabotage) ?? UpdateVoter;
    const { consensus, minVotes, preferred } = scenario;
    this.voters[n] = new Voter({
      replicas: scenario.standby.length,
      electorate,
      strategy: scenario.strategy,
      options: {
        stabilityThreshold: lagless ? TICK : STABILITY_THRESHOLD,
        k: consensus,
        minVotes,
        ...(preferred === undefined ? {} : { preferred }),
      },
      inputTime: lagless ? () => -Infinity : (prefix) => replicator.inputTime(prefix),
      caughtUp: lagless ? new Float64Array(scenario.standby.length).fill(Infinity) : this.caughtUp,
    });
    this.filters[n] = new VoteFaults(this.voters[n]);
    for (const fault of this.alterations.values()) {
      this.filters[n].begin(fault, this.routes.prefixes.limit, this.queue.now);
    }
  }

  /** In the order of the router's own. */
  private tick(): void {
    const { now } = this.queue;
    for (const host of this.hosts) host.tick(now);
    for (const { index: n, up } of this.neighbors) if (up) this.tickVoter(n, now);
    this.desk.tick(now);
    this.ward.tick(now);
    this.ward.apply(now);
    this.standing.tick(now);
    this.ask((checker) => checker.onTick?.(this));
    this.queue.after(TICK, () => this.tick());
  }

  private tickVoter(n: number, now: number): void {
    const voter = this.voters[n];
    while (voter.tick(now, 3));
    const events = voter.drainEvents();
    if (!this.is('deaf-ledger')) this.desk.ledger.voted(n, voter, events, now);
    for (const prefix of this.routes.ids) this.noticeVerdict(n, prefix);
    for (const event of events) this.ask((checker) => checker.onEvent?.(this, n, event));
    this.emitters.schedule(n);
  }

  private noticeVerdicts(): void {
    for (const { index: n } of this.neighbors) {
      for (const prefix of this.routes.ids) this.noticeVerdict(n, prefix);
      this.emitters.schedule(n);
    }
  }

  private noticeVerdict(n: number, prefix: number): void {
    const verdict = this.voters[n].verdict(prefix);
    if ((this.lastVerdicts[n].get(prefix) ?? 0) === verdict) return;
    this.lastVerdicts[n].set(prefix, verdict);
    this.ask((checker) => checker.onVerdict?.(this, n, prefix));
  }

  private withdrawAll(): void {
    for (const voter of this.voters) {
      for (const prefix of this.routes.ids) {
        for (const { index } of this.hosts) voter.vote(index, prefix, 0, this.queue.now);
      }
    }
  }
}
