// Swim lanes: what each replica was over time, and what was found against it. Owns drawing them, on the same time axis as the charts.
import { h, render, s } from './dom.js';
import { clock, duration, many } from './format.js';
import { timeTicks } from './chart.js';
import { REPLICA_STATES } from './verdict.js';

const [STATE, EXTRA, GAP] = [14, 6, 3];
const AXIS = 20;
/** Shorter than that nothing can be seen, pixels. */
const THINNEST = 3;

const EXTRAS = [
  { key: 'fault', name: 'finding' },
  { key: 'dissent', name: 'dissents' },
  { key: 'quarantine', name: 'withheld' },
];

/** `lanes`: by replica, from the history; `range` in ms. */
export function renderTimeline(container, { lanes, replicas, patterns, range, now }) {
  const names = replicas.map(({ name }) => name);
  const width = Math.max(220, container.clientWidth - (container.clientWidth < 560 ? 0 : 132));
  render(
    container,
    h(
      'div',
      { class: 'lanes' },
      names.map((name) =>
        row(name, {
          lanes: lanes[name],
          patterns: patterns.filter(({ replica }) => replica === name),
          range,
          now,
          width,
        }),
      ),
      h('div', { class: 'lane-name' }),
      h(
        'div',
        { class: 'lane-plot' },
        s(
          'svg',
          { width, height: AXIS, viewBox: `0 0 ${width} ${AXIS}`, 'aria-hidden': 'true' },
          timeTicks(range, width).map(({ t, text, anchor }) =>
            s('text', { class: 'tick', x: place(t, range, width), y: 14, 'text-anchor': anchor }, text),
          ),
        ),
      ),
    ),
    legend(),
  );
}

const place = (t, [from, until], width) =>
  Math.round(((Math.min(Math.max(t, from), until) - from) / (until - from)) * width * 10) / 10;

function row(name, { lanes, patterns, range, now, width }) {
  const within = (span) => (span.to ?? now) >= range[0] && span.from <= range[1];
  const states = (lanes?.state ?? []).filter(within);
  const extras = {
    fault: patterns
      .filter(({ kind }) => kind !== 'known-difference')
      .map(faultSpan)
      .filter(within),
    dissent: (lanes?.dissent ?? []).filter(within),
    quarantine: (lanes?.quarantine ?? []).filter(within),
  };
  const present = EXTRAS.filter(({ key }) => extras[key].length > 0);
  const height = STATE + present.length * (EXTRA + GAP) + 4;
  const bar = (span, y, tall, kind, text) => {
    const x = place(span.from, range, width);
    const end = place(span.to ?? now, range, width);
    return s(
      'rect',
      { class: `span ${kind}`, x, y, width: Math.max(THINNEST, end - x), height: tall, rx: 2 },
      s('title', {}, text),
    );
  };
  const when = (span) =>
    `${clock(span.from)} to ${span.to === null ? 'now' : clock(span.to)}, ${duration(((span.to ?? now) - span.from) / 1000)}`;
  return [
    h('div', { class: 'lane-name' }, name),
    h(
      'div',
      { class: 'lane-plot' },
      s(
        'svg',
        {
          width,
          height,
          viewBox: `0 0 ${width} ${height}`,
          role: 'img',
          'aria-label': inWords(name, states, extras, when),
        },
        s('rect', { class: 'lane-ground', x: 0, y: 0, width, height: STATE, rx: 2 }),
        states.map((span) =>
          bar(span, 0, STATE, `state-${classOf(span.value)}`, `${name}: ${span.value}, ${when(span)}`),
        ),
        present.map(({ key }, i) =>
          extras[key].map((span) =>
            bar(span, STATE + GAP + i * (EXTRA + GAP), EXTRA, key, `${textOf(key, span)}, ${when(span)}`),
          ),
        ),
      ),
    ),
  ];
}

function faultSpan({ first, last, open, text }) {
  return { from: Date.parse(first), to: open ? null : Date.parse(last), value: text };
}

function textOf(key, { value }) {
  if (key === 'fault') return value;
  return key === 'dissent' ? `up to ${many(value, 'dissent')}` : `up to ${many(value, 'prefix', 'prefixes')} withheld`;
}

/** The stroke of a state; what is not known here is drawn as down. */
function classOf(state) {
  return { good: 'good', busy: 'busy', off: 'off', warn: 'bad', bad: 'bad' }[(REPLICA_STATES[state] ?? ['bad'])[0]];
}

function inWords(name, states, extras, when) {
  const told = [
    ...states.map((span) => `${span.value} ${when(span)}`),
    ...EXTRAS.flatMap(({ key }) => extras[key].map((span) => `${textOf(key, span)} ${when(span)}`)),
  ];
  return `${name}: ${told.slice(-20).join('; ') || 'nothing known'}`;
}

function legend() {
  const item = (kind, text, tall) =>
    h(
      'li',
      {},
      s(
        'svg',
        { width: 22, height: STATE, 'aria-hidden': 'true' },
        s('rect', { class: `span ${kind}`, x: 0, y: (STATE - tall) / 2, width: 22, height: tall, rx: 2 }),
      ),
      text,
    );
  return h(
    'ul',
    { class: 'legend' },
    item('state-good', 'votes', STATE),
    item('state-busy', 'starts, synchronises', STATE),
    item('state-bad', 'down', STATE),
    item('state-off', 'stands by', STATE),
    item('fault', 'finding', EXTRA),
    item('dissent', 'dissents', EXTRA),
    item('quarantine', 'messages withheld', EXTRA),
  );
}

/** Hatches for states that must be told apart without colours; once in the page. */
export function hatches() {
  const pattern = (id, line) =>
    s(
      'pattern',
      { id, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      s('rect', { width: 6, height: 6, class: `${line} ground` }),
      s('path', { d: 'M0 0v6', class: line }),
    );
  return s(
    'svg',
    { class: 'hatches', width: 0, height: 0, 'aria-hidden': 'true' },
    s('defs', {}, pattern('hatch-busy', 'busy-line'), pattern('hatch-bad', 'bad-line')),
  );
}
