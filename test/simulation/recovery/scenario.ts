// What kind of trouble a seed makes for recovery. Each seed switches every kind of trouble on or off and turns its size up or down by
// itself ("swarm"), like scenario.ts does for voting.
import type { RecoveryOptions, StandbyKind } from '../../../recovery/types.js';
import type { Delivery } from '../../../replicator/types.js';
import type { Strategy } from '../../../voter/types.js';
import { VOTE_FAULT_KINDS } from '../../../voter/vote-faults.js';
import { Random } from '../random.js';
import { STRATEGIES, type Input } from '../scenario.js';
import { POISONS, type PoisonKind } from './poison.js';

/** What happens to the process or its sessions. */
export const SYSTEM_FAULTS = ['crash', 'kill', 'hang', 'reset', 'slow-reader', 'bad-start', 'crash-loop'] as const;
/** What it says: because of its code (again after a restart), because of its state (not), or because votes are altered on their way. */
export const CONTENT_FAULTS = ['code-lie', 'state-lie', 'silence', 'stuck', 'altered'] as const;
/** What people and early warning do to replicas that are well. */
export const ACTS = ['restart', 'retire', 'warning'] as const;
const FAULTS = [...SYSTEM_FAULTS, ...CONTENT_FAULTS, ...ACTS] as const;
export type RecoveryFault = (typeof FAULTS)[number];

const INPUTS: readonly Input[] = ['repeat', 'flap', 'storm', 'broken', 'session-loss', 'end-of-rib'];

export interface RecoveryScenario {
  seed: number;
  strategy: Strategy;
  /** By replica; those that are no standby are the seats. */
  standby: StandbyKind[];
  /** More may be wrong than can be outvoted. */
  beyond: boolean;
  neighbors: number;
  prefixes: number;
  consensus: number;
  minVotes: number;
  preferred: number | undefined;
  quorum: number;
  /** How long neighbours and faults are active, ms; then follows the rest in which everything must become right. */
  activeFor: number;
  restFor: number;
  /** Mean time between inputs of a neighbour, ms. */
  inputInterval: number;
  inputs: Input[];
  /** Kinds of poison that neighbours send, how often, and which replicas die of them (bitmasks). */
  poisons: PoisonKind[];
  poisonChance: number;
  vulnerable: Record<PoisonKind, number>;
  faults: RecoveryFault[];
  alterations: (typeof VOTE_FAULT_KINDS)[number][];
  /** Means of the bug model, ms. */
  faultInterval: number;
  faultDuration: number;
  /** Share of the prefixes that a replica is wrong on. */
  lieShare: number;
  /** Lies in the code last till the end. */
  lasting: boolean;
  digestion: number;
  thinking: number;
  maxQueueBytes: number;
  suspectBytes: number;
  maxQuarantined: number;
  narrow: boolean;
  deliver: Delivery;
  blocking: number;
  recovery: RecoveryOptions;
  /** The operator enables retired replicas in the end. */
  forgiving: boolean;
}

export const FAULT_THRESHOLD = 2500;

export function recoveryScenario(seed: number): RecoveryScenario {
  const random = new Random(seed, 'recovery');
  const some = <T>(items: readonly T[], probability: number): T[] => items.filter(() => random.chance(probability));
  const seats = random.pick([3, 3, 3, 4, 5]);
  const spare = random.pick<StandbyKind[]>([[], [], ['warm'], ['cold'], ['warm', 'cold']]);
  const standby: StandbyKind[] = [...Array.from({ length: seats }, () => 'no' as const), ...spare];
  const k = (seats - 1) >> 1;
  const beyond = random.chance(0.25);
  // Which replicas a defect strikes: few enough to be outvoted, or any number.
  const victims = (): number => {
    let mask = 0;
    const count = beyond ? 1 + random.below(standby.length) : 1 + random.below(k);
    while (bits(mask) < count) mask |= 1 << random.below(standby.length);
    return mask;
  };
  return {
    seed,
    strategy: STRATEGIES[seed % STRATEGIES.length],
    standby,
    beyond,
    neighbors: 2 + random.below(2),
    prefixes: random.pick([4, 8, 12]),
    consensus: random.chance(0.7) ? standby.length : seats - k,
    minVotes: random.pick([1, 1, 2]),
    preferred: random.chance(0.3) ? random.below(seats) : undefined,
    quorum: random.pick([1, 2]),
    activeFor: random.pick([6000, 14_000, 25_000]),
    restFor: 25_000,
    inputInterval: random.pick([60, 200, 800]),
    inputs: ['announce', 'withdraw', ...some(INPUTS, 0.4)],
    poisons: random.chance(0.7) ? some(POISONS, 0.5) : [],
    poisonChance: random.pick([0.03, 0.15]),
    vulnerable: { route: victims(), mixed: victims(), bare: victims(), pair: victims() },
    faults: some(FAULTS, 0.3),
    alterations: some(VOTE_FAULT_KINDS, 0.5),
    faultInterval: random.pick([900, 3000]),
    faultDuration: random.pick([800, 6000, 20_000]),
    lieShare: random.pick([0.1, 0.5]),
    lasting: !beyond && random.chance(0.3),
    digestion: random.pick([1, 20, 300]),
    thinking: random.pick([1, 60, 600]),
    maxQueueBytes: random.pick([300, 1500, 1 << 20]),
    suspectBytes: random.pick([1 << 20, 1 << 20, 400]),
    maxQuarantined: random.pick([1000, 1000, 4]),
    narrow: random.chance(0.8),
    deliver: random.pick<Delivery>(['raw', 'repaired', 'normalised']),
    blocking: random.pick([0, 0, 0.3]),
    recovery: recoveryOf(random),
    forgiving: random.chance(0.6),
  };
}

function recoveryOf(random: Random): RecoveryOptions {
  return {
    restartDelay: random.pick([20, 100]),
    longestRestartDelay: 3000,
    forgiveAfter: random.pick([1000, 8000]),
    maxRestarts: random.pick([0, 2, 4, 10]),
    restartWindow: random.pick([4000, 30_000]),
    retireFor: random.pick([0, 7000]),
    fewPrefixes: random.pick([0, 1, 2, 6]),
    muteFew: random.chance(0.5),
    failBack: random.chance(0.7),
  };
}

export function bits(mask: number): number {
  let n = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) n++;
  return n;
}
