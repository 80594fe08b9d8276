// The configuration that a running router is to have after a reload: what is new, in the order of what runs, because neighbours and
// replicas are known by their indexes everywhere. Owns the indexes and what is kept as it is; what differs is compare.ts.
import type { NeighborConfig, ReplicaConfig, RouterConfig } from '../model.js';

/** Indexes of neighbours that were removed included: sessions of replicas have addresses for so many (see session-plan.ts). */
const MAX_INDEXES = 1000;

/**
 * `next` with the indexes of `running`: neighbours that stay keep theirs, new ones get the next free ones (or the one they had), those
 * that are gone stay behind as `removed`. Everything that only a restart of the router can change is as in `running`. Throws an Error for
 * the user when too many neighbours have come and gone.
 */
export function mergeConfigs(running: RouterConfig, next: RouterConfig): RouterConfig {
  const { k, minVotes, quorum, preferred, ignoreAttributes } = running.voting;
  const found = new Map(next.replicas.map((replica) => [replica.name, replica]));
  const voting = { ...next.voting, ignoreAttributes };
  if (seatsOf(running) !== seatsOf(next)) {
    Object.assign(voting, { k, minVotes, quorum });
    delete voting.preferred;
    if (preferred !== undefined) voting.preferred = preferred;
  }
  return {
    ...next,
    file: running.file,
    router: { ...running.router, networks: next.router.networks },
    neighbors: mergeNeighbors(running.neighbors, next.neighbors),
    replicas: running.replicas.map((old) => mergeReplica(old, found.get(old.name) ?? old)),
    voting,
    quarantine: { ...running.quarantine, narrow: next.quarantine.narrow },
    fib: mergeFib(running, next),
    internal: running.internal,
    limits: running.limits,
  };
}

/** Who votes and who stands by, in order, as text to be compared: what counts replicas means something else when that changes. */
export function seatsOf({ replicas }: RouterConfig): string {
  return JSON.stringify(replicas.map(({ name, standby }) => [name, standby]));
}

function mergeFib({ fib: running }: RouterConfig, { fib: next }: RouterConfig): RouterConfig['fib'] {
  const { keep, auditInterval, restartTime, staleRoutes } = next;
  return { ...running, keep, auditInterval, restartTime, staleRoutes };
}

function mergeReplica(running: ReplicaConfig, next: ReplicaConfig): ReplicaConfig {
  const { kind, fib, standby } = running;
  const { interfaceEventDelay } = running.diversity;
  const diversity = { ...next.diversity };
  delete diversity.interfaceEventDelay;
  if (interfaceEventDelay !== undefined) diversity.interfaceEventDelay = interfaceEventDelay;
  return { ...next, kind, fib, standby, diversity };
}

function mergeNeighbors(running: readonly NeighborConfig[], next: readonly NeighborConfig[]): NeighborConfig[] {
  const wanted = new Map(next.map((neighbor) => [neighbor.address, neighbor]));
  const merged = running.map((old): NeighborConfig => {
    const found = wanted.get(old.address);
    wanted.delete(old.address);
    return found ?? { ...old, removed: true };
  });
  merged.push(...wanted.values());
  if (merged.length > MAX_INDEXES) {
    throw new Error(
      `${merged.length} neighbours have come and gone, at most ${MAX_INDEXES} are possible: the router has to be restarted`,
    );
  }
  return merged;
}
