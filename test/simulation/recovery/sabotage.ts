// Defects that can be put into recovery on purpose, to prove that the checkers see them.
import { UpdateVoter } from '../../../voter/update-voter.js';
import { FirstVoteVoter } from '../world.js';

export const SABOTAGES = [
  'none',
  'passed-on-reset', // The end of a replica resets a neighbour's session.
  'departure-withdraws', // The end of a replica counts as everybody's withdrawal.
  'unbounded', // Queues have no bound.
  'hoarding', // The quarantine has no bound.
  'first-vote', // Any single vote becomes the verdict.
  'blind', // Who differs from all others is not in dissent.
  'mum', // That the votes have no majority is told nobody.
  'lost-emission', // Now and then a verdict is not sent.
  'wrong-emission', // What is sent is not the verdict.
  'no-lag', // Votes count as stable at once, whether the replica has caught up or not.
  'wrong-culprit', // What speaks against one replica is held against the next.
  'lenient', // Lasting dissent has no consequence.
  'patient', // A hang has no consequence.
  'forgetful', // What replicas died of is not kept from them.
  'gullible', // Trials clear everybody.
  'vengeful', // Trials convict everybody.
  'unforgiving', // What was suspected twice never comes back.
  'sticky-holds', // Nothing that is withheld ever comes with a say again.
  'lost-start', // A replica that is to be started is not.
  'reckless', // There is no budget for restarts.
  'unexplained', // Deaths whose cause is known count against the budget like any other.
  'deaf-ledger', // The ledger does not hear of what happens in the voters.
  'ghost-voter', // Somebody who is to leave the electorate stays.
  'silent', // Nobody is told of alarms.
  'sticky-mutes', // Who is muted stays so.
] as const;

export type RecoverySabotage = (typeof SABOTAGES)[number];

class BlindVoter extends UpdateVoter {
  override dissenters(): number {
    return 0;
  }
}

class MumVoter extends UpdateVoter {
  override trouble(): undefined {
    return undefined;
  }
}

export function sabotagedVoter(sabotage: RecoverySabotage): typeof UpdateVoter | undefined {
  if (sabotage === 'first-vote') return FirstVoteVoter;
  if (sabotage === 'blind') return BlindVoter;
  return sabotage === 'mum' ? MumVoter : undefined;
}
