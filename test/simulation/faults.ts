// Makes replicas go wrong and well again, never more than k of them at a time: who has been faulty counts as faulty until it is in the
// electorate again and says the truth on everything.
import type { Lie } from './model-replica.js';
import { Random } from './random.js';
import type { Fault } from './scenario.js';
import type { World } from './world.js';

const WELL_CHECK = 200;
const BABBLE_INTERVAL = 120;
const SLOW_READ = 900;

export class Faults {
  private readonly world: World;
  private readonly random: Random;
  private readonly busy = new Set<number>();
  /** How often each kind of fault began. */
  readonly counts = new Map<Fault, number>();

  constructor(world: World) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'faults');
  }

  start(): void {
    const { scenario, queue } = this.world;
    if (scenario.faults.length === 0) return;
    const next = (): void => {
      if (queue.now >= scenario.activeFor) return;
      this.begin();
      queue.after(this.random.between(0, 2 * scenario.faultInterval), next);
    };
    queue.after(this.random.between(0, 3000), next);
  }

  /** One fault of one replica, if the rule of k allows it. */
  private begin(): void {
    const { world, random } = this;
    const { scenario } = world;
    const r = random.below(scenario.replicas);
    const kind = random.pick(scenario.faults);
    const duration = random.between(100, 8000);
    // Who is not in the electorate (yet) has no vote against the faulty ones, and counts with them.
    const out = ~world.electorate.members & ((1 << scenario.replicas) - 1);
    const others = bits((world.faulty | out) & ~(1 << r));
    if (this.busy.has(r) || others >= scenario.k || !world.links[r].running) return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.busy.add(r);
    world.faulty |= 1 << r;
    const last = (kind === 'lie' || kind === 'silence' || kind === 'stuck') && scenario.lasting;
    const end = Math.min(world.queue.now + duration, scenario.activeFor);
    this.apply(kind, r, end, last);
  }

  private apply(kind: Fault, r: number, end: number, last: boolean): void {
    const { world, random } = this;
    const replica = world.replicas[r];
    const link = world.links[r];
    if (kind === 'crash') {
      world.crash(r, random.between(50, 2000));
      this.endAt(world.queue.now, r, () => {});
    } else if (kind === 'hang') {
      replica.hung = true;
      this.endAt(end, r, () => replica.resume());
    } else if (kind === 'slow-reader') {
      const usual = link.readInterval;
      link.readInterval = SLOW_READ;
      this.endAt(end, r, () => (link.readInterval = usual));
    } else if (kind === 'chaos') {
      this.babble(r, end);
      this.endAt(end, r, () => replica.speakUp());
    } else {
      for (const prefix of world.routes.ids) {
        if (random.chance(0.4)) replica.lies.set(prefix, lieOf(kind, random));
      }
      replica.speakUp();
      if (last) return;
      this.endAt(end, r, () => {
        replica.lies.clear();
        replica.speakUp();
      });
    }
  }

  private endAt(time: number, r: number, stop: () => void): void {
    this.world.queue.at(time, () => {
      stop();
      this.awaitWell(r);
    });
  }

  private awaitWell(r: number): void {
    const { world } = this;
    world.queue.after(WELL_CHECK, () => {
      if (!world.isWell(r)) return this.awaitWell(r);
      this.busy.delete(r);
      world.faulty &= ~(1 << r);
    });
  }

  /** Says any old thing at any time. */
  private babble(r: number, end: number): void {
    const { world, random } = this;
    if (world.queue.now >= end) return;
    const prefix = random.pick(world.routes.ids);
    const n = random.below(world.neighbors.length);
    const other = world.replicas[random.below(world.replicas.length)].bestFor(n, prefix);
    world.replicas[r].babble(n, prefix, random.pick([0, other, world.routes.fakeRoute(prefix, random.below(3))]));
    world.queue.after(random.between(0, BABBLE_INTERVAL), () => this.babble(r, end));
  }
}

/** Liars tell the same lie half of the time: the worst case. */
function lieOf(kind: 'lie' | 'silence' | 'stuck', random: Random): Lie {
  if (kind === 'lie') return { kind: 'fake', choice: random.chance(0.5) ? 0 : random.below(3) };
  return { kind };
}

export function bits(mask: number): number {
  let n = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) n++;
  return n;
}
