// The story of one prefix, from what neighbours announced to what the kernel holds: a panel over the page, opened by a link (#prefix=…).
// Owns the panel; the story is the router's (`btr votes --explain`).
import { badge, byId, h, mark, render } from './dom.js';
import { clock } from './format.js';
import { votesTable, routeList } from './attributes.js';
import { ask, pauseAfter } from './feed.js';
import { hopsBallot } from './hops.js';
import { placesText } from './verdict.js';

const AGAIN_MS = 4000;
const KEY = '#prefix=';

/** The prefix that the address asks for; undefined for none. */
export function prefixOf(hash) {
  if (!hash.startsWith(KEY)) return undefined;
  try {
    return decodeURIComponent(hash.slice(KEY.length)).trim();
  } catch {
    return undefined;
  }
}

export class Story {
  #dialog = byId('story');
  #prefix;
  #question;
  #timer;

  constructor() {
    addEventListener('hashchange', () => this.#follow());
    this.#dialog.addEventListener('close', () => {
      this.#question?.abort();
      this.#prefix = undefined;
      if (prefixOf(location.hash) !== undefined) history.pushState(null, '', location.pathname + location.search);
    });
    // A click beside the panel closes it; inside, it lands on something else.
    this.#dialog.addEventListener('click', ({ target }) => {
      if (target === this.#dialog || target.closest?.('[data-action="close"]')) this.#dialog.close();
    });
    // Whoever comes back to the page wants to know how the story goes on.
    document.addEventListener('visibilitychange', () => document.hidden || this.#load());
    this.#follow();
  }

  #follow() {
    const prefix = prefixOf(location.hash);
    if (prefix === undefined || prefix === '') {
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    this.#prefix = prefix;
    byId('prefix').value = prefix;
    this.#show(prefix, h('p', { class: 'muted' }, 'Asking …'));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#load();
  }

  async #load() {
    clearTimeout(this.#timer);
    const prefix = this.#prefix;
    if (prefix === undefined || document.hidden) return;
    this.#question?.abort();
    const question = (this.#question = new AbortController());
    const start = performance.now();
    try {
      const story = await ask(`explain?prefix=${encodeURIComponent(prefix)}`, question.signal);
      if (this.#prefix === prefix) this.#show(story.prefix, ...chapters(story));
    } catch (error) {
      if (this.#prefix === prefix && error.name !== 'AbortError')
        this.#show(prefix, h('p', { class: 'problem', role: 'alert' }, error.message));
    }
    if (question !== this.#question) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), pauseAfter(performance.now() - start, AGAIN_MS));
  }

  #show(prefix, ...content) {
    render(
      this.#dialog,
      h(
        'div',
        { class: 'story-body' },
        h(
          'header',
          {},
          // Where the reader begins; a dialog would give the focus to its first button.
          h(
            'h2',
            { id: 'story-title', tabindex: '-1', autofocus: true },
            h('span', { class: 'muted' }, 'The story of '),
            prefix,
          ),
          h('button', { type: 'button', class: 'quiet', 'data-action': 'close' }, 'Close'),
        ),
        content,
      ),
    );
  }
}

function chapters(story) {
  const { accused, inputs, replicas, ballots, forwarding, history, unknown, at } = story;
  return [
    h(
      'div',
      { class: `summary ${accused.length > 0 ? 'warn' : ''}` },
      story.summary.map((sentence) => h('p', {}, sentence)),
    ),
    chapter('1', 'Neighbours say', inputs.map(input)),
    chapter('2', 'Replicas have a say', h('ul', { class: 'plain' }, replicas.map(replica))),
    chapter(
      '3',
      'They vote, and this is decided',
      ballots.length === 0 ? h('p', { class: 'muted' }, 'There is no ballot about it.') : ballots.map(ballot),
    ),
    chapter(
      '4',
      'The kernel forwards',
      forwarding === null
        ? h('p', { class: 'muted' }, 'There is no forwarding table, or nobody wants a route there.')
        : [
            h('p', {}, forwarding.text),
            forwarding.votes.some(({ agrees, counts }) => counts && !agrees) && votesTable(hopsBallot(forwarding)),
          ],
    ),
    history.length > 0 &&
      chapter(
        '5',
        'What the vote log tells',
        h('ol', { class: 'records' }, history.toReversed().slice(0, 50).map(event)),
      ),
    unknown.length > 0 && h('p', { class: 'muted' }, unknown.join(' ')),
    h('p', { class: 'muted' }, `As of ${clock(at)}.`),
  ];
}

function chapter(number, title, ...content) {
  return h(
    'section',
    { class: 'chapter', 'data-key': number },
    h('h3', {}, h('span', { class: 'step', 'aria-hidden': 'true' }, number), title),
    content,
  );
}

const INPUT_LEVELS = { announced: 'good', 'treated-as-withdrawn': 'bad', down: 'warn' };

function input({ neighbor, as, state, since, attributes, reason, deliveries }) {
  const level = INPUT_LEVELS[state] ?? 'off';
  const late = deliveries.filter((one) => one.state !== 'worked-off');
  return h(
    'details',
    { class: 'input', 'data-key': `input ${neighbor}` },
    h(
      'summary',
      {},
      badge(level, state.replaceAll('-', ' ')),
      ` ${neighbor}`,
      h('span', { class: 'muted' }, ` AS ${as}${since === null ? '' : `, since ${clock(since)}`}`),
    ),
    reason !== null && h('p', {}, reason),
    attributes !== null && routeList(attributes),
    late.length > 0 &&
      h(
        'p',
        { class: 'muted' },
        late
          .map(
            (one) =>
              `${one.replica}: ${one.state.replaceAll('-', ' ')}${one.quarantined.length > 0 ? ` (quarantine ${one.quarantined.join(', ')})` : ''}`,
          )
          .join('; '),
      ),
  );
}

function replica({ name, kind, state, counts, reason }) {
  return h(
    'li',
    { 'data-key': name },
    badge(counts ? 'good' : 'off', counts ? 'counts' : 'does not count'),
    ` ${name}`,
    h('span', { class: 'muted' }, ` ${kind}, ${state}${reason === null ? '' : `: ${reason}`}`),
  );
}

function ballot(story) {
  const { neighbor, verdict, decided, contested, trouble, votes, emission } = story;
  const level = trouble === 'no-majority' ? 'bad' : contested ? 'warn' : 'good';
  const word = trouble ?? (contested ? 'contested' : verdict === null ? 'no route' : 'unanimous');
  return h(
    'article',
    { class: 'ballot', 'data-key': `ballot ${neighbor}` },
    h('h4', {}, badge(level, word.replaceAll('-', ' ')), ` ${placesText([neighbor])}`),
    h('p', {}, decided),
    contested && votesTable({ verdict, votes }),
    contested && h('ul', { class: 'plain muted' }, votes.map(voteNote)),
    h(
      'p',
      {},
      mark(emission.state === 'advertised' || emission.state === 'nothing' ? 'good' : 'off'),
      ` It is told: ${emission.text}.`,
    ),
    h(
      'details',
      { 'data-key': `route ${neighbor}` },
      h('summary', {}, 'All attributes'),
      contested ? votesTable({ verdict, votes }, { all: true }) : routeList(verdict),
    ),
  );
}

const UNSTABLE = {
  vote: 'it changed lately',
  input: 'its input changed lately',
  lag: 'the replica has not worked off its input',
};

function voteNote({ replica: name, since, stable, unstable, silenced }) {
  const notes = [
    since === null ? 'never said anything' : `says so since ${clock(since)}`,
    !stable && unstable && `not stable: ${UNSTABLE[unstable] ?? unstable}`,
    silenced,
  ];
  return h('li', { 'data-key': name }, `${name}: ${notes.filter(Boolean).join('; ')}`);
}

function event({ t, kind, place, replica: name, text }) {
  return h(
    'li',
    { 'data-key': `${t} ${kind} ${place} ${name} ${text}` },
    h('time', { datetime: t }, clock(t)),
    h('span', { class: 'record-kind' }, kind.replaceAll('-', ' ')),
    h(
      'span',
      { class: 'record-text' },
      text,
      place !== null && h('span', { class: 'muted' }, ` ${placesText([place])}`),
    ),
  );
}
