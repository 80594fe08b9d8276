// What the demo reads from BIRD, how it compares, and how it judges.
import { describe, expect, it } from 'vitest';
import { compareTable, differs, establishedSince, parseBirdRoutes } from '../../../cli/demo/verify.js';
import type { BallotReport } from '../../../hypervisor/status.js';

// As BIRD 2.0.12 prints it.
const ROUTES = `BIRD 2.0.12 ready.
Access restricted
Table master4:
1.0.4.0/24           unicast [n0 05:16:19.312] * (100) [AS56203i]
	via 10.0.3.1 on eth0
	Type: BGP univ
	BGP.origin: IGP
	BGP.as_path: 65000 65002 30844 6939 {7545 56203}
	BGP.next_hop: 10.0.3.1
	BGP.local_pref: 100
2001:db8::/32        unicast [n0 05:16:19.312] * (100) [AS64496?]
	via fe80::1 on eth0
	BGP.as_path: 65000
	BGP.next_hop: 2001:db8::1 fe80::1
`;

const PROTOCOLS = (since: string, state: string) => `BIRD 2.0.12 ready.
Access restricted
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     05:16:17.100
n0         BGP        ---        ${since}  ${state}
  BGP state:          ${state}
`;

function ballot(verdict: Record<string, string> | null): BallotReport {
  const state = { rule: 'majority', contested: false, trouble: null, dissent: [], votes: [] };
  return { neighbor: '10.0.3.2', prefix: '1.0.4.0/24', verdict, advertised: verdict, ...state };
}

describe('parseBirdRoutes', () => {
  it('reads path and next hop of each prefix', () => {
    const routes = parseBirdRoutes(ROUTES);
    expect([...routes.keys()]).toEqual(['1.0.4.0/24', '2001:db8::/32']);
    expect(routes.get('1.0.4.0/24')).toEqual({ asPath: '65000 65002 30844 6939 {7545 56203}', nextHop: '10.0.3.1' });
  });
});

describe('differs', () => {
  const route = { asPath: '65000 65002 {7545 56203}', nextHop: '10.0.3.1' };

  it('sees no difference in how an AS_SET is written', () => {
    for (const set of ['{7545,56203}', '{ 7545 56203 }', '{7545, 56203}']) {
      expect(differs(route, ballot({ AS_PATH: `65000 65002 ${set}`, NEXT_HOP: '10.0.3.1' }))).toBeUndefined();
    }
  });

  it('sees another path, another next hop, and a route that should not be there', () => {
    expect(differs(route, ballot({ AS_PATH: '65000 65001', NEXT_HOP: '10.0.3.1' }))).toMatch(
      /^AS_PATH held 65000 65002/,
    );
    expect(differs(route, ballot({ AS_PATH: route.asPath, NEXT_HOP: '10.0.1.2' }))).toMatch(/^NEXT_HOP/);
    expect(differs(route, ballot(null))).toBe('held, but voted absent');
    expect(differs(route, undefined)).toBe('held, but voted absent');
  });
});

describe('compareTable', () => {
  const routes = new Map(
    Array.from({ length: 1000 }, (_, i) => [`10.${i >> 8}.${i & 255}.0/24`, { asPath: '65000', nextHop: '10.0.3.1' }]),
  );

  it('compares all when the sample allows it, and counts differences beyond those it shows', async () => {
    const check = await compareTable(routes, () => Promise.resolve(ballot(null)), 5000);
    expect(check).toMatchObject({ held: 1000, compared: 1000, different: 1000 });
    expect(check.differences.length).toBeLessThan(20);
  });

  it('spreads a sample over the whole table', async () => {
    const asked: string[] = [];
    const check = await compareTable(
      routes,
      (prefix) => {
        asked.push(prefix);
        return Promise.resolve(ballot({ AS_PATH: '65000', NEXT_HOP: '10.0.3.1' }));
      },
      100,
    );
    expect(check).toMatchObject({ held: 1000, compared: 100, different: 0 });
    expect(asked.at(-1)).toBe('10.3.222.0/24');
  });
});

describe('establishedSince', () => {
  it('is the time of the session, and undefined without one', () => {
    expect(establishedSince(PROTOCOLS('up     05:16:17.445', 'Established'))).toBe('05:16:17.445');
    expect(establishedSince(PROTOCOLS('up     2026-11-20 05:16:17', 'Established'))).toBe('2026-11-20 05:16:17');
    expect(establishedSince(PROTOCOLS('start  05:16:17.445', 'Connect'))).toBeUndefined();
  });
});
