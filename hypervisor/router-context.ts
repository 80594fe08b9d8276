// What the parts of a router share, made out of its configuration: first the cores and logs that depend on nothing, then the desks that
// work on them. Owns the order in which these are made; what they are for is context.ts, ports and life cycle are router.ts.
import type { RouterConfig } from '../configs/model.js';
import type { ShimHub } from '../preload/hub.js';
import { Replicator } from '../replicator/replicator.js';
import { Electorate } from '../voter/electorate.js';
import { Canonicaliser } from '../wire/bgp/canonical.js';
import { PrefixClock } from '../wire/prefix-clock.js';
import { Abstentions } from './abstentions.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { FaultDesk } from './faults/fault-desk.js';
import { InputJournal } from './input-journal.js';
import { installGateOf } from './install-gate.js';
import { Intake } from './intake.js';
import type { Logger } from './logging.js';
import { Meters } from './metrics/meters.js';
import type { NeighborPort } from './neighbor-port.js';
import { QuarantineDesk } from './quarantine/quarantine-desk.js';
import { RecoveryDesk } from './recovery/recovery-desk.js';
import type { ReplicaPort } from './replica-port.js';
import { restartWatchOf } from './restart-watch.js';
import { orRouterError } from './router-error.js';
import { openFib } from './router-fib.js';
import { openInjections } from './router-injection.js';
import { RouterJournal } from './router-journal.js';
import { Tables } from './tables.js';
import { Taps } from './taps.js';
import { VoteLog } from './vote-log.js';

export interface ContextParts {
  config: RouterConfig;
  log: Logger;
  hub: ShimHub;
  runDirectory: string;
  /** Ports are made after the context, and come and go. */
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  /** See RouterContext. */
  replicatorInput(): number;
  schedule(): void;
  electorateChanged(): void;
}

/** All but the desks. */
type Core = Omit<RouterContext, 'fib' | 'abstentions' | 'faults' | 'injections' | 'recovery' | 'quarantine'>;

/** Opens logs and starts the forwarding table's thread. Throws RouterError where that is not possible. */
export function openContext(parts: ContextParts): RouterContext {
  const { config, neighbors, replicas, electorateChanged } = parts;
  const clock = new PrefixClock();
  const core = openCore(parts, clock);
  const { prefixes } = core.tables;
  core.journal.started();
  core.taps.add(new InputJournal(core), now());
  const fib = openFib(core, clock);
  const voters = (): NeighborPort['voter'][] => neighbors.map(({ voter }) => voter);
  const abstentions = new Abstentions(config.replicas.length, { prefixes, fib, voters });
  const faults = new FaultDesk({ ...core, fib });
  const people = { replicas: () => replicas, neighbors: () => neighbors, electorateChanged };
  const recovery = new RecoveryDesk({ ...core, fib, abstentions, faults }, people);
  return {
    ...core,
    fib,
    abstentions,
    faults,
    recovery,
    injections: openInjections(core, fib, { neighbor: (n) => neighbors[n], replica: (r) => replicas[r] }),
    quarantine: config.quarantine.enabled
      ? new QuarantineDesk({
          context: { ...core, abstentions },
          hub: parts.hub,
          runDirectory: parts.runDirectory,
          neighbors: () => neighbors,
          explained: (r, diedAt) => recovery.explained(r, diedAt),
        })
      : undefined,
  };
}

function openCore({ config, log, neighbors, replicatorInput, schedule }: ContextParts, clock: PrefixClock): Core {
  const tables = new Tables(config.limits);
  const { prefixes, attributes } = tables;
  const replicas = config.replicas.map(({ name }) => name);
  const replicator = new Replicator({
    prefixes,
    attributes,
    maxQueueBytes: config.limits.replicaQueueBytes,
    suspectBytes: config.quarantine.enabled ? config.quarantine.suspectBytes : 0,
    maxQuarantined: config.quarantine.maxMessages,
    ...(config.fib.backend === 'none' ? {} : { clock }),
  });
  const electorate = new Electorate(replicas.length, successionOf(config));
  // What kept a prefix from being advertised is over.
  const requeue = (prefix: number): void => {
    for (const neighbor of neighbors) neighbor.requeue(prefix);
    schedule();
  };
  const voteLog = orRouterError('cannot open the vote log', () => new VoteLog(config.voteLog, log));
  return {
    config,
    log,
    tables,
    replicator,
    electorate,
    caughtUp: new Float64Array(replicas.length).fill(-Infinity),
    intake: new Intake(prefixes, attributes, new Canonicaliser({ ignoreAttributes: config.voting.ignoreAttributes })),
    voteLog,
    journal: new RouterJournal({ config, electorate, voteLog }),
    records: { prefixes, attributes, replicas },
    meters: new Meters({
      inputTime: (prefix) => replicator.inputTime(prefix),
      family: (prefix) => prefixes.family(prefix),
      members: () => electorate.members,
    }),
    taps: new Taps(),
    // See outlets.ts.
    recorder: undefined,
    bmp: undefined,
    restart: restartWatchOf(config),
    gate: installGateOf(config, prefixes, requeue),
    replicatorInput,
    schedule,
  };
}

/** Who leads under master-slave when others are gone: standbys come last. */
function successionOf({ replicas }: RouterConfig): number[] {
  return [...replicas.keys()].sort(
    (a, b) => Number(replicas[a].standby !== 'no') - Number(replicas[b].standby !== 'no'),
  );
}
