// Rule 3: a verdict that rests on a majority is what at least one correct replica says at that moment; what is emitted is the verdict.
import type { Checker } from '../checker.js';

export const verdicts: Checker = {
  name: 'verdicts',
  onVerdict(world, n, prefix) {
    // The master's word is out before anybody has checked it: only the rest at the end tells.
    if (world.scenario.strategy === 'master-slave') return undefined;
    const voter = world.voters[n];
    const verdict = voter.verdict(prefix);
    for (let r = 0; r < world.scenario.replicas; r++) {
      if (!world.isFaulty(r) && world.electorate.has(r) && voter.currentVote(r, prefix) === verdict) return undefined;
    }
    return `neighbour ${n}, prefix ${prefix}: no correct replica says ${verdict} (rule: ${voter.rule(prefix)})`;
  },
};

export const emissions: Checker = {
  name: 'emissions',
  onEmission(world, n, prefix, route) {
    const voter = world.voters[n];
    if (route === voter.verdict(prefix) && route === voter.advertised(prefix)) return undefined;
    return `neighbour ${n}, prefix ${prefix}: sent ${route}, the verdict is ${voter.verdict(prefix)}`;
  },
};
