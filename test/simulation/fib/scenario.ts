// What kind of trouble a seed makes on the way to the kernel's table. As in ../scenario.ts every kind is on or off by seed.
import type { Strategy } from '../../../voter/types.js';
import { Random } from '../random.js';
import { STRATEGIES } from '../scenario.js';

/** Faults of replicas. At most k replicas of 2k+1 suffer from any at a time. */
export const FIB_FAULTS = ['crash', 'hang', 'lag', 'lie', 'silence', 'stuck', 'chaos', 'lost-votes'] as const;
export type FibFault = (typeof FIB_FAULTS)[number];

/** What befalls the kernel. */
export const KERNEL_TROUBLE = [
  'refused-hops',
  'refused-prefix',
  'full',
  'no-buffers',
  'in-the-way',
  'takeover',
  'foreign-delete',
  'foreign-change',
  'link-down',
] as const;
export type KernelTrouble = (typeof KERNEL_TROUBLE)[number];

export interface FibScenario {
  seed: number;
  strategy: Strategy;
  replicas: number;
  /** Faulty replicas that the replicas can bear: 2k+1 ≤ replicas. */
  k: number;
  prefixes: number;
  /** wait-for-consensus: how many must agree. */
  consensus: number;
  /** How long inputs, faults and troubles go on, ms; then follows the rest in which everything must become right. */
  activeFor: number;
  restFor: number;
  /** Mean time between changes of the truth, ms. */
  inputInterval: number;
  faults: FibFault[];
  faultInterval: number;
  /** Lies that last till the end. */
  lasting: boolean;
  troubles: KernelTrouble[];
  troubleInterval: number;
  /** Refusals and routes in the way that last till the end. */
  lastingTrouble: boolean;
  /** The master is deposed by hand now and then. */
  masterChanges: boolean;
  /** Mean time between restarts of the hypervisor, ms; Infinity for none. */
  restartInterval: number;
  /** Longest time that replicas need to learn, and to say what came of it, ms. */
  digestion: number;
  thinking: number;
  /** Longest way of a kernel event, ms; chance that one is lost, and that the loss is noticed. */
  eventDelay: number;
  eventLoss: number;
  lossNoticed: number;
  auditInterval: number;
  /** Chance that a dump breaks off at a slice. */
  brokenDump: number;
  /** Writes in a batch, and the longest time until somebody gets round to writing, ms. */
  batch: number;
  writeDelay: number;
}

export const RETRY_FIRST = 1000;
export const RETRY_MAX = 4000;

export function fibScenarioOf(seed: number): FibScenario {
  const random = new Random(seed, 'fib scenario');
  const replicas = random.pick([3, 3, 3, 4, 5]);
  const k = (replicas - 1) >> 1;
  const some = <T>(items: readonly T[], probability: number): T[] => items.filter(() => random.chance(probability));
  return {
    seed,
    strategy: STRATEGIES[seed % STRATEGIES.length],
    replicas,
    k,
    prefixes: random.pick([3, 6, 12]),
    consensus: random.chance(0.7) ? replicas : replicas - k,
    activeFor: random.pick([4000, 10_000, 20_000]),
    restFor: 22_000,
    inputInterval: random.pick([30, 200, 900]),
    faults: some(FIB_FAULTS, 0.3),
    faultInterval: random.pick([700, 2500]),
    lasting: random.chance(0.4),
    troubles: some(KERNEL_TROUBLE, 0.3),
    troubleInterval: random.pick([200, 1000]),
    lastingTrouble: random.chance(0.4),
    masterChanges: random.chance(0.3),
    restartInterval: random.pick([Infinity, Infinity, 4000, 9000]),
    digestion: random.pick([1, 20, 300]),
    thinking: random.pick([1, 60, 900]),
    eventDelay: random.pick([1, 50, 800]),
    eventLoss: random.pick([0, 0, 0.3, 1]),
    lossNoticed: random.pick([0, 0.5]),
    auditInterval: random.pick([700, 3000]),
    brokenDump: random.pick([0, 0, 0.1]),
    batch: random.pick([1, 3, 16]),
    writeDelay: random.pick([2, 150]),
  };
}
