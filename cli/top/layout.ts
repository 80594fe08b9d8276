// From a state to the lines of the screen: header, panes that share the rest of the height (or one of them, where there is little), keys at
// the bottom; or one thing closely, or the help. Pure: the same state and size give the same lines, at most `rows` of them.
import { safeText } from '../output/safe-text.js';
import { wrap } from '../output/width.js';
import { grid, type Row } from './grid.js';
import { header } from './header.js';
import { HELP } from './help.js';
import { piece, type Line, type Tone } from './line.js';
import { chosenIndex, PANE_VIEWS, rowsOf } from './panes/index.js';
import { PANES, type Pane, type TopState } from './state.js';

export interface Size {
  columns: number;
  rows: number;
}

const SMALLEST: Size = { columns: 24, rows: 6 };
/** Below that a pane gets no line of its own: only the one that is looked at is shown. */
const ROWS_FOR_ALL_PANES = 12;
const ROWS_FOR_GAPS = 24;
const TAB_NAMES: Readonly<Record<Pane, string>> = {
  neighbors: 'peers',
  replicas: 'replicas',
  ballots: 'contested',
  findings: 'faults',
};

export function layout(state: TopState, size: Size): Line[] {
  if (size.columns < SMALLEST.columns || size.rows < SMALLEST.rows) {
    return [[piece('btr top needs more room')]];
  }
  if (state.help) return scrolled('Keys', HELP, state.helpTop, size, 'any other key: back');
  if (state.detail !== undefined) {
    const { title, lines = ['asking …'], top } = state.detail;
    return scrolled(title, lines, top, size, 'Esc back   ↑↓ PgUp PgDn scroll   r ask again   q quit');
  }
  if (state.picture === undefined) return [...padded(wrappedHeader(state, size), size.rows - 1), footer(state)];
  const above = header(state).slice(0, Math.max(1, size.rows - 5));
  const body = panes(state, size.columns, size.rows - above.length - 2);
  const all = size.rows - above.length - 2 >= ROWS_FOR_ALL_PANES;
  return [...above, all ? [] : tabs(state), ...padded(body, size.rows - above.length - 2), footer(state)];
}

/** Before there is anything to show, why not may be as long as it likes. */
function wrappedHeader(state: TopState, { columns }: Size): Line[] {
  return header(state).flatMap((line) => {
    const [first] = line;
    return line.length > 1 ? [line] : wrap(safeText(first.text), columns).map((text) => [piece(text, first.tone)]);
  });
}

/** The same without an end: everything there is, for where nobody scrolls. */
export function page(state: TopState, columns: number): Line[] {
  const body = PANES.flatMap((pane) => [[], ...paneLines(state, pane, columns, Infinity, false)]);
  return [...header(state), ...body];
}

/** The panes in `rows` lines. */
function panes(state: TopState, columns: number, rows: number): Line[] {
  if (rows < ROWS_FOR_ALL_PANES) return paneLines(state, state.pane, columns, rows, true);
  const wanted = PANES.map((pane) => Math.max(1, rowsOf(state, pane).length));
  const focus = PANES.indexOf(state.pane);
  const withoutHeads = rows - PANES.length;
  const between = PANES.length - 1;
  // Lines between the panes are the first thing to go without.
  const gaps = wanted.reduce((sum, length) => sum + length, 0) + between <= withoutHeads || rows >= ROWS_FOR_GAPS;
  const given = share(wanted, focus, withoutHeads - (gaps ? between : 0));
  return PANES.flatMap((pane, i) => [
    ...(i === 0 || !gaps ? [] : [[]]),
    ...paneLines(state, pane, columns, given[i] + 1, pane === state.pane),
  ]);
}

/** So many rows for each: one at least, the one that is looked at up to half of what is there, the others in turn. */
export function share(wanted: readonly number[], focus: number, rows: number): number[] {
  const given = wanted.map(() => 1);
  let left = rows - given.length;
  const first = Math.max(0, Math.min(wanted[focus] - 1, Math.floor(rows / 2) - 1, left));
  given[focus] += first;
  left -= first;
  while (left > 0) {
    const before = left;
    for (let i = 0; i < given.length && left > 0; i++) {
      if (given[i] >= wanted[i]) continue;
      given[i]++;
      left--;
    }
    if (left === before) break;
  }
  return given;
}

/** What is in the panes that have no room, and which one is shown. */
function tabs(state: TopState): Line {
  return PANES.flatMap((pane, i) => [
    ...(i === 0 ? [] : [piece(' ')]),
    piece(`${TAB_NAMES[pane]} ${allRows(state, pane)}`, pane === state.pane ? 'selected' : worst(rowsOf(state, pane))),
  ]);
}

