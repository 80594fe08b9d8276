// The sections router:, internal:, limits: and logging: of the configuration file.
import type { InternalConfig, LimitsConfig, LoggingConfig, RouterSettings } from '../model.js';
import { asNumber, covers, filePath, ipv4Address, prefix, routerId } from '../parsers.js';
import { isExpected } from '../yaml-reader.js';
import type { MapReader, Parse } from '../yaml-reader.js';

/** Room that a unix socket path needs behind the run directory: `/NAME(32)/openbgpd.sock` in 107 bytes. */
const LONGEST_RUN_DIRECTORY = 60;

/** `deliver` is read by replicas.ts: it is only the default of theirs. */
export function readRouter(root: MapReader, directory: string): RouterSettings {
  const present = root.has('router');
  if (!present) root.error('router', 'is missing: expected a mapping with at least as and router-id');
  const reader = root.map('router');
  const settings: RouterSettings = {
    as: reader.text('as', asNumber, present ? 'the AS number of this router' : undefined) ?? 0,
    routerId: reader.text('router-id', routerId, present ? 'the BGP identifier of this router' : undefined) ?? '',
    port: reader.integer('port', { min: 1, max: 65535, what: 'a TCP port' }, 179),
    networks: [],
    runDirectory: reader.text('run-directory', filePath(directory)) ?? '/run/btr',
  };
  for (const item of reader.list('networks')) {
    const text = reader.parseItem(item, prefix);
    if (text === undefined) continue;
    if (settings.networks.includes(text)) reader.source.report(item, `${text} is listed twice`);
    else settings.networks.push(text);
  }
  reader.get('deliver');
  if (settings.runDirectory.length > LONGEST_RUN_DIRECTORY) {
    const limit = `at most ${LONGEST_RUN_DIRECTORY} characters, because unix socket paths must fit into 107`;
    reader.error('run-directory', `expected a path of ${limit}, found ${settings.runDirectory.length}`);
  }
  reader.finish();
  return settings;
}

const ipv6Range: Parse<string> = (text) => {
  const parsed = prefix(text);
  const fits = typeof parsed === 'string' && parsed.endsWith('::/64');
  return fits ? parsed : { expected: 'an IPv6 prefix of length 64 that ends in :: (fd62:7472::/64)' };
};

const ipv4Prefix: Parse<string> = (text) => {
  const parsed = prefix(text);
  return isExpected(parsed) || parsed.includes(':') ? { expected: 'an IPv4 prefix' } : parsed;
};

const nextHopRange: Parse<string> = (text) => {
  const parsed = ipv4Prefix(text);
  const fits = typeof parsed === 'string' && Number(parsed.slice(parsed.indexOf('/') + 1)) <= 24;
  return fits ? parsed : { expected: 'an IPv4 prefix of length 24 or less (198.18.254.0/24)' };
};

/** 198.18.0.0/15 is set aside for tests of network devices (RFC 2544): no neighbour has an address in it. */
export function readInternal(root: MapReader): InternalConfig {
  const reader = root.map('internal');
  const config: InternalConfig = {
    localAddress: reader.text('local-address', ipv4Address) ?? '198.18.0.1',
    probeAddress: reader.text('probe-address', ipv4Address) ?? '198.18.0.2',
    tapAddress: reader.text('tap-address', ipv4Address) ?? '198.18.0.3',
    probeAs: reader.text('probe-as', asNumber) ?? 4200000001,
    probePrefix: reader.text('probe-prefix', ipv4Prefix) ?? '198.18.255.0/24',
    probeNextHops: reader.text('probe-next-hops', nextHopRange) ?? '198.18.254.0/24',
    peerRangeIpv6: reader.text('peer-range-ipv6', ipv6Range) ?? 'fd62:7472::/64',
  };
  const addresses = [config.localAddress, config.probeAddress, config.tapAddress];
  if (new Set(addresses).size < 3) {
    reader.source.report(
      reader.item,
      'expected three different addresses for local-address, probe-address, tap-address',
    );
  }
  const { probePrefix, probeNextHops } = config;
  const inside = [...addresses, probePrefix].find((inner) => covers(probeNextHops, inner));
  if (inside !== undefined) reader.error('probe-next-hops', `expected a prefix of its own, ${inside} lies in it`);
  else if (covers(probePrefix, probeNextHops)) reader.error('probe-next-hops', `lies in probe-prefix ${probePrefix}`);
  reader.finish();
  return config;
}

export function readLimits(root: MapReader): LimitsConfig {
  const reader = root.map('limits');
  const limits: LimitsConfig = {
    maxPrefixes: reader.integer('max-prefixes', { min: 1000, max: 100_000_000 }, 4_000_000),
    maxAttributes: reader.integer('max-attributes', { min: 1000, max: 100_000_000 }, 2_000_000),
    maxAttributeBytes: reader.integer('max-attribute-bytes', { min: 1 << 20, max: 2 ** 31 }, 512 * 2 ** 20),
    replicaQueueBytes: reader.integer('replica-queue-bytes', { min: 65_536, max: 2 ** 30 }, 4 * 2 ** 20),
  };
  reader.finish();
  return limits;
}

export function readLogging(root: MapReader, directory: string): LoggingConfig {
  const reader = root.map('logging');
  const level = reader.oneOf('level', ['error', 'warn', 'info', 'debug'], 'info');
  const file = reader.text('file', filePath(directory));
  reader.finish();
  return { level, ...(file === undefined ? {} : { file }) };
}
