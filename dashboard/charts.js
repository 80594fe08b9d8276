// What the charts show: which numbers of the history, on which scale. Owns the collection of points, fine and coarse; drawing is chart.js.
import { Chart } from './chart.js';
import { ask } from './feed.js';
import { growLanes } from './lanes.js';
import { milliseconds, short } from './format.js';
import { render } from './dom.js';

/** Ranges in seconds, and which points they are drawn from. */
export const RANGES = [
  { key: '10m', text: '10 min', seconds: 600, points: 'fine' },
  { key: '1h', text: '1 h', seconds: 3600, points: 'coarse' },
  { key: '12h', text: '12 h', seconds: 43_200, points: 'coarse' },
];
/** A router that has just started has its charts filled, not at their right edge; seconds. */
const SHORTEST = 60;
/** Points that are further apart than so many intervals are not joined. */
const GAP = 3.5;

const CHARTS = [
  {
    title: 'Agreement',
    note: 'of all ballots',
    lines: [{ key: 'agreement', label: 'unanimous', stroke: 'solid' }],
    scale: shareScale,
    format: (v) => (v === null ? '–' : `${Number(v.toFixed(3))} %`),
  },
  {
    title: 'Votes per second',
    lines: [
      { key: 'votes', label: 'cast', stroke: 'solid' },
      { key: 'decisions', label: 'decided', stroke: 'dashed' },
    ],
    scale: countScale,
    format: short,
  },
  {
    title: 'Input to verdict',
    lines: [
      { key: 'latencyP50', label: 'median', stroke: 'solid' },
      { key: 'latencyP95', label: '95 %', stroke: 'dashed' },
      { key: 'latencyP99', label: '99 %', stroke: 'dotted' },
    ],
    scale: timeScale,
    format: milliseconds,
  },
  {
    title: 'Event-loop delay',
    lines: [
      { key: 'loopP50', label: 'median', stroke: 'solid' },
      { key: 'loopP99', label: '99 %', stroke: 'dashed' },
      { key: 'loopMax', label: 'most', stroke: 'dotted' },
    ],
    scale: timeScale,
    format: milliseconds,
  },
];

export class Charts {
  #charts = CHARTS.map((options) => new Chart(options));
  #history = { fine: undefined, coarse: undefined };
  range = RANGES[0];

  constructor(container) {
    render(container, ...this.#charts.map(({ element }) => element));
  }

  /** Of the replicas, by name. */
  get lanes() {
    return this.#history.fine?.lanes ?? {};
  }

  /** Gets everything anew: after a connection was lost there is a gap. */
  async load() {
    for (const which of ['fine', 'coarse']) {
      const answer = await ask(`history?range=${which}`);
      const { columns } = answer;
      columns.agreement = columns.ballots.map((total, i) => agreement(total, columns.contested[i]));
      this.#history[which] = answer;
    }
  }

  /** A new point: the fine ones grow; the coarse ones are asked for again when it is time. */
  add(sample) {
    const { fine, coarse } = this.#history;
    if (!fine) return;
    const { columns } = fine;
    growLanes(fine.lanes, sample.lanes);
    if (sample.t <= (columns.t.at(-1) ?? 0)) return;
    const point = { ...sample, agreement: agreement(sample.ballots, sample.contested) };
    for (const [name, column] of Object.entries(columns)) {
      column.push(point[name] ?? null);
      if (column.length > 600) column.shift();
    }
    const last = coarse?.columns.t.at(-1) ?? sample.t;
    if (coarse && sample.t - last > 45_000 && this.range.points === 'coarse') this.load().catch(() => undefined);
  }

  /** From when to when everything on the page that has a time axis is drawn; ms since 1970. */
  span(now) {
    const { seconds, points } = this.range;
    const first = this.#history[points]?.columns.t[0] ?? this.#history.fine?.columns.t[0] ?? now;
    const length = Math.min(seconds * 1000, Math.max(SHORTEST * 1000, now - first));
    return [now - length, now];
  }

  draw(now) {
    const { points } = this.range;
    // Before the first coarse points are there the fine ones have it all.
    const coarse = this.#history.coarse?.columns;
    const which = points === 'fine' || !coarse || coarse.t.length < 4 ? 'fine' : 'coarse';
    const { columns, interval } = this.#history[which] ?? {};
    if (columns) for (const chart of this.#charts) chart.draw(columns, this.span(now), GAP * 1000 * interval);
  }
}

const agreement = (total, contested) => (total > 0 ? (100 * (total - contested)) / total : null);

/** Up to 100 %, and down as far as it has been. */
function shareScale(values) {
  const worst = Math.max(0.01, 100 - Math.min(100, ...values));
  const depth = Math.min(100, nice(worst * 1.1));
  return { low: 100 - depth, high: 100, ticks: [100 - depth, 100 - depth / 2, 100] };
}

function countScale(values) {
  const high = nice(Math.max(10, ...values));
  return { low: 0, high, ticks: [0, high / 2, high] };
}

/** Powers of ten: a median of a millisecond and a worst case of seconds have room side by side. Four ticks at most. */
function timeScale(values) {
  const known = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(0.1, ...known)) + 1e-9);
  const worst = Math.ceil(Math.log10(Math.max(10, ...known)) - 1e-9);
  const step = Math.ceil((worst - low) / 3);
  const steps = Math.ceil((worst - low) / step);
  const ticks = Array.from({ length: steps + 1 }, (_, i) => 10 ** (low + i * step));
  return { low: ticks[0], high: ticks[steps], log: true, ticks };
}

/** The next of 1, 2, 5, 10, 20 … */
function nice(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((one) => one * size).find((one) => one >= value * 0.9999) ?? 10 * size;
}
