// Rule 4: at rest the neighbours hold exactly the verdicts, these are right wherever enough have a say, and who is muted without a reason is
// heard again.
import { MUTED_MS } from '../../../../hypervisor/recovery/mutes.js';
import type { RecoveryChecker } from '../checker.js';
import type { RecoveryWorld } from '../world.js';

/** After it has joined, ms. */
const FOUND_AFTER = 4000;

export const quiet: RecoveryChecker = {
  name: 'quiet',
  atRest(world) {
    for (const { index: n, up } of world.neighbors) {
      if (!up) continue;
      for (const prefix of world.routes.ids) {
        const problem = ballotProblem(world, n, prefix);
        if (problem !== undefined) return `neighbour ${n}, prefix ${prefix}: ${problem}`;
      }
      const { unsettled, dirty } = world.voters[n];
      const liars = world.hosts.some(({ index }) => world.standing.isTroubled(index));
      if (world.electorate.size > 0 && unsettled > 0 && !liars) return `neighbour ${n}: ${unsettled} ballots unsettled`;
      if (dirty > 0) return `neighbour ${n}: ${dirty} ballots dirty`;
    }
    return undefined;
  },
};

function ballotProblem(world: RecoveryWorld, n: number, prefix: number): string | undefined {
  const { electorate, standing, scenario } = world;
  const voter = world.voters[n];
  const verdict = voter.verdict(prefix);
  const received = world.neighbors[n].received.get(prefix) ?? 0;
  const truth = world.truth(n, prefix);
  if (received !== verdict) return `holds ${received}, the verdict is ${verdict}`;
  let voters = 0;
  for (const { index: r } of world.hosts) {
    if (!electorate.has(r) || voter.abstains(r, prefix)) continue;
    voters++;
    const vote = voter.currentVote(r, prefix);
    const found = ((voter.dissenters(prefix) >>> r) & 1) === 1;
    if (vote !== truth && !standing.isTroubled(r)) return `replica ${r} says ${vote}, the truth is ${truth}`;
    const { since } = world.desk.planner.life(r);
    if ((vote !== truth) !== found && world.queue.now - since > FOUND_AFTER)
      return `replica ${r} is ${found ? '' : 'not '}found in dissent, and says ${vote}`;
  }
  const decided = voters >= Math.max(1, scenario.minVotes);
  return decided && verdict !== truth ? `the verdict is ${verdict}, the truth ${truth}` : undefined;
}

/** Asked for at the end of a rest that is long enough for that. */
export const mutes: RecoveryChecker = {
  name: 'mutes',
  atRest({ desk, hosts, queue, standing, scenario }) {
    if (queue.now < scenario.activeFor + MUTED_MS) return undefined;
    const muted = hosts.find(({ index: r }) => {
      return desk.mutes.count(r) > 0 && desk.phase(r) !== 'retired' && !standing.isTroubled(r);
    });
    return muted && `replica ${muted.index} is still muted on ${desk.mutes.count(muted.index)} prefixes`;
  },
};
