// The run directory of one hypervisor: makes it, makes sure that only one hypervisor uses it, and removes what it put there.
// What the files in it mean belongs to those who write them (control socket, vote log, replicas' own folders).
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

export class RunDirectoryError extends Error {}

/** Like mkdir -p. Node 20's own recursive mkdir never comes back where the kernel says ENOENT for ever, as below /proc. */
export function makeDirectory(directory: string, mode = 0o777): void {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || path.dirname(directory) === directory) throw error;
    makeDirectory(path.dirname(directory));
    mkdirSync(directory, { mode });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Is `pid` a hypervisor that uses `directory`? A pid file outlives a crash, and pids are used again. */
function isHypervisor(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return alive(pid) && words.includes('run') && words.some((word) => /(^|\/)(btr|cli\/main\.js)$/.test(word));
  } catch {
    return false;
  }
}

export class RunDirectory {
  readonly path: string;
  readonly controlSocket: string;
  readonly voteLog: string;
  private readonly pidFile: string;

  private constructor(directory: string) {
    this.path = directory;
    this.controlSocket = path.join(directory, 'control.sock');
    this.voteLog = path.join(directory, 'votes.jsonl');
    this.pidFile = path.join(directory, 'btr.pid');
  }

  /** Where things lie in `directory`, without touching it (for clients of the control socket). */
  static at(directory: string): RunDirectory {
    return new RunDirectory(path.resolve(directory));
  }

  /** Makes and claims the directory. Throws RunDirectoryError when another hypervisor is using it or it cannot be made. */
  static claim(directory: string): RunDirectory {
    const run = RunDirectory.at(directory);
    try {
      makeDirectory(run.path);
      // Replicas run as other users and must reach their own folders below; nothing here is listable by them.
      chmodSync(run.path, 0o711);
    } catch (error) {
      throw new RunDirectoryError(`cannot make the run directory ${run.path}: ${(error as Error).message}`);
    }
    const owner = run.owner();
    if (owner !== undefined && owner !== process.pid && isHypervisor(owner)) {
      throw new RunDirectoryError(
        `${run.path} is in use by the hypervisor with pid ${owner}; stop it or set another run-directory`,
      );
    }
    rmSync(run.controlSocket, { force: true });
    writeFileSync(run.pidFile, `${process.pid}\n`);
    return run;
  }

  /** Removes the socket and the pid file; logs and generated configurations stay for whoever wants to read them. */
  release(): void {
    rmSync(this.controlSocket, { force: true });
    rmSync(this.pidFile, { force: true });
  }

  private owner(): number | undefined {
    try {
      const pid = Number.parseInt(readFileSync(this.pidFile, 'latin1'), 10);
      return Number.isInteger(pid) && pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}
