// Next hops of the forwarding table as one attribute of a route, so that what shows votes can show them. Owns their wording.

function text({ type, nextHops }) {
  if (type !== 'unicast') return type;
  return nextHops
    .map(
      ({ gateway, interface: link, weight }) =>
        `${gateway === undefined ? '' : `via ${gateway} `}dev ${link}${nextHops.length > 1 ? ` weight ${weight}` : ''}`,
    )
    .join(', ');
}

const route = (hops) => (hops === null ? null : { 'next hops': text(hops) });

/** A route of `btr fib` in the form of a ballot towards a neighbour. */
export function hopsBallot({ prefix, verdict, votes }) {
  return {
    neighbor: 'fib',
    prefix,
    verdict: route(verdict),
    votes: votes.map(({ nextHops, ...vote }) => ({ ...vote, attributes: route(nextHops) })),
  };
}
