// Makes the model replicas of the FIB simulation go wrong and well again, never more than k of them at a time: who has been faulty counts
// as faulty until it is in the electorate again and all that it last said is true.
import { bits } from '../faults.js';
import { Random } from '../random.js';
import type { FibFault } from './scenario.js';
import type { FibWorld } from './world.js';

const WELL_CHECK = 200;
const BABBLE_INTERVAL = 100;
const LAG = 12;
const FAKES = 3;
/** The first of the next hops that never are the truth. */
const FAKE_HOPS = 5;

export class FibFaults {
  private readonly world: FibWorld;
  private readonly random: Random;
  private readonly busy = new Set<number>();
  /** How often each kind of fault began. */
  readonly counts = new Map<string, number>();

  constructor(world: FibWorld) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'fib faults');
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
    this.apply(kind, r, Math.min(world.queue.now + duration, scenario.activeFor));
  }

  private apply(kind: FibFault, r: number, end: number): void {
    const { world, random } = this;
    const replica = world.replicas[r];
    if (kind === 'crash') {
      world.crash(r, random.between(50, 2000));
      this.endAt(world.queue.now, r, () => {});
    } else if (kind === 'hang') {
      replica.hung = true;
      this.endAt(end, r, () => replica.resume());
    } else if (kind === 'lag') {
      replica.lag = LAG;
      this.endAt(end, r, () => (replica.lag = 1));
    } else if (kind === 'lost-votes') {
      replica.losing = 0.5;
      this.endAt(end, r, () => {
        replica.losing = 0;
        replica.speakUp(true);
      });
    } else if (kind === 'chaos') {
      this.babble(r, end);
      this.endAt(end, r, () => replica.speakUp());
    } else {
      this.lie(kind, r, end);
    }
  }

  private lie(kind: 'lie' | 'silence' | 'stuck', r: number, end: number): void {
    const { world, random } = this;
    const replica = world.replicas[r];
    // Liars tell the same lie half of the time: the worst case.
    const fake = (): number => FAKE_HOPS + (random.chance(0.5) ? 0 : random.below(FAKES));
    for (const prefix of world.ids) {
      if (random.chance(0.4)) replica.lies.set(prefix, kind === 'lie' ? { kind: 'fake', hops: fake() } : { kind });
    }
    replica.speakUp();
    if (world.scenario.lasting) return;
    this.endAt(end, r, () => {
      replica.lies.clear();
      replica.speakUp(true);
    });
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
    const prefix = random.pick(world.ids);
    world.replicas[r].babble(prefix, random.pick([0, world.randomHops(random), FAKE_HOPS + random.below(FAKES)]));
    world.queue.after(random.between(0, BABBLE_INTERVAL), () => this.babble(r, end));
  }
}
