// Starting the processes of a replica one after the other, each with the preloaded libraries and the environment that it
// needs. Leaves nothing running when one of them cannot be started. What they are is the driver's business.
import type { DiversityConfig } from '../../configs/model.js';
import type { ReplicaSession } from '../../configs/session-plan.js';
import { preloadPaths } from '../../preload/libraries.js';
import type { Account } from './account.js';
import { addressList } from './addresses.js';
import type { LaunchCommand } from './driver.js';
import { ProcessSet } from './process-set.js';
import { DaemonProcess } from './process.js';
import { diversityEnvironment } from './surroundings.js';

export interface Launch {
  commands: readonly LaunchCommand[];
  directory: string;
  /** Where copies of the preloaded libraries may lie. */
  libraryDirectory: string;
  account: Account | undefined;
  logFd: number;
  controlFd: number;
  /** Goes to every process, over the command's own. */
  environment: Record<string, string>;
  diversity: DiversityConfig;
  /** Told what could not be had and is not needed. */
  warn: (text: string) => void;
  /** Milliseconds that a process may take to open its socket for the next one. */
  limit: number;
  cancelled: () => boolean;
  /** Called when it has failed and all that was started has ended. */
  cleanUp: (pids: readonly number[]) => void;
}

/** What the preloaded libraries are told. */
export function shimEnvironment(
  port: number,
  sessions: readonly ReplicaSession[],
  netlink: boolean,
): Record<string, string> {
  return {
    BTR_CONTROL_FD: '3',
    BTR_PORT: String(port),
    BTR_ADDRESSES: addressList(sessions.map((session) => session.localAddress)),
    ...(netlink && { BTR_NETLINK: '1' }),
  };
}

/** The complete set, running. Rejects when a process cannot be started or does not open the socket it is known for. */
export async function launch(options: Launch): Promise<ProcessSet> {
  const processes = new ProcessSet();
  try {
    for (const command of options.commands) await startOne(processes, command, options);
  } catch (error) {
    await processes.stop(0);
    options.cleanUp(processes.pids);
    throw error;
  }
  processes.seal();
  return processes;
}

async function startOne(processes: ProcessSet, command: LaunchCommand, options: Launch): Promise<void> {
  const { limit, cancelled, directory, account, logFd, controlFd, libraryDirectory, environment } = options;
  const { diversity, warn } = options;
  if (cancelled()) throw new Error(`stopped before ${command.name} was started`);
  const started = await DaemonProcess.start({
    file: command.file,
    args: command.args,
    directory,
    account,
    logFd,
    controlFd,
    diversity,
    warn,
    environment: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      HOME: directory,
      ...diversityEnvironment(diversity),
      ...command.environment,
      ...environment,
      LD_PRELOAD: preloadPaths(command.libraries, libraryDirectory).join(':'),
    },
  });
  processes.add(command.name, started);
  if (command.socket === undefined) return;
  const deadline = performance.now() + limit;
  await processes.untilAccepting(command.socket, () => {
    if (cancelled()) return `stopped before ${command.name} was ready`;
    return performance.now() < deadline ? undefined : `${command.name} was not ready within ${limit} ms`;
  });
}
