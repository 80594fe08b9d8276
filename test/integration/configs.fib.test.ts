// What the generated configurations make of the kernel's links, addresses and other routes: BIRD and FRR must write the same routes for
// the same announcements, follow every change without closing a session, and write the route of each probe; OpenBGPD must give its best
// routes back on the taps. The daemons run without the shim, on the real kernel of a namespace.
import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../configs/load.js';
import type { ReplicaKind } from '../../configs/model.js';
import type { CollectedTable } from '../../traces/collector.js';
import { formatRoute } from '../../wire/bgp/describe.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { parseAddress } from '../../wire/ip.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import { AGREEMENT_YAML, EXPECTED_CASES, playCases, toldCases } from '../support/agreement-cases.js';
import { NativeFibLab } from '../support/native-fib-lab.js';
import { cannotRun } from '../support/replica-lab.js';

/** Neighbours 1 and 4 keep next hops as they come, 2 and 5, of the same AS, do not; 3 and 6 only listen. */
const YAML = `
router: { as: 65010, router-id: 10.255.0.1, networks: [81.0.0.0/16] }
defaults: { martians: none, reject-default-route: false }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1, next-hop: as-received }
  - { neighbor-address: 10.0.2.2, peer-as: 65001, local-address: 10.0.2.1 }
  - { neighbor-address: 10.0.3.2, peer-as: 65003, local-address: 10.0.3.1 }
  - { neighbor-address: 'fd00:1::2', peer-as: 65001, local-address: 'fd00:1::1', next-hop: as-received }
  - { neighbor-address: 'fd00:2::2', peer-as: 65001, local-address: 'fd00:2::1' }
  - { neighbor-address: 'fd00:3::2', peer-as: 65003, local-address: 'fd00:3::1' }
replicas:
  - { name: frr, kind: frr }
  - { name: bird, kind: bird }
  - { name: openbgpd, kind: openbgpd }
`;

interface Announcement {
  prefix: string;
  /** Next hop; with a second one, the IPv6 next hop is global and link-local. */
  hop: string;
  linkLocal?: string;
  med?: number;
  community?: [number, number];
  /** Numbers behind the neighbour's own. */
  path?: number[];
}

const table = new PrefixTable();
const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

function announce(lab: NativeFibLab, session: string, route: Announcement): void {
  const { speaker } = lab.session(session);
  const id = table.parse(route.prefix);
  const family = table.family(id);
  const hop = [route.hop, route.linkLocal].flatMap((text) => (text === undefined ? [] : [...parseAddress(text)!]));
  const path = [speaker.session.peerAs, ...(route.path ?? [100])];
  const { med, community } = route;
  const attributes = Uint8Array.from([
    ...[0x40, 1, 1, 0, 0x40, 2, 2 + 4 * path.length, 2, path.length, ...path.flatMap(u32)],
    ...(family === 0 ? [0x40, 3, 4, ...hop] : []),
    ...(med === undefined ? [] : [0x80, 4, 4, ...u32(med)]),
    ...(community === undefined ? [] : [0xc0, 8, 4, ...u32(community[0]).slice(2), ...u32(community[1]).slice(2)]),
    ...(family === 1 ? [0x80, 14, hop.length, ...hop] : []),
  ]);
  const out = new ByteWriter(512);
  new UpdatePacker(4096).announce(family, attributes, table, Uint32Array.of(id), 0, 1, out);
  speaker.socket.write(out.take());
}

/** From the neighbour that keeps next hops, and from the one that does not. */
const kept = (lab: NativeFibLab, route: Announcement): void =>
  announce(lab, route.prefix.includes(':') ? 'neighbor_4' : 'neighbor_1', route);
const rewritten = (lab: NativeFibLab, route: Announcement): void =>
  announce(lab, route.prefix.includes(':') ? 'neighbor_5' : 'neighbor_2', route);

const prefixesIn = (collected: CollectedTable): string[] =>
  [...collected.entries()].map(({ id }) => collected.prefixes.format(id));

type Fib = Record<string, string>;

const sorted = (fib: Iterable<readonly [string, string]>): [string, string][] =>
  [...fib].map(([a, b]): [string, string] => [a, b]).sort(([a], [b]) => (a < b ? -1 : 1));

