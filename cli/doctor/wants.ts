// What the router that is looked at will ask of this machine: out of its configuration, or what a usual one asks when there is none.
import path from 'node:path';
import type { ReplicaKind, RouterConfig } from '../../configs/model.js';
import { REPLICA_KINDS } from '../../configs/model.js';

export interface WantedReplica {
  name: string;
  kind: ReplicaKind;
  binary: string | undefined;
  user: string | undefined;
}

export interface Wants {
  /** Undefined: there is no configuration file, and a missing daemon is no more than worth knowing. */
  config: RouterConfig | undefined;
  replicas: WantedReplica[];
  port: number;
  /** Own addresses; empty without a configuration. */
  addresses: string[];
  /** Routes are written to the kernel. */
  kernel: boolean;
  md5: boolean;
  gtsm: boolean;
  http: { address: string; port: number } | undefined;
  collectors: { address: string; port: number }[];
  /** Where something is written, and how many bytes of it there may be (0: not many). */
  directories: { key: string; path: string; bytes: number }[];
  runDirectory: string;
}

const RUN_DIRECTORY = '/run/btr';

export function wantsOf(config: RouterConfig | undefined): Wants {
  if (config === undefined) return usual();
  const { router, neighbors, replicas, fib, http, bmp } = config;
  return {
    config,
    replicas: replicas.map(({ name, kind, binary, user }) => ({ name, kind, binary, user })),
    port: router.port,
    addresses: [...new Set(neighbors.map(({ localAddress }) => localAddress))],
    kernel: fib.backend === 'kernel',
    md5: neighbors.some(({ authPassword }) => authPassword !== undefined),
    gtsm: neighbors.some(({ ttlSecurityHops }) => ttlSecurityHops !== undefined),
    http: http.enabled ? { address: http.address, port: http.port } : undefined,
    collectors: bmp.collectors.map(({ address, port }) => ({ address, port })),
    directories: directoriesOf(config),
    runDirectory: router.runDirectory,
  };
}

function directoriesOf({ router, voteLog, record, quarantine, logging }: RouterConfig): Wants['directories'] {
  return [
    { key: 'router.run-directory', path: router.runDirectory, bytes: 0 },
    { key: 'vote-log.file', path: path.dirname(voteLog.file), bytes: voteLog.sizeBudget },
    ...(record.enabled ? [{ key: 'record.directory', path: record.directory, bytes: record.sizeBudget }] : []),
    ...(quarantine.enabled ? [{ key: 'quarantine.directory', path: quarantine.directory, bytes: 0 }] : []),
    ...(logging.file === undefined ? [] : [{ key: 'logging.file', path: path.dirname(logging.file), bytes: 0 }]),
  ];
}

function usual(): Wants {
  return {
    config: undefined,
    replicas: REPLICA_KINDS.map((kind) => ({ name: kind, kind, binary: undefined, user: undefined })),
    port: 179,
    addresses: [],
    kernel: true,
    md5: false,
    gtsm: false,
    http: undefined,
    collectors: [],
    directories: [{ key: 'router.run-directory', path: RUN_DIRECTORY, bytes: 0 }],
    runDirectory: RUN_DIRECTORY,
  };
}
