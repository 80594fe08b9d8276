// A small line chart over time: one to three lines, a scale, and the values under the pointer or the arrow keys. Owns drawing; what is drawn
// is charts.js. Lines are told apart by their strokes and labels; colours are kept for states.
import { h, render, s } from './dom.js';
import { clock } from './format.js';

const HEIGHT = 150;
const [LEFT, RIGHT, TOP, BOTTOM] = [54, 8, 10, 20];

export class Chart {
  #options;
  #plot;
  #head;
  #columns = { t: [] };
  #range = [0, 1];
  #drawn;
  #at;

  /** `lines`: { key, label, stroke } by column; `scale(values)`: { low, high, ticks, log }; `format`: of a value. */
  constructor(options) {
    this.#options = options;
    this.#head = h('div', { class: 'chart-head' });
    this.#plot = h('div', { class: 'chart-plot', tabindex: '0', role: 'img', 'aria-label': options.title });
    this.element = h('figure', { class: 'chart' }, this.#head, this.#plot);
    this.#plot.addEventListener('pointermove', (event) => this.#point(event));
    this.#plot.addEventListener('pointerleave', () => this.#move(undefined));
    this.#plot.addEventListener('blur', () => this.#move(undefined));
    this.#plot.addEventListener('keydown', (event) => this.#key(event));
  }

  /** `columns`: arrays by name, `t` in ms; `range`: of the time axis; `gap`: between points that are joined at most, ms. */
  draw(columns, range, gap) {
    this.#drawn = [columns, range, gap];
    this.#columns = columns;
    this.#range = range;
    const width = Math.max(200, this.#plot.clientWidth);
    const { lines, scale, format } = this.#options;
    const shown = this.#visible();
    const y = axis(scale(lines.flatMap(({ key }) => shown.map((i) => columns[key][i]).filter((v) => v !== null))));
    const x = (t) => LEFT + ((t - range[0]) / (range[1] - range[0])) * (width - LEFT - RIGHT);
    const at = this.#at;
    render(
      this.#plot,
      s(
        'svg',
        { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' },
        y.ticks.map((value) => [
          s('path', { class: 'grid', d: `M${LEFT} ${round(y.of(value))}H${width - RIGHT}` }),
          s('text', { class: 'tick', x: LEFT - 6, y: round(y.of(value)) + 4, 'text-anchor': 'end' }, format(value)),
        ]),
        timeTicks(range, width).map(({ t, text, anchor }) =>
          s('text', { class: 'tick', x: round(x(t)), y: HEIGHT - 4, 'text-anchor': anchor }, text),
        ),
        lines.map(({ key, stroke }) =>
          s('path', { class: `line ${stroke}`, d: path(columns[key], columns.t, shown, { x, y: y.of, gap }) }),
        ),
        at !== undefined &&
          columns.t[at] !== undefined &&
          s('path', { class: 'cursor', d: `M${round(x(columns.t[at]))} ${TOP}V${HEIGHT - BOTTOM}` }),
      ),
    );
    this.#label(shown);
  }

  #label(shown) {
    const { title, lines, format, note } = this.#options;
    // Where nothing is happening the last that did is of more use than a dash.
    const latest = shown.findLast((i) => lines.some(({ key }) => this.#columns[key][i] !== null)) ?? shown.at(-1);
    const at = this.#at ?? latest;
    const when = at === undefined || at === shown.at(-1) ? undefined : `at ${clock(this.#columns.t[at])}`;
    const value = (key) => format(at === undefined ? null : (this.#columns[key][at] ?? null));
    const values = lines.map(({ key, label }) => `${label} ${value(key)}`).join(', ');
    this.#plot.setAttribute('aria-label', `${title}: ${values}. Arrow keys show earlier values.`);
    render(
      this.#head,
      h('figcaption', {}, title, h('span', { class: 'muted' }, ` ${when ?? note ?? ''}`)),
      h(
        'ul',
        { class: 'chart-values' },
        lines.map(({ key, label, stroke }) =>
          h(
            'li',
            {},
            s(
              'svg',
              { width: 16, height: 8, 'aria-hidden': 'true' },
              s('path', { class: `line ${stroke}`, d: 'M0 4h16' }),
            ),
            label,
            ' ',
            h('b', {}, value(key)),
          ),
        ),
      ),
    );
  }

  #visible() {
    const { t } = this.#columns;
    let first = 0;
    while (first < t.length && t[first] < this.#range[0]) first++;
    return Array.from({ length: t.length - first }, (_, i) => first + i);
  }

  #point(event) {
    const box = this.#plot.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    this.#move(this.#nearest(this.#range[0] + share * (this.#range[1] - this.#range[0])));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    const shown = this.#visible();
    if (step === undefined || shown.length === 0) return;
    event.preventDefault();
    const to = (this.#at ?? shown.at(-1)) + step;
    this.#move(to >= shown.at(-1) ? undefined : Math.max(shown[0], to));
  }

  #nearest(time) {
    const shown = this.#visible();
    if (shown.length === 0) return undefined;
    const { t } = this.#columns;
    return shown.reduce((best, i) => (Math.abs(t[i] - time) < Math.abs(t[best] - time) ? i : best), shown[0]);
  }

  #move(at) {
    if (at === this.#at) return;
    this.#at = at;
    this.draw(...this.#drawn);
  }
}

const round = (value) => Math.round(value * 10) / 10;

function axis({ low, high, ticks, log }) {
  const to = log ? (value) => Math.log10(Math.max(value, low)) : (value) => value;
  const [from, until] = [to(low), to(high)];
  const of = (value) => TOP + (1 - (to(value) - from) / (until - from)) * (HEIGHT - TOP - BOTTOM);
  return { ticks, of };
}

/** Values that were measured one after the other are joined, at most `gap` ms apart; before each line, and for a lone value, there is a dot. */
function path(values, t, shown, { x, y, gap }) {
  let d = '';
  let before;
  for (const i of shown) {
    const value = values[i] ?? null;
    if (value === null) {
      before = undefined;
      continue;
    }
    const joined = before !== undefined && t[i] - t[before] <= gap;
    d += `${joined ? 'L' : 'M'}${round(x(t[i]))} ${round(y(value))}${joined ? '' : 'h.1'}`;
    before = i;
  }
  return d;
}

/** Steps of the time axis, seconds. */
const STEPS = [10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600];

/** Round times of day in UTC, as many as have room. */
export function timeTicks([from, until], width) {
  const most = Math.max(2, Math.floor(width / 110));
  const step = 1000 * (STEPS.find((one) => (until - from) / 1000 / one <= most) ?? STEPS.at(-1));
  const ticks = [];
  for (let t = Math.ceil(from / step) * step; t <= until; t += step) {
    const share = (t - from) / (until - from);
    if (share < 0.03 || share > 0.97) continue;
    const text = new Date(t).toISOString().slice(11, step < 60_000 ? 19 : 16);
    ticks.push({ t, text, anchor: 'middle' });
  }
  return ticks;
}
