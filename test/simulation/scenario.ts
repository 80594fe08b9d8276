// What kind of trouble a seed makes. Each seed switches every kind of trouble on or off and turns its size up or down by itself ("swarm"):
// runs with few kinds of trouble find what a uniform mix would hide.
import type { Strategy } from '../../voter/types.js';
import { Random } from './random.js';

export const STRATEGIES: readonly Strategy[] = ['continuous-majority', 'wait-for-consensus', 'master-slave'];

/** Faults of replicas. At most k replicas of 2k+1 suffer from any at a time. */
export const FAULTS = ['crash', 'hang', 'slow-reader', 'lie', 'silence', 'stuck', 'chaos'] as const;
export type Fault = (typeof FAULTS)[number];

/** What neighbours do. */
export const INPUTS = [
  'announce',
  'withdraw',
  'repeat',
  'flap',
  'storm',
  'broken',
  'session-loss',
  'end-of-rib',
] as const;
export type Input = (typeof INPUTS)[number];

export interface Scenario {
  seed: number;
  strategy: Strategy;
  replicas: number;
  /** Faulty replicas that the replicas can bear: 2k+1 ≤ replicas. */
  k: number;
  neighbors: number;
  prefixes: number;
  /** wait-for-consensus: how many must agree. */
  consensus: number;
  /** How long neighbours and faults are active, ms; then follows the rest in which everything must become right. */
  activeFor: number;
  restFor: number;
  /** Mean time between inputs of a neighbour, ms. */
  inputInterval: number;
  inputs: Input[];
  faults: Fault[];
  /** Mean time between the beginnings of faults, ms. */
  faultInterval: number;
  /** Faults of the kinds lie, silence and stuck that last till the end. */
  lasting: boolean;
  /** Longest time that correct replicas take to digest a message, and to say what came of it, ms. */
  digestion: number;
  thinking: number;
  maxQueueBytes: number;
  /** Chance that a vote is sent twice. */
  duplicates: number;
  /** Chance that a neighbour's socket is blocked when something is to be sent, and for how long at most, ms. */
  blocking: number;
}

export const STABILITY_THRESHOLD = 1000;
export const HANG_THRESHOLD = 4000;

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const replicas = random.pick([3, 3, 3, 4, 5]);
  const k = (replicas - 1) >> 1;
  const some = <T>(items: readonly T[], probability: number): T[] => items.filter(() => random.chance(probability));
  return {
    seed,
    strategy: STRATEGIES[seed % STRATEGIES.length],
    replicas,
    k,
    neighbors: 2 + random.below(2),
    prefixes: random.pick([4, 8, 12]),
    consensus: random.chance(0.7) ? replicas : replicas - k,
    activeFor: random.pick([4000, 10_000, 20_000]),
    restFor: 14_000,
    inputInterval: random.pick([40, 150, 700]),
    inputs: ['announce', 'withdraw', ...some(INPUTS.slice(2), 0.4)],
    faults: some(FAULTS, 0.35),
    faultInterval: random.pick([700, 2500]),
    lasting: random.chance(0.4),
    digestion: random.pick([1, 20, 300]),
    thinking: random.pick([1, 60, 900]),
    maxQueueBytes: random.pick([300, 1500, 1 << 20]),
    duplicates: random.pick([0, 0.2]),
    blocking: random.pick([0, 0, 0.3]),
  };
}
