// What happens per second, out of what two answers of the same hypervisor have counted.
import type { RouterStatus } from '../../hypervisor/status.js';

/** Per second. */
export interface Rates {
  /** UPDATEs from neighbours. */
  updates: number;
  votes: number;
  /** Prefixes that went out to neighbours. */
  decisions: number;
  /** Votes, by replica. */
  replicas: ReadonlyMap<string, number>;
  /** Messages in, by neighbour. */
  neighbors: ReadonlyMap<string, number>;
}

/** Undefined when `after` is of another process, or no time has gone by in between. */
export function ratesBetween(before: RouterStatus, after: RouterStatus): Rates | undefined {
  const seconds = after.uptime - before.uptime;
  if (before.pid !== after.pid || !(seconds > 0)) return undefined;
  // A counter that is smaller than it was has begun anew (a neighbour that was removed and added).
  const rate = (from: number | undefined, to: number): number => Math.max(0, to - (from ?? to)) / seconds;
  const replicas = new Map<string, number>();
  for (const { name, votes } of after.replicas) {
    replicas.set(name, rate(before.replicas.find((one) => one.name === name)?.votes, votes));
  }
  const neighbors = new Map<string, number>();
  for (const { address, messagesIn } of after.neighbors) {
    neighbors.set(address, rate(before.neighbors.find((one) => one.address === address)?.messagesIn, messagesIn));
  }
  return {
    updates: rate(before.counters.updatesIn, after.counters.updatesIn),
    decisions: rate(before.counters.decisions, after.counters.decisions),
    votes: [...replicas.values()].reduce((sum, votes) => sum + votes, 0),
    replicas,
    neighbors,
  };
}

/** `0`, `0.4`, `12`, `3,400`. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return '–';
  if (rate > 0 && rate < 9.95) return rate < 0.05 ? '<0.1' : rate.toFixed(1);
  return Math.round(rate).toLocaleString('en-US');
}
