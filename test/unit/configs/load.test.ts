// The configuration file: defaults, and every mistake with its place and what was expected.
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../configs/load.js';
import { nearest } from '../../../configs/diagnostics.js';
import type { RouterConfig } from '../../../configs/model.js';

const NEIGHBOR = '{ neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1 }';

/** A right file in which single lines can be exchanged. */
function file(parts: Record<string, string> = {}): string {
  const {
    router = '{ as: 65000, router-id: 10.0.0.1 }',
    neighbor = NEIGHBOR,
    replicas = '[{ name: a, kind: frr }]',
  } = parts;
  return `router: ${router}\nneighbors:\n  - ${neighbor}\nreplicas: ${replicas}\n${parts.more ?? ''}`;
}

function good(text: string): RouterConfig {
  const { config, diagnostics } = parseConfig(text, '/etc/btr/router.yaml');
  expect(diagnostics ?? []).toEqual([]);
  return config!;
}

/** `line:column key message` of every diagnostic. */
function mistakes(text: string): string[] {
  return (parseConfig(text, 'router.yaml').diagnostics ?? []).map((d) => `${d.line}:${d.column} ${d.key} ${d.message}`);
}

describe('defaults', () => {
  it('fills in what a minimal file leaves out', () => {
    const config = good(file());
    expect(config.neighbors[0]).toMatchObject({
      passive: false,
      remotePort: 179,
      holdTime: 90,
      keepaliveInterval: 30,
      families: 1,
      enforceFirstAs: true,
      nextHop: 'neighbor-address',
      importPolicy: [],
    });
    expect(config.voting).toMatchObject({
      strategy: 'continuous-majority',
      k: 1,
      quorum: 1,
      holdWithoutReplicas: 120_000,
    });
    expect(config.router).toMatchObject({ port: 179, runDirectory: '/run/btr' });
    expect(config.voteLog.file).toBe('/run/btr/votes.jsonl');
    expect(config.fib).toEqual({
      backend: 'kernel',
      table: 254,
      protocol: 179,
      metric: 179,
      advertiseAfterInstall: false,
      keep: false,
      auditInterval: 60_000,
      restartTime: 120,
      staleRoutes: 180_000,
    });
    expect(config.internal.probeNextHops).toBe('198.18.254.0/24');
  });

  it('takes the FIB votes of a replica from where its kind has them, and from nowhere without a FIB', () => {
    const replicas = '[{ name: a, kind: frr }, { name: b, kind: bird, fib: tap }, { name: c, kind: openbgpd }]';
    const fibs = (more?: string) =>
      good(file({ replicas, ...(more === undefined ? {} : { more }) })).replicas.map(({ fib }) => fib);
    expect(fibs()).toEqual(['netlink', 'tap', 'tap']);
    expect(fibs('fib: { backend: dry-run }\n')).toEqual(['netlink', 'tap', 'tap']);
    expect(fibs('fib: { backend: none }\n')).toEqual(['none', 'none', 'none']);
  });

  it('needs a majority of the replicas as quorum', () => {
    const replicas = '[{ name: a, kind: frr }, { name: b, kind: bird }, { name: c, kind: openbgpd }]';
    expect(good(file({ replicas })).voting).toMatchObject({ quorum: 2, k: 3 });
  });

  it('takes an IPv6 neighbour for IPv6 routes', () => {
    const neighbor = "{ neighbor-address: '2A01:0::2', peer-as: 65001, local-address: '2a01::1' }";
    expect(good(file({ neighbor })).neighbors[0]).toMatchObject({ families: 2, address: '2a01::2' });
  });

  it('counts relative paths from the file', () => {
    const replicas = '[{ name: a, kind: frr, config-file: a.conf }]';
    expect(good(file({ replicas })).replicas[0].configFile).toBe('/etc/btr/a.conf');
  });

  it('follows anchors', () => {
    const config = good(file({ more: 'voting: { hang-threshold: &t 20s, fault-threshold: *t }\n' }));
    expect(config.voting).toMatchObject({ hangThreshold: 20_000, faultThreshold: 20_000 });
  });

  it('keeps numbers in communities as they are written', () => {
    const more = "defined-sets: { community-sets: { a: [65001:010, '65001:*'] } }\n";
    expect(good(file({ more })).policy.communitySets[0].members).toEqual([
      [65001, 10],
      [65001, '*'],
    ]);
  });
});

