// The cases of the agreement between daemons: one common configuration, the routes announced to it, and what a third neighbour must be told,
// whichever daemon it is and however it runs. Owns the cases and reading what was told; starting daemons is the tests' work.
import type { CollectedTable } from '../../traces/collector.js';
import { describeAttributes } from '../../wire/bgp/describe.js';
import { UpdatePacker } from '../../wire/bgp/pack.js';
import { ByteWriter } from '../../wire/byte-writer.js';
import { parseAddress } from '../../wire/ip.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import type { ReplicaSpeaker } from './replica-speaker.js';
import { waitFor } from './wait.js';

/** Neighbour 1 has an import policy, 3 an export policy. Without the section fib. */
export const AGREEMENT_YAML = `
router: { as: 65010, router-id: 10.255.0.1, networks: [81.0.0.0/16] }
defined-sets:
  prefix-sets: { blocked: [82.0.0.0/16, { ip-prefix: 83.0.0.0/8, masklength-range: 10..20 }] }
  as-path-sets: { via: [_7777_], origin: [_8888$, _8889$], first: [^65001_] }
  community-sets: { prefer: ['65001:50', '65001:51'], wild: ['65009:*'], large: ['65001:1:*'] }
policy-definitions:
  - name: in
    statements:
      - { conditions: { match-prefix-set: blocked }, actions: { route-disposition: reject-route } }
      - { conditions: { match-as-path-set: via }, actions: { set-local-pref: 50, set-community: { add: ['65010:77'] } } }
      - { conditions: { match-as-path-set: origin }, actions: { set-community: { add: ['65010:88'] } } }
      - { conditions: { match-as-path-set: first, match-community-set: wild }, actions: { set-community: { add: ['65010:9'], remove: ['65009:*'] } } }
      - { conditions: { match-community-set: large }, actions: { set-community: { add: ['65010:5:5'], remove: ['65001:1:*'] } } }
      - { conditions: { match-community-set: prefer }, actions: { set-local-pref: 200, route-disposition: accept-route } }
      - { actions: { set-community: { add: ['65010:100'] } } }
  - name: out
    statements:
      - { conditions: { match-community-set: prefer }, actions: { set-as-path-prepend: 2, set-med: 33, route-disposition: accept-route } }
      - { conditions: { match-as-path-set: via }, actions: { route-disposition: reject-route } }
      - { conditions: { match-as-path-set: origin }, actions: { set-med: 5 } }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1, import-policy: in }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1 }
  - { neighbor-address: 10.0.3.2, peer-as: 65003, local-address: 10.0.3.1, export-policy: out }
replicas:
  - { name: frr, kind: frr }
  - { name: bird, kind: bird }
  - { name: openbgpd, kind: openbgpd }
`;

export interface AgreementCase {
  what: string;
  /** Neighbour it comes from: 1 has the import policy, 2 has none. */
  from: 1 | 2;
  prefix: string;
  path: number[];
  communities?: string[];
  large?: string[];
  nextHop?: string;
  /** What neighbour 3 is told ("path; MED; communities; large communities"), undefined = nothing. */
  told: string | undefined;
}

const B = [65002, 100];
const W = [65001, 100];
const plain = '65010 65002 100; ; ; ';