function allRows(state: TopState, pane: Pane): number {
  const { length } = rowsOf(state, pane);
  return state.filter === '' ? Math.max(length, PANE_VIEWS[pane].total?.(state) ?? 0) : length;
}

/** A header and rows, in `height` lines: those around the chosen one, or those that ask most for somebody to look at them. */
function paneLines(state: TopState, pane: Pane, columns: number, height: number, focused: boolean): Line[] {
  const { columns: heads, empty } = PANE_VIEWS[pane];
  const rows = rowsOf(state, pane);
  const visible = height - 1;
  const from = focused ? firstShown(chosenIndex(state, pane, rows), rows.length, visible) : 0;
  const window = focused ? rows.slice(from, from + visible) : urgent(rows, visible);
  const chosen = focused ? rows[chosenIndex(state, pane, rows)]?.key : undefined;
  const { header: head, rows: lines } = grid(heads, window, columns, chosen);
  if (rows.length === 0) {
    const text = state.filter === '' ? empty : `nothing contains "${state.filter}"`;
    return [head, [piece(`  ${text}`, 'dim')]];
  }
  const all = allRows(state, pane);
  if (all <= window.length) return [head, ...lines];
  const which = focused ? `${from + 1}–${from + window.length}` : `${window.length}`;
  const text = `  ${which} of ${all}`;
  return [[...roomFor(head, text, columns), piece(text, 'dim')], ...lines];
}

function firstShown(chosen: number, rows: number, visible: number): number {
  return Math.max(0, Math.min(chosen - Math.floor(visible / 2), rows - visible));
}

const SEVERITY: readonly Tone[] = ['bad', 'warn'];

function severity({ cells }: Row): number {
  const found = SEVERITY.findIndex((tone) => cells.some((cell) => cell.tone === tone));
  return found < 0 ? SEVERITY.length : found;
}

function worst(rows: readonly Row[]): Tone {
  return SEVERITY[Math.min(SEVERITY.length, ...rows.map(severity))] ?? 'dim';
}

/** As many as fit, in their order; where there are more, those with trouble. */
function urgent(rows: readonly Row[], visible: number): Row[] {
  if (rows.length <= visible) return [...rows];
  const order = [...rows.keys()].sort((a, b) => severity(rows[a]) - severity(rows[b]) || a - b);
  const kept = new Set(order.slice(0, visible));
  return rows.filter((_, i) => kept.has(i));
}

/** `head` without its end where `text` has no room behind it. */
function roomFor(head: Line, text: string, columns: number): Line {
  const kept: Line[number][] = [];
  let used = 0;
  for (const one of head) {
    if (used + one.text.length + text.length > columns) break;
    used += one.text.length;
    kept.push(one);
  }
  return kept;
}

function footer({ typing, filter, interval }: TopState): Line {
  if (typing) return [piece(`/${filter}█`, 'head'), piece('   Enter keep   Esc no filter', 'dim')];
  const filtered = filter === '' ? '' : `   filter "${filter}"`;
  return [
    piece(`q quit  h help  Tab pane  ↑↓ Enter look  / filter  p pause  +- ${interval / 1000}s${filtered}`, 'dim'),
  ];
}

/** Wrapped text from its line `top` on, with a title and a footer; fills the screen. */
function scrolled(title: string, texts: readonly string[], top: number, size: Size, keys: string): Line[] {
  const lines = wrapped(texts, size.columns);
  const visible = size.rows - 2;
  const from = Math.min(top, lastTop(texts, size));
  const end = Math.min(lines.length, from + visible);
  const where = lines.length > visible ? `   ${from + 1}–${end} of ${lines.length}` : '';
  return [
    [piece(title, 'head'), piece(where, 'dim')],
    ...padded(
      lines.slice(from, end).map((text): Line => [piece(text)]),
      visible,
    ),
    [piece(keys, 'dim')],
  ];
}

function wrapped(texts: readonly string[], columns: number): string[] {
  return texts.flatMap((text) => wrap(safeText(text), columns));
}

/** How far a text can be scrolled. */
export function lastTop(texts: readonly string[], { columns, rows }: Size): number {
  return Math.max(0, wrapped(texts, columns).length - (rows - 2));
}

function padded(lines: readonly Line[], rows: number): Line[] {
  return [...lines.slice(0, rows), ...Array.from({ length: Math.max(0, rows - lines.length) }, () => [])];
}
