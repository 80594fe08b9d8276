// One run of one seed of recovery, with all checkers or one.
import { MUTED_MS } from '../../../hypervisor/recovery/mutes.js';
import type { RecoveryChecker } from './checker.js';
import { accusations, budget, detection, ledger, sentences } from './checkers/justice.js';
import { holds, innocents, poison, trials } from './checkers/poisoning.js';
import { bounds, changes, emissions, hoards, rules, sessions, verdicts } from './checkers/promises.js';
import { mutes, quiet } from './checkers/quiet.js';
import { absence, alarms, returns, seats } from './checkers/seats.js';
import { Inputs } from './inputs.js';
import type { RecoverySabotage } from './sabotage.js';
import { recoveryScenario, type RecoveryScenario } from './scenario.js';
import { Troubles } from './troubles.js';
import { RecoveryWorld } from './world.js';

/**
 * Who is on the way back when the rest is over, or moves because of a replica that is wrong for good, has arrived within this time, ms; and so
 * has what was given back to it just then, or is still on trial. Who hangs because of that is found by then.
 */
const ARRIVAL = 60_000;
const LOOK = 250;
/** What was given back is delivered, worked off, said, and stable; and so is what another electorate thinks of. */
const SETTLED_AFTER = 3000;

/** Some remember what they saw: a new set for each run. */
export function recoveryCheckers(): RecoveryChecker[] {
  const promises = [sessions, changes, verdicts, rules, emissions, bounds, hoards];
  const justice = [accusations, sentences, detection(), budget(), ledger];
  return [...promises, ...justice, poison(), trials, innocents(), holds, seats, returns, alarms(), quiet, mutes];
}

export interface RecoveryOutcome {
  seed: number;
  /** What went wrong first, when, and which checker says so. */
  violation?: string;
  steps: number;
  emissions: number;
  /** How often what happened: faults, what the planner did about them, poison and trials. */
  counts: Record<string, number>;
  scenario: RecoveryScenario;
}

export function simulateRecovery(seed: number, only?: string, sabotage: RecoverySabotage = 'none'): RecoveryOutcome {
  const scenario = recoveryScenario(seed);
  const checkers = recoveryCheckers().filter(({ name }) => only === undefined || name === only);
  const world = new RecoveryWorld(scenario, checkers, sabotage);
  const troubles = new Troubles(world);
  const inputs = new Inputs(world);
  inputs.start();
  troubles.start();
  let steps = world.run(scenario.activeFor + scenario.restFor);
  const muted = world.hosts.some(({ index }) => world.desk.mutes.count(index) > 0);
  if (muted) steps += world.run(scenario.activeFor + scenario.restFor + MUTED_MS);
  world.ward.close();
  const { now } = world.queue;
  for (let after = LOOK; after <= ARRIVAL && isOnTheWay(world); after += LOOK) steps += world.run(now + after);
  if (world.violation === undefined) world.finish();
  const { violation, emitters } = world;
  return {
    seed,
    ...(violation === undefined ? {} : { violation }),
    steps,
    emissions: emitters.count,
    counts: {
      ...Object.fromEntries([...troubles.counts, ...world.desk.counts]),
      poisons: inputs.poisons,
      ...world.ward.counts,
    },
    scenario,
  };
}

function isOnTheWay(world: RecoveryWorld): boolean {
  const hangs = world.hosts.some(({ up, model }) => up && model.hung);
  const moved = Math.max(world.ward.givenBackAt, world.electorateChangedAt, world.desk.mutedAt);
  return hangs || !world.ward.idle || absence(world) !== undefined || world.queue.now - moved < SETTLED_AFTER;
}
