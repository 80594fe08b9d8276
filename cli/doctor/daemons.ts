// The daemons: found, of a version that the project has been tested with, able to be preloaded, with a user to run as.
import { statSync } from 'node:fs';
import type { ReplicaKind } from '../../configs/model.js';
import { chooseAccount } from '../../hypervisor/replicas/account.js';
import { detectVersion, findExecutable } from '../../hypervisor/replicas/driver.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';
import { note, ok, problem, reason, warning, type Finding } from './finding.js';
import type { Wants, WantedReplica } from './wants.js';

/** Versions that the tests run with (docs/results.md, docs/known-bugs.md). */
export const TESTED: Readonly<Record<ReplicaKind, readonly string[]>> = {
  frr: ['8.4'],
  bird: ['2.0.12', '1.6'],
  openbgpd: ['7.7'],
};
const SETUID_SETGID = 0o6000;

export async function daemons(wants: Wants): Promise<Finding[]> {
  const each = await Promise.all(wants.replicas.map((replica) => daemon(replica, wants.config !== undefined)));
  return [...each.flat(), ...diversity(each.flat(), wants)];
}

async function daemon({ name, kind, binary, user }: WantedReplica, configured: boolean): Promise<Finding[]> {
  const driver = DRIVERS[kind];
  let file: string;
  let version: string;
  try {
    file = findExecutable(driver, name, binary);
    version = await detectVersion(driver, name, file);
  } catch (error) {
    const text = reasonWithout(name, error);
    const advice = `apt-get install --no-install-recommends ${driver.debianPackage}, or set "binary"`;
    return [configured ? problem('daemons', name, text, advice) : note('daemons', name, text, advice)];
  }
  return [versionFinding(name, kind, version, file), ...preloadable(name, file), ...account(name, user, driver.users)];
}

/** The line says already which replica it is about. */
function reasonWithout(name: string, error: unknown): string {
  return reason(error).replace(`replica ${name}: `, '');
}

export function versionFinding(name: string, kind: ReplicaKind, version: string, file: string): Finding {
  const known = TESTED[kind];
  if (known.some((one) => version === one || version.startsWith(`${one}.`) || version.startsWith(`${one}-`)))
    return ok('daemons', name, `${kind} ${version} (${file})`);
  const text = `${kind} ${version} (${file}) is not a version this release is tested with (${known.join(', ')})`;
  const advice = 'it will probably do: try it with the others voting, and look at btr faults for a while';
  return warning('daemons', name, text, advice);
}

/** The loader ignores LD_PRELOAD for programs that gain privileges. */
function preloadable(name: string, file: string): Finding[] {
  if ((statSync(file).mode & SETUID_SETGID) === 0) return [];
  return [
    problem('daemons', name, `${file} is setuid or setgid: nothing can be preloaded into it`, `chmod u-s,g-s ${file}`),
  ];
}

function account(name: string, user: string | undefined, candidates: readonly string[]): Finding[] {
  try {
    const found = chooseAccount(name, user, candidates);
    if (found?.name !== 'nobody') return [];
    const text = `runs as nobody: there is no user ${candidates.join(' or ')}`;
    return [note('daemons', name, text, 'replicas that share a user could disturb each other: set "user"')];
  } catch (error) {
    return [
      problem(
        'daemons',
        name,
        reasonWithout(name, error),
        'create the user (adduser --system --group), or change "user"',
      ),
    ];
  }
}

/** Fewer than three that vote cannot outvote a fault; of one kind they fail together. */
function diversity(found: readonly Finding[], { replicas, config }: Wants): Finding[] {
  const there = replicas.filter(({ name }) => found.some((one) => one.name === name && one.level !== 'problem'));
  if (config === undefined || there.length < replicas.length) return [];
  if (replicas.length < 3) {
    const text = `${replicas.length} of them: no fault can be outvoted`;
    return [warning('daemons', 'replicas', text, 'configure three or more, of different kinds')];
  }
  const kinds = new Set(replicas.map(({ kind }) => kind)).size;
  if (kinds > 1) return [ok('daemons', 'replicas', `${replicas.length}, of ${kinds} kinds`)];
  return [
    warning('daemons', 'replicas', 'all are of one kind: they fail together', 'add another kind (docs/diversity.md)'),
  ];
}
