// Stands for the hypervisor's side of one replica (replica-port.ts): process, sessions, feeds, probes, synchronisation. The replica itself
// is ../model-replica.ts, which dies here of poison. What follows from what happens to it is decided by the planner.
import { ByteWriter } from '../../../wire/byte-writer.js';
import type { SystemCause } from '../../../voter/faults/types.js';
import { ModelReplica } from '../model-replica.js';
import { Random } from '../random.js';
import { FAMILIES } from '../routes.js';
import { HANG_THRESHOLD, STABILITY_THRESHOLD } from '../scenario.js';
import { doseIn, messagesIn, type Dose } from './poison.js';
import type { RecoveryWorld } from './world.js';

export const PROBE_INTERVAL = 100;
const READ_BYTES = 4096;
const OPEN_GRACE = 3000;
const BUSY_SYNC_THRESHOLDS = 5;
/** So long after a probe came back no other is sent, ms. */
const PROOF = 100;
/** How long after it was digested a message may kill, ms: less than `PROOF`, so that no two probes come back before. */
const LATE_DEATH = 80;

const out = new ByteWriter(2 * READ_BYTES);

interface Link {
  /** Undefined while the replica has not taken the session. */
  feed: number | undefined;
  wantedSince: number;
}

export class Host {
  readonly index: number;
  readonly model: ModelReplica;
  /** Its daemon is ready, and its processes are there. */
  up = false;
  /** Grows with every start and end: what belongs to an earlier life is dropped. */
  life = 0;
  /** Starts that will fail. */
  badStarts = 0;
  /** Ms after which it crashes by itself in every life; undefined: it does not. */
  crashAfter: number | undefined;
  /** Forgets its lies when it is started anew. */
  stateful = false;
  readInterval: number;
  /** Of sessions that it has taken. */
  feeds: readonly number[] = [];
  hungSince = Infinity;
  /** When it was last delivered something that it may die of, ms. */
  dosedAt = -Infinity;
  lastVoteAt = -Infinity;
  /** What it dies of, as soon as anybody notices, and from whom it has that. */
  dyingOf: { dose: Dose; neighbor: number; session: number } | undefined;
  /** Poison that it was delivered in this life. */
  private doses: Dose[] = [];
  private readonly world: RecoveryWorld;
  private readonly random: Random;
  private readonly links = new Map<number, Link>();
  private pumping = false;
  private probing = false;
  private probeSentAt = -Infinity;
  private nextProbeAt = -Infinity;
  private replayedAt = Infinity;
  private votes = 0;

  constructor(index: number, world: RecoveryWorld) {
    const { seed, digestion, thinking } = world.scenario;
    this.index = index;
    this.world = world;
    this.random = new Random(seed, `host ${index}`);
    this.readInterval = this.random.between(1, 30);
    const random = new Random(seed, `replica ${index}`);
    const timing = { digestion: random.between(0, digestion), thinking: random.between(0, thinking), duplicates: 0 };
    const { routes, queue } = world;
    const cast = world.castVote.bind(world);
    this.model = new ModelReplica(index, { routes, queue, random, timing, cast });
  }

  start(): void {
    const life = ++this.life;
    this.world.queue.after(this.random.between(20, 500), () => {
      if (life !== this.life) return;
      if (this.badStarts > 0) {
        this.badStarts--;
        this.world.accuse(this.index, 'start', 'could not be started');
        this.world.desk.ended(this.index, 'could not be started');
      } else this.ready();
    });
  }

  /** Ends it at once; its processes are gone a little later. */
  kill(): void {
    this.gone();
    this.world.queue.after(this.random.between(1, 60), () => this.world.desk.ended(this.index, 'killed'));
  }

  /** Its processes end by themselves. */
  exit(cause: SystemCause): void {
    if (!this.up) return;
    this.world.accuse(this.index, cause, cause);
    this.gone();
    this.world.desk.ended(this.index, cause);
  }

  /** A system event that leaves the processes there. */
  fault(cause: SystemCause, neighbor?: number): void {
    if (!this.up) return;
    this.world.accuse(this.index, cause, cause, neighbor);
    this.world.desk.faulted(this.index, cause);
  }

  neighborUp(n: number): void {
    if (!this.up) return;
    const link: Link = { feed: undefined, wantedSince: this.world.queue.now };
    this.links.set(n, link);
    this.world.queue.after(this.random.between(1, 40), () => {
      if (this.links.get(n) !== link) return;
      link.feed = this.world.replicator.openFeed(this.index, n, FAMILIES, this.world.queue.now, {
        deliver: this.world.scenario.deliver,
      });
      this.noteFeeds();
      this.model.sessionUp(n, this.world.sessions[n]);
      this.wake();
    });
  }

  neighborDown(n: number): void {
    const link = this.links.get(n);
    if (link === undefined) return;
    this.links.delete(n);
    this.noteFeeds();
    if (link.feed !== undefined) this.model.sessionDown(n);
  }

  /** Something may wait for it. */
  wake(): void {
    if (this.pumping || !this.up) return;
    this.pumping = true;
    this.world.queue.after(this.readInterval, () => this.pump());
  }

  voted(): void {
    this.votes++;
    this.lastVoteAt = this.world.queue.now;
  }

