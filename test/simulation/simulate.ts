// One run of one seed, with all checkers or some.
import type { Checker } from './checker.js';
import { accusations } from './checkers/accusations.js';
import { bounds } from './checkers/bounds.js';
import { quiet } from './checkers/quiet.js';
import { departures, sessions } from './checkers/sessions.js';
import { emissions, verdicts } from './checkers/verdicts.js';
import { Faults } from './faults.js';
import { startInputs } from './inputs.js';
import { scenarioOf } from './scenario.js';
import type { Scenario } from './scenario.js';
import { World } from './world.js';
import type { Sabotage } from './world.js';

export const CHECKERS: readonly Checker[] = [sessions, departures, bounds, verdicts, emissions, accusations, quiet];

export interface Outcome {
  seed: number;
  /** What went wrong first, when, and which checker says so. */
  violation?: string;
  steps: number;
  emissions: number;
  /** How often faults of each kind began. */
  faults: Record<string, number>;
  scenario: Scenario;
}

export function simulate(seed: number, checkers: readonly Checker[] = CHECKERS, sabotage: Sabotage = 'none'): Outcome {
  const scenario = scenarioOf(seed);
  const world = new World(scenario, checkers, sabotage);
  const faults = new Faults(world);
  startInputs(world);
  faults.start();
  const steps = world.run(scenario.activeFor + scenario.restFor);
  if (world.violation === undefined) world.finish();
  const { violation, emitters } = world;
  return {
    seed,
    ...(violation === undefined ? {} : { violation }),
    steps,
    emissions: emitters.count,
    faults: Object.fromEntries(faults.counts),
    scenario,
  };
}
