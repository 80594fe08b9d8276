// Lets the neighbours talk, send poison, lose their sessions and come back.
import { Random } from '../random.js';
import { bareMessage, mixedMessage, poisoned, type PoisonKind } from './poison.js';
import type { RecoveryWorld } from './world.js';

export class Inputs {
  /** Poisonous messages sent. */
  poisons = 0;
  private readonly world: RecoveryWorld;

  constructor(world: RecoveryWorld) {
    this.world = world;
  }

  start(): void {
    const { scenario, queue, neighbors } = this.world;
    for (const { index: n } of neighbors) {
      const random = new Random(scenario.seed, `inputs ${n}`);
      const next = (): void => {
        if (queue.now >= scenario.activeFor) return;
        this.say(n, random);
        queue.after(random.between(0, 2 * scenario.inputInterval), next);
      };
      queue.after(random.between(0, 2500), () => {
        this.world.neighborUp(n);
        next();
      });
    }
  }

  private say(n: number, random: Random): void {
    const { world } = this;
    const { scenario, queue } = world;
    const neighbor = world.neighbors[n];
    if (!neighbor.up) return;
    const input = random.pick(scenario.inputs);
    if (scenario.poisons.length > 0 && random.chance(scenario.poisonChance)) {
      this.poison(n, random.pick(scenario.poisons), random);
    } else if (input === 'session-loss') {
      if (!random.chance(0.2)) return;
      neighbor.intendedFlaps++;
      world.neighborDown(n);
      queue.after(random.between(10, 3000), () => world.neighborUp(n));
    } else world.receive(n, neighbor.say(input));
  }

  private poison(n: number, kind: PoisonKind, random: Random): void {
    const { world } = this;
    const { scenario, routes } = world;
    const { announced } = world.neighbors[n];
    if (!scenario.beyond && !world.standing.canBear(scenario.vulnerable[kind])) return;
    const prefix = random.pick(routes.ids.filter((_, i) => kind === 'route' || kind === 'pair' || i % 4 !== 3));
    const attributes = poisoned(routes.attributesOf(n, prefix, random.below(2)), kind, random.below(2));
    this.poisons++;
    world.standing.poison(kind);
    if (kind === 'bare') {
      world.receive(n, [bareMessage(attributes)]);
      return;
    }
    if (kind === 'mixed') {
      const gone = random.pick(routes.ids.filter((id, i) => i % 4 !== 3 && id !== prefix));
      announced.delete(gone);
      announced.set(prefix, routes.attributes.intern(attributes, 0, attributes.length));
      world.receive(n, [mixedMessage(routes, gone, prefix, attributes)]);
      return;
    }
    announced.set(prefix, routes.attributes.intern(attributes, 0, attributes.length));
    world.receive(n, [routes.announcement(prefix, attributes)]);
  }
}
