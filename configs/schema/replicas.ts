// The sections replicas: and voting: of the configuration file.
import type { Delivery, FibConfig, ReplicaConfig, ReplicaFib, ReplicaKind, VotingConfig } from '../model.js';
import { DELIVERIES, REPLICA_FIBS, REPLICA_KINDS, STANDBYS, VOTING_STRATEGIES } from '../model.js';
import { isMap } from 'yaml';
import { didYouMean } from '../diagnostics.js';
import { filePath, name, plainText } from '../parsers.js';
import type { MapReader } from '../yaml-reader.js';
import { readDiversity } from './diversity.js';

/** The electorate is a bit set of 16. */
const MAX_REPLICAS = 16;

/** OpenBGPD writes no routes on Linux. */
const DEFAULT_FIB: Record<ReplicaKind, ReplicaFib> = { frr: 'netlink', bird: 'netlink', openbgpd: 'tap' };

/** Released daemons reset sessions for much that RFC 7606 treats as a withdrawal (docs/decisions/0010). */
const DEFAULT_DELIVERY: Delivery = 'repaired';

export function readReplicas(root: MapReader, directory: string, fib: FibConfig): ReplicaConfig[] {
  const router = root.map('router');
  const delivery = router.has('deliver') ? router.oneOf('deliver', DELIVERIES, DEFAULT_DELIVERY) : DEFAULT_DELIVERY;
  const readers = root.maps('replicas');
  if (!root.has('replicas')) root.error('replicas', 'is missing: expected a list of at least one replica');
  else if (readers.length === 0) root.error('replicas', 'expected at least one replica');
  if (readers.length > MAX_REPLICAS)
    root.error('replicas', `expected at most ${MAX_REPLICAS}, found ${readers.length}`);
  const replicas = readers.map((reader) => readReplica(reader, directory, fib, delivery));
  replicas.forEach((replica, i) => {
    const earlier = replicas.findIndex((other) => other.name === replica.name);
    if (replica.name !== '' && earlier < i) {
      readers[i].error('name', `"${replica.name}" is already the name of replicas[${earlier}]`);
    }
  });
  if (replicas.length > 0 && replicas.every(({ standby }) => standby !== 'no')) {
    root.error('replicas', 'expected at least one that is no standby');
  }
  return replicas;
}

function readReplica(reader: MapReader, directory: string, fib: FibConfig, delivery: Delivery): ReplicaConfig {
  const binary = reader.text('binary', filePath(directory));
  const configFile = reader.text('config-file', filePath(directory));
  const user = reader.text('user', plainText);
  const kind = reader.oneOf('kind', REPLICA_KINDS);
  const replica: ReplicaConfig = {
    name: reader.text('name', name, 'a name of its own') ?? '',
    kind,
    ...(binary === undefined ? {} : { binary }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(user === undefined ? {} : { user }),
    environment: readEnvironment(reader.map('environment')),
    fib: readReplicaFib(reader, kind, fib),
    standby: reader.oneOf('standby', STANDBYS, 'no'),
    deliver: reader.oneOf('deliver', DELIVERIES, delivery),
    diversity: readDiversity(reader.map('diversity')),
  };
  reader.finish();
  return replica;
}

function readReplicaFib(reader: MapReader, kind: ReplicaKind, fib: FibConfig): ReplicaFib {
  const wanted = reader.oneOf('fib', REPLICA_FIBS, DEFAULT_FIB[kind]);
  if (kind === 'openbgpd' && wanted === 'netlink') {
    reader.error('fib', 'expected tap or none for openbgpd, which writes no routes on Linux');
  }
  return fib.backend === 'none' ? 'none' : wanted;
}

function readEnvironment(reader: MapReader): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const key of reader.keys()) {
    const value = reader.text(key, (text) => text);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) reader.error(key, 'expected the name of an environment variable');
    else if (key === 'LD_PRELOAD') reader.error(key, 'is set by the hypervisor and cannot be given here');
    else if (value !== undefined) environment[key] = value;
  }
  return environment;
}

export function readVoting(root: MapReader, replicas: readonly ReplicaConfig[]): VotingConfig {
  const reader = root.map('voting');
  // Standbys vote only in somebody's place.
  const all = Math.max(1, replicas.filter(({ standby }) => standby === 'no').length);
  const upTo = (key: string, fallback: number): number => {
    const range = { min: 1, max: all, what: `a whole number from 1 to the number of replicas (${all})` };
    return reader.integer(key, range, fallback);
  };
  const voting: VotingConfig = {
    strategy: reader.oneOf('strategy', VOTING_STRATEGIES, 'continuous-majority'),
    k: upTo('k', all),
    minVotes: upTo('min-votes', 1),
    quorum: upTo('quorum', Math.floor(all / 2) + 1),
    stabilityThreshold: reader.duration('stability-threshold', 1000),
    hangThreshold: reader.duration('hang-threshold', 10_000),
    faultThreshold: reader.duration('fault-threshold', 5000),
    probeInterval: reader.duration('probe-interval', 200),
    holdWithoutReplicas: reader.duration('hold-without-replicas', 120_000, { min: 0, max: 86_400_000 }),
    ignoreAttributes: readAttributeCodes(reader),
    ...readNoMajority(reader, replicas),
  };
  if (reader.has('k') && voting.strategy !== 'wait-for-consensus') {
    reader.error('k', `belongs to strategy wait-for-consensus, the strategy here is ${voting.strategy}`);
  }
  if (voting.probeInterval >= voting.hangThreshold) {
    reader.error('probe-interval', 'expected less than hang-threshold, which counts missing probes');
  }
  reader.finish();
  return voting;
}

/** `no-majority: hold`, or `{ prefer: NAME }`. */
function readNoMajority(reader: MapReader, replicas: readonly ReplicaConfig[]): { preferred?: number } {
  if (!reader.has('no-majority') || !isMap(reader.get('no-majority').node)) {
    reader.oneOf('no-majority', ['hold'], 'hold');
    return {};
  }
  const mapping = reader.map('no-majority');
  const names = replicas.map((replica) => replica.name);
  const preferred = mapping.text(
    'prefer',
    (text) =>
      names.includes(text) ? names.indexOf(text) : { expected: `the name of a replica${didYouMean(text, names)}` },
    'the name of a replica',
  );
  mapping.finish();
  return preferred === undefined ? {} : { preferred };
}

/** Path attribute type codes; ORIGIN, AS_PATH and the next hops cannot be left out, no route means anything without them. */
function readAttributeCodes(reader: MapReader): number[] {
  const codes: number[] = [];
  for (const item of reader.list('ignore-attributes')) {
    const code = reader.parseItem(item, (text) => {
      const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
      const legal = value >= 4 && value <= 255 && value !== 14 && value !== 15;
      return legal ? value : { expected: 'the type code of an optional path attribute (4 to 255, not 14 or 15)' };
    });
    if (code !== undefined && !codes.includes(code)) codes.push(code);
  }
  return codes;
}
