// Who differs from the majority on a prefix: the same replica towards several neighbours and in the forwarding table is one accusation. Owns
// that summing-up, for the live state; of a log it is log-explanation.ts.
import { wallClock } from '../clock.js';
import type { RouterContext } from '../context.js';
import type { NeighborPort } from '../neighbor-port.js';
import type { FindingReport } from '../status.js';
import { hopsWords } from './forwarding-story.js';
import type { Accusation, BallotStory, ForwardingStory, RouteText, VoteStory } from './types.js';

export interface AccusationParts {
  context: Pick<RouterContext, 'faults' | 'config'>;
  ports: readonly NeighborPort[];
  /** Id. */
  prefix: number;
  ballots: readonly BallotStory[];
  forwarding: ForwardingStory | null;
  /** All that are open. */
  findings: readonly FindingReport[];
}

/** Those that lie for sure first. */
export function accusations(parts: AccusationParts): Accusation[] {
  const found = new Map<string, Accusation>();
  for (const ballot of parts.ballots) {
    // Without a majority nobody is to blame.
    if (ballot.trouble === 'no-majority') continue;
    for (const vote of ballot.votes) {
      if (vote.counts && !vote.agrees) add(found, ofBallot(parts, ballot, vote));
    }
  }
  for (const accusation of inForwarding(parts)) add(found, accusation);
  return [...found.values()].sort((a, b) => Number(b.stable) - Number(a.stable));
}

/** Other places of the same accusation are added to the first. */
function add(found: Map<string, Accusation>, accusation: Accusation): void {
  const known = found.get(`${accusation.replica} ${accusation.kind}`);
  if (known === undefined) {
    found.set(`${accusation.replica} ${accusation.kind}`, accusation);
    return;
  }
  known.places.push(...accusation.places);
  known.stable ||= accusation.stable;
  known.finding ??= accusation.finding;
  if (accusation.since !== null && (known.since === null || accusation.since < known.since))
    known.since = accusation.since;
}

function ofBallot(parts: AccusationParts, ballot: BallotStory, vote: VoteStory): Accusation {
  const { context, ports, prefix } = parts;
  const port = ports.find(({ config }) => config.address === ballot.neighbor);
  const r = context.config.replicas.findIndex(({ name }) => name === vote.replica);
  const on = port && context.faults.dissentOn(r, port.index, prefix);
  return {
    replica: vote.replica,
    kind: vote.attributes === null ? 'missing' : ballot.verdict === null ? 'extra' : 'different',
    places: [ballot.neighbor],
    since: on === undefined ? vote.since : wallClock(on.since),
    until: null,
    stable: vote.dissents,
    diff: (vote.diff ?? []).map(({ attribute, left, right }) => ({
      ...{ attribute, majority: left ?? null, vote: right ?? null },
    })),
    vote: vote.attributes,
    majority: ballot.verdict,
    against: ballot.agree,
    finding: on?.finding.id ?? null,
    known: on?.finding.kind === 'known-difference' ? on.finding.text.split(', ') : [],
  };
}

function inForwarding({ forwarding, findings }: AccusationParts): Accusation[] {
  if (forwarding === null) return [];
  const { prefix, verdict, votes } = forwarding;
  const majority: RouteText = verdict === null ? null : { 'next hops': hopsWords(verdict) };
  const against = votes.filter(({ counts, agrees }) => counts && agrees).map(({ replica }) => replica);
  return votes
    .filter(({ counts, agrees }) => counts && !agrees)
    .map(({ replica, nextHops }) => {
      const finding = findings.find(
        ({ open, place, replica: by, samples }) =>
          open && place === 'fib' && by === replica && samples.includes(prefix),
      );
      const vote: RouteText = nextHops === null ? null : { 'next hops': hopsWords(nextHops) };
      const both = vote !== null && majority !== null;
      return {
        replica,
        kind: nextHops === null ? ('missing' as const) : verdict === null ? ('extra' as const) : ('different' as const),
        places: ['fib'],
        since: finding?.since ?? null,
        until: null,
        stable: finding !== undefined,
        diff: both ? [{ attribute: 'next hops', vote: vote['next hops'], majority: majority['next hops'] }] : [],
        ...{ vote, majority, against },
        finding: finding?.id ?? null,
        known: finding?.kind === 'known-difference' ? finding.text.split(', ') : [],
      };
    });
}
