// `btr top` as it runs: asks, draws, reads keys, and ends. Owns the loop and its timers; state, layout and terminal are other files.
import process from 'node:process';
import type { ReadStream } from 'node:tty';
import { printError } from '../output/print.js';
import { detailsOf, takePicture } from './ask.js';
import { Connection } from './connection.js';
import { KeyReader } from './keys.js';
import { press, type Wish } from './keys-to-state.js';
import { layout, page } from './layout.js';
import { plain } from './line.js';
import { ratesBetween } from './rates.js';
import { Screen, type TerminalOutput } from './screen.js';
import { initialState, type Picture, type TopState } from './state.js';

/** An answer that takes longer is not waited for: the connection is made anew. */
const PATIENCE_MS = 15_000;
const PAGE_COLUMNS = 160;

export interface TopOptions {
  socket: string;
  /** Ms. */
  interval: number;
  colour: boolean;
}

export class TopProgram {
  private readonly connection: Connection;
  private readonly screen: Screen;
  private readonly keys = new KeyReader();
  private state: TopState;
  private timer: NodeJS.Timeout | undefined;
  private asking = false;
  /** The user has had enough: an answer that still comes is of no interest. */
  private over = false;
  private end!: () => void;
  private readonly ended = new Promise<void>((resolve) => (this.end = resolve));

  constructor({ socket, interval, colour }: TopOptions, input: ReadStream, output: TerminalOutput) {
    this.connection = new Connection(socket);
    this.state = initialState(interval);
    this.screen = new Screen(input, output, colour);
    input.setEncoding('utf8');
    input.on('data', (text: string) => this.read(text));
    // The terminal has hung up.
    for (const event of ['end', 'error'] as const) input.on(event, () => this.end());
    output.on('resize', () => this.draw(true));
    output.on('drain', () => this.draw());
  }

  /** Resolves when the user has had enough; the terminal is then as it was. */
  async run(): Promise<void> {
    const undo = this.watchSignals();
    try {
      this.screen.enter();
      this.draw();
      void this.ask();
      await this.ended;
    } finally {
      this.over = true;
      undo();
      clearTimeout(this.timer);
      this.screen.leave();
      this.connection.end();
    }
  }

  /** Signals that would end the program, and errors nobody has caught: the terminal first. Returns how to stop watching. */
  private watchSignals(): () => void {
    const handlers = new Map<string, (cause: unknown) => void>();
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
      ['SIGINT', 130],
    ] as const) {
      handlers.set(signal, () => process.exit(status));
    }
    handlers.set('SIGCONT', () => {
      this.screen.enter();
      this.draw(true);
    });
    handlers.set('uncaughtException', (error) => {
      this.screen.leave();
      printError(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exit(70);
    });
    for (const [event, handler] of handlers) process.on(event, handler);
    return () => {
      for (const [event, handler] of handlers) process.off(event, handler);
    };
  }

  private read(text: string): void {
    for (const key of this.keys.read(text)) {
      const { state, wish } = press(this.state, key, this.screen.size);
      this.state = state;
      if (wish !== undefined) this.fulfil(wish);
    }
    this.draw();
  }

  private fulfil(wish: Wish): void {
    switch (wish) {
      case 'quit':
        return this.end();
      case 'suspend':
        this.screen.leave();
        process.kill(process.pid, 'SIGSTOP');
        return;
      case 'redraw':
        return this.draw(true);
      case 'ask':
        return void this.ask();
      case 'pace':
        return this.schedule();
      case 'look':
        return void this.look();
    }
  }

  private draw(anew = false): void {
    if (anew) this.screen.redraw();
    this.screen.draw(layout(this.state, this.screen.size));
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.state.paused || this.over) return;
    this.timer = setTimeout(() => void this.ask(), this.state.interval);
  }

  /** One picture, and the next one later. */
  private async ask(): Promise<void> {
    if (this.asking || this.over) return;
    this.asking = true;
    try {
      const picture = await withPatience(takePicture(this.connection.ask, Date.now()));
      this.state = withPicture(this.state, picture);
    } catch (error) {
      this.connection.close();
      this.state = { ...this.state, lost: (error as Error).message, rates: undefined };
    } finally {
      this.asking = false;
      this.draw();
      this.schedule();
    }
  }

  private async look(): Promise<void> {
    const { detail } = this.state;
    if (detail === undefined) return;
    const { subject } = detail;
    const lines = await withPatience(detailsOf(this.connection.ask, subject)).catch((error: Error) => [error.message]);
    // Something else may be looked at by now.
    if (this.state.detail?.subject !== subject) return;
    this.state = { ...this.state, detail: { ...this.state.detail, lines } };
    this.draw();
  }
}

function withPicture(state: TopState, picture: Picture): TopState {
  const before = state.picture?.status;
  const rates = before === undefined ? undefined : ratesBetween(before, picture.status);
  return { ...state, picture, rates, lost: undefined };
}

/** Rejects when `answer` does not come. */
function withPatience<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the hypervisor does not answer')), PATIENCE_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** One picture as text, for where there is no terminal. Two are taken, since rates need a time in between. */
export async function printOnce({ socket, interval }: TopOptions, columns = PAGE_COLUMNS): Promise<string> {
  const connection = new Connection(socket);
  try {
    const first = withPicture(initialState(interval), await takePicture(connection.ask, Date.now()));
    await new Promise((resolve) => setTimeout(resolve, interval));
    const state = withPicture(first, await takePicture(connection.ask, Date.now()));
    return page(state, columns)
      .map((line) => plain(line, columns))
      .join('\n');
  } finally {
    connection.end();
  }
}
