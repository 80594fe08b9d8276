// What applying a change takes, for every key of the configuration file. Owns this table; docs/reload.md shows it, and a test holds both
// against the keys that the schema knows. How keys are compared is compare.ts.
import type { ChangeClass, KeyRule } from './types.js';

const rules = (group: ChangeClass, keys: readonly string[], more: Omit<KeyRule, 'key' | 'class'> = {}): KeyRule[] =>
  keys.map((key) => ({ key, class: group, ...more }));

const ROUTER: readonly KeyRule[] = [
  ...rules('restart', ['router.as', 'router.router-id', 'router.port', 'router.run-directory']),
  ...rules('replicas', ['router.networks']),
  ...rules('replicas', ['router.deliver'], { note: 'default of replicas[].deliver, under which it is shown' }),
];

const NEIGHBORS: readonly KeyRule[] = [
  ...rules('replicas', ['neighbors'], { note: 'a neighbour added or removed: replicas have to know it' }),
  ...rules('replicas', ['neighbors[].neighbor-address'], {
    note: 'says which neighbour it is: another address is one neighbour less and one more',
  }),
  ...rules('replicas', ['neighbors[].peer-as', 'neighbors[].local-address', 'neighbors[].afi-safis'], {
    session: true,
  }),
  ...rules('replicas', [
    'neighbors[].local-address-ipv6',
    'neighbors[].import-policy',
    'neighbors[].export-policy',
    'neighbors[].enforce-first-as',
    'neighbors[].next-hop',
  ]),
  ...rules(
    'session',
    [
      'neighbors[].passive-mode',
      'neighbors[].remote-port',
      'neighbors[].hold-time',
      'neighbors[].keepalive-interval',
      'neighbors[].connect-retry',
      'neighbors[].auth-password',
      'neighbors[].ttl-security',
    ],
    { session: true },
  ),
  ...rules('live', ['neighbors[].description']),
  ...rules('live', ['neighbors[].maximum-prefixes'], { note: 'counts from the next UPDATE of the neighbour on' }),
];

const POLICY: readonly KeyRule[] = [
  ...rules('replicas', ['defined-sets.prefix-sets', 'defined-sets.as-path-sets', 'defined-sets.community-sets'], {
    below: true,
  }),
  ...rules('replicas', ['policy-definitions'], { below: true }),
  ...rules('replicas', ['defaults.martians', 'defaults.reject-default-route', 'defaults.max-as-path-length']),
  ...rules('replicas', ['defaults.enforce-first-as', 'defaults.next-hop'], {
    note: 'default of the key of the same name in neighbors[], under which it is shown',
  }),
];

const REPLICAS: readonly KeyRule[] = [
  ...rules('restart', ['replicas', 'replicas[].name'], {
    note: 'a replica added, removed or moved: votes are counted by place in this list',
  }),
  ...rules('restart', ['replicas[].kind', 'replicas[].fib', 'replicas[].standby']),
  ...rules('replicas', [
    'replicas[].binary',
    'replicas[].config-file',
    'replicas[].user',
    'replicas[].deliver',
    'replicas[].diversity.delivery-delay',
    'replicas[].diversity.connect-delay',
    'replicas[].diversity.disconnect-delay',
    'replicas[].diversity.address-space-randomisation',
    'replicas[].diversity.malloc-perturb',
    'replicas[].diversity.malloc-arenas',
    'replicas[].diversity.locale',
    'replicas[].diversity.time-zone',
    'replicas[].diversity.cpus',
    'replicas[].diversity.nice',
  ]),
  ...rules('replicas', ['replicas[].environment'], { below: true, note: 'values are not shown' }),
  ...rules('live', ['replicas[].diversity.restart-delay']),
  ...rules('restart', ['replicas[].diversity.interface-event-delay']),
];

