// The terminal that `btr top` draws on: alternate screen, hidden cursor, raw keys; and all of that undone on whatever way the program ends.
// Draws whole frames: only lines that have changed are sent, in one write, as one synchronised update where the terminal knows that.
import { writeSync } from 'node:fs';
import process from 'node:process';
import type { ReadStream, WriteStream } from 'node:tty';
import { displayWidth } from '../output/width.js';
import { paint, plain, type Line } from './line.js';
import type { Size } from './layout.js';

/** Alternate screen, no cursor, no wrapping at the right edge (a width that we and the terminal see differently spoils one line, not the next). */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Begin and end of a synchronised update; terminals that do not know it ignore it. */
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];
const DEFAULT_SIZE: Size = { columns: 80, rows: 24 };

/** What has to be sent to turn `before` into `after`; empty when nothing differs. Lines are painted, without what hides behind them. */
export function difference(
  before: readonly string[],
  after: readonly string[],
  columns: number,
  widths: readonly number[],
): string {
  let text = '';
  for (let row = 0; row < Math.max(before.length, after.length); row++) {
    const line = after[row] ?? '';
    if (line === before[row]) continue;
    // Behind a full line there is nothing to clear: the cursor is still on its last character.
    const clear = (widths[row] ?? 0) < columns ? '\x1b[K' : '';
    text += `\x1b[${row + 1};1H\x1b[0m${line}${clear}`;
  }
  return text;
}

/** What `process.stdout` is when it is a terminal. */
export type TerminalOutput = WriteStream & { fd: number };

export class Screen {
  private readonly input: ReadStream;
  private readonly output: TerminalOutput;
  private readonly colour: boolean;
  private shown: string[] = [];
  private entered = false;
  private fresh = true;
  private readonly onExit = (): void => this.leave();

  constructor(input: ReadStream, output: TerminalOutput, colour: boolean) {
    this.input = input;
    this.output = output;
    this.colour = colour;
  }

  get size(): Size {
    const { columns, rows } = this.output;
    // A terminal without a size says 0.
    return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
  }

  enter(): void {
    if (this.entered) return;
    this.entered = true;
    process.on('exit', this.onExit);
    this.input.setRawMode(true);
    this.input.resume();
    this.send(ENTER);
    this.redraw();
  }

  /** As it was before. Safe at any time, and twice. */
  leave(): void {
    if (!this.entered) return;
    this.entered = false;
    process.off('exit', this.onExit);
    this.send(LEAVE);
    try {
      this.input.setRawMode(false);
    } catch {
      // The terminal is gone.
    }
    this.input.pause();
  }

  /** The next frame is sent as a whole. */
  redraw(): void {
    this.shown = [];
    this.fresh = true;
  }

  draw(lines: readonly Line[]): void {
    // Who reads slower than we draw gets the next frame, not all of them.
    if (!this.entered || this.output.writableNeedDrain) return;
    const { columns, rows } = this.size;
    const visible = lines.slice(0, rows);
    const painted = visible.map((line) => paint(line, columns, this.colour));
    const widths = visible.map((line) => displayWidth(plain(line, columns)));
    const text = (this.fresh ? '\x1b[0m\x1b[2J' : '') + difference(this.shown, painted, columns, widths);
    this.shown = painted;
    this.fresh = false;
    if (text !== '') this.output.write(BEGIN + text + END);
  }

  /** At once, so that it also arrives when the process ends right now. */
  private send(text: string): void {
    const bytes = Buffer.from(text);
    for (let sent = 0, tries = 0; sent < bytes.length && tries < 1000; tries++) {
      try {
        sent += writeSync(this.output.fd, bytes, sent);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      }
    }
  }
}
