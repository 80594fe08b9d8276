// A line on the screen: pieces of text with a meaning each. Owns what the meanings look like; that nothing in a text can act on the terminal
// is seen to here, once for everything that `btr top` shows.
import { safeText } from '../output/safe-text.js';
import { cut, displayWidth } from '../output/width.js';

export type Tone = 'plain' | 'head' | 'dim' | 'good' | 'warn' | 'bad' | 'selected';

export interface Piece {
  text: string;
  tone: Tone;
}

export type Line = readonly Piece[];

const RESET = '\x1b[0m';
/** SGR parameters. Colours from the eight that every terminal has, and that its user has chosen. */
const COLOURS: Readonly<Record<Tone, string>> = {
  plain: '',
  head: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '1;31',
  selected: '7',
};
/** With NO_COLOR: reverse and bold are no colours. */
const MONOCHROME: Readonly<Record<Tone, string>> = { ...COLOURS, dim: '', good: '', warn: '', bad: '1' };

export function piece(text: string, tone: Tone = 'plain'): Piece {
  return { text, tone };
}

/** What a terminal is sent for `line`: safe, and at most `width` columns. `colour: false` leaves bold and reverse. */
export function paint(line: Line, width: number, colour: boolean): string {
  const codes = colour ? COLOURS : MONOCHROME;
  return clip(line, width)
    .map(({ text, tone }) => (codes[tone] === '' ? text : `\x1b[${codes[tone]}m${text}${RESET}`))
    .join('');
}

/** The same as text alone. */
export function plain(line: Line, width: number): string {
  return clip(line, width)
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}

function clip(line: Line, width: number): Piece[] {
  const pieces: Piece[] = [];
  let left = width;
  for (const { text, tone } of line) {
    if (left <= 0) break;
    const short = cut(safeText(text), left);
    left -= displayWidth(short);
    pieces.push({ text: short, tone });
  }
  return pieces;
}