const VOTING: readonly KeyRule[] = [
  ...rules('live', ['voting.strategy'], { note: 'from the next vote on; no verdict changes by itself' }),
  ...rules('restart', ['voting.ignore-attributes'], { note: 'all votes would have to be read anew' }),
  ...rules('live', [
    'voting.stability-threshold',
    'voting.hang-threshold',
    'voting.fault-threshold',
    'voting.probe-interval',
    'voting.hold-without-replicas',
  ]),
  ...rules('live', ['voting.k', 'voting.min-votes', 'voting.quorum', 'voting.no-majority'], {
    below: true,
    note: 'with a restart of the router when replicas or standbys change too',
  }),
];

const RECOVERY: readonly KeyRule[] = [
  ...rules('live', [
    'recovery.restart-delay',
    'recovery.longest-restart-delay',
    'recovery.forgive-after',
    'recovery.max-restarts',
    'recovery.restart-window',
    'recovery.retire-for',
    'recovery.few-prefixes',
    'recovery.mute-few',
    'recovery.fail-back',
  ]),
  ...rules('restart', ['quarantine.enabled', 'quarantine.directory', 'quarantine.suspect-bytes']),
  ...rules('restart', ['quarantine.max-messages']),
  ...rules('live', ['quarantine.narrow']),
  ...rules('live', ['early-warning.enabled', 'early-warning.interval', 'early-warning.restart']),
];

const FIB: readonly KeyRule[] = [
  ...rules('restart', ['fib.backend', 'fib.table', 'fib.protocol', 'fib.metric', 'fib.advertise-after-install']),
  ...rules('live', ['fib.keep', 'fib.audit-interval']),
  ...rules('live', ['fib.restart-time'], { note: 'neighbours are told with the next OPEN' }),
  ...rules('live', ['fib.stale-routes']),
];

const INSIDE: readonly KeyRule[] = rules('restart', [
  'internal.local-address',
  'internal.probe-address',
  'internal.tap-address',
  'internal.probe-as',
  'internal.probe-prefix',
  'internal.probe-next-hops',
  'internal.peer-range-ipv6',
  'limits.max-prefixes',
  'limits.max-attributes',
  'limits.max-attribute-bytes',
  'limits.replica-queue-bytes',
]);

const INSPECTION: readonly KeyRule[] = [
  ...rules('live', ['logging.level', 'logging.file']),
  ...rules('live', ['vote-log.level', 'vote-log.file', 'vote-log.segment-size', 'vote-log.size-budget']),
  ...rules('live', ['record'], { below: true, note: 'the recording goes on in new files' }),
  ...rules('live', ['http'], { below: true, note: 'the server is opened anew: clients connect again' }),
  ...rules('live', ['bmp'], { below: true, note: 'collectors are connected to anew' }),
];

/** Keys that count replicas or name one: they go with the replicas that there are. */
export const SEAT_KEYS: ReadonlySet<string> = new Set([
  'voting.k',
  'voting.min-votes',
  'voting.quorum',
  'voting.no-majority',
]);

/** In the order of docs/configuration.md. */
export const KEY_RULES: readonly KeyRule[] = [
  ...ROUTER,
  ...NEIGHBORS,
  ...POLICY,
  ...REPLICAS,
  ...VOTING,
  ...RECOVERY,
  ...FIB,
  ...INSIDE,
  ...INSPECTION,
];

const BY_KEY = new Map(KEY_RULES.map((rule) => [rule.key, rule]));

/** The rule for a key without indexes, or the one of the key above it that holds for all below. Undefined: forgotten in the table. */
export function ruleFor(key: string): KeyRule | undefined {
  const own = BY_KEY.get(key);
  if (own !== undefined) return own;
  for (let end = key.length; end > 0; end = Math.max(key.lastIndexOf('.', end - 1), key.lastIndexOf('[', end - 1))) {
    const above = BY_KEY.get(key.slice(0, end));
    if (above?.below === true) return above;
  }
  return undefined;
}
