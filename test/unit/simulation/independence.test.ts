// Rule 2: what a slow, hung or dead replica does changes nothing of what the others are delivered, byte by byte and at the same times; shown by
// running the same seed with and without it.
import { expect, test } from 'vitest';
import { startInputs } from '../../simulation/inputs.js';
import { scenarioOf } from '../../simulation/scenario.js';
import type { Fault } from '../../simulation/scenario.js';
import { World } from '../../simulation/world.js';

const VICTIM = 0;
const SEEDS = 25;

/** What had been delivered after each 100 ms, to the victim and to each of the others. */
function deliveries(seed: number, trouble: (world: World) => void): { others: number[][]; victim: number[] } {
  const world = new World({ ...scenarioOf(seed), faults: [], maxQueueBytes: 600 }, []);
  world.recordDeliveries = true;
  startInputs(world);
  trouble(world);
  const others: number[][] = [];
  const victim: number[] = [];
  for (let time = 100; time < world.scenario.activeFor; time += 100) {
    world.run(time);
    victim.push(world.links[VICTIM].deliveredHash);
    others.push(world.links.filter((_, r) => r !== VICTIM).map(({ deliveredHash }) => deliveredHash));
  }
  return { others, victim };
}

const TROUBLE: Record<Extract<Fault, 'crash' | 'hang' | 'slow-reader'>, (world: World) => void> = {
  crash: (world) => world.queue.at(1500, () => world.crash(VICTIM, 1_000_000)),
  hang: (world) => world.queue.at(1500, () => (world.replicas[VICTIM].hung = true)),
  'slow-reader': (world) => world.queue.at(1500, () => (world.links[VICTIM].readInterval = 1700)),
};

test.each(['crash', 'hang', 'slow-reader'] as const)('%s', (kind) => {
  let noticed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const healthy = deliveries(seed, () => {});
    const troubled = deliveries(seed, TROUBLE[kind]);
    expect(troubled.others, `seed ${seed}`).toEqual(healthy.others);
    if (troubled.victim.some((hash, i) => hash !== healthy.victim[i])) noticed++;
  }
  expect(noticed).toBeGreaterThan(SEEDS * 0.8);
});
