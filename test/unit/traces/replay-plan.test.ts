import { describe, expect, it } from 'vitest';
import { PlanError, planNeighbors, type PlanRequest } from '../../../traces/replay-plan.js';

const PEERS = [
  { index: 5, address: '196.223.14.55', as: 30844 },
  { index: 4, address: '196.223.14.46', as: 37105 },
  { index: 11, address: '2001:43f8:1f0::46', as: 37105 },
];
const NOTHING: PlanRequest = { peers: [], to: ['10.0.1.1'], as: [], local: [], map: [] };
const plan = (request: Partial<PlanRequest>) => planNeighbors({ ...NOTHING, ...request }, PEERS);

describe('planNeighbors', () => {
  it('takes the busiest peer, with its own AS, when nothing is said', () => {
    expect(plan({})).toEqual([
      {
        peer: PEERS[0],
        host: '10.0.1.1',
        port: 179,
        as: 30844,
        routerId: '203.0.113.1',
        localAddress: undefined,
        derive: undefined,
      },
    ]);
  });

  it('finds peers by AS, address and index', () => {
    const chosen = plan({ peers: ['AS30844', '196.223.14.46', '#11'] }).map(({ peer }) => peer.index);
    expect(chosen).toEqual([5, 4, 11]);
  });

  it('counts addresses and AS numbers up from the last given', () => {
    const made = plan({
      peers: ['all'],
      local: ['10.0.1.254'],
      as: ['65001', 'AS65010'],
      to: ['10.0.1.1', '[2001:db8::1]:1179'],
    });
    expect(made.map(({ localAddress, as, host, port }) => [localAddress, as, host, port])).toEqual([
      ['10.0.1.254', 65001, '10.0.1.1', 179],
      ['10.0.1.255', 65010, '2001:db8::1', 1179],
      ['10.0.2.0', 65011, '2001:db8::1', 1179],
    ]);
    expect(made[0].routerId).toBe('10.0.1.254');
  });

  it('makes a twin of each peer for a derived view', () => {
    const made = plan({ derive: 7, as: ['65001'] });
    expect(made.map(({ peer, as, derive }) => [peer.index, as, derive])).toEqual([
      [5, 65001, undefined],
      [5, 65002, 7],
    ]);
  });

  it('reads --map', () => {
    const made = plan({ to: [], map: ['peer=#4,local=10.0.1.2,as=65001,to=10.0.1.1:1179,router-id=1.2.3.4,derive=9'] });
    expect(made).toEqual([
      {
        peer: PEERS[1],
        host: '10.0.1.1',
        port: 1179,
        as: 65001,
        routerId: '1.2.3.4',
        localAddress: '10.0.1.2',
        derive: 9,
      },
    ]);
  });

  it.each<[Partial<PlanRequest>, RegExp]>([
    [{ peers: ['AS1'] }, /no peer "AS1".*AS30844/],
    [{ peers: ['AS37105'] }, /ambiguous.*196\.223\.14\.46.*2001:43f8/],
    [{ to: [] }, /--to/],
    [{ to: ['router'] }, /"router" is not an address/],
    [{ to: ['10.0.1.1:99999'] }, /not an address with an optional port/],
    [{ as: ['0'] }, /not an AS number/],
    [{ local: ['x'] }, /"x" is not an address/],
    [{ map: ['who=me'] }, /"who=me" in --map/],
  ])('explains what is wrong with %j', (request, message) => {
    expect(() => plan(request)).toThrow(PlanError);
    expect(() => plan(request)).toThrow(message);
  });
});
