// What befalls the kernel in the FIB simulation: refusals that come and go, a full table, other programs that put routes in the way or
// touch ours, links that take routes along in silence. And what the operator does: deposes masters, restarts the hypervisor.
import { Random } from '../random.js';
import { EINVAL, ENETUNREACH } from './model-kernel.js';
import type { KernelTrouble } from './scenario.js';
import type { FibWorld } from './world.js';

const LONGEST = 4000;

export class Trouble {
  private readonly world: FibWorld;
  private readonly random: Random;
  /** How often each kind of trouble began. */
  readonly counts = new Map<string, number>();

  constructor(world: FibWorld) {
    this.world = world;
    this.random = new Random(world.scenario.seed, 'trouble');
  }

  start(): void {
    const { scenario } = this.world;
    if (scenario.troubles.length > 0) {
      this.every(scenario.troubleInterval, () => this.begin(this.random.pick(scenario.troubles)));
    }
    if (scenario.masterChanges) {
      this.every(2000, () => {
        this.count('master-change');
        this.world.depose(this.world.electorate.master);
      });
    }
    if (scenario.restartInterval < Infinity) {
      this.every(scenario.restartInterval, () => {
        this.count('restart');
        this.world.restart(this.random.between(10, 2000));
        for (const prefix of this.world.ids) if (this.random.chance(0.1)) this.world.setTruth(prefix, 0);
      });
    }
  }

  private every(mean: number, run: () => void): void {
    const { queue, scenario } = this.world;
    const next = (): void => {
      if (queue.now >= scenario.activeFor) return;
      run();
      queue.after(this.random.between(0, 2 * mean), next);
    };
    queue.after(this.random.between(0, 2 * mean), next);
  }

  private begin(kind: KernelTrouble): void {
    const { world, random } = this;
    const { kernel } = world;
    const prefix = random.pick(world.ids);
    const hops = world.randomHops(random);
    this.count(kind);
    if (kind === 'refused-hops') {
      if (kernel.refusedHops.has(hops)) return;
      kernel.refusedHops.set(hops, ENETUNREACH);
      this.later(() => kernel.refusedHops.delete(hops));
    } else if (kind === 'refused-prefix') {
      kernel.refusedPrefixes.set(prefix, EINVAL);
      this.laterOrNever(() => kernel.refusedPrefixes.delete(prefix));
    } else if (kind === 'full') {
      kernel.capacity = random.below(world.ids.length);
      this.later(() => (kernel.capacity = Infinity));
    } else if (kind === 'no-buffers') {
      kernel.noBuffers = true;
      this.later(() => (kernel.noBuffers = false));
    } else if (kind === 'in-the-way' || kind === 'takeover') {
      if (kind === 'in-the-way' && kernel.own.has(prefix)) return;
      kernel.foreignAdd(prefix);
      this.laterOrNever(() => kernel.foreignRemove(prefix));
    } else if (kind === 'link-down') {
      if (kernel.refusedHops.has(hops)) return;
      kernel.linkDown(hops);
      this.later(() => kernel.linkUp(hops));
    } else {
      kernel.disturb(prefix, kind === 'foreign-delete' ? 0 : world.randomHops(random));
    }
  }

  private later(end: () => void): void {
    const { queue, scenario } = this.world;
    queue.at(Math.min(queue.now + this.random.between(10, LONGEST), scenario.activeFor), end);
  }

  private laterOrNever(end: () => void): void {
    if (this.world.scenario.lastingTrouble && this.random.chance(0.3)) return;
    this.later(end);
  }

  private count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
