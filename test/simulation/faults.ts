// What the faults of the model replicas are. When they happen, and to how many at a time, is fault-schedule.ts.
import { FaultSchedule } from './fault-schedule.js';
import type { Lie } from './model-replica.js';
import type { Random } from './random.js';
import type { Fault } from './scenario.js';
import type { World } from './world.js';

const BABBLE_INTERVAL = 120;
const SLOW_READ = 900;

export class Faults extends FaultSchedule<Fault, World> {
  constructor(world: World) {
    super(world, 'faults');
  }

  protected override apply(kind: Fault, r: number, end: number): void {
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
      if (world.scenario.lasting) return;
      this.endAt(end, r, () => {
        replica.lies.clear();
        replica.speakUp();
      });
    }
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
