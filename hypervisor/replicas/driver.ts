// What one kind of daemon needs to be run as a replica: the contract that frr.ts, bird.ts and openbgpd.ts fill in, and
// finding the daemon's executable. Starting and watching processes is process.ts and replica.ts.
import { accessSync, constants } from 'node:fs';
import { execa } from 'execa';
import type { ReplicaPaths } from '../../configs/generate/types.js';
import type { ReplicaKind } from '../../configs/model.js';
import type { ShimLibrary } from '../../preload/libraries.js';

/** Something about a replica that the operator must know or mend; the message says which replica and what to do. */
export class ReplicaError extends Error {}

/** What the daemon's OPEN is known to offer (configs may offer less, never more). */
export interface DaemonCapabilities {
  /** Bit set (1 << Family). */
  families: number;
  routeRefresh: boolean;
  extendedMessage: boolean;
  as4: boolean;
}

export interface LaunchContext {
  executable: string;
  paths: ReplicaPaths;
  /** Absolute path of the main configuration file. */
  configFile: string;
  /** Sessions planned, for limits that go with their number. */
  sessionCount: number;
  port: number;
  /** Its netlink sockets are answered by a virtual kernel: it installs routes. Otherwise it votes on announcements only. */
  netlink: boolean;
}

/** One process of a replica. */
export interface LaunchCommand {
  /** For messages: bgpd, zebra, … */
  name: string;
  file: string;
  args: string[];
  environment: Record<string, string>;
  libraries: readonly ShimLibrary[];
  /** Path of a socket that must accept connections before the next process is started. */
  socket?: string;
}

export interface Driver {
  kind: ReplicaKind;
  /** Where the distributions put the daemon, first match wins. */
  executables: readonly string[];
  debianPackage: string;
  /** Unprivileged users it may run as, first that exists; `nobody` is always tried last. */
  users: readonly string[];
  /** Name of the main configuration file in the replica's directory. */
  configName: string;
  versionArgs: readonly string[];
  /** The version in what the daemon prints, undefined when it is another program. */
  parseVersion(text: string): string | undefined;
  capabilities(version: string): DaemonCapabilities;
  /** Whether what it has read may wait in a queue of each session, of which it takes some in turn; else what is read has been worked off. */
  readsAhead: boolean;
  /** The processes in the order in which they are started. The last one is the BGP speaker. */
  commands(context: LaunchContext): LaunchCommand[];
  /** Files of a run that has ended (by SIGKILL, perhaps) that would disturb the next one or lie about outside `dir`. */
  leftovers(paths: ReplicaPaths, pids: readonly number[]): string[];
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Absolute path of the daemon. Throws ReplicaError that names the Debian package when it is missing. */
export function findExecutable(driver: Driver, name: string, binary?: string): string {
  if (binary !== undefined) {
    if (executable(binary)) return binary;
    throw new ReplicaError(`replica ${name}: ${binary} is not there or cannot be executed (set by "binary")`);
  }
  const found = driver.executables.find(executable);
  if (found !== undefined) return found;
  throw new ReplicaError(
    `replica ${name}: ${driver.executables.join(' or ')} is not installed; on Debian: ` +
      `apt-get install --no-install-recommends ${driver.debianPackage} (or set "binary")`,
  );
}

/** Asks the daemon for its version. Throws ReplicaError when it does not answer as this kind of daemon would. */
export async function detectVersion(driver: Driver, name: string, file: string): Promise<string> {
  const result = await execa(file, driver.versionArgs, {
    all: true,
    reject: false,
    timeout: 10_000,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  const version = driver.parseVersion(result.all ?? '');
  if (version !== undefined) return version;
  const said = (result.all ?? '').split('\n', 1)[0] || result.shortMessage || 'nothing';
  throw new ReplicaError(`replica ${name}: ${file} is not a ${driver.kind} daemon (it answered: ${said})`);
}