export const AGREEMENT_CASES: AgreementCase[] = [
  { what: 'plain route', from: 2, prefix: '90.0.0.0/24', path: B, told: plain },
  { what: 'first AS of another', from: 2, prefix: '90.0.1.0/24', path: [65009, 100], told: undefined },
  { what: 'empty path', from: 2, prefix: '90.0.2.0/24', path: [], told: undefined },
  { what: 'AS 0', from: 2, prefix: '90.0.3.0/24', path: [65002, 0, 3], told: undefined },
  { what: 'own AS', from: 2, prefix: '90.0.4.0/24', path: [65002, 65010], told: undefined },
  { what: 'BLACKHOLE', from: 2, prefix: '90.0.5.0/24', path: B, communities: ['65535:666'], told: undefined },
  { what: 'LLGR_STALE', from: 2, prefix: '90.0.6.0/24', path: B, communities: ['65535:6'], told: plain },
  { what: 'NO_EXPORT', from: 2, prefix: '90.0.7.0/24', path: B, communities: ['65535:65281'], told: undefined },
  { what: 'third-party next hop', from: 2, prefix: '90.0.8.0/24', path: B, nextHop: '10.0.2.99', told: plain },
  { what: 'next hop off the link', from: 2, prefix: '90.0.9.0/24', path: B, nextHop: '77.1.2.3', told: plain },
  { what: 'our own next hop', from: 2, prefix: '90.0.10.0/24', path: B, nextHop: '10.0.2.1', told: plain },
  { what: 'host route', from: 2, prefix: '90.0.11.1/32', path: B, told: plain },
  { what: 'private prefix', from: 2, prefix: '10.9.0.0/16', path: B, told: undefined },
  { what: 'default route', from: 2, prefix: '0.0.0.0/0', path: B, told: undefined },
  { what: 'loopback', from: 2, prefix: '127.1.0.0/16', path: B, told: undefined },
  { what: 'multicast', from: 2, prefix: '225.0.0.0/8', path: B, told: undefined },
  { what: 'reserved', from: 2, prefix: '241.0.0.0/8', path: B, told: undefined },
  { what: 'the probe prefix', from: 2, prefix: '198.18.255.0/24', path: B, told: undefined },
  { what: 'policy: blocked prefix', from: 1, prefix: '82.0.0.0/16', path: W, told: undefined },
  {
    what: 'policy: longer than blocked',
    from: 1,
    prefix: '82.0.1.0/24',
    path: W,
    told: '65010 65001 100; ; 65010:100; ',
  },
  { what: 'policy: shortest of a range', from: 1, prefix: '83.64.0.0/10', path: W, told: undefined },
  { what: 'policy: below the range', from: 1, prefix: '83.0.0.0/9', path: W, told: '65010 65001 100; ; 65010:100; ' },
  { what: 'policy: longest of a range', from: 1, prefix: '83.1.0.0/20', path: W, told: undefined },
  { what: 'policy: beyond the range', from: 1, prefix: '83.1.0.0/21', path: W, told: '65010 65001 100; ; 65010:100; ' },
  {
    what: 'policy: AS in the path, not let out',
    from: 1,
    prefix: '91.0.1.0/24',
    path: [65001, 7777, 3],
    told: undefined,
  },
  {
    what: 'policy: numbers that only look alike',
    from: 1,
    prefix: '91.0.2.0/24',
    path: [65001, 17777, 77771],
    told: '65010 65001 17777 77771; ; 65010:100; ',
  },
  {
    what: 'policy: origin AS',
    from: 1,
    prefix: '91.0.3.0/24',
    path: [65001, 3, 8889],
    told: '65010 65001 3 8889; 5; 65010:88 65010:100; ',
  },
  {
    what: 'policy: not the origin',
    from: 1,
    prefix: '91.0.4.0/24',
    path: [65001, 8888, 3],
    told: '65010 65001 8888 3; ; 65010:100; ',
  },
  {
    what: 'policy: wildcard removal',
    from: 1,
    prefix: '91.0.5.0/24',
    path: W,
    communities: ['65009:1', '65009:99', '65011:1'],
    told: '65010 65001 100; ; 65010:9 65010:100 65011:1; ',
  },
  {
    what: 'policy: large communities',
    from: 1,
    prefix: '91.0.6.0/24',
    path: W,
    large: ['65001:1:5', '65001:2:5'],
    told: '65010 65001 100; ; 65010:100; 65001:2:5 65010:5:5',
  },
  {
    what: 'policy: accept, prepend, MED',
    from: 1,
    prefix: '91.0.7.0/24',
    path: W,
    communities: ['65001:51'],
    told: '65010 65010 65010 65001 100; 33; 65001:51; ',
  },
  {
    what: 'best: LOCAL_PREF beats length, worse one',
    from: 1,
    prefix: '92.0.0.0/24',
    path: [65001, 7777],
    told: '65010 65002 1 2; ; ; ',
  },
  {
    what: 'best: LOCAL_PREF beats length, better one',
    from: 2,
    prefix: '92.0.0.0/24',
    path: [65002, 1, 2],
    told: '65010 65002 1 2; ; ; ',
  },
  {
    what: 'best: GRACEFUL_SHUTDOWN loses, worse one',
    from: 1,
    prefix: '92.0.1.0/24',
    path: W,
    communities: ['65001:51', '65535:0'],
    told: '65010 65002 1 2; ; ; ',
  },
  {
    what: 'best: GRACEFUL_SHUTDOWN loses, better one',
    from: 2,
    prefix: '92.0.1.0/24',
    path: [65002, 1, 2],
    told: '65010 65002 1 2; ; ; ',
  },
];

