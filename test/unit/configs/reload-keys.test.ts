// Every key of the configuration file has a defined behaviour at a reload, and it is the one that the table says: each key that the schema
// knows is changed here, compared, and merged into what runs.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { compareConfigs, heaviest } from '../../../configs/diff/compare.js';
import { KEY_RULES, ruleFor } from '../../../configs/diff/keys.js';
import { mergeConfigs } from '../../../configs/diff/merge.js';
import { Places } from '../../../configs/diff/places.js';
import { renderDiff } from '../../../configs/diff/render.js';
import { keyTable } from '../../../configs/diff/table.js';
import type { ConfigDiff } from '../../../configs/diff/types.js';
import { parseConfig } from '../../../configs/load.js';
import type { RouterConfig } from '../../../configs/model.js';
import { fingerprintOf } from '../../../hypervisor/reload/equipment.js';

type Mapping = Record<string, unknown>;

const FILE = path.join(mkdtempSync(path.join(os.tmpdir(), 'reload-keys-')), 'router.yaml');
const NATIVE = path.join(path.dirname(FILE), 'bird.conf');
writeFileSync(NATIVE, '# native\n');

/** One entry in every list, and in every mapping that has names of the user's own; everything else has its default. */
const BASE: Mapping = {
  router: { as: 64500, 'router-id': '192.0.2.1', 'run-directory': '/run/btr-test' },
  'defined-sets': {
    'prefix-sets': { ours: ['198.51.100.0/24'] },
    'as-path-sets': { theirs: ['^64501_'] },
    'community-sets': { marks: ['64500:1'] },
  },
  'policy-definitions': [
    {
      name: 'out',
      statements: [
        {
          name: 'first',
          conditions: { 'match-prefix-set': 'ours' },
          actions: { 'set-med': 5, 'set-community': { add: ['64500:1'] }, 'route-disposition': 'accept-route' },
        },
      ],
    },
    { name: 'in', statements: [{ actions: { 'set-local-pref': 50 } }] },
  ],
  neighbors: [
    {
      'neighbor-address': '192.0.2.2',
      'peer-as': 64501,
      'local-address': '192.0.2.1',
      'local-address-ipv6': '2001:db8::1',
      'afi-safis': ['ipv4-unicast', 'ipv6-unicast'],
      'export-policy': 'out',
    },
  ],
  replicas: [
    { name: 'frr', kind: 'frr', environment: { LANG: 'C' } },
    { name: 'bird', kind: 'bird' },
    { name: 'openbgpd', kind: 'openbgpd' },
  ],
  voting: { strategy: 'wait-for-consensus', 'no-majority': { prefer: 'frr' } },
  record: { directory: '/var/tmp/one' },
  http: { token: 'a-token-of-16-characters' },
  bmp: { collectors: [{ address: '192.0.2.9' }] },
};

