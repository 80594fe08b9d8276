// What a reload comes to before anything is done: the configuration that is to run, what has to happen for it, and why it cannot be. Owns
// this decision; what differs is configs/diff/, carrying it out take-over.ts.
import { compareConfigs } from '../../configs/diff/compare.js';
import { mergeConfigs } from '../../configs/diff/merge.js';
import type { Change } from '../../configs/diff/types.js';
import type { RouterConfig } from '../../configs/model.js';
import type { RouterContext } from '../context.js';
import type { Candidate } from './candidate.js';
import { fingerprintOf } from './equipment.js';

export interface Plan {
  target: RouterConfig;
  changes: Change[];
  /** Changes that only a restart of the router applies. */
  left: Change[];
  /** Replicas to be restarted. */
  restarts: number[];
  refused: string | null;
}

export interface PlanOptions {
  /** Leave out what needs a restart of the router. */
  partial: boolean;
  /** Restart replicas also when fewer than the quorum vote meanwhile. */
  force: boolean;
}

/** `fingerprints`: by replica, of what it runs with. Throws an Error for the user when a replica's own file cannot be read. */
export function planReload(
  { config, electorate }: Pick<RouterContext, 'config' | 'electorate'>,
  { config: next, places }: Required<Pick<Candidate, 'config' | 'places'>>,
  { partial, force }: PlanOptions,
  fingerprints: readonly string[],
): Plan {
  const { changes } = compareConfigs(config, next, places);
  const left = changes.filter((change) => change.class === 'restart');
  const target = structuredClone(mergeConfigs(config, next));
  const restarts = [...config.replicas.keys()].filter((r) => fingerprint(target, r) !== fingerprints[r]);
  const others = electorate.size - 1;
  const { quorum } = config.voting;
  let refused: string | null = null;
  if (left.length > 0 && !partial) {
    refused = `${left.map(({ key }) => key).join(', ')} cannot be changed while the router runs (--partial applies the rest)`;
  } else if (!force && restarts.some((r) => electorate.has(r)) && (others < quorum || others === 0)) {
    refused = `replicas have to be restarted, and ${others} would vote meanwhile, fewer than the quorum of ${quorum} (--force does it nevertheless)`;
  }
  return { target, changes, left, restarts, refused };
}

function fingerprint(config: RouterConfig, r: number): string {
  try {
    return fingerprintOf(config, r);
  } catch (error) {
    throw new Error(`replica ${config.replicas[r].name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Indexes of the neighbours that come, go, or need another session. */
export function touchedSessions(before: RouterConfig, target: RouterConfig, changes: readonly Change[]): number[] {
  const keys = new Set(changes.filter(({ session }) => session).map(({ key }) => key.slice(0, key.indexOf(']') + 1)));
  return target.neighbors.flatMap(({ address, removed }, n) => {
    const was = before.neighbors[n];
    const comesOrGoes = (was === undefined || was.removed === true) !== (removed === true);
    return comesOrGoes || keys.has(`neighbors[${address}]`) ? [n] : [];
  });
}
