// Rule 4: at rest the neighbours hold exactly the verdicts, these are right wherever enough have a say, and who is muted without a reason is
// heard again.
import { MUTED_MS } from '../../../../hypervisor/recovery/mutes.js';
import type { RecoveryChecker } from '../checker.js';
import type { RecoveryWorld } from '../world.js';

/** After the electorate has changed, ms. */
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
  const { electorate, standing } = world;
  const voter = world.voters[n];
  const verdict = voter.verdict(prefix);
  const received = world.neighbors[n].received.get(prefix) ?? 0;
  const truth = world.truth(n, prefix);
  if (received !== verdict) return `holds ${received}, the verdict is ${verdict}`;
  const voters = world.hosts.map(({ index }) => index).filter((r) => electorate.has(r) && !voter.abstains(r, prefix));
  const mistaken = voters.find((r) => voter.currentVote(r, prefix) !== truth && !standing.isTroubled(r));
  if (mistaken !== undefined) {
    return `replica ${mistaken} says ${voter.currentVote(mistaken, prefix)}, the truth is ${truth}`;
  }
  const votes = voters.map((r) => voter.currentVote(r, prefix));
  const winner = majorityOf(votes, world.scenario.minVotes);
  if (winner !== undefined && verdict !== truth) return `the verdict is ${verdict}, the truth ${truth}`;
  if (world.queue.now - world.electorateChangedAt <= FOUND_AFTER) return undefined;
  // Liars for good can be as many as the others once a standby has given their places back to them: nobody can tell who is wrong then.
  if (
    winner === undefined &&
    votes.length > 0 &&
    voter.isContested(prefix) &&
    voter.trouble(prefix) !== 'no-majority'
  ) {
    return `the votes ${votes.join(', ')} have no majority, and nobody is told`;
  }
  const dissenters = voter.dissenters(prefix);
  for (const r of voters) {
    const vote = voter.currentVote(r, prefix);
    const wrong = winner !== undefined && vote !== winner;
    const found = ((dissenters >>> r) & 1) === 1;
    if (found !== wrong) return `replica ${r} is ${found ? '' : 'not '}found in dissent, and says ${vote}`;
  }
  return undefined;
}

/** What more than half of them say, and at least `minVotes`. */
function majorityOf(votes: readonly number[], minVotes: number): number | undefined {
  return votes.find((vote) => {
    const support = votes.filter((other) => other === vote).length;
    return support > votes.length / 2 && support >= minVotes;
  });
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
