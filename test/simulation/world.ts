// The router in the simulation: the real replicator and the real voters, with just enough glue in between to stand for the hypervisor:
// pumping feeds, probing, putting replicas into the electorate and out of it, emitting. Everything happens in virtual time.
import { Replicator } from '../../replicator/replicator.js';
import { Electorate } from '../../voter/electorate.js';
import { UpdateVoter } from '../../voter/update-voter.js';
import { parseUpdate, UpdateView } from '../../wire/bgp/update.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import type { Checker } from './checker.js';
import { Emitters } from './emitters.js';
import { EventQueue } from './event-queue.js';
import { ModelNeighbor } from './model-neighbor.js';
import { ModelReplica } from './model-replica.js';
import { Random } from './random.js';
import { FAMILIES, Routes } from './routes.js';
import { HANG_THRESHOLD, STABILITY_THRESHOLD } from './scenario.js';
import type { Scenario } from './scenario.js';

/** Defects that can be put into the router on purpose, to prove that the checkers see them. */
export type Sabotage =
  | 'none'
  | 'first-vote' // Any single vote becomes the verdict.
  | 'no-lag' // Votes count as stable whether the replica has caught up or not.
  | 'lost-emission' // Now and then a dirty ballot is not emitted.
  | 'wrong-emission' // What is emitted is not the verdict.
  | 'departure-withdraws' // A crash of a replica counts as everybody's withdrawal.
  | 'passed-on-reset' // A crash of a replica resets a neighbour's session.
  | 'unbounded'; // Queues have no bound.

const TICK = STABILITY_THRESHOLD / 8;
const PROBE_INTERVAL = 100;
const READ_BYTES = 4096;
/** Nothing in a run comes near this many bytes. */
const UNBOUNDED = 1 << 30;

const context = { as4: true, ebgp: true, families: FAMILIES };
const view = new UpdateView();

/** Takes each vote for unanimous. */
export class FirstVoteVoter extends UpdateVoter {
  protected override decide(prefix: number, r: number, _voters: number, now: number): void {
    super.decide(prefix, r, 1 << r, now);
  }
}

export interface ReplicaLink {
  /** Sessions are open. */
  running: boolean;
  /** Waits to be let into the electorate: it is in when a probe sent after `syncedAt` came back. */
  syncing: boolean;
  syncedAt: number;
  feeds: (number | undefined)[];
  pumping: boolean;
  /** Time between two reads, ms; a slow reader's is long. */
  readInterval: number;
  probeSentAt: number;
  probing: boolean;
  /** Hash of all bytes that were delivered, with `recordDeliveries`: compared between runs. */
  deliveredHash: number;
}

export class World {
  readonly queue = new EventQueue();
  readonly scenario: Scenario;
  readonly routes: Routes;
  readonly replicator: Replicator;
  readonly electorate: Electorate;
  readonly voters: UpdateVoter[] = [];
  readonly neighbors: ModelNeighbor[] = [];
  readonly replicas: ModelReplica[] = [];
  readonly links: ReplicaLink[] = [];
  /** Replicas that may be wrong now: faulty, or not known to be well again. */
  faulty = 0;
  violation: string | undefined;
  readonly emitters: Emitters;
  recordDeliveries = false;
  readonly caughtUp: Float64Array;
  private readonly checkers: readonly Checker[];
  private readonly sabotage: Sabotage;
  private readonly random: Random;
  private readonly sessions: number[] = [];
  private readonly lastVerdicts: Map<number, number>[] = [];
  private readonly out = new ByteWriter();

  constructor(scenario: Scenario, checkers: readonly Checker[], sabotage: Sabotage = 'none') {
    const { seed, replicas, neighbors, digestion, thinking, duplicates } = scenario;
    this.scenario = scenario;
    this.checkers = checkers;
    this.sabotage = sabotage;
    this.random = new Random(seed, 'world');
    this.routes = new Routes(scenario.prefixes);
    this.emitters = new Emitters({
      ...{ queue: this.queue, random: this.random, routes: this.routes, blocking: scenario.blocking },
      ...{ voters: this.voters, neighbors: this.neighbors },
      loses: () => sabotage === 'lost-emission' && this.random.chance(0.05),
      falsifies: () => sabotage === 'wrong-emission' && this.random.chance(0.05),
      emitted: (n, prefix, route) => {
        for (const checker of this.checkers) this.report(checker, checker.onEmission?.(this, n, prefix, route));
      },
    });
    this.replicator = new Replicator({
      prefixes: this.routes.prefixes,
      attributes: this.routes.attributes,
      maxQueueBytes: sabotage === 'unbounded' ? UNBOUNDED : scenario.maxQueueBytes,
    });
    this.electorate = new Electorate(replicas);
    this.caughtUp = new Float64Array(replicas).fill(-Infinity);
    const { queue, routes } = this;
    for (let r = 0; r < replicas; r++) {
      const random = new Random(seed, `replica ${r}`);
      // Some correct replicas are quick, some are slow.
      const timing = { digestion: random.between(0, digestion), thinking: random.between(0, thinking), duplicates };
      const cast = this.castVote.bind(this);
      this.replicas.push(new ModelReplica(r, { routes, queue, random, timing, cast }));
      this.links.push(newLink(random.between(1, 30)));
    }
    for (let n = 0; n < neighbors; n++) {
      this.neighbors.push(new ModelNeighbor(n, routes, new Random(seed, `neighbor ${n}`)));
      this.newVoter(n);
    }
    for (let r = 0; r < replicas; r++) this.startReplica(r);
    this.queue.after(TICK, () => this.tick());
  }

