// The ballots on which replicas differ now: those with the same difference together, and who says what. Owns showing them.
import { h, prefixLink, render } from './dom.js';
import { count, many } from './format.js';
import { signature, votesTable } from './attributes.js';
import { placesText } from './verdict.js';

/** Groups of ballots, and prefixes of each, that are shown. */
const [GROUPS, PREFIXES] = [12, 12];

/** `ballots`: of the votes' answer; `total`: how many are contested in all. */
export function renderContested(container, votes, status) {
  const elsewhere = status.fib?.contested ?? 0;
  const fib =
    elsewhere > 0 &&
    h(
      'p',
      { class: 'muted' },
      `In the forwarding table: ${many(elsewhere, 'ballot')}. Ask for a prefix to see who wants which next hop.`,
    );
  if (votes === undefined) return render(container, h('p', { class: 'muted' }, 'Asking …'));
  if (votes.total === 0) {
    const text =
      status.ballots.total === 0
        ? 'No ballots yet: no neighbour has announced a route.'
        : `None: on all ${many(status.ballots.total, 'ballot')} the replicas say the same.`;
    return render(container, h('p', { class: 'empty' }, text), fib);
  }
  const groups = new Map();
  for (const ballot of votes.ballots) {
    const key = signature(ballot);
    const group = groups.get(key) ?? { ballot, prefixes: new Set(), neighbors: new Set(), ballots: 0 };
    group.prefixes.add(ballot.prefix);
    group.neighbors.add(ballot.neighbor);
    group.ballots++;
    groups.set(key, group);
  }
  const shown = [...groups].sort(([, a], [, b]) => b.prefixes.size - a.prefixes.size).slice(0, GROUPS);
  const rest = votes.total - shown.reduce((sum, [, { ballots }]) => sum + ballots, 0);
  return render(
    container,
    shown.map(([key, group]) => card(key, group)),
    rest > 0 && h('p', { class: 'muted' }, `${count(rest)} more contested: btr votes`),
    fib,
  );
}

function card(key, { ballot, prefixes, neighbors }) {
  const links = [...prefixes].slice(0, PREFIXES).flatMap((prefix, i) => [i > 0 && ', ', prefixLink(prefix)]);
  return h(
    'article',
    { class: 'ballot', 'data-key': key },
    h('h3', {}, `${many(prefixes.size, 'prefix', 'prefixes')} ${placesText([...neighbors])}`),
    h('p', { class: 'prefixes' }, links, prefixes.size > PREFIXES && ` and ${count(prefixes.size - PREFIXES)} more`),
    votesTable(ballot),
  );
}
