// What was found against the replicas: the sentence to act on, how it differs, on which prefixes, since when, what to do. Owns showing
// it; the patterns and sentences are the router's own (`btr faults`).
import { badge, h, prefixLink, render } from './dom.js';
import { clock, duration, many } from './format.js';
import { placesText } from './verdict.js';

/** Findings that are over, newest first: that many are shown. */
const OVER = 5;

const KIND_WORDS = {
  extra: 'sends what it should not',
  missing: 'does not send what it should',
  different: 'sends other contents',
  system: 'failed as a process',
  'known-difference': 'known difference, no fault',
};

export function renderFindings(container, faults, now) {
  if (faults === undefined) return render(container, h('p', { class: 'muted' }, 'Asking …'));
  const open = faults.patterns.filter(({ open: is, kind }) => is && kind !== 'known-difference');
  const over = faults.patterns.filter((pattern) => !pattern.open && pattern.kind !== 'known-difference');
  const known = faults.knownDifferences;
  return render(
    container,
    open.length === 0 &&
      h(
        'p',
        { class: 'empty' },
        over.length === 0
          ? 'Nothing was found against any replica since the router started.'
          : 'Nothing is found against any replica now.',
      ),
    open.map((pattern) => card(pattern, now)),
    over.length > 0 &&
      h(
        'details',
        { class: 'over', 'data-key': 'over' },
        h('summary', {}, `${many(over.length, 'finding')} of before`),
        h(
          'ul',
          { class: 'plain' },
          over
            .slice(0, OVER)
            .map((pattern) =>
              h(
                'li',
                { 'data-key': pattern.key },
                badge('off', 'over'),
                ' ',
                pattern.text,
                h('span', { class: 'muted' }, ` ${clock(pattern.first, now)} – ${clock(pattern.last, now)}`),
              ),
            ),
        ),
        over.length > OVER && h('p', { class: 'muted' }, `${over.length - OVER} more: btr faults`),
      ),
    (known > 0 || faults.oscillating > 0) &&
      h(
        'p',
        { class: 'muted notes' },
        known > 0 && `${many(known, 'known difference')} of daemons: no faults (btr faults --all). `,
        faults.oscillating > 0 &&
          `${many(faults.oscillating, 'ballot')} do not come to rest: no fault is looked for there.`,
      ),
  );
}

function card(pattern, now) {
  const {
    key,
    replica,
    kind,
    cause,
    text,
    advice,
    commands,
    first,
    places,
    prefixes,
    atLeast,
    count,
    changes,
    examples,
  } = pattern;
  const facts = [
    ['Replica', replica],
    ['How', cause === null ? (KIND_WORDS[kind] ?? kind) : cause],
    ...(kind === 'system'
      ? [['Times', many(count, 'time')]]
      : [['Prefixes', `${atLeast ? 'at least ' : ''}${many(prefixes, 'prefix', 'prefixes')}`]]),
    ['Where', places.length === 0 ? 'the whole replica' : placesText(places)],
    ['Since', `${clock(first, now)}, for ${duration((now - Date.parse(first)) / 1000)}`],
  ];
  return h(
    'article',
    { class: 'finding', 'data-key': key },
    h('h3', {}, badge('warn', 'open'), ' ', text),
    h(
      'dl',
      { class: 'facts' },
      facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    ),
    changes.length > 0 && changesTable(replica, changes),
    kind !== 'system' &&
      h(
        'p',
        { class: 'prefixes' },
        h('span', { class: 'muted' }, 'Prefixes: '),
        prefixesOf(examples),
        prefixes > distinct(examples).length && ' … ',
        prefixes > distinct(examples).length &&
          h('button', { type: 'button', class: 'quiet', 'data-replica': replica }, `All that ${replica} differs on`),
      ),
    advice !== '' && h('p', { class: 'advice' }, sentence(advice)),
    commands.length > 0 && h('pre', { class: 'commands' }, commands.join('\n')),
  );
}

/** With a capital and a full stop. */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

const distinct = (examples) => [...new Set(examples.map(({ prefix }) => prefix))];

function prefixesOf(examples) {
  return distinct(examples).flatMap((prefix, i) => [i > 0 && ', ', prefixLink(prefix)]);
}

const values = ({ values: all, more }) =>
  all.length === 0 ? h('span', { class: 'none' }, 'absent') : all.join('; ') + (more ? '; …' : '');

function changesTable(replica, changes) {
  return h(
    'table',
    { class: 'diff' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ['Attribute', 'the majority says', `${replica} says`].map((text) => h('th', { scope: 'col' }, text)),
      ),
    ),
    h(
      'tbody',
      {},
      changes.map(({ attribute, vote, majority }) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, attribute),
          h('td', { 'data-label': 'the majority says' }, values(majority)),
          h(
            'td',
            { 'data-label': `${replica} says`, class: 'other' },
            h('span', { class: 'sign', 'aria-label': 'differs: ' }, '≠ '),
            values(vote),
          ),
        ),
      ),
    ),
  );
}
