// What both voters are configured with, so that what is advertised and what is installed come about by the same rules.
import type { VotingConfig } from '../configs/model.js';
import type { VoterOptions } from '../voter/types.js';

export function voterOptions({ stabilityThreshold, minVotes, k, preferred }: VotingConfig): VoterOptions {
  return { stabilityThreshold, minVotes, k, ...(preferred === undefined ? {} : { preferred }) };
}
