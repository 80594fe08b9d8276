// What a replica is started with, out of a configuration: its daemon's files, its sessions, its options. Owns how that is made, and whether
// two configurations come to the same for a replica; the daemon's life is replica-port.ts.
import { generate } from '../../configs/generate/index.js';
import type { ReplicaConfig, RouterConfig } from '../../configs/model.js';
import { planSessions, type ReplicaSession } from '../../configs/session-plan.js';
import type { ShimHub } from '../../preload/hub.js';
import type { FibPort } from '../fib/port.js';
import { replicaPaths } from '../replicas/directory.js';
import { Replica } from '../replicas/replica.js';

/** A daemon, not started yet, with the sessions that it is configured for. */
export interface Equipment {
  config: ReplicaConfig;
  replica: Replica;
  plan: readonly ReplicaSession[];
}

export interface EquipmentParts {
  hub: ShimHub;
  runDirectory: string;
  fib: () => FibPort | undefined;
}

/** A daemon for replica `r`. `config` must not change any more: the daemon's files are written out of it at each of its starts. */
export function equipmentOf(config: RouterConfig, r: number, parts: EquipmentParts): Equipment {
  const own = config.replicas[r];
  const plan = planSessions(config, own);
  const replica = new Replica({
    hub: parts.hub,
    replica: own,
    runDirectory: parts.runDirectory,
    sessions: plan,
    netlink: own.fib === 'netlink',
    generate: (paths) => generate(config, own, paths),
  });
  replica.on('netlink', (fd, portId) => parts.fib()?.openSocket(r, fd, portId));
  return { config: own, replica, plan };
}

/**
 * Everything about replica `r` that takes a new start to change, as text to be compared. Throws the file system's error when its own
 * configuration file cannot be read.
 */
export function fingerprintOf(config: RouterConfig, r: number): string {
  const own = config.replicas[r];
  const { binary, user, environment, deliver, diversity } = own;
  const files = generate(config, own, replicaPaths(config.router.runDirectory, own.name));
  // Only the planner asks for it.
  const lasting = { ...diversity, restartDelay: undefined };
  return JSON.stringify([files, planSessions(config, own), binary, user, environment, deliver, lasting]);
}