/** Waits until the kernel holds exactly these routes of the replica, and its listeners know exactly these and our own network. */
async function settles(lab: NativeFibLab, what: string, fib: Fib): Promise<void> {
  const expected = JSON.stringify(sorted(Object.entries(fib)));
  const told = JSON.stringify([...Object.keys(fib), '81.0.0.0/16'].sort());
  const listeners = ['neighbor_3', 'neighbor_6'].map((name) => lab.session(name).table);
  await lab.until(`${what}: ${expected}`, () => {
    const same = JSON.stringify(sorted(lab.routes())) === expected;
    return same && JSON.stringify(listeners.flatMap(prefixesIn).sort()) === told;
  });
  expect(lab.closedSessions(), what).toEqual([]);
}

const labs: NativeFibLab[] = [];

async function start(
  kind: ReplicaKind,
  prepare?: (lab: NativeFibLab) => void,
  yaml: string = YAML,
): Promise<NativeFibLab> {
  const { config, diagnostics } = parseConfig(yaml, 'test.yaml');
  expect(diagnostics).toBeUndefined();
  const lab = await NativeFibLab.start(config!, kind, prepare);
  labs.push(lab);
  return lab;
}

const reasons = new Map((['bird', 'frr', 'openbgpd'] as const).map((kind) => [kind, cannotRun(kind)]));
for (const [kind, reason] of reasons) {
  if (reason !== undefined) console.warn(`the FIB of ${kind} was not tested: ${reason}`);
}

beforeAll(() => {
  if ([...reasons.values()].some((reason) => reason === undefined)) NativeFibLab.leaveHost();
});
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.destroy();
});

