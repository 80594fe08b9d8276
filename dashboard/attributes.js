// Who says what about one prefix, attribute by attribute: replicas that say the same side by side, and only what differs shown at first.
// Owns finding and showing the differences.
import { h } from './dom.js';
import { list } from './format.js';

/** Replicas by what they say; those with the verdict first. `votes`: { replica, attributes, agrees, counts }. */
export function groupVotes(votes) {
  const groups = new Map();
  for (const { replica, attributes, agrees, counts } of votes) {
    const key = attributes === null ? '' : JSON.stringify(Object.entries(attributes).sort());
    const group = groups.get(key) ?? { attributes, agrees, names: [], silent: [] };
    (counts ? group.names : group.silent).push(replica);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => Number(b.agrees) - Number(a.agrees));
}

/** Names of the attributes in which these routes differ, in the order they come in. No route differs in being there. */
export function differing(routes) {
  const present = routes.filter((route) => route !== null);
  const names = [...new Set(present.flatMap((route) => Object.keys(route)))];
  return names.filter((name) => new Set(present.map((route) => route[name])).size > 1);
}

/** One text for all ballots with the same difference, whoever they are about: for putting them together. */
export function signature({ verdict, votes }) {
  const groups = groupVotes(votes);
  const names = differing([verdict, ...groups.map(({ attributes }) => attributes)]);
  const values = (route) => (route === null ? null : names.map((name) => route[name] ?? null));
  return JSON.stringify([
    values(verdict),
    groups.map(({ attributes, names: who, silent, agrees }) => [who, silent, agrees, values(attributes)]),
  ]);
}

const who = ({ names, silent }) =>
  [names.length > 0 && list(names), silent.length > 0 && `${list(silent)} (no vote)`].filter(Boolean).join(', ');

/**
 * A table: a row for each group, a column for each attribute that differs. Cells that are not what was decided carry a sign. `all`: every
 * attribute, not only those that differ.
 */
export function votesTable({ verdict, votes }, { all = false } = {}) {
  const groups = groupVotes(votes);
  const routes = [verdict, ...groups.map(({ attributes }) => attributes)].filter((route) => route !== null);
  const names = all ? [...new Set(routes.flatMap((route) => Object.keys(route)))] : differing(routes);
  const absence = groups.some(({ attributes }) => attributes === null) || verdict === null;
  const columns = absence ? ['Route', ...names] : names;
  if (columns.length === 0) return h('p', { class: 'muted' }, 'Nothing differs any more.');
  return h(
    'table',
    { class: 'diff' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, 'Who'),
        columns.map((name) => h('th', { scope: 'col' }, name)),
      ),
    ),
    h(
      'tbody',
      {},
      groups.map((group) => row(group, { columns, verdict })),
    ),
  );
}

function saying({ names, silent, agrees }) {
  const one = names.length + silent.length === 1;
  if (agrees) return one ? ' says what was decided' : ' say what was decided';
  return one ? ' differs' : ' differ';
}

function row(group, { columns, verdict }) {
  const { attributes, agrees } = group;
  return h(
    'tr',
    { class: agrees ? 'agrees' : 'differs' },
    h('th', { scope: 'row' }, who(group), h('span', { class: 'said' }, saying(group))),
    columns.map((name) => cell(name, attributes, verdict)),
  );
}

function cell(name, attributes, verdict) {
  const of = (route) =>
    name === 'Route' ? (route === null ? 'no route' : 'a route') : route === null ? undefined : route[name];
  const [value, wanted] = [of(attributes), of(verdict)];
  const differs =
    value !== wanted && !(attributes === null && name !== 'Route') && !(verdict === null && name !== 'Route');
  const text = value ?? (attributes === null ? '–' : 'absent');
  return h(
    'td',
    { 'data-label': name, class: differs ? 'other' : undefined },
    differs && h('span', { class: 'sign', 'aria-label': 'differs: ' }, '≠ '),
    h('span', { class: value === undefined ? 'none' : 'value' }, text === '' ? 'present' : text),
  );
}

/** All attributes of a route, one a line. */
export function routeList(attributes) {
  if (attributes === null || attributes === undefined) return h('p', { class: 'muted' }, 'no route');
  return h(
    'dl',
    { class: 'route' },
    Object.entries(attributes).map(([name, value]) => [
      h('dt', {}, name),
      h('dd', {}, value === '' ? 'present' : value),
    ]),
  );
}