/** Another value for each key. */
const OTHER: Readonly<Record<string, unknown>> = {
  'router.as': 64499,
  'router.router-id': '192.0.2.77',
  'router.port': 1179,
  'router.networks': ['198.51.100.0/24'],
  'router.deliver': 'raw',
  'router.run-directory': '/run/other',
  'neighbors[].neighbor-address': '192.0.2.3',
  'neighbors[].peer-as': 64777,
  'neighbors[].local-address': '192.0.2.4',
  'neighbors[].local-address-ipv6': '2001:db8::7',
  'neighbors[].afi-safis': ['ipv4-unicast'],
  'neighbors[].description': 'another',
  'neighbors[].passive-mode': true,
  'neighbors[].remote-port': 1790,
  'neighbors[].hold-time': 30,
  'neighbors[].keepalive-interval': 7,
  'neighbors[].connect-retry': 9,
  'neighbors[].auth-password': 'hush-hush',
  'neighbors[].ttl-security': true,
  'neighbors[].maximum-prefixes': 17,
  'neighbors[].import-policy': ['in'],
  'neighbors[].export-policy': [],
  'neighbors[].enforce-first-as': false,
  'neighbors[].next-hop': 'as-received',
  'defined-sets.prefix-sets.ours': ['203.0.113.0/24'],
  'defined-sets.as-path-sets.theirs': ['_64502_'],
  'defined-sets.community-sets.marks': ['64500:2'],
  'policy-definitions[].name': 'away',
  'policy-definitions[].statements[].name': 'second',
  'policy-definitions[].statements[].conditions.match-prefix-set': undefined,
  'policy-definitions[].statements[].conditions.match-as-path-set': 'theirs',
  'policy-definitions[].statements[].conditions.match-community-set': 'marks',
  'policy-definitions[].statements[].actions.set-local-pref': 200,
  'policy-definitions[].statements[].actions.set-med': 6,
  'policy-definitions[].statements[].actions.set-community.add': ['64500:3'],
  'policy-definitions[].statements[].actions.set-community.remove': ['64500:4'],
  'policy-definitions[].statements[].actions.set-as-path-prepend': 2,
  'policy-definitions[].statements[].actions.route-disposition': undefined,
  'defaults.martians': ['none'],
  'defaults.reject-default-route': false,
  'defaults.enforce-first-as': false,
  'defaults.next-hop': 'as-received',
  'defaults.max-as-path-length': 50,
  'replicas[].name': 'frr-8',
  'replicas[].kind': 'bird',
  'replicas[].binary': '/opt/bgpd',
  'replicas[].config-file': NATIVE,
  'replicas[].user': 'nobody',
  'replicas[].environment.LANG': 'hush-hush',
  'replicas[].fib': 'none',
  'replicas[].standby': 'warm',
  'replicas[].deliver': 'normalised',
  'replicas[].diversity.delivery-delay': '1ms..5ms',
  'replicas[].diversity.connect-delay': '1ms..5ms',
  'replicas[].diversity.restart-delay': '1ms..5ms',
  'replicas[].diversity.disconnect-delay': '1ms..5ms',
  'replicas[].diversity.interface-event-delay': '1ms..5ms',
  'replicas[].diversity.address-space-randomisation': false,
  'replicas[].diversity.malloc-perturb': 9,
  'replicas[].diversity.malloc-arenas': 1,
  'replicas[].diversity.locale': 'C.UTF-8',
  'replicas[].diversity.time-zone': 'UTC',
  'replicas[].diversity.cpus': [0],
  'replicas[].diversity.nice': 3,
  'voting.strategy': 'continuous-majority',
  'voting.k': 2,
  'voting.min-votes': 2,
  'voting.quorum': 1,
  'voting.stability-threshold': '2s',
  'voting.hang-threshold': '20s',
  'voting.fault-threshold': '9s',
  'voting.probe-interval': '300ms',
  'voting.hold-without-replicas': '1m',
  'voting.ignore-attributes': [4],
  'voting.no-majority.prefer': 'bird',
  'recovery.restart-delay': '1s',
  'recovery.longest-restart-delay': '2m',
  'recovery.forgive-after': '2m',
  'recovery.max-restarts': 3,
  'recovery.restart-window': '1h',
  'recovery.retire-for': '1h',
  'recovery.few-prefixes': 7,
  'recovery.mute-few': true,
  'recovery.fail-back': false,
  'quarantine.enabled': false,
  'quarantine.directory': '/var/tmp/quarantine',
  'quarantine.suspect-bytes': 8192,
  'quarantine.max-messages': 5,
  'quarantine.narrow': false,
  'early-warning.enabled': false,
  'early-warning.interval': '3s',
  'early-warning.restart': true,
  'fib.backend': 'dry-run',
  'fib.table': 100,
  'fib.protocol': 99,
  'fib.metric': 9,
  'fib.advertise-after-install': true,
  'fib.keep': true,
  'fib.audit-interval': '2m',
  'fib.restart-time': 60,
  'fib.stale-routes': '2m',
  'internal.local-address': '198.18.0.9',
  'internal.probe-address': '198.18.0.9',
  'internal.tap-address': '198.18.0.9',
  'internal.probe-as': 4200000009,
  'internal.probe-prefix': '198.18.253.0/24',
  'internal.probe-next-hops': '198.18.252.0/24',
  'internal.peer-range-ipv6': 'fd62:7473::/64',
  'limits.max-prefixes': 5000,
  'limits.max-attributes': 5000,
  'limits.max-attribute-bytes': 2_000_000,
  'limits.replica-queue-bytes': 100_000,
  'logging.level': 'debug',
  'logging.file': '/var/tmp/router.log',
  'vote-log.file': '/var/tmp/votes.jsonl',
  'vote-log.level': 'all',
  'vote-log.segment-size': 1_000_000,
  'vote-log.size-budget': 50_000_000,
  'record.enabled': false,
  'record.directory': '/var/tmp/two',
  'record.received': false,
  'record.replicas': false,
  'record.advertised': false,
  'record.rotate-after': '5m',
  'record.segment-size': 1_000_000,
  'record.size-budget': 50_000_000,
  'record.compress': false,
  'http.enabled': false,
  'http.address': '127.0.0.2',
  'http.port': 9180,
  'http.token': 'another-token-hush-hush',
  'http.open': true,
  'http.hosts': ['router.example'],
  'http.looking-glass': true,
  'bmp.collectors[].address': '192.0.2.10',
  'bmp.collectors[].port': 5000,
  'bmp.collectors[].views': ['local-rib'],
  'bmp.collectors[].statistics-interval': '5m',
  'bmp.collectors[].buffer-size': 2_000_000,
};
/** Keys that mean something only together with others. */
const ALONE_NOTHING = ['http.allow-remote'];
/** What else has to be said for the other value to be allowed. */
const ALSO: Readonly<Record<string, Mapping>> = {
  'policy-definitions[].name': { 'neighbors[].export-policy': 'away' },
  'replicas[].name': { 'voting.no-majority.prefer': 'bird' },
};

