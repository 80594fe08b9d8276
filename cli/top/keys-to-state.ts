// What keys do to the state of `btr top`. Pure; what has to be done besides (ask, quit, draw anew) is said in words.
import type { Key } from './keys.js';
import { lastTop, type Size } from './layout.js';
import { HELP } from './help.js';
import { chosenIndex, rowsOf } from './panes/index.js';
import { PANES, type TopState } from './state.js';

export type Wish = 'quit' | 'suspend' | 'redraw' | 'ask' | 'look' | 'pace';

export interface Reaction {
  state: TopState;
  wish?: Wish;
}

/** Ms. */
export const INTERVALS = [200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const;
const LONGEST_FILTER = 100;

export function press(state: TopState, key: Key, size: Size): Reaction {
  if (key === 'ctrl-c') return { state, wish: 'quit' };
  if (key === 'ctrl-z') return { state, wish: 'suspend' };
  if (key === 'ctrl-l') return { state, wish: 'redraw' };
  if (state.typing) return { state: typed(state, key) };
  if (state.help) return inHelp(state, key, size);
  if (key === 'q') return { state, wish: 'quit' };
  if (key === 'h' || key === '?') return { state: { ...state, help: true, helpTop: 0 } };
  return state.detail === undefined ? inOverview(state, key, size) : inDetail(state, key, size);
}

function typed(state: TopState, key: Key): TopState {
  const { filter } = state;
  if (key === 'enter') return { ...state, typing: false };
  if (key === 'escape') return { ...state, typing: false, filter: '' };
  if (key === 'backspace') return { ...state, filter: [...filter].slice(0, -1).join('') };
  if (key === 'ctrl-u') return { ...state, filter: '' };
  const printable = [...key].length === 1;
  return printable && filter.length < LONGEST_FILTER ? { ...state, filter: filter + key } : state;
}

/** By how far a key scrolls; undefined for other keys. */
function scrollOf(key: Key, page: number): number | undefined {
  const steps: Record<string, number> = {
    up: -1,
    down: 1,
    'page-up': -page,
    'page-down': page,
    home: -Infinity,
    end: Infinity,
  };
  return steps[key];
}

const within = (value: number, last: number): number => Math.max(0, Math.min(value, last));

function inHelp(state: TopState, key: Key, size: Size): Reaction {
  const by = scrollOf(key, size.rows - 3);
  if (by === undefined) return { state: { ...state, help: false } };
  return { state: { ...state, helpTop: within(state.helpTop + by, lastTop(HELP, size)) } };
}

function inDetail(state: TopState, key: Key, size: Size): Reaction {
  const detail = state.detail!;
  if (key === 'escape' || key === 'left' || key === 'backspace') return { state: { ...state, detail: undefined } };
  if (key === 'r') return { state, wish: 'look' };
  const by = scrollOf(key, size.rows - 3);
  if (by === undefined) return { state };
  const top = within(detail.top + by, lastTop(detail.lines ?? [], size));
  return { state: { ...state, detail: { ...detail, top } } };
}

function inOverview(state: TopState, key: Key, size: Size): Reaction {
  switch (key) {
    case 'tab':
    case 'right':
      return { state: { ...state, pane: paneAfter(state, 1) } };
    case 'back-tab':
    case 'left':
      return { state: { ...state, pane: paneAfter(state, -1) } };
    case '/':
      return { state: { ...state, typing: true } };
    case 'escape':
      return { state: { ...state, filter: '' } };
    case 'p':
    case ' ':
      return { state: { ...state, paused: !state.paused }, wish: 'pace' };
    case '+':
    case '=':
      return { state: { ...state, interval: intervalAfter(state.interval, 1) }, wish: 'pace' };
    case '-':
      return { state: { ...state, interval: intervalAfter(state.interval, -1) }, wish: 'pace' };
    case 'r':
      return { state, wish: 'ask' };
    case 'enter':
      return lookAt(state);
    default:
      return { state: chosenAfter(state, scrollOf(key, Math.max(1, Math.floor(size.rows / 4)))) };
  }
}

function paneAfter({ pane }: TopState, step: number): TopState['pane'] {
  return PANES[(PANES.indexOf(pane) + step + PANES.length) % PANES.length];
}

/** The next longer (`step` 1) or shorter one. */
function intervalAfter(interval: number, step: number): number {
  const longer = step > 0;
  const others = INTERVALS.filter((one) => (longer ? one > interval : one < interval));
  return (longer ? others[0] : others[others.length - 1]) ?? interval;
}

function chosenAfter(state: TopState, by: number | undefined): TopState {
  const { pane } = state;
  const rows = rowsOf(state, pane);
  if (by === undefined || rows.length === 0) return state;
  const { key } = rows[within(chosenIndex(state, pane, rows) + by, rows.length - 1)];
  return { ...state, selected: { ...state.selected, [pane]: key } };
}

function lookAt(state: TopState): Reaction {
  const { pane } = state;
  const rows = rowsOf(state, pane);
  const row = rows[chosenIndex(state, pane, rows)];
  if (row === undefined) return { state };
  const title = row.cells[0].text;
  const detail = { subject: { pane, key: row.key }, title, lines: undefined, top: 0 };
  return { state: { ...state, detail }, wish: 'look' };
}