  tick(now: number): void {
    if (!this.up) return;
    this.hungSince = this.model.hung ? Math.min(this.hungSince, now) : Infinity;
    this.probe(now);
    if (!this.up) return;
    const { desk } = this.world;
    for (const { feed, wantedSince } of this.links.values()) {
      if (feed !== undefined || now - wantedSince <= OPEN_GRACE) continue;
      if (desk.unsynchronised(this.index, 'does not take a session')) this.replayedAt = Infinity;
    }
    if (desk.phase(this.index) === 'syncing' && this.isSynchronised(now)) desk.synchronised(this.index);
  }

  private ready(): void {
    const { world, index } = this;
    const { now } = world.queue;
    this.up = true;
    this.model.restart();
    if (this.stateful) this.model.lies.clear();
    this.stateful = false;
    this.doses = [];
    this.dyingOf = undefined;
    this.probing = false;
    this.nextProbeAt = -Infinity;
    this.replayedAt = Infinity;
    this.votes = 0;
    world.forget(index, now);
    world.desk.started(index);
    for (const { index: n, up } of world.neighbors) if (up) this.neighborUp(n);
    if (this.crashAfter === undefined) return;
    const { life } = this;
    world.queue.after(this.crashAfter, () => {
      if (life === this.life && this.crashAfter !== undefined) this.exit('crash');
    });
  }

  private gone(): void {
    this.up = false;
    this.life++;
    this.hungSince = Infinity;
    this.world.replicator.replicaEnded(this.index);
    this.links.clear();
    this.noteFeeds();
    this.model.restart();
  }

  private noteFeeds(): void {
    this.feeds = [...this.links.values()].flatMap(({ feed }) => feed ?? []);
  }

  private pump(): void {
    this.pumping = false;
    if (!this.up) return;
    let more = false;
    for (const [n, { feed }] of this.links) {
      if (feed === undefined) continue;
      if (!this.model.hung) this.deliver(n, feed);
      if (!this.up) return;
      more ||= !this.world.replicator.isCaughtUp(feed);
    }
    if (more) this.wake();
  }

  private deliver(n: number, feed: number): void {
    out.reset();
    if (this.world.replicator.pull(feed, out, READ_BYTES) === 0) return;
    const bytes = out.take();
    for (const message of messagesIn(bytes)) this.taste(n, message);
    this.model.deliver(n, bytes);
  }

  /** Dies of a message, now or when it has worked it off. */
  private taste(n: number, message: Uint8Array): void {
    const { world, index, doses } = this;
    const dose = doseIn(message, world.routes);
    if (dose === undefined) return;
    world.dosed(index, dose);
    if (!world.isVulnerable(index, dose.kind)) return;
    this.dosedAt = world.queue.now;
    doses.push(dose);
    if (!isDeadly(dose, doses)) return;
    const { life } = this;
    const session = world.sessions[n];
    const die = (): void => {
      if (life !== this.life || !this.up) return;
      this.dyingOf = { dose, neighbor: n, session };
      const way = this.random.below(4);
      if (way === 0) this.fault('notification', n);
      else if (way === 1) this.fault('broken-update');
      else if (way === 2) this.exit('crash');
      else this.model.hung = true;
    };
    if (this.random.chance(0.3)) world.queue.at(world.queue.now, die);
    else this.model.probe(() => world.queue.after(this.random.between(0, LATE_DEATH), die));
  }

  private probe(now: number): void {
    const { world, index } = this;
    const { replicator } = world;
    if (this.probing) {
      if (now - this.probeSentAt > HANG_THRESHOLD && !world.is('patient')) this.fault('hang');
      return;
    }
    if (now < this.nextProbeAt) return;
    let proves = now;
    for (const [n, { feed }] of this.links) {
      const until = feed === undefined ? world.upSince[n] : replicator.deliveredUntil(feed, now);
      proves = Math.min(proves, until);
    }
    this.probing = true;
    this.probeSentAt = now;
    replicator.probeSent(index);
    const { life } = this;
    this.model.probe(() => {
      if (life !== this.life) return;
      this.probing = false;
      // Should it hang again before the next tick, that is another time.
      this.hungSince = Infinity;
      this.nextProbeAt = Math.max(now + PROBE_INTERVAL, world.queue.now + PROOF);
      world.caughtUp[index] = Math.max(world.caughtUp[index], proves);
      if (replicator.probeReturned(index)) this.wake();
    });
  }

  private isSynchronised(now: number): boolean {
    const all = [...this.links.values()];
    if (all.some(({ feed }) => feed === undefined)) {
      this.replayedAt = Infinity;
      return false;
    }
    const { replicator, caughtUp } = this.world;
    if (this.replayedAt === Infinity && !this.feeds.every((feed) => replicator.isCaughtUp(feed))) return false;
    this.replayedAt = Math.min(this.replayedAt, now);
    const quiet = this.votes === 0 || now - Math.max(this.replayedAt, this.lastVoteAt) >= STABILITY_THRESHOLD;
    const longEnough = now - this.replayedAt >= BUSY_SYNC_THRESHOLDS * STABILITY_THRESHOLD;
    return (quiet || longEnough) && caughtUp[this.index] >= this.replayedAt;
  }
}

/** Whether the last of these doses, taken in one life, kills. */
export function isDeadly(dose: Dose, doses: readonly Dose[]): boolean {
  return dose.kind !== 'pair' || doses.some(({ kind, variant }) => kind === 'pair' && variant !== dose.variant);
}