  /** Runs until `until` (ms) or the first violation. Returns the number of steps. */
  run(until: number): number {
    let steps = 0;
    while (this.violation === undefined && this.queue.step(until)) {
      steps++;
      for (const checker of this.checkers) this.report(checker, checker.onStep?.(this));
    }
    return steps;
  }

  /** The end: nothing has happened for long. */
  finish(): void {
    for (const checker of this.checkers) this.report(checker, checker.atRest?.(this));
  }

  /** What a correct replica that knows everything says to neighbour `n`. */
  truth(n: number, prefix: number): number {
    let best = 0;
    for (const neighbor of this.neighbors) {
      if (neighbor.index !== n) best = this.routes.better(best, neighbor.announced.get(prefix) ?? 0);
    }
    return best;
  }

  isFaulty(r: number): boolean {
    return ((this.faulty >>> r) & 1) === 1;
  }

  neighborUp(n: number): void {
    const { now } = this.queue;
    this.neighbors[n].sessionUp();
    this.newVoter(n);
    this.voters[n].noteInput(now);
    this.replicator.neighborUp(n, FAMILIES, now);
    for (let r = 0; r < this.links.length; r++) if (this.links[r].running) this.openSession(r, n);
    this.receive(n, this.neighbors[n].sayAll());
  }

  neighborDown(n: number): void {
    this.neighbors[n].sessionDown();
    this.sessions[n]++;
    this.replicator.neighborDown(n, this.queue.now);
    this.links.forEach((link, r) => {
      link.feeds[n] = undefined;
      if (link.running) this.replicas[r].sessionDown(n);
    });
  }

  /** The neighbour sent messages. */
  receive(n: number, messages: readonly Uint8Array[]): void {
    if (!this.neighbors[n].up) return;
    for (const message of messages) {
      const verdict = parseUpdate(message, 0, message.length, context, view);
      this.replicator.receive(n, message, 0, message.length, view, verdict, this.queue.now);
    }
    for (let r = 0; r < this.links.length; r++) this.schedulePump(r, this.links[r].readInterval);
  }

  /** The process of replica `r` is gone; it comes back after `delay` ms. */
  crash(r: number, delay: number): void {
    const link = this.links[r];
    if (!link.running) return;
    const before = this.allVerdicts();
    if (this.sabotage === 'departure-withdraws') this.withdrawAll();
    if (this.sabotage === 'passed-on-reset') this.neighbors[0].flaps++;
    link.running = false;
    link.syncing = false;
    this.caughtUp[r] = -Infinity;
    this.electorate.leave(r);
    for (const voter of this.voters) voter.forget(r);
    this.replicator.replicaEnded(r);
    link.feeds.fill(undefined);
    this.replicas[r].restart();
    for (const checker of this.checkers) this.report(checker, checker.onDeparture?.(this, r, before));
    this.queue.after(delay, () => this.startReplica(r));
  }

  /** All verdicts, by neighbour and prefix in the order of `routes.ids`. */
  allVerdicts(): number[] {
    return this.voters.flatMap((voter) => this.routes.ids.map((prefix) => voter.verdict(prefix)));
  }

  /** Whether replica `r` is in the electorate, hangs nowhere and says the truth on everything. */
  isWell(r: number): boolean {
    const replica = this.replicas[r];
    if (!this.electorate.has(r) || replica.hung || replica.lies.size > 0) return false;
    return this.neighbors.every(
      ({ index: n, up }) =>
        !up || this.routes.ids.every((prefix) => this.voters[n].currentVote(r, prefix) === replica.bestFor(n, prefix)),
    );
  }

  private report(checker: Checker, problem: string | undefined): void {
    if (problem !== undefined) this.violation ??= `t=${this.queue.now.toFixed(1)} ${checker.name}: ${problem}`;
  }

  private newVoter(n: number): void {
    const { scenario, sabotage, electorate, replicator } = this;
    const lagless = sabotage === 'no-lag';
    this.sessions[n] = (this.sessions[n] ?? 0) + 1;
    this.lastVerdicts[n] = new Map();
    const Voter = sabotage === 'first-vote' ? FirstVoteVoter : UpdateVoter;
    this.voters[n] = new Voter({
      replicas: scenario.replicas,
      electorate,
      strategy: scenario.strategy,
      options: { stabilityThreshold: STABILITY_THRESHOLD, k: scenario.consensus },
      inputTime: lagless ? () => -Infinity : (prefix) => replicator.inputTime(prefix),
      caughtUp: lagless ? new Float64Array(scenario.replicas).fill(Infinity) : this.caughtUp,
    });
  }

