// Rules 1 to 3 of DESIGN section 3, while replicas come and go: sessions stay, a change of the electorate changes no verdict, nothing wrong is
// emitted while the right ones can outvote the others, and every verdict has its rule.
import { count } from '../../../../voter/tally.js';
import type { RecoveryChecker } from '../checker.js';

export const sessions: RecoveryChecker = {
  name: 'sessions',
  onStep(world) {
    const lost = world.neighbors.find(({ flaps, intendedFlaps }) => flaps !== intendedFlaps);
    return (
      lost && `the session of neighbour ${lost.index} was lost ${lost.flaps} times, ${lost.intendedFlaps} by itself`
    );
  },
};

export const changes: RecoveryChecker = {
  name: 'changes',
  onElectorate(world, r, before) {
    const after = world.allVerdicts();
    const changed = before.findIndex((verdict, i) => verdict !== after[i]);
    return changed < 0 ? undefined : `replica ${r} came or went and changed verdict number ${changed}`;
  },
};

export const verdicts: RecoveryChecker = {
  name: 'verdicts',
  onVerdict(world, n, prefix) {
    // The master's word is out before anybody has checked it: only the rest at the end tells.
    if (world.scenario.strategy === 'master-slave' || !world.standing.inControl) return undefined;
    const voter = world.voters[n];
    const verdict = voter.verdict(prefix);
    const { bad } = world.standing;
    for (const { index: r } of world.hosts) {
      const right = ((bad >>> r) & 1) === 0 && world.electorate.has(r);
      if (right && voter.currentVote(r, prefix) === verdict) return undefined;
    }
    return `neighbour ${n}, prefix ${prefix}: no correct replica says ${verdict} (rule: ${voter.rule(prefix)})`;
  },
};

/** Holds however many are wrong. */
export const rules: RecoveryChecker = {
  name: 'rules',
  onVerdict(world, n, prefix) {
    const voter = world.voters[n];
    const [verdict, rule] = [voter.verdict(prefix), voter.rule(prefix)];
    let [voters, agree] = [0, 0];
    for (const { index: r } of world.hosts) {
      if (!voter.hasSay(r, prefix)) continue;
      voters |= 1 << r;
      if (voter.currentVote(r, prefix) === verdict) agree |= 1 << r;
    }
    const { minVotes, preferred = -1, strategy } = world.scenario;
    let holds = count(agree) >= Math.max((count(voters) >> 1) + 1, minVotes);
    if (rule === 'preferred') holds = ((agree >>> preferred) & 1) === 1;
    else if (rule === 'master') holds = ((agree >>> world.electorate.leader(voters)) & 1) === 1;
    else if (rule === 'overthrow') holds = agree !== 0 && strategy === 'master-slave';
    return holds
      ? undefined
      : `neighbour ${n}, prefix ${prefix}: ${count(agree)} of ${count(voters)} say ${verdict}, by the rule ${rule}`;
  },
};

export const emissions: RecoveryChecker = {
  name: 'emissions',
  onEmission(world, n, prefix, route) {
    const voter = world.voters[n];
    if (route === voter.verdict(prefix) && route === voter.advertised(prefix)) return undefined;
    return `neighbour ${n}, prefix ${prefix}: sent ${route}, the verdict is ${voter.verdict(prefix)}`;
  },
};

export const bounds: RecoveryChecker = {
  name: 'bounds',
  onStep({ replicator, scenario, hosts }) {
    for (const { feeds } of hosts) {
      for (const feed of feeds) {
        // In STATE the backlog is no queue but a set of prefixes.
        if (replicator.backlog(feed) <= scenario.maxQueueBytes) continue;
        const stats = replicator.feedStats(feed);
        if (stats?.live) return `${stats.backlog} bytes wait for replica ${stats.replica}`;
      }
    }
    return undefined;
  },
};

export const hoards: RecoveryChecker = {
  name: 'hoards',
  onStep({ replicator, scenario, hosts }) {
    const full = hosts.find(({ index }) => replicator.withholding.stats(index).entries > scenario.maxQuarantined);
    return (
      full && `${replicator.withholding.stats(full.index).entries} messages are quarantined for replica ${full.index}`
    );
  },
};
