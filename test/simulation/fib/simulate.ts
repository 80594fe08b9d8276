// One run of one seed of the FIB path, with all checkers or some.
import { Random } from '../random.js';
import type { FibChecker } from './checker.js';
import { economy, foreign, newContinuity, newPacing, restarts } from './checkers/care.js';
import { newPromptness, quiet, reports } from './checkers/progress.js';
import { truth, verdicts, writes } from './checkers/verdicts.js';
import { EngineWorld } from './engine-world.js';
import { FibFaults } from './faults.js';
import { fibScenarioOf } from './scenario.js';
import type { FibScenario } from './scenario.js';
import { Trouble } from './trouble.js';
import { FibWorld } from './world.js';
import type { FibSabotage } from './sabotage.js';

/** Fresh ones for each run: some remember. */
export function fibCheckers(): FibChecker[] {
  return [
    verdicts,
    truth,
    writes,
    foreign,
    newContinuity(),
    economy,
    restarts,
    newPacing(),
    newPromptness(),
    reports,
    quiet,
  ];
}

export interface FibOutcome {
  seed: number;
  /** What went wrong first, when, and which checker says so. */
  violation?: string;
  steps: number;
  writes: number;
  /** How often faults and troubles of each kind began. */
  troubles: Record<string, number>;
  scenario: FibScenario;
}

/** Voter and installer alone. `only`: the name of the checker to be asked; all when left out. */
export function simulateFib(seed: number, only?: string, sabotage: FibSabotage = 'none'): FibOutcome {
  const checkers = fibCheckers().filter(({ name }) => only === undefined || name === only);
  return run(new FibWorld(fibScenarioOf(seed), checkers, sabotage));
}

/** The same scenario with the whole engine. */
export function simulateEngine(seed: number): FibOutcome {
  return run(new EngineWorld(fibScenarioOf(seed), fibCheckers()));
}

function run(world: FibWorld): FibOutcome {
  const { scenario } = world;
  world.begin();
  const faults = new FibFaults(world);
  const trouble = new Trouble(world);
  startTruth(world);
  faults.start();
  trouble.start();
  const steps = world.run(scenario.activeFor + scenario.restFor);
  if (world.violation === undefined) world.finish();
  const { violation, writer } = world;
  return {
    seed: scenario.seed,
    ...(violation === undefined ? {} : { violation }),
    steps,
    writes: writer.count,
    troubles: Object.fromEntries([...faults.counts, ...trouble.counts]),
    scenario,
  };
}

/** What the routing protocols make of the prefixes keeps changing. */
function startTruth(world: FibWorld): void {
  const { scenario, queue, ids } = world;
  const random = new Random(scenario.seed, 'truth');
  const next = (): void => {
    if (queue.now >= scenario.activeFor) return;
    world.setTruth(random.pick(ids), random.chance(0.25) ? 0 : world.randomHops(random));
    queue.after(random.between(0, 2 * scenario.inputInterval), next);
  };
  queue.after(random.between(0, 500), next);
}
