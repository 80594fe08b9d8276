// One run of a daemon: its process group from start to the last process gone. Owns starting, signalling and waiting;
// why it is started or stopped is replica.ts.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { DiversityConfig } from '../../configs/model.js';
import type { Account } from './account.js';
import { groupRuns } from './process-end.js';
import { setNice, startDiverse } from './surroundings.js';

export interface ProcessSpec {
  file: string;
  args: string[];
  directory: string;
  /** The whole environment, nothing is inherited. */
  environment: Record<string, string>;
  account: Account | undefined;
  /** Takes standard output and error. */
  logFd: number;
  /** Becomes descriptor 3. */
  controlFd: number;
  diversity: DiversityConfig;
  /** Told what of `diversity` could not be had. */
  warn: (text: string) => void;
}

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const GROUP_POLL_MS = 10;
const POLLS_PER_LOOK = 5;
const GROUP_DEADLINE_MS = 5000;

export class DaemonProcess {
  readonly pid: number;
  /** Settles when the first process has ended and every other process of its group is gone too. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  private running = true;

  private constructor(pid: number, ended: Promise<ExitStatus>) {
    this.pid = pid;
    this.exited = ended.then(async (status) => {
      await this.endGroup();
      this.running = false;
      return status;
    });
  }

  /** Starts it in a session of its own (Ctrl-C on our terminal is not for it). Rejects when it cannot be executed. */
  static async start(spec: ProcessSpec): Promise<DaemonProcess> {
    // Not execa: what is needed are descriptors handed on as they are, and nothing read or buffered.
    const start = (): ChildProcess =>
      spawn(spec.file, spec.args, {
        cwd: spec.directory,
        env: spec.environment,
        detached: true,
        stdio: ['ignore', spec.logFd, spec.logFd, spec.controlFd],
        ...(spec.account && { uid: spec.account.uid, gid: spec.account.gid }),
      });
    const child = startDiverse(spec.diversity, start, spec.warn);
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw new Error(`${spec.file} cannot be started: ${error.message}`);
    }
    setNice(child.pid, spec.diversity, spec.warn);
    const ended = new Promise<ExitStatus>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    return new DaemonProcess(child.pid, ended);
  }

  /** Signals the first process, which passes SIGTERM on as its daemon does. False when it has ended. */
  signal(signal: NodeJS.Signals): boolean {
    return this.running && send(this.pid, signal);
  }

  /** Signals every process of the group. */
  signalGroup(signal: NodeJS.Signals): boolean {
    return this.running && send(-this.pid, signal);
  }

  /** SIGTERM, and SIGKILL to the whole group when it has not ended after `graceMs`. */
  async stop(graceMs: number): Promise<ExitStatus> {
    this.signal('SIGTERM');
    const cancel = new AbortController();
    const late = delay(graceMs, undefined, { signal: cancel.signal }).then(
      () => this.signalGroup('SIGKILL'),
      () => false,
    );
    const status = await this.exited;
    cancel.abort();
    await late;
    return status;
  }

  private async endGroup(): Promise<void> {
    const deadline = performance.now() + GROUP_DEADLINE_MS;
    for (let poll = 1; send(-this.pid, 'SIGKILL') && performance.now() < deadline; poll++) {
      // Looking at all processes costs more than asking the kernel for one group, so it is done only now and then.
      if (poll % POLLS_PER_LOOK === 0 && !groupRuns(this.pid)) return;
      await delay(GROUP_POLL_MS);
    }
  }
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