describe('mistakes', () => {
  const cases: [string, Record<string, string>, string[]][] = [
    ['AS 0', { router: '{ as: 0, router-id: 10.0.0.1 }' }, ['1:15 router.as expected an AS number']],
    ['AS_TRANS', { router: '{ as: 23456, router-id: 10.0.0.1 }' }, ['1:15 router.as expected an AS number']],
    ['router-id missing', { router: '{ as: 65000 }' }, ['1:9 router.router-id is missing']],
    [
      'router-id zero',
      { router: '{ as: 65000, router-id: 0.0.0.0 }' },
      ['1:33 router.router-id expected a BGP identifier'],
    ],
    [
      'host bits',
      { router: '{ as: 1, router-id: 1.1.1.1, networks: [10.0.0.1/8] }' },
      ['prefix without host bits (10.0.0.0/8)'],
    ],
    [
      'network twice',
      { router: '{ as: 1, router-id: 1.1.1.1, networks: [9.0.0.0/8, 9.0.0.0/8] }' },
      ['is listed twice'],
    ],
    [
      'unknown key',
      { router: '{ as: 1, router-id: 1.1.1.1, netwoks: [] }' },
      ['1:38 router.netwoks unknown key "netwoks" (did you mean "networks"?)'],
    ],
    ['empty value', { router: '{ as: 1, router-id: }' }, ['1:18 router.router-id has no value']],
    [
      'hold-time 2',
      { neighbor: NEIGHBOR.replace('}', ', hold-time: 2 }') },
      ['3:88 neighbors[0].hold-time expected seconds: 0'],
    ],
    [
      'keepalive too long',
      { neighbor: NEIGHBOR.replace('}', ', hold-time: 9, keepalive-interval: 9 }') },
      ['less than hold-time (9)'],
    ],
    [
      'local address family',
      { neighbor: NEIGHBOR.replace('10.0.1.1', "'2a01::1'") },
      ['local-address expected an IPv4 address'],
    ],
    ['own AS', { neighbor: NEIGHBOR.replace('65001', '65000') }, ['only eBGP neighbours']],
    [
      'IPv6 without next hop',
      { neighbor: NEIGHBOR.replace('}', ', afi-safis: [ipv6-unicast] }') },
      ['local-address-ipv6 is missing'],
    ],
    [
      'unknown family',
      { neighbor: NEIGHBOR.replace('}', ', afi-safis: [ipv4-unicat] }') },
      ['did you mean "ipv4-unicast"'],
    ],
    [
      'unknown policy',
      { neighbor: NEIGHBOR.replace('}', ', import-policy: nope }') },
      ['there is no policy definition "nope"'],
    ],
    ['duplicate neighbour', { neighbor: `${NEIGHBOR}\n  - ${NEIGHBOR}` }, ['10.0.1.2 is already neighbors[0]']],
    ['internal address', { neighbor: NEIGHBOR.replace('10.0.1.2', '198.18.0.2') }, ['is used inside']],
    ['replica kind', { replicas: '[{ name: a, kind: openbgp }]' }, ['did you mean "openbgpd"']],
    [
      'replica twice',
      { replicas: '[{ name: a, kind: frr }, { name: a, kind: frr }]' },
      ['is already the name of replicas[0]'],
    ],
    ['no replica', { replicas: '[]' }, ['expected at least one replica']],
    [
      'LD_PRELOAD',
      { replicas: '[{ name: a, kind: frr, environment: { LD_PRELOAD: x } }]' },
      ['is set by the hypervisor'],
    ],
    [
      'k too large',
      { more: 'voting: { strategy: wait-for-consensus, k: 2 }' },
      ['from 1 to the number of replicas (1)'],
    ],
    ['k without use', { more: 'voting: { k: 1 }' }, ['belongs to strategy wait-for-consensus']],
    ['duration without unit', { more: 'voting: { hang-threshold: 10 }' }, ['with its unit']],
    ['FIB of OpenBGPD', { replicas: '[{ name: a, kind: openbgpd, fib: netlink }]' }, ['expected tap or none']],
    ['FIB backend', { more: 'fib: { backend: kernl }' }, ['did you mean "kernel"']],
    ['local table', { more: 'fib: { table: 255 }' }, ['fib.table expected another table']],
    ['install without a FIB', { more: 'fib: { backend: none, advertise-after-install: true }' }, ['expected false']],
    ['probe next hops', { more: 'internal: { probe-next-hops: 198.18.254.0/25 }' }, ['of length 24 or less']],
    ['probe next hops in use', { more: 'internal: { probe-next-hops: 198.18.0.0/24 }' }, ['198.18.0.1 lies in it']],
    ['neighbour among the probe next hops', { neighbor: NEIGHBOR.replace('10.0.1.2', '198.18.254.9') }, ['lies in']],
    ['section', { more: 'polices: {}' }, ['unknown key "polices"']],
    ['a list for a mapping', { router: '[1]' }, ['expected a mapping, found a list']],
  ];

  it.each(cases)('%s', (_name, parts, expected) => {
    const found = mistakes(file(parts));
    for (const text of expected) expect(found.join('\n')).toContain(text);
  });

  const policy = (statement: string): string =>
    file({ more: `policy-definitions: [{ name: p, statements: [${statement}] }]\n` });

  it.each([
    ['{ actions: { set-as-path-prepend: 2 } }', 'expected route-disposition: accept-route'],
    ['{ actions: { set-community: { add: [no-export], remove: ["65535:65281"] } } }', 'adds and removes 65535:65281'],
    ['{ actions: { set-community: { add: ["1:*"] } } }', 'expected a community'],
    ['{ actions: { set-local-pref: 1, route-disposition: reject-route } }', 'has no effect'],
    ['{ actions: {} }', 'does nothing'],
    ['{ conditions: { match-prefix-set: x }, actions: { set-med: 1 } }', 'the name of a set in defined-sets'],
    ['{ conditions: { match-neighbor: x }, actions: { set-med: 1 } }', 'unknown key "match-neighbor"'],
  ])('policy %s', (statement, expected) => {
    expect(mistakes(policy(statement)).join('\n')).toContain(expected);
  });

  it('says which policies only an export may use', () => {
    const more = 'policy-definitions: [{ name: p, statements: [{ actions: { set-med: 1 } }] }]\n';
    const neighbor = NEIGHBOR.replace('}', ', import-policy: p }');
    expect(mistakes(file({ neighbor, more })).join('\n')).toContain('only an export policy may');
  });

  it('reports all of them, in the order of the file', () => {
    const found = mistakes(
      file({ router: '{ as: 0, router-id: x }', replicas: '[{ name: 1, kind: y }]', more: 'a: 1\n' }),
    );
    expect(found.map((text) => text.split(' ')[1])).toEqual([
      'router.as',
      'router.router-id',
      'replicas[0].name',
      'replicas[0].kind',
      'a',
    ]);
  });

  it.each([
    ['not YAML', 'router: {\n', 1],
    ['a key twice', 'router: {}\nrouter: {}\n', 1],
    ['an empty file', '', 3],
    ['a list', '- 1\n', 4],
    ['a scalar', 'x', 4],
    ['an unknown anchor', 'router: *x\n', 1],
  ])('%s', (_name, text, atLeast) => {
    expect(mistakes(text).length).toBeGreaterThanOrEqual(atLeast);
  });
});

describe('suggestions', () => {
  it.each([
    ['neighbour-address', 'neighbor-address'],
    ['address', 'neighbor-address'],
    ['peer_as', 'peer-as'],
    ['zzzz', undefined],
  ])('%s', (word, expected) => {
    expect(nearest(word, ['neighbor-address', 'peer-as', 'passive-mode'])).toBe(expected);
  });
});