  private startReplica(r: number): void {
    const link = this.links[r];
    link.running = true;
    link.syncing = true;
    link.syncedAt = Infinity;
    link.probing = false;
    for (const { index, up } of this.neighbors) if (up) this.openSession(r, index);
  }

  private openSession(r: number, n: number): void {
    const link = this.links[r];
    link.feeds[n] = this.replicator.openFeed(r, n, FAMILIES, this.queue.now);
    this.replicas[r].sessionUp(n, this.sessions[n]);
    this.schedulePump(r, link.readInterval);
  }

  private schedulePump(r: number, delay: number): void {
    const link = this.links[r];
    if (link.pumping || !link.running) return;
    link.pumping = true;
    this.queue.after(delay, () => this.pump(r));
  }

  private pump(r: number): void {
    const link = this.links[r];
    link.pumping = false;
    if (!link.running) return;
    let more = false;
    for (let n = 0; n < link.feeds.length; n++) {
      const feed = link.feeds[n];
      if (feed === undefined) continue;
      if (!this.replicas[r].hung) this.deliver(r, n, feed);
      more ||= !this.replicator.isCaughtUp(feed);
    }
    if (more) this.schedulePump(r, link.readInterval);
  }

  private deliver(r: number, n: number, feed: number): void {
    const link = this.links[r];
    this.out.reset();
    if (this.replicator.pull(feed, this.out, READ_BYTES) === 0) return;
    const bytes = this.out.take();
    if (this.recordDeliveries) {
      for (const byte of bytes) link.deliveredHash = (Math.imul(link.deliveredHash, 31) + byte) | 0;
    }
    this.replicas[r].deliver(n, bytes);
  }

  private castVote(r: number, session: number, n: number, prefix: number, route: number): void {
    if (!this.links[r].running || session !== this.sessions[n]) return;
    const voter = this.voters[n];
    voter.vote(r, prefix, route, this.queue.now);
    this.noticeVerdict(n, prefix);
    this.drain(n);
    this.emitters.schedule(n);
  }

  private tick(): void {
    const { now } = this.queue;
    for (let r = 0; r < this.links.length; r++) this.probe(r, now);
    for (let n = 0; n < this.voters.length; n++) {
      // Without a session nobody votes: what the voter still holds is no opinion about now.
      if (!this.neighbors[n].up) continue;
      while (this.voters[n].tick(now, 3));
      for (const prefix of this.routes.ids) this.noticeVerdict(n, prefix);
      this.drain(n);
      this.emitters.schedule(n);
    }
    this.queue.after(TICK, () => this.tick());
  }

  private noticeVerdict(n: number, prefix: number): void {
    const verdict = this.voters[n].verdict(prefix);
    if ((this.lastVerdicts[n].get(prefix) ?? 0) === verdict) return;
    this.lastVerdicts[n].set(prefix, verdict);
    for (const checker of this.checkers) this.report(checker, checker.onVerdict?.(this, n, prefix));
  }

  private drain(n: number): void {
    for (const event of this.voters[n].drainEvents()) {
      for (const checker of this.checkers) this.report(checker, checker.onEvent?.(this, n, event));
    }
  }

  private probe(r: number, now: number): void {
    const link = this.links[r];
    if (!link.running) return;
    if (link.probing) {
      if (now - link.probeSentAt > HANG_THRESHOLD) this.crash(r, 500);
      return;
    }
    if (now - link.probeSentAt < PROBE_INTERVAL) return;
    const open = link.feeds.filter((feed) => feed !== undefined);
    const proves = open.reduce((time, feed) => Math.min(time, this.replicator.deliveredUntil(feed, now)), now);
    if (link.syncing && link.syncedAt === Infinity && proves === now) link.syncedAt = now;
    link.probing = true;
    link.probeSentAt = now;
    this.replicas[r].probe(() => {
      link.probing = false;
      this.caughtUp[r] = Math.max(this.caughtUp[r], proves);
      if (link.syncing && this.caughtUp[r] >= link.syncedAt) {
        link.syncing = false;
        this.electorate.join(r);
      }
    });
  }

  private withdrawAll(): void {
    for (const voter of this.voters) {
      for (const prefix of this.routes.ids) {
        for (let other = 0; other < this.scenario.replicas; other++) voter.vote(other, prefix, 0, this.queue.now);
      }
    }
  }
}

function newLink(readInterval: number): ReplicaLink {
  return {
    running: false,
    syncing: false,
    syncedAt: Infinity,
    feeds: [],
    pumping: false,
    readInterval,
    probeSentAt: -Infinity,
    probing: false,
    deliveredHash: 0,
  };
}
