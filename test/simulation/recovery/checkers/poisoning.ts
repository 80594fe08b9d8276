// What killed a replica is never given to it again; who has no say on what is exactly what is withheld; and trials tell right from wrong.
import type { RecoveryChecker } from '../checker.js';
import { doseIn } from '../poison.js';
import type { RecoveryWorld } from '../world.js';

/** All that was in flight is remembered and kept: nothing was forgotten, and nothing had to give way. */
function remembersAll({ replicator, scenario, hosts }: RecoveryWorld): boolean {
  return (
    scenario.suspectBytes > 10_000 && hosts.every(({ index }) => replicator.withholding.stats(index).evicted === 0)
  );
}

export function poison(): RecoveryChecker {
  const deadly = new Map<number, Set<string>>();
  return {
    name: 'poison',
    onDeath(_, r, { kind, key }) {
      // Of a pair the other one may have proven harmless long before: then no trial can find it.
      if (kind !== 'pair') deadly.set(r, (deadly.get(r) ?? new Set()).add(key));
      return undefined;
    },
    onDose(world, r, { key }) {
      if (!deadly.get(r)?.has(key) || !remembersAll(world)) return undefined;
      return `replica ${r} is given again what killed it: ${key}`;
    },
  };
}

export const trials: RecoveryChecker = {
  name: 'trials',
  onJudgement(world, r, { bytes }, verdict, released) {
    const dose = doseIn(bytes, world.routes);
    const kills = dose !== undefined && world.isVulnerable(r, dose.kind);
    if (verdict === 'convicted' && !kills) return `what is harmless to replica ${r} is convicted`;
    if (released && kills && dose.kind !== 'pair') return `what kills replica ${r} is released: ${dose.key}`;
    return undefined;
  },
};

/** When a replica has been well for so long, ms, it has got back what is harmless to it. */
const FORGIVEN_AFTER = 15_000;

/**
 * When all has been quiet for long, nothing innocent is withheld from anybody; but for what came back together with a killer that no trial shows
 * so often that its probation lasts longer than the run.
 */
export function innocents(): RecoveryChecker {
  const accusedAt = new Map<number, number>();
  return {
    name: 'innocents',
    onAccusation(world, r) {
      accusedAt.set(r, world.queue.now);
      return undefined;
    },
    atRest(world) {
      const { hosts, replicator, scenario, queue, electorate, ward } = world;
      if (!scenario.narrow || !ward.idle) return undefined;
      for (const { index: r } of hosts) {
        if (!electorate.has(r) || queue.now - (accusedAt.get(r) ?? -Infinity) < FORGIVEN_AFTER) continue;
        const innocent = replicator.withholding.entries(r).find(({ id, suspect: { bytes } }) => {
          if (ward.isOnProbation(id)) return false;
          const dose = doseIn(bytes, world.routes);
          return dose === undefined || !world.isVulnerable(r, dose.kind);
        });
        if (innocent !== undefined) return `replica ${r} is still not given message ${innocent.id}, which is harmless`;
      }
      return undefined;
    },
  };
}

export const holds: RecoveryChecker = {
  name: 'holds',
  onTick(world) {
    const { replicator, abstentions, hosts, neighbors, routes } = world;
    for (const { index: r } of hosts) {
      if (replicator.withholding.stats(r).entries === 0 && abstentions.count(r) === 0) continue;
      const withheld = new Set(replicator.withholding.entries(r).flatMap(({ suspect }) => suspect.routes));
      for (const prefix of routes.ids) {
        const due = neighbors.some(({ up, announced }) => up && withheld.has(announced.get(prefix) ?? 0));
        if (abstentions.abstains(r, prefix) === (due || world.desk.mutes.count(r) > 0)) continue;
        if (world.desk.mutes.count(r) > 0 && !due) continue;
        return `replica ${r} ${due ? 'has a say' : 'has no say'} on prefix ${prefix}, which is ${due ? '' : 'not '}withheld`;
      }
      for (const { index: n, up } of neighbors) {
        if (!up) continue;
        const lost = routes.ids.find(
          (prefix) => world.voters[n].abstains(r, prefix) !== abstentions.abstains(r, prefix),
        );
        if (lost !== undefined) return `neighbour ${n}: the voter does not know who abstains on prefix ${lost}`;
      }
    }
    return undefined;
  },
  atRest(world) {
    const { replicator, hosts, neighbors, routes } = world;
    for (const { index: r, up, model } of hosts) {
      if (!up || model.hung || !world.desk.planner.life(r).phase.match(/voting|standby/)) continue;
      const withheld = new Set(replicator.withholding.entries(r).flatMap(({ suspect }) => suspect.routes));
      for (const { index: n, announced } of neighbors) {
        for (const prefix of routes.ids) {
          const route = announced.get(prefix) ?? 0;
          const due = withheld.has(route) ? 0 : route;
          if (model.known(n, prefix) === due) continue;
          return `replica ${r} was given ${model.known(n, prefix)} of neighbour ${n} for prefix ${prefix}, not ${due}`;
        }
      }
    }
    return undefined;
  },
};
