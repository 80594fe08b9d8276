// Lets the neighbours talk, lose their sessions and come back.
import { Random } from './random.js';
import type { World } from './world.js';

export function startInputs(world: World): void {
  const { scenario, queue } = world;
  for (const neighbor of world.neighbors) {
    const n = neighbor.index;
    const random = new Random(scenario.seed, `inputs ${n}`);
    const next = (): void => {
      if (queue.now >= scenario.activeFor) return;
      const input = random.pick(scenario.inputs);
      if (input === 'session-loss' && neighbor.up && random.chance(0.2)) {
        neighbor.intendedFlaps++;
        world.neighborDown(n);
        queue.after(random.between(10, 3000), () => world.neighborUp(n));
      } else if (neighbor.up) {
        world.receive(n, neighbor.say(input));
      }
      queue.after(random.between(0, 2 * scenario.inputInterval), next);
    };
    queue.after(random.between(0, 500), () => {
      world.neighborUp(n);
      next();
    });
  }
}
