// The ballots on which replicas differ now, of neighbours and of the forwarding table: those with the same difference together, and who says
// what. Owns which of them are looked at, a page at a time, and showing them.
import { h, prefixLink, render } from './dom.js';
import { ask } from './feed.js';
import { count, many } from './format.js';
import { hopsBallot } from './hops.js';
import { signature, votesTable } from './attributes.js';
import { placesText } from './verdict.js';

/** Ballots of one page, and routes of the forwarding table. */
const [BALLOTS, ROUTES] = [200, 100];
/** Groups of ballots, and prefixes of each that are seen without opening it. */
const [GROUPS, PREFIXES] = [24, 12];
/** The forwarding table is looked through for them, whatever its size: not too often, ms. */
const ROUTES_MS = 6000;

export class Contested {
  /** Only those on which this replica differs; undefined: all. */
  replica;
  #after;
  #votes;
  #routes = { routes: [], total: 0 };
  #routesAt = -Infinity;
  #seenRoutes = 0;

  /** Asks for what is to be shown now. Rejects when there is no connection. */
  async load(status) {
    this.#votes = status.ballots.contested === 0 ? { ballots: [], total: 0, next: null } : await this.#page();
    // What was on this page is settled by now.
    if (this.#votes.ballots.length === 0 && this.#after !== undefined) {
      this.#after = undefined;
      this.#votes = await this.#page();
    }
    const wanted = status.fib?.contested ?? 0;
    const due = wanted !== this.#seenRoutes || performance.now() - this.#routesAt > ROUTES_MS;
    if (wanted === 0) this.#routes = { routes: [], total: 0 };
    else if (due) {
      this.#routesAt = performance.now();
      this.#routes = await ask(`fib?state=contested&limit=${ROUTES}`);
    }
    this.#seenRoutes = wanted;
  }

  #page() {
    const only = this.replica === undefined ? '' : `&replica=${encodeURIComponent(this.replica)}`;
    const after = this.#after === undefined ? '' : `&after=${encodeURIComponent(this.#after)}`;
    return ask(`votes?limit=${BALLOTS}${only}${after}`);
  }

  /** Ballots of one replica, or with undefined of all, from the beginning. */
  choose(replica) {
    Object.assign(this, { replica });
    this.#after = undefined;
  }

  /** To the next page, or back to the first one. */
  turn(action) {
    this.#after = action === 'next-ballots' ? (this.#votes?.next ?? undefined) : undefined;
  }

  render(container, status) {
    if (this.#votes === undefined) return render(container, h('p', { class: 'muted' }, 'Asking …'));
    const groups = this.#groups();
    const shown = groups.slice(0, GROUPS);
    const more = groups.length - shown.length;
    return render(
      container,
      this.#choice(),
      shown.length === 0 && h('p', { class: 'empty' }, this.#nothing(status)),
      shown.map(([key, group]) => card(key, group)),
      more > 0 && h('p', { class: 'muted' }, `${many(more, 'other difference')} on this page: btr votes --diff`),
      this.#pages(),
    );
  }

  /** By what differs, those with most prefixes first. */
  #groups() {
    const routes = this.#routes.routes.filter(({ votes }) => this.#isMeant(votes)).map(hopsBallot);
    const groups = new Map();
    for (const ballot of [...this.#votes.ballots, ...routes]) {
      const key = `${ballot.neighbor === 'fib' ? 'fib' : ''} ${signature(ballot)}`;
      const group = groups.get(key) ?? { ballot, prefixes: new Set(), neighbors: new Set() };
      group.prefixes.add(ballot.prefix);
      group.neighbors.add(ballot.neighbor);
      groups.set(key, group);
    }
    return [...groups].sort(([, a], [, b]) => b.prefixes.size - a.prefixes.size);
  }

  #isMeant(votes) {
    if (this.replica === undefined) return true;
    return votes.some(({ replica, counts, agrees }) => replica === this.replica && counts && !agrees);
  }

  #choice() {
    if (this.replica === undefined) return undefined;
    return h(
      'p',
      { class: 'choice' },
      `Only those on which ${this.replica} differs. `,
      h('button', { type: 'button', class: 'quiet', 'data-replica': '' }, 'Show all'),
    );
  }

  #nothing({ ballots }) {
    if (this.replica !== undefined) return `None on which ${this.replica} differs now.`;
    if (ballots.total === 0) return 'No ballots yet: no neighbour has announced a route.';
    return `None: on all ${many(ballots.total, 'ballot')} the replicas say the same.`;
  }

  #pages() {
    const { total, next, ballots } = this.#votes;
    const rest = total - ballots.length;
    const routes = this.#routes.total - this.#routes.routes.length;
    const button = (action, text) => h('button', { type: 'button', class: 'quiet', 'data-action': action }, text);
    return [
      (next !== null || this.#after !== undefined) &&
        h(
          'p',
          { class: 'pages' },
          this.#after !== undefined && button('first-ballots', 'From the beginning'),
          next !== null && button('next-ballots', `Next ${count(Math.min(rest, BALLOTS))}`),
          h('span', { class: 'muted' }, `${many(ballots.length, 'ballot')} here, ${count(rest)} behind them`),
        ),
      routes > 0 &&
        h('p', { class: 'muted' }, `${count(routes)} more in the forwarding table: btr fib --state contested`),
    ];
  }
}

function card(key, { ballot, prefixes, neighbors }) {
  const all = [...prefixes];
  const rest = all.slice(PREFIXES);
  return h(
    'article',
    { class: 'ballot', 'data-key': key },
    h('h3', {}, `${many(all.length, 'prefix', 'prefixes')} ${placesText([...neighbors])}`),
    h('p', { class: 'prefixes' }, links(all.slice(0, PREFIXES))),
    rest.length > 0 &&
      h('details', {}, h('summary', {}, `${count(rest.length)} more`), h('p', { class: 'prefixes' }, links(rest))),
    votesTable(ballot),
  );
}

const links = (prefixes) => prefixes.flatMap((prefix, i) => [i > 0 && ', ', prefixLink(prefix)]);