describe.each(['bird', 'frr'] as const)('%s', (kind) => {
  const skip = reasons.get(kind) !== undefined;

  it.skipIf(skip)('resolves next hops by what else the kernel holds', async () => {
    const lab = await start(kind, ({ ip }) => {
      ip('route', 'add', '77.0.0.0/16', 'via', '10.0.2.254');
      ip('route', 'add', '78.0.0.0/16', 'dev', 'e2');
      ip('route', 'add', 'blackhole', '79.0.0.0/16');
      ip('route', 'add', '76.0.0.0/16', 'nexthop', 'via', '10.0.1.254', 'nexthop', 'via', '10.0.2.254');
      ip('route', 'add', 'fd77::/32', 'via', 'fd00:2::fe');
      ip('route', 'add', 'fd78::/32', 'dev', 'e2');
    });
    const fib: Fib = {};
    const expecting = (from: typeof kept, prefix: string, hop: string, route: string | undefined, more = {}): void => {
      from(lab, { prefix, hop, ...more });
      if (route !== undefined) fib[prefix] = route;
    };
    const linkLocal = 'fe80::1234';
    // On a link, by a static route, by one without a gateway, to nowhere, by two gateways, unknown, our own.
    expecting(kept, '90.1.0.0/24', '10.0.1.2', 'via 10.0.1.2 dev e1');
    expecting(kept, '90.2.0.0/24', '10.0.1.99', 'via 10.0.1.99 dev e1');
    expecting(kept, '90.3.0.0/24', '10.0.3.77', 'via 10.0.3.77 dev e3');
    expecting(kept, '90.4.0.0/24', '77.0.0.1', 'via 10.0.2.254 dev e2');
    expecting(kept, '90.5.0.0/24', '78.0.0.1', 'via 78.0.0.1 dev e2');
    expecting(kept, '90.6.0.0/24', '79.0.0.1', 'blackhole');
    expecting(kept, '90.7.0.0/24', '76.0.0.1', 'via 10.0.1.254 dev e1 via 10.0.2.254 dev e2');
    expecting(kept, '90.8.0.0/24', '88.0.0.1', undefined);
    expecting(kept, '90.9.0.0/24', '10.0.3.1', undefined);
    // BGP routes resolve nothing, not even where they are more specific.
    expecting(rewritten, '66.0.0.0/16', '10.0.2.2', 'via 10.0.2.2 dev e2');
    expecting(kept, '90.10.0.0/24', '66.0.0.1', undefined);
    expecting(rewritten, '10.0.1.98/32', '10.0.2.2', 'via 10.0.2.2 dev e2');
    expecting(kept, '90.11.0.0/24', '10.0.1.98', 'via 10.0.1.98 dev e1');
    // Where the kernel has a route already, there may be one of ours too.
    expecting(rewritten, '77.0.0.0/16', '10.0.2.2', 'via 10.0.2.2 dev e2');
    expecting(rewritten, '10.0.3.0/24', '10.0.2.2', 'via 10.0.2.2 dev e2');
    // The neighbour's address, whatever it said.
    expecting(rewritten, '91.1.0.0/24', '10.0.2.99', 'via 10.0.2.2 dev e2');
    expecting(rewritten, '91.2.0.0/24', '88.0.0.9', 'via 10.0.2.2 dev e2');
    expecting(rewritten, '91.3.0.0/24', '10.0.2.1', 'via 10.0.2.2 dev e2');
    // Of two paths that are equal but for the neighbour, one is used.
    expecting(rewritten, '91.4.0.0/24', '10.0.2.2', undefined);
    expecting(kept, '91.4.0.0/24', '10.0.1.2', 'via 10.0.1.2 dev e1');
    expecting(rewritten, '2a01:9::/48', 'fd00:2::2', undefined);
    expecting(kept, '2a01:9::/48', 'fd00:1::2', 'via fd00:1::2 dev e1');
    expecting(kept, '2a01:1::/48', 'fd00:1::2', 'via fd00:1::2 dev e1');
    expecting(kept, '2a01:2::/48', 'fd00:1::99', 'via fd00:1::99 dev e1', { linkLocal });
    expecting(kept, '2a01:3::/48', 'fd00:3::77', 'via fd00:3::77 dev e3');
    expecting(kept, '2a01:4::/48', 'fd77::1', 'via fd00:2::fe dev e2');
    expecting(kept, '2a01:5::/48', 'fd78::1', 'via fd78::1 dev e2');
    expecting(kept, '2a01:6::/48', 'fd88::1', undefined);
    expecting(rewritten, '2a01:7::/48', 'fd00:2::2', 'via fd00:2::2 dev e2', { linkLocal });
    expecting(rewritten, '2a01:8::/48', 'fd00:1::99', 'via fd00:2::2 dev e2', { linkLocal });
    await settles(lab, 'at first', fib);
    // What was refused can still be found later.
    lab.ip('route', 'add', 'default', 'via', '10.0.3.254');
    lab.ip('route', 'add', 'default', 'via', 'fd00:3::fe');
    const byDefault = { '90.8.0.0/24': 'via 10.0.3.254 dev e3', '90.10.0.0/24': 'via 10.0.3.254 dev e3' };
    await settles(lab, 'a default route', { ...fib, ...byDefault, '2a01:6::/48': 'via fd00:3::fe dev e3' });
  });

  it.skipIf(skip)('follows links, addresses and routes, and closes no session', async () => {
    const lab = await start(kind, ({ ip }) => {
      ip('route', 'add', '77.0.0.0/16', 'via', '10.0.2.254');
      ip('route', 'add', 'fd77::/32', 'via', 'fd00:2::fe');
    });
    for (const [one, both, far, hop, other, router] of [
      ['90.1.0.0/24', '92.1.0.0/24', '90.4.0.0/24', '10.0.1.2', '10.0.2.2', '77.0.0.1'],
      ['2a01:1::/48', '2a02:1::/48', '2a01:4::/48', 'fd00:1::2', 'fd00:2::2', 'fd77::1'],
    ] as const) {
      kept(lab, { prefix: one, hop });
      kept(lab, { prefix: both, hop });
      rewritten(lab, { prefix: both, hop: other, path: [100, 100] });
      kept(lab, { prefix: far, hop: router });
    }
    const far = { '90.4.0.0/24': 'via 10.0.2.254 dev e2', '2a01:4::/48': 'via fd00:2::fe dev e2' };
    const with1 = {
      ...{ '90.1.0.0/24': 'via 10.0.1.2 dev e1', '92.1.0.0/24': 'via 10.0.1.2 dev e1' },
      ...{ '2a01:1::/48': 'via fd00:1::2 dev e1', '2a02:1::/48': 'via fd00:1::2 dev e1' },
    };
    const without1 = { '92.1.0.0/24': 'via 10.0.2.2 dev e2', '2a02:1::/48': 'via fd00:2::2 dev e2' };
    await settles(lab, 'at first', { ...with1, ...far });
    lab.ip('link', 'set', 'e1', 'down');
    await settles(lab, 'the link is down', { ...without1, ...far });
    lab.ip('link', 'set', 'e1', 'up');
    lab.ip('address', 'add', 'fd00:1::1/64', 'dev', 'e1', 'nodad');
    await settles(lab, 'the link is up', { ...with1, ...far });
    lab.world('link', 'set', 'w1', 'down');
    await settles(lab, 'nobody is at the other end of the link', { ...without1, ...far });
    lab.world('link', 'set', 'w1', 'up');
    lab.world('address', 'add', 'fd00:1::2/64', 'dev', 'w1', 'nodad');
    await settles(lab, 'somebody is there again', { ...with1, ...far });
    lab.ip('address', 'delete', '10.0.1.1/24', 'dev', 'e1');
    lab.ip('address', 'delete', 'fd00:1::1/64', 'dev', 'e1');
    await settles(lab, 'the addresses are gone', { ...without1, ...far });
    lab.ip('address', 'add', '10.0.1.1/24', 'dev', 'e1');
    lab.ip('address', 'add', 'fd00:1::1/64', 'dev', 'e1', 'nodad');
    await settles(lab, 'the addresses are back', { ...with1, ...far });
    lab.ip('route', 'replace', '77.0.0.0/16', 'via', '10.0.3.254');
    lab.ip('route', 'replace', 'fd77::/32', 'via', 'fd00:3::fe');
    const moved = { '90.4.0.0/24': 'via 10.0.3.254 dev e3', '2a01:4::/48': 'via fd00:3::fe dev e3' };
    await settles(lab, 'a static route by another gateway', { ...with1, ...moved });
    lab.ip('route', 'delete', '77.0.0.0/16');
    lab.ip('route', 'delete', 'fd77::/32');
    await settles(lab, 'no static route', with1);
    // The sessions over the link that was down still work.
    kept(lab, { prefix: '95.0.0.0/24', hop: '10.0.1.2' });
    kept(lab, { prefix: '2a05::/48', hop: 'fd00:1::2' });
    const news = { '95.0.0.0/24': 'via 10.0.1.2 dev e1', '2a05::/48': 'via fd00:1::2 dev e1' };
    await settles(lab, 'the sessions go on', { ...with1, ...news });
    // Static routes stay when there is no carrier: the kernel still uses them.
    lab.ip('route', 'add', '77.0.0.0/16', 'via', '10.0.1.254');
    lab.ip('route', 'add', 'fd77::/32', 'via', 'fd00:1::fe');
    const over1 = { '90.4.0.0/24': 'via 10.0.1.254 dev e1', '2a01:4::/48': 'via fd00:1::fe dev e1' };
    await settles(lab, 'a static route over the link', { ...with1, ...news, ...over1 });
    lab.world('link', 'set', 'w1', 'down');
    await settles(lab, 'no carrier for the static route', { ...without1, ...over1 });
  });

  it.skipIf(skip)('writes the route of each probe', async () => {
    const lab = await start(kind);
    let marks = 0;
    const monitor = await lab.spawn(['ip', '-o', 'monitor', 'route']);
    const writes = (): string[] =>
      [...readFileSync(monitor.logFile, 'utf8').matchAll(/^198\.18\.255\.0\/24 via (\S+) dev btr0/gm)].map((m) => m[1]);
    const probe = (hop: string, med: number): void =>
      announce(lab, 'probe', { prefix: '198.18.255.0/24', hop, med, community: [65535, 65281] });
    const told = (): string => {
      const { table: tap } = lab.session('tap');
      return [...tap.entries()].map(({ id, attributes }) => formatRoute(tap.prefixes.format(id), attributes)).join();
    };
    // `ip monitor` does not say when it is ready.
    await lab.until('the monitor to listen', () => {
      for (const verb of ['add', 'delete']) {
        lab.ip('route', verb, '198.18.255.0/24', 'via', '198.18.254.1', 'dev', 'btr0', 'table', '1');
      }
      return writes().length > 0;
    });
    // Not one of those may still be on its way.
    await lab.until('the monitor to be silent', () => {
      lab.ip('route', 'replace', 'blackhole', `100.64.0.${++marks}/32`, 'table', '1');
      return readFileSync(monitor.logFile, 'utf8').includes(`100.64.0.${marks}`);
    });
    const before = writes().length;
    const expected: string[] = [];
    for (let n = 2; n <= 6; n++) {
      probe(`198.18.254.${n}`, n);
      expected.push(`198.18.254.${n}`);
      await lab.until(`probe ${n} to be written`, () => writes().at(-1) === `198.18.254.${n}`);
      await lab.until(`probe ${n} on the tap`, () => told().includes(`MED ${n}`));
    }
    // A MED alone comes back on the tap but makes no write: hence the next hops.
    probe('198.18.254.6', 7);
    await lab.until('the MED on the tap', () => told().includes('MED 7'));
    probe('198.18.254.8', 8);
    await lab.until('the next probe to be written', () => writes().at(-1) === '198.18.254.8');
    expect(writes().slice(before)).toEqual([...expected, '198.18.254.8']);
    expect(lab.closedSessions()).toEqual([]);
  });
});

