// Columns of a pane: as wide as what is in them, the least important ones left out where there is no room, the last one cut. Owns layout only.
import { cut, displayWidth, fit } from '../output/width.js';
import { safeText } from '../output/safe-text.js';
import { piece, type Line, type Piece, type Tone } from './line.js';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** The higher, the earlier it is left out. 0: never. */
  spare: number;
  /** Columns on the screen that it may take at most. */
  most?: number;
  /** It takes so many where there is room, so that the others stay where they are when numbers grow. */
  least?: number;
}

export interface Cell {
  text: string;
  tone?: Tone;
}

export interface Row {
  /** Stays the same for the same thing, from picture to picture. */
  key: string;
  /** One for each column. */
  cells: readonly Cell[];
}

export interface Grid {
  header: Line;
  rows: readonly Line[];
}

const GAP = 2;
/** What the mark of the chosen row takes. */
const MARK = 2;
/** A cut column says nothing below this. */
const LEAST = 6;
/** Longer texts are not even measured. */
const LONGEST = 400;

/** `chosen`: key of the row that is marked. Lines are at most `width` columns. */
export function grid(columns: readonly Column[], rows: readonly Row[], width: number, chosen?: string): Grid {
  const clean = rows.map(({ key, cells }) => ({
    key,
    cells: cells.map(({ text, tone = 'plain' }) => piece(safeText(text, LONGEST), tone)),
  }));
  const natural = columns.map(({ title, most = LONGEST }, c) =>
    Math.min(most, Math.max(displayWidth(title), ...clean.map(({ cells }) => displayWidth(cells[c].text)))),
  );
  const shown = columnsThatFit(columns, natural, width - MARK);
  const widths = widthsIn(columns, shown, natural, width - MARK);
  const line = (cells: readonly Piece[], mark: string): Line => [
    piece(mark),
    ...shown.flatMap((c, i) => [
      ...(i === 0 ? [] : [piece(' '.repeat(GAP))]),
      piece(cellText(cells[c].text, widths[i], columns[c], i === shown.length - 1), cells[c].tone),
    ]),
  ];
  const header = line(
    columns.map(({ title }) => piece(title, 'head')),
    ' '.repeat(MARK),
  );
  return {
    header,
    rows: clean.map(({ key, cells }) =>
      key === chosen ? selected(line(cells, '> '), width) : line(cells, ' '.repeat(MARK)),
    ),
  };
}

function cellText(text: string, width: number, { align = 'left' }: Column, last: boolean): string {
  return last && align === 'left' ? cut(text, width) : fit(text, width, align);
}

/** Reverse from edge to edge, whatever is in it. */
function selected(line: Line, width: number): Line {
  return [piece(fit(line.map(({ text }) => text).join(''), width), 'selected')];
}

const total = (widths: readonly number[]): number => widths.reduce((sum, w) => sum + w + GAP, -GAP);

function columnsThatFit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  let shown = columns.map((_, c) => c);
  // The last one may be cut: less of it is asked for.
  const asked = (): number[] =>
    shown.map((c, i) => (i === shown.length - 1 ? Math.min(natural[c], LEAST) : natural[c]));
  while (total(asked()) > width) {
    const worst = shown.reduce((a, b) => (columns[b].spare > columns[a].spare ? b : a));
    if (columns[worst].spare === 0) break;
    shown = shown.filter((c) => c !== worst);
  }
  return shown;
}

/** What is missing is taken from the last column first, then from those before it; what is left goes to those that want to stay as they are. */
function widthsIn(
  columns: readonly Column[],
  shown: readonly number[],
  natural: readonly number[],
  width: number,
): number[] {
  const widths = shown.map((c) => natural[c]);
  shown.forEach((c, i) => {
    const missing = (columns[c].least ?? 0) - widths[i];
    if (missing > 0) widths[i] += Math.min(missing, Math.max(0, width - total(widths)));
  });
  for (let i = widths.length - 1; i >= 0 && total(widths) > width; i--) {
    widths[i] = Math.max(i === 0 ? 1 : 0, widths[i] - (total(widths) - width));
  }
  return widths;
}