function numbers(texts: string[], size: 2 | 4): number[] {
  return texts.flatMap((text) =>
    text.split(':').flatMap((part) => {
      const n = Number(part);
      return size === 2 ? [n >>> 8, n & 255] : [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    }),
  );
}

/** The route attributes of a case in wire form. */
function attributesOf({ path, communities = [], large = [], nextHop, from }: AgreementCase): Uint8Array {
  const hop = parseAddress(nextHop ?? `10.0.${from}.2`)!;
  const segment = path.length === 0 ? [] : [2, path.length, ...numbers(path.map(String), 4)];
  const list = (type: number, bytes: number[]): number[] =>
    bytes.length === 0 ? [] : [0xc0, type, bytes.length, ...bytes];
  return Uint8Array.from([
    ...[0x40, 1, 1, 0, 0x40, 2, segment.length, ...segment, 0x40, 3, 4, ...hop],
    ...list(8, numbers(communities, 2)),
    ...list(32, numbers(large, 4)),
  ]);
}

const table = new PrefixTable();

function announce(speaker: ReplicaSpeaker, route: AgreementCase): void {
  const out = new ByteWriter(512);
  const ids = Uint32Array.of(table.parse(route.prefix));
  new UpdatePacker(4096).announce(0, attributesOf(route), table, ids, 0, 1, out);
  speaker.socket.write(out.take());
}

/** "path; MED; communities; large communities" of a route, undefined when there is none. */
function summary(collected: CollectedTable, prefix: string): string | undefined {
  const attributes = collected.get(prefix);
  if (attributes === undefined) return undefined;
  const texts = new Map(describeAttributes(attributes).map(({ name, text }) => [name, text]));
  return ['AS_PATH', 'MED', 'COMMUNITIES', 'LARGE_COMMUNITIES'].map((name) => texts.get(name) ?? '').join('; ');
}

/** Announces all cases and waits until they have come through. `speakers`: by neighbour; `told`: what neighbour 3 is told. */
export async function playCases(speakers: readonly ReplicaSpeaker[], told: CollectedTable): Promise<void> {
  for (const route of AGREEMENT_CASES) announce(speakers[route.from - 1], route);
  // What came before a marker is done when it has come through; FRR may pack one round in any order, hence two.
  for (const marker of ['93.0.0.0/24', '93.0.1.0/24']) {
    for (const from of [1, 2] as const) {
      const prefix = from === 1 ? marker : marker.replace('93.', '94.');
      announce(speakers[from - 1], { what: '', from, prefix, path: from === 1 ? W : B, told: '' });
      await waitFor(() => told.get(prefix) !== undefined, `${prefix} to come through`);
    }
  }
}

/** What was told of each case, and of the network that the router originates. */
export const toldCases = (told: CollectedTable): [string, string | undefined][] => [
  ...AGREEMENT_CASES.map(({ what, prefix }): [string, string | undefined] => [what, summary(told, prefix)]),
  ['own network', summary(told, '81.0.0.0/16')],
];

export const EXPECTED_CASES: [string, string | undefined][] = [
  ...AGREEMENT_CASES.map(({ what, told }): [string, string | undefined] => [what, told]),
  ['own network', '65010; 0; ; '],
];
