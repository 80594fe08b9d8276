// A terminal for programs under test: a real pseudo-terminal (util-linux's script) in front, an emulator (xterm) behind, so that a test sees the
// screen as a person would. Owns both, and the settings of the line before and after.
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import xterm from '@xterm/headless';
import { waitFor } from '../../cli/lab/wait.js';

const SCRIPT = '/usr/bin/script';
const DEADLINE_MS = 60_000;

/** Why tests with a terminal cannot run here, or undefined. */
export function terminalProblem(): string | undefined {
  return existsSync(SCRIPT) ? undefined : `needs ${SCRIPT} (Debian package bsdutils)`;
}

export interface TerminalOptions {
  columns: number;
  rows: number;
  env?: Record<string, string>;
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

export class TestTerminal {
  /** All that the program has sent. */
  raw = '';
  /** Resolves with the program's exit status. */
  readonly exited: Promise<number>;
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'btr-terminal-'));
  private readonly emulator: xterm.Terminal;
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(argv: readonly string[], { columns, rows, env = {} }: TerminalOptions) {
    this.emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    const at = (name: string): string => quoted(path.join(this.directory, name));
    const program = argv.map(quoted).join(' ');
    const line = [
      `stty cols ${columns} rows ${rows}; tty > ${at('tty')}; stty -g > ${at('before')}`,
      `sh -c 'echo $$ > "$0"; exec "$@"' ${at('pid')} ${program}`,
      `status=$?; stty -g > ${at('after')}; exit $status`,
    ].join('\n');
    this.child = spawn(SCRIPT, ['-qfec', line, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: this.directory, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...env },
      stdio: 'pipe',
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      this.emulator.write(text);
    });
    // Keys for a program that has ended.
    this.child.stdin.on('error', () => undefined);
    this.exited = new Promise((resolve) => this.child.on('close', (code) => resolve(code ?? -1)));
  }

  /** The lines that are seen now. */
  get screen(): string[] {
    const { active } = this.emulator.buffer;
    return Array.from(
      { length: this.emulator.rows },
      (_, i) => active.getLine(active.viewportY + i)?.translateToString(true) ?? '',
    );
  }

  get text(): string {
    return this.screen.join('\n');
  }

  /** The alternate screen is shown, as by editors. */
  get alternate(): boolean {
    return this.emulator.buffer.active.type === 'alternate';
  }

  /** Pid of the program. */
  get pid(): number {
    return Number(readFileSync(path.join(this.directory, 'pid'), 'utf8'));
  }

  /** The line's settings are what they were before the program started. Ask after its end. */
  get settingsRestored(): boolean {
    const read = (name: string): string => readFileSync(path.join(this.directory, name), 'utf8');
    return read('before') === read('after');
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows);
    const tty = readFileSync(path.join(this.directory, 'tty'), 'utf8').trim();
    execFileSync('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
  }

  /** Polls until the screen is as it should be; what it was last is part of the error. */
  async until(what: string, condition: (text: string) => boolean): Promise<void> {
    try {
      await waitFor(() => condition(this.text), { what, deadlineMs: DEADLINE_MS, intervalMs: 20 });
    } catch (error) {
      throw new Error(`${(error as Error).message}; the screen was:\n${this.text}`, { cause: error });
    }
  }

  /** Ends the program if it has not ended, and forgets its files. */
  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
    this.emulator.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
