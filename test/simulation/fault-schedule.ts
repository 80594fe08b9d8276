// When which replica of a simulation goes wrong, and when it counts as well again: never more than k of them at a time, and who has been
// faulty counts as faulty until it is in the electorate again and says the truth on everything. What a fault does is the subclass's.
import type { EventQueue } from './event-queue.js';
import { Random } from './random.js';

const WELL_CHECK = 200;

/** What the schedule needs of a simulated world. */
export interface FaultyWorld<Fault> {
  readonly scenario: {
    seed: number;
    replicas: number;
    k: number;
    faults: Fault[];
    faultInterval: number;
    activeFor: number;
  };
  readonly queue: EventQueue;
  readonly electorate: { members: number };
  readonly links: readonly { running: boolean }[];
  /** Bitmask of the replicas that may be wrong now. */
  faulty: number;
  isWell(r: number): boolean;
}

export abstract class FaultSchedule<Fault extends string, World extends FaultyWorld<Fault>> {
  protected readonly world: World;
  protected readonly random: Random;
  /** How often each kind of fault began. */
  readonly counts = new Map<string, number>();
  private readonly busy = new Set<number>();

  constructor(world: World, label: string) {
    this.world = world;
    this.random = new Random(world.scenario.seed, label);
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

  /** Makes replica `r` go wrong until `end` (ms); whoever ends it says so by `endAt`. */
  protected abstract apply(kind: Fault, r: number, end: number): void;

  protected endAt(time: number, r: number, stop: () => void): void {
    this.world.queue.at(time, () => {
      stop();
      this.awaitWell(r);
    });
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

  private awaitWell(r: number): void {
    const { world } = this;
    world.queue.after(WELL_CHECK, () => {
      if (!world.isWell(r)) return this.awaitWell(r);
      this.busy.delete(r);
      world.faulty &= ~(1 << r);
    });
  }
}

function bits(mask: number): number {
  let n = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) n++;
  return n;
}