describe.each(['bird', 'frr', 'openbgpd'] as const)('%s', (kind) => {
  it.skipIf(reasons.get(kind) !== undefined)('tells neighbours what it tells them without a FIB', async () => {
    const lab = await start(kind, undefined, AGREEMENT_YAML);
    const sessions = [1, 2, 3].map((n) => lab.session(`neighbor_${n}`));
    const told = sessions[2]!.table;
    await playCases(
      sessions.map(({ speaker }) => speaker),
      told,
    );
    expect(toldCases(told)).toEqual(EXPECTED_CASES);
  });
});

describe.each(['bird', 'frr', 'openbgpd'] as const)('%s with fib: tap', (kind) => {
  it.skipIf(reasons.get(kind) !== undefined)('gives all best routes back on the tap', async () => {
    const lab = await start(kind, undefined, YAML.replaceAll(/(kind: \w+) /g, '$1, fib: tap '));
    kept(lab, { prefix: '90.1.0.0/24', hop: '10.0.1.2' });
    kept(lab, { prefix: '90.2.0.0/24', hop: '88.0.0.1', community: [65535, 65281] });
    kept(lab, { prefix: '90.3.0.0/24', hop: '10.0.1.99', community: [65535, 65282] });
    rewritten(lab, { prefix: '91.1.0.0/24', hop: '10.0.2.99' });
    rewritten(lab, { prefix: '81.0.0.0/16', hop: '10.0.2.2' });
    // Without zebra, bgpd knows no links and withdraws what has a link-local next hop beside the global one.
    kept(lab, { prefix: '2a01:1::/48', hop: 'fd00:1::99', ...(kind === 'frr' ? {} : { linkLocal: 'fe80::1' }) });
    rewritten(lab, { prefix: '2a01:2::/48', hop: 'fd88::1' });
    announce(lab, 'probe', { prefix: '198.18.255.0/24', hop: '198.18.254.7', med: 7, community: [65535, 65281] });
    const taps = kind === 'openbgpd' ? ['tap', 'tap_ipv6'] : ['tap'];
    const hops = (): [string, string][] => sorted(taps.flatMap((name) => nextHopsIn(lab.session(name).table)));
    const expected = sorted(
      Object.entries({
        '90.1.0.0/24': '10.0.1.2',
        '90.2.0.0/24': '88.0.0.1',
        // FRR keeps what nobody may be told from the tap too.
        ...(kind === 'frr' ? {} : { '90.3.0.0/24': '10.0.1.99' }),
        '91.1.0.0/24': '10.0.2.2',
        '198.18.255.0/24': '198.18.254.7',
        '2a01:1::/48': 'fd00:1::99',
        '2a01:2::/48': 'fd00:2::2',
      }),
    );
    await lab.until('all best routes on the tap', () => JSON.stringify(hops()) === JSON.stringify(expected));
    // A neighbour is told none that NO_EXPORT or NO_ADVERTISE forbids.
    const listeners = ['neighbor_3', 'neighbor_6'].map((name) => lab.session(name).table);
    const told = ['81.0.0.0/16', '90.1.0.0/24', '91.1.0.0/24', '2a01:1::/48', '2a01:2::/48'].sort();
    await lab.until('the listeners to be told', () => listeners.flatMap(prefixesIn).length >= told.length);
    expect(listeners.flatMap(prefixesIn).sort()).toEqual(told);
    expect(lab.closedSessions()).toEqual([]);
  });
});

/** Each prefix with its next hop. */
function nextHopsIn(collected: CollectedTable): [string, string][] {
  return [...collected.entries()].map(({ id, attributes }): [string, string] => {
    const prefix = collected.prefixes.format(id);
    return [prefix, /NEXT_HOP ([^, ]+)/.exec(formatRoute(prefix, attributes))?.[1] ?? 'none'];
  });
}