function load(file: Mapping): { config: RouterConfig; keys: readonly string[]; places: Places } {
  const text = stringify(file);
  const result = parseConfig(text, FILE);
  if (result.config === undefined) throw new Error(JSON.stringify(result.diagnostics));
  return { ...result, places: new Places(FILE, text) };
}

/** `BASE` with another value at `key`; of lists the first entry is meant. */
function changed(key: string, value: unknown): Mapping {
  const file = structuredClone(BASE);
  for (const [where, what] of Object.entries({ ...ALSO[key], [key]: value })) put(file, where, what);
  return file;
}

function put(file: Mapping, key: string, value: unknown): void {
  const names = key.split('.');
  let at = file;
  for (const name of names.slice(0, -1)) {
    const plain = name.replace('[]', '');
    const next = (at[plain] ??= name.endsWith('[]') ? [{}] : {}) as Mapping | Mapping[];
    at = Array.isArray(next) ? next[0] : next;
  }
  if (value === undefined) delete at[names.at(-1)!];
  else at[names.at(-1)!] = value;
}

const { config: running, keys: asked, places } = load(BASE);
/** Keys that have a value of their own, and no keys below. */
const LEAVES = asked.filter(
  (key) => !asked.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`)),
);
const compare = (from: RouterConfig, to: RouterConfig): ConfigDiff => compareConfigs(from, to, places);
const printsOf = (config: RouterConfig): string[] => config.replicas.map((_, r) => fingerprintOf(config, r));
const RUNNING_PRINTS = printsOf(running);

describe('the table of keys', () => {
  test('has every key of the schema, and none that there is not', () => {
    expect(LEAVES.length).toBeGreaterThan(120);
    expect(LEAVES.filter((key) => ruleFor(key) === undefined)).toEqual([]);
    expect(KEY_RULES.map(({ key }) => key).filter((key) => !asked.includes(key))).toEqual([]);
    expect(LEAVES.filter((key) => !(key in OTHER) && !ALONE_NOTHING.includes(key))).toEqual([]);
    expect(Object.keys(OTHER).filter((key) => !LEAVES.includes(key))).toEqual([]);
  });

  test('is the one of docs/reload.md', () => {
    expect(readFileSync(path.resolve(import.meta.dirname, '../../../docs/reload.md'), 'utf8')).toContain(keyTable());
  });
});

describe('a change of', () => {
  test.each(LEAVES.filter((key) => !ALONE_NOTHING.includes(key)))('%s', (key) => {
    const { config: next } = load(changed(key, OTHER[key]));
    const rule = ruleFor(key)!;
    const diff = compare(running, next);
    expect(heaviest(diff)).toBe(rule.class);
    expect(diff.changes.some(({ session }) => session)).toBe(rule.session === true || key.endsWith('neighbor-address'));
    // What is not for a reload stays, all the rest is taken.
    const merged = mergeConfigs(running, next);
    const isLeft = diff.changes.filter((change) => change.class === 'restart').map((change) => change.key);
    expect(compare(merged, next).changes.map((change) => change.key)).toEqual(isLeft);
    // Replicas are restarted when the table says so, and for nothing else.
    const restarts = printsOf(merged).some((print, r) => print !== RUNNING_PRINTS[r]);
    expect(restarts).toBe(rule.class === 'replicas');
    expect(renderDiff(diff)).not.toContain('hush-hush');
  });

  test('nothing', () => {
    expect(compare(running, load(BASE).config).changes).toEqual([]);
    expect(renderDiff({ changes: [] })).toBe('no difference');
  });
});

describe('replicas that are added, removed or moved', () => {
  const others: readonly [string, (list: Mapping[]) => Mapping[]][] = [
    ['added', (list) => [...list, { name: 'fourth', kind: 'bird' }]],
    ['removed', (list) => list.slice(0, 2)],
    ['moved', ([one, two, three]) => [two, one, three]],
  ];
  test.each(others)('%s: only with a restart; everything else is taken', (_, edit) => {
    const file = {
      ...structuredClone(BASE),
      replicas: edit(BASE.replicas as Mapping[]),
      recovery: { 'few-prefixes': 3 },
    };
    const { config: next } = load(file);
    const { changes } = compare(running, next);
    expect(changes).toContainEqual(expect.objectContaining({ key: 'replicas', class: 'restart' }));
    const merged = mergeConfigs(running, next);
    expect(merged.replicas).toEqual(running.replicas);
    expect(merged.voting).toEqual(running.voting);
    expect(compare(merged, next).changes.every((change) => change.class === 'restart')).toBe(true);
    expect(merged.recovery.fewPrefixes).toBe(3);
  });
});

describe('neighbours that come and go', () => {
  const more = (n: number): Mapping => ({
    'neighbor-address': `192.0.2.${n}`,
    'peer-as': 64000 + n,
    'local-address': '192.0.2.1',
  });
  const [first] = BASE.neighbors as Mapping[];

  test('keep their indexes, the old one included', () => {
    const two = mergeConfigs(running, load({ ...BASE, neighbors: [more(8), first] }).config);
    expect(two.neighbors.map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.8']);
    const gone = mergeConfigs(two, load({ ...BASE, neighbors: [more(8)] }).config);
    expect(gone.neighbors.map(({ address, removed }) => [address, removed ?? false])).toEqual([
      ['192.0.2.2', true],
      ['192.0.2.8', false],
    ]);
    const back = mergeConfigs(gone, load({ ...BASE, neighbors: [first, more(9)] }).config);
    expect(back.neighbors.map(({ address, removed }) => [address, removed ?? false])).toEqual([
      ['192.0.2.2', false],
      ['192.0.2.8', true],
      ['192.0.2.9', false],
    ]);
  });

  test('are one change each, with their place', () => {
    const { config, places: where } = load({ ...BASE, neighbors: [first, more(8)] });
    const { changes } = compareConfigs(running, config, where);
    expect(changes).toMatchObject([{ key: 'neighbors[192.0.2.8]', old: null, new: 'AS 64008', session: true }]);
    expect(renderDiff({ changes })).toMatch(/ {2}\+ neighbors\[192\.0\.2\.8\]: AS 64008 {4}router\.yaml:\d+$/);
    expect(compare(config, running).changes).toMatchObject([{ key: 'neighbors[192.0.2.8]', new: null }]);
  });
});

test('what is wrong with a secret is said without showing it', () => {
  for (const [key, value] of [
    ['http.token', 'hush hush'],
    ['neighbors[].auth-password', 'hush'.repeat(30)],
  ]) {
    const text = JSON.stringify(parseConfig(stringify(changed(key, value)), FILE).diagnostics);
    expect(text).toContain('found something else');
    expect(text).not.toContain('hush');
  }
});
