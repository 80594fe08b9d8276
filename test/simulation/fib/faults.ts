// What the faults of the FIB simulation's model replicas are. When they happen, and to how many at a time, is ../fault-schedule.ts.
import { FaultSchedule } from '../fault-schedule.js';
import type { FibFault } from './scenario.js';
import type { FibWorld } from './world.js';

const BABBLE_INTERVAL = 100;
const LAG = 12;
const FAKES = 3;
/** The first of the next hops that never are the truth. */
const FAKE_HOPS = 5;

export class FibFaults extends FaultSchedule<FibFault, FibWorld> {
  constructor(world: FibWorld) {
    super(world, 'fib faults');
  }

  protected override apply(kind: FibFault, r: number, end: number): void {
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

  /** Says any old thing at any time. */
  private babble(r: number, end: number): void {
    const { world, random } = this;
    if (world.queue.now >= end) return;
    const prefix = random.pick(world.ids);
    world.replicas[r].babble(prefix, random.pick([0, world.randomHops(random), FAKE_HOPS + random.below(FAKES)]));
    world.queue.after(random.between(0, BABBLE_INTERVAL), () => this.babble(r, end));
  }
}
