// Puts a configuration in place of the one that runs: the objects that everybody reads, and the parts that have taken something out of
// them. Owns this hand-over; sessions and replicas, which need more than that, are reload-desk.ts.
import type { RouterConfig } from '../../configs/model.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { ReplicaPort } from '../replica-port.js';
import { voterOptions } from '../voter-options.js';
import { refill } from './refill.js';

export interface RunTimeParts {
  context: RouterContext;
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
}

/** Sections that are applied at once: parts keep the objects, so that these are filled anew. */
const LIVE = ['voting', 'recovery', 'quarantine', 'earlyWarning', 'fib', 'logging', 'voteLog'] as const;

/** What neighbours, replicas and policies are to be; the sessions and replicas that it is about follow by themselves, or not at all. */
export function adoptParties(config: RouterConfig, target: RouterConfig): void {
  config.policy = target.policy;
  config.acceptance = target.acceptance;
  config.router.networks = target.router.networks;
  config.neighbors.splice(0, config.neighbors.length, ...target.neighbors);
  config.replicas.splice(0, config.replicas.length, ...target.replicas);
}

/** Everything that is applied without touching anything else. */
export function applyLive({ context, neighbors, replicas }: RunTimeParts, target: RouterConfig): void {
  const { config } = context;
  for (const section of LIVE) refill(config[section], target[section]);
  context.log.level = config.logging.level;
  context.voteLog.level = config.voteLog.level;
  context.recovery.configure();
  context.faults.configure();
  context.restart.configure(config);
  for (const neighbor of neighbors) neighbor.configure();
  for (const replica of replicas) replica.configure();
  configureFib(context, config.router.networks);
}

/** `networks`: own ones, on which nobody's votes count. */
export function configureFib({ config, fib, gate }: RouterContext, networks: readonly string[]): void {
  const { voting } = config;
  gate?.exempt(networks);
  fib?.configure({
    strategy: voting.strategy,
    voter: voterOptions(voting),
    networks,
    auditInterval: config.fib.auditInterval,
    faultThreshold: voting.faultThreshold,
  });
}
