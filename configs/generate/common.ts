// What the three generators share: the sessions in their order, the refused prefixes, and policies with their sets
// resolved, so that each generator only spells them out in its daemon's language.
import type {
  AsPathSet,
  CommunitySet,
  NeighborConfig,
  PolicyStatement,
  PrefixRange,
  ReplicaConfig,
  RouterConfig,
} from '../model.js';
import { rangeOf } from '../parsers.js';
import { planSessions } from '../session-plan.js';
import type { ReplicaSession } from '../session-plan.js';

export type Direction = 'import' | 'export';

/** A session that stands for a neighbour, with that neighbour's configuration. */
export interface NeighborSession extends ReplicaSession {
  config: NeighborConfig;
}

/** The neighbour sessions of a replica, then its probe and its taps. */
export function sessionsOf(config: RouterConfig, replica: ReplicaConfig) {
  const plan = planSessions(config, replica);
  const neighbors: NeighborSession[] = plan
    .filter((session) => session.role === 'neighbor')
    .map((session) => ({ ...session, config: config.neighbors[session.neighbor] }));
  const probe = plan.find((session) => session.role === 'probe')!;
  return { neighbors, probe, taps: plan.filter((session) => session.role === 'tap') };
}

/** What no neighbour may announce: martians, the probe's own prefixes, and the default route if so configured. */
export function refusedPrefixes(config: RouterConfig, family: 0 | 1): PrefixRange[] {
  const { martians, rejectDefaultRoute } = config.acceptance;
  const defaults = rejectDefaultRoute ? [rangeOf('0.0.0.0/0', false), rangeOf('::/0', false)] : [];
  const probe = rangeOf(config.internal.probePrefix, true);
  // A more specific route than the connected one would lead the probe's next hops elsewhere.
  const nextHops = config.fib.backend === 'none' ? [] : [rangeOf(config.internal.probeNextHops, true)];
  const own = [probe, ...nextHops].filter(({ prefix }) => !martians.some((range) => range.prefix === prefix));
  return [...defaults, ...martians, ...own].filter((range) => range.family === family);
}

export function networksOf(config: RouterConfig, family: 0 | 1): string[] {
  return config.router.networks.filter((network) => network.includes(':') === (family === 1));
}

/** A statement with its sets in place of their names. */
export interface ResolvedStatement extends PolicyStatement {
  definition: string;
  prefixes?: PrefixRange[];
  paths?: AsPathSet;
  communities?: CommunitySet;
}

/** The statements that can match routes of `family`, in order of evaluation. */
export function statementsOf(config: RouterConfig, names: readonly string[], family: 0 | 1): ResolvedStatement[] {
  const { prefixSets, asPathSets, communitySets, definitions } = config.policy;
  const resolved: ResolvedStatement[] = [];
  for (const name of names) {
    const statements = definitions.find((definition) => definition.name === name)?.statements ?? [];
    for (const statement of statements) {
      const ranges = prefixSets.find((set) => set.name === statement.matchPrefixSet)?.ranges;
      const prefixes = ranges?.filter((range) => range.family === family);
      if (prefixes?.length === 0) continue;
      const paths = asPathSets.find((set) => set.name === statement.matchAsPathSet);
      const communities = communitySets.find((set) => set.name === statement.matchCommunitySet);
      resolved.push({
        ...statement,
        definition: name,
        ...(prefixes === undefined ? {} : { prefixes }),
        ...(paths === undefined ? {} : { paths }),
        ...(communities === undefined ? {} : { communities }),
      });
    }
  }
  return resolved;
}

/** First line of every generated file (all three languages comment with #). */
export function header(config: RouterConfig, replica: ReplicaConfig): string {
  return `# Generated from the configuration of router ${config.router.routerId} for replica ${replica.name}. Do not edit.`;
}

/** The families of a bit set, 0 for IPv4 and 1 for IPv6. */
export function familiesIn(set: number): (0 | 1)[] {
  return ([0, 1] as const).filter((family) => (set & (1 << family)) !== 0);
}
