// One child process of a lab: where its output goes, when it ended, how it is ended.
// Leaves the namespace it runs in to Lab. Ends processes by their own id and process group, never by name.
import { execa } from 'execa';
import type { Options } from 'execa';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

export interface SpawnOptions {
  /** File that receives stdout and stderr, appended. Default: a file of its own in the lab's directory. */
  log?: string;
  /** Added to the environment of this process. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: 'ignore' | 'pipe' | 'inherit';
  /** `pipe` leaves stdout to the caller (`process.child.stdout`), who must read it. */
  stdout?: 'log' | 'pipe' | 'inherit';
  stderr?: 'log' | 'pipe' | 'inherit';
  /** Node's message channel to a child that is a Node program. */
  ipc?: boolean;
  /** Name in messages and in the log file's name. Default: the program's base name. */
  name?: string;
}

export interface ExitStatus {
  code: number | undefined;
  signal: string | undefined;
}

function start(argv: readonly string[], options: SpawnOptions, log: number) {
  // A descriptor, not a pipe through us: output is kept even when we are busy or gone, and costs us nothing.
  // (execa's types know only 1 and 2 by name, it takes every descriptor.)
  const out = (to: SpawnOptions['stdout']) => (to === 'pipe' || to === 'inherit' ? to : (log as 1));
  const settings: Options = {
    stdin: options.stdin ?? 'ignore',
    stdout: out(options.stdout),
    stderr: out(options.stderr),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? {},
    ipc: options.ipc ?? false,
    serialization: 'json',
    buffer: false,
    reject: false,
    // A group of its own: Ctrl-C in the terminal reaches only us, and we end the children in order.
    detached: true,
    cleanup: false,
  };
  return execa(argv[0]!, argv.slice(1), settings);
}

/** A started child. It ends when it wants to, by `stop`/`kill`, with the lab, or when this program dies (SIGTERM). */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly child: ReturnType<typeof start>;
  /** Settles once the process is gone; never rejects. */
  readonly exited: Promise<ExitStatus>;
  #status: ExitStatus | undefined;

  private constructor(name: string, child: ReturnType<typeof start>, logFile: string) {
    this.name = name;
    this.child = child;
    this.logFile = logFile;
    this.pid = child.pid ?? 0;
    // execa's own promise also waits until grandchildren have closed the pipes; the process itself may be gone long before.
    this.exited = new Promise((resolve) => {
      const ended = (code?: number | null, signal?: string | null) => {
        this.#status ??= { code: code ?? undefined, signal: signal ?? undefined };
        resolve(this.#status);
      };
      child.once('exit', ended);
      child.once('error', () => ended());
    });
  }

  /** Starts `argv`. Throws when the program cannot be started at all. */
  static async spawn(argv: readonly string[], options: SpawnOptions & { log: string }): Promise<LabProcess> {
    mkdirSync(path.dirname(options.log), { recursive: true });
    const log = openSync(options.log, 'a');
    try {
      const child = start(argv, options, log);
      const started = new LabProcess(options.name ?? path.basename(argv[0]!), child, options.log);
      if (started.pid === 0) throw new Error(`cannot start ${argv[0]}: ${(await child).message ?? 'unknown reason'}`);
      return started;
    } finally {
      closeSync(log);
    }
  }

  /** How it ended, or undefined while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  get running(): boolean {
    return this.#status === undefined;
  }

  /** Sends a signal to this process alone. False when it is gone. */
  kill(signal: NodeJS.Signals): boolean {
    return this.running && send(this.pid, signal);
  }

  /** Asks it to end; after `graceMs` kills its whole group. Returns how it ended. */
  async stop(graceMs = 5000, signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    if (this.running) {
      send(this.pid, signal);
      const timer = setTimeout(() => send(-this.pid, 'SIGKILL'), graceMs);
      try {
        await this.exited;
      } finally {
        clearTimeout(timer);
      }
    }
    return this.exited;
  }

  /** The end of its log, for error messages. */
  logTail(lines = 15): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }
}

/** Sends a signal to a pid (or a group, negative); false when nobody is there. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
