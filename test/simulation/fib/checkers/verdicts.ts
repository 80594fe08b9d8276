// With at most k faulty replicas no wrong route is ever decided on, and none ever reaches the kernel (the master's word is out before anybody
// has checked it: there only the rest at the end tells). And what is written is the verdict.
import { OP_DELETE } from '../../../../fib/route-batch.js';
import type { FibChecker } from '../checker.js';

export const verdicts: FibChecker = {
  name: 'verdicts',
  onVerdict(world, prefix) {
    const { voter, electorate, scenario } = world;
    if (scenario.strategy === 'master-slave') return undefined;
    const verdict = voter.verdict(prefix);
    for (let r = 0; r < scenario.replicas; r++) {
      if (!world.isFaulty(r) && electorate.has(r) && voter.currentVote(r, prefix) === verdict) return undefined;
    }
    return `prefix ${prefix}: no correct replica says ${verdict} (rule: ${voter.rule(prefix)})`;
  },
};

export const truth: FibChecker = {
  name: 'truth',
  onWrite(world, { op, prefix, hops, errno }) {
    if (world.scenario.strategy === 'master-slave' || op === OP_DELETE || errno !== 0) return undefined;
    return world.notes.everTrue.get(prefix)!.has(hops) ? undefined : `prefix ${prefix}: ${hops} never was right`;
  },
};

export const writes: FibChecker = {
  name: 'writes',
  onWrite(world, { op, prefix, hops }) {
    const verdict = world.voter.verdict(prefix);
    if (op === OP_DELETE || hops === verdict) return undefined;
    return `prefix ${prefix}: ${hops} is written, the verdict is ${verdict}`;
  },
};
