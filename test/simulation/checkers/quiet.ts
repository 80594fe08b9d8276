// Rule 4 and the rest of rule 3: at rest the neighbours hold exactly the verdicts, these are right, and all that is wrong has been found.
import type { Checker } from '../checker.js';
import type { World } from '../world.js';

export const quiet: Checker = {
  name: 'quiet',
  atRest(world) {
    for (const neighbor of world.neighbors) {
      if (!neighbor.up) continue;
      for (const prefix of world.routes.ids) {
        const problem = ballotProblem(world, neighbor.index, prefix);
        if (problem !== undefined) return `neighbour ${neighbor.index}, prefix ${prefix}: ${problem}`;
      }
      const { unsettled, dirty } = world.voters[neighbor.index];
      if (unsettled > 0 || dirty > 0)
        return `neighbour ${neighbor.index}: ${unsettled} ballots unsettled, ${dirty} dirty`;
    }
    const absent = world.replicas.find(({ index }) => !world.electorate.has(index));
    return absent && `replica ${absent.index} did not come back`;
  },
};

function ballotProblem(world: World, n: number, prefix: number): string | undefined {
  const voter = world.voters[n];
  const verdict = voter.verdict(prefix);
  const received = world.neighbors[n].received.get(prefix) ?? 0;
  const truth = world.truth(n, prefix);
  if (received !== verdict) return `holds ${received}, the verdict is ${verdict}`;
  if (verdict !== truth) return `the verdict is ${verdict}, the truth ${truth}`;
  for (let r = 0; r < world.scenario.replicas; r++) {
    const wrong = voter.currentVote(r, prefix) !== truth;
    const found = ((voter.dissenters(prefix) >>> r) & 1) === 1;
    if (wrong && !world.isFaulty(r))
      return `correct replica ${r} says ${voter.currentVote(r, prefix)}, the truth is ${truth}`;
    if (wrong !== found) return `replica ${r} is ${wrong ? 'wrong and not' : 'right and'} found in dissent`;
  }
  return undefined;
}
