// Which unprivileged user a replica runs as. Reads /etc/passwd; changes nothing.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { ReplicaError } from './driver.js';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** A local user, or undefined when there is none of that name. */
export function lookUp(name: string): Account | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid, , home] = line.split(':');
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/**
 * The account for a replica: the configured one, else the first of the driver's that exists, else nobody. Undefined when
 * the hypervisor itself is not root: then replicas run as whoever it is. Throws ReplicaError when a configured user is
 * not there or cannot be had.
 */
export function chooseAccount(
  replica: string,
  wanted: string | undefined,
  candidates: readonly string[],
): Account | undefined {
  if (process.getuid?.() !== 0) {
    if (wanted !== undefined && lookUp(wanted)?.uid !== process.getuid?.()) {
      throw new ReplicaError(`replica ${replica}: only root can run it as user ${wanted}`);
    }
    return undefined;
  }
  if (wanted !== undefined) {
    const account = lookUp(wanted);
    if (account === undefined) throw new ReplicaError(`replica ${replica}: there is no user ${wanted}`);
    return account;
  }
  for (const name of [...candidates, 'nobody']) {
    const account = lookUp(name);
    if (account !== undefined) return account;
  }
  throw new ReplicaError(
    `replica ${replica}: none of the users ${[...candidates, 'nobody'].join(', ')} exists; set "user"`,
  );
}
