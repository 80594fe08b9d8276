// What both voters are configured with, so that what is advertised and what is installed come about by the same rules.
import type { VotingConfig } from '../configs/model.js';
import type { VoterOptions } from '../voter/types.js';

export function voterOptions(voting: VotingConfig): VoterOptions {
  const { stabilityThreshold, minVotes, k, preferred, holdWithoutReplicas } = voting;
  // Nobody who can decide on one prefix is to that prefix what no replica at all is to the router.
  return {
    stabilityThreshold,
    minVotes,
    k,
    silence: holdWithoutReplicas,
    ...(preferred === undefined ? {} : { preferred }),
  };
}
