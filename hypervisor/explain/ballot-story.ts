// The middle of a prefix's story: what the replicas say towards one neighbour, for how long, whether that counts, and by which rule it was
// decided. Owns this look-up; what the neighbour is told of it is emission.ts.
import { MUTED, QUARANTINED } from '../abstentions.js';
import { now } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { Reports } from '../reports.js';
import type { BallotReport, ReplicaStatus } from '../status.js';
import { emission } from './emission.js';
import type { BallotStory, ReplicaReport, VoteStory } from './types.js';
import { listWords, ruleWords } from './words.js';

type Context = Pick<
  RouterContext,
  'config' | 'tables' | 'replicator' | 'caughtUp' | 'abstentions' | 'electorate' | 'gate'
>;

/** `prefix`: an id that is in use. */
export function ballotStory(
  context: Context,
  reports: Reports,
  port: NeighborPort,
  others: readonly NeighborPort[],
  prefix: number,
): BallotStory {
  const at = now();
  const ballot = reports.ballot(port, prefix, at);
  const votes = ballot.votes.map((vote, r) => ({
    ...vote,
    ...stability(context, port, r, prefix, at),
    dissents: ballot.dissent.includes(vote.replica),
    silenced: silenced(context, r, prefix),
  }));
  const { neighbor, verdict, rule, contested, trouble } = ballot;
  return {
    ...{ neighbor, verdict, rule, contested, trouble, votes },
    decided: decided(context, ballot),
    voters: ballot.votes.filter(({ counts }) => counts).map(({ replica }) => replica),
    agree: ballot.votes.filter(({ counts, agrees }) => counts && agrees).map(({ replica }) => replica),
    emission: emission(context, port, others, prefix),
  };
}

/** The same conditions by which the voter takes a vote for stable (voter/update-voter.ts). */
function stability(
  { replicator, caughtUp, config }: Context,
  { voter, upSince }: NeighborPort,
  r: number,
  prefix: number,
  at: number,
): Pick<VoteStory, 'stable' | 'unstable'> {
  const { stabilityThreshold } = config.voting;
  const input = Math.max(replicator.inputTime(prefix), upSince);
  const age = voter.voteAge(r, prefix, at) ?? Infinity;
  const unstable =
    age < stabilityThreshold ? 'vote' : at - input < stabilityThreshold ? 'input' : caughtUp[r] > input ? null : 'lag';
  return { stable: unstable === null, unstable };
}

/** Why the word of replica `r` does not count on the prefix; null when it does. */
export function silenced({ abstentions, electorate }: Context, r: number, prefix: number): string | null {
  if (!electorate.has(r)) return 'it does not vote now';
  if (abstentions.has(r, prefix, QUARANTINED)) return 'a message about this prefix is withheld from it (quarantine)';
  if (abstentions.has(r, prefix, MUTED)) return 'it keeps being wrong about this prefix and is muted here';
  return null;
}

/** One replica as far as this prefix is concerned. `status`: what `btr status` says of it. */
export function replicaReport(
  context: Context,
  r: number,
  prefix: number,
  { name, kind, version, state, lagMs, lastError }: Omit<ReplicaStatus, 'health'>,
): ReplicaReport {
  const why = silenced(context, r, prefix);
  const reason = why !== null && !context.electorate.has(r) && lastError !== null ? `${why}: ${lastError}` : why;
  return { name, kind: `${kind} ${version}`.trim(), state, counts: why === null, reason, lagMs };
}

/** The rule in words: who was counted, and what it took. */
function decided({ config, electorate }: Context, ballot: BallotReport): string {
  const voters = ballot.votes.filter(({ counts }) => counts);
  const agree = voters.filter(({ agrees }) => agrees).map(({ replica }) => replica);
  const score = `now ${agree.length} of ${voters.length} with a say agree${agree.length > 0 ? ` (${listWords(agree)})` : ''}`;
  const rule = ruleWords(ballot.rule);
  if (rule !== undefined) return `${rule}${decider(ballot.rule, config, electorate)}; ${score}`;
  if (voters.length === 0) return 'nobody has a say';
  return ballot.verdict === null && !ballot.contested
    ? `nobody with a say has a route (${listWords(agree)})`
    : `nothing was decided yet; ${score}`;
}

/** Where one replica decides: which. */
function decider(rule: string, { replicas, voting }: Context['config'], { master }: Context['electorate']): string {
  if (rule === 'master' || rule === 'overthrow') return ` (${replicas[master]?.name ?? 'nobody'} leads now)`;
  return rule === 'preferred' ? ` (${replicas[voting.preferred ?? -1]?.name ?? '?'})` : '';
}
