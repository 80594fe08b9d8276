// Puts together what `btr status` shows. Reads everything, changes nothing.
import process from 'node:process';
import type { HttpConfig } from '../configs/model.js';
import { now } from './clock.js';
import type { RouterContext } from './context.js';
import { tolerates } from '../recovery/tolerance.js';
import type { HealthDesk } from './health/health-desk.js';
import { logLevels } from './reload/log-levels.js';
import { reloadSummary } from './reload/progress.js';
import type { ReloadDesk } from './reload/reload-desk.js';
import type { NeighborPort } from './neighbor-port.js';
import type { Opening } from './neighbors/opening.js';
import type { ReplicaPort } from './replica-port.js';
import { urlOf } from './http/server.js';
import type { BallotCounts, HttpStatus, RouterStatus } from './status.js';

export const VERSION = '0.1.0';

function ballotCounts(neighbors: readonly NeighborPort[]): BallotCounts {
  const counts = { total: 0, unanimous: 0, contested: 0, withoutMajority: 0 };
  for (const { voter } of neighbors) {
    const stats = voter.stats();
    counts.total += stats.routes;
    counts.contested += stats.contested;
    counts.withoutMajority += stats.withoutMajority;
    counts.unanimous += Math.max(0, stats.routes - stats.contested);
  }
  return counts;
}

function httpStatus(config: HttpConfig): HttpStatus | null {
  if (!config.enabled) return null;
  return { url: urlOf(config), open: config.token === undefined, lookingGlass: config.lookingGlass };
}

/** Whom the status is about. */
export interface StatusParts {
  context: RouterContext;
  neighbors: readonly NeighborPort[];
  replicas: readonly ReplicaPort[];
  health: HealthDesk;
  reloads: ReloadDesk;
  opening: Opening;
  /** UPDATEs that came in from neighbours since the start. */
  updatesIn(): number;
}

/** What the forwarding table's thread answers; an error of it is shown, for the rest is true nevertheless. */
async function fibStatus({ fib }: RouterContext): Promise<Pick<RouterStatus, 'fib' | 'fibError'>> {
  try {
    return { fib: (await fib?.status()) ?? null, fibError: null };
  } catch (error) {
    return { fib: null, fibError: (error as Error).message };
  }
}

export async function routerStatus(parts: StatusParts): Promise<RouterStatus> {
  const { context, reloads } = parts;
  const fib = await fibStatus(context);
  const { config, electorate, records, restart, tables } = context;
  return {
    version: VERSION,
    pid: process.pid,
    uptime: Math.round(now()) / 1000,
    as: config.router.as,
    routerId: config.router.routerId,
    strategy: config.voting.strategy,
    electorate: records.replicas.filter((_, r) => electorate.has(r)),
    epoch: electorate.epoch,
    master:
      config.voting.strategy === 'master-slave' && electorate.master >= 0 ? records.replicas[electorate.master] : null,
    succession: config.voting.strategy === 'master-slave' ? electorate.succession.map((r) => records.replicas[r]) : [],
    quorum: config.voting.quorum,
    tolerates: tolerates(electorate.size, config.voting.minVotes),
    alarms: [...context.recovery.raised, ...reloads.raised],
    open: parts.opening.open,
    restart: {
      state: restart.state,
      restarting: restart.restarting,
      missing: restart.missing.map((n) => config.neighbors[n].address),
    },
    neighbors: parts.neighbors.filter(({ config }) => config.removed !== true).map((port) => port.status()),
    replicas: parts.replicas.map((port) => ({ ...port.status(), health: parts.health.status(port.index) })),
    ballots: ballotCounts(parts.neighbors),
    tables: {
      prefixes: tables.prefixes.size,
      attributes: tables.attributes.size,
      attributeBytes: tables.attributes.bytes,
      full: context.replicator.tableFull + context.intake.tableFull,
    },
    ...fib,
    counters: { updatesIn: parts.updatesIn(), decisions: context.meters.decisions },
    voteLogDropped: context.voteLog.dropped,
    logLevels: logLevels(context),
    reload: reloadSummary(reloads.status),
    http: httpStatus(config.http),
    memory: process.memoryUsage.rss(),
  };
}
