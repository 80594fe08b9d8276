// A replica's directory and the files in it. The directory belongs to the replica's user, so nothing of ours that root
// opens may follow what that user could have put there.
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { GeneratedFile, ReplicaPaths } from '../../configs/generate/types.js';
import type { Account } from './account.js';
import { ReplicaError } from './driver.js';

/** sun_path holds 108 bytes with the final zero. */
const MAX_SOCKET_PATH = 107;

/** Where the replica `name` lives under the run directory. Throws ReplicaError when its sockets' paths would be too long. */
export function replicaPaths(runDirectory: string, name: string): ReplicaPaths {
  const dir = path.join(path.resolve(runDirectory), name);
  const controlSocket = path.join(dir, 'control.sock');
  if (Buffer.byteLength(controlSocket) > MAX_SOCKET_PATH) {
    throw new ReplicaError(
      `replica ${name}: ${controlSocket} is too long for a socket (${MAX_SOCKET_PATH} bytes); set a shorter run-directory`,
    );
  }
  return { dir, controlSocket };
}

function requireReachable(name: string, directory: string): void {
  for (let at = directory; ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) {
      throw new ReplicaError(
        `replica ${name}: its user cannot reach ${directory}: ${at} needs mode o+x; set another run-directory`,
      );
    }
    if (at === path.dirname(at)) return;
  }
}

/** Makes the directory, owned by `account` and closed to others. */
export function makeReplicaDirectory(name: string, directory: string, account: Account | undefined): void {
  mkdirSync(path.dirname(directory), { recursive: true, mode: 0o711 });
  if (account !== undefined) requireReachable(name, path.dirname(directory));
  mkdirSync(directory, { recursive: true });
  if (!lstatSync(directory).isDirectory()) throw new ReplicaError(`replica ${name}: ${directory} is not a directory`);
  chmodSync(directory, 0o750);
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
}

/** Writes one file anew. A link that lies in its place is removed, not followed. */
export function writeReplicaFile(directory: string, file: GeneratedFile, account: Account | undefined): void {
  const target = path.join(directory, path.basename(file.name));
  rmSync(target, { force: true });
  const fd = openSync(target, 'wx', 0o600);
  try {
    writeFileSync(fd, file.contents);
    if (account !== undefined) fchownSync(fd, account.uid, account.gid);
    fchmodSync(fd, file.mode);
  } finally {
    closeSync(fd);
  }
}

/** Removes what an ended run left behind, as far as it is ours: an ordinary user may not look into root's /var/tmp/frr. */
export function removeLeftovers(files: readonly string[]): void {
  for (const file of files) {
    try {
      rmSync(file, { force: true, recursive: true });
    } catch (error) {
      if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}
