// A replica's own routes: which of them are votes, what is refused, what injected faults do, and what goes with a link.
import { describe, expect, test } from 'vitest';
import * as nl from '../../../../wire/netlink/constants.js';
import { routeRequest } from '../../../support/route-requests.js';
import { ACK, ADD, E0, E1, FOREIGN, REPLACE, Rig, UP } from './rig.js';

const P = '192.0.2.0/24';
const V6 = '2001:db8:77::/48';

describe('votes', () => {
  test('a route is a vote, its replacement another, its removal none', () => {
    const rig = new Rig();
    expect(rig.add(P, '10.0.1.2')).toBe(0);
    expect(rig.route('new', REPLACE, { dst: P, hops: [{ via: '10.0.1.3', dev: E0 }], metric: 32 })).toBe(0);
    expect(rig.route('new', REPLACE, { dst: P, hops: [{ via: '10.0.1.3', dev: E0 }], metric: 32 })).toBe(0);
    expect(rig.route('del', ACK, { dst: P, metric: 32 })).toBe(0);
    expect(rig.history).toEqual([`${P} via 10.0.1.2 dev if3`, `${P} via 10.0.1.3 dev if3`, `${P} none`]);
  });

  test('protocol and metric are no part of a vote, the lowest metric of the main table counts', () => {
    const rig = new Rig();
    rig.add(P, '10.0.1.2', { metric: 50 });
    rig.add(P, '10.0.1.3', { metric: 20, protocol: 186 });
    rig.add(P, '10.0.1.4', { metric: 5, table: 100 });
    rig.add(P, '10.0.1.5', { metric: 1, tos: 8 });
    expect(rig.votes.get(P)).toBe('via 10.0.1.3 dev if3');
    expect(rig.kernel.routeCount).toBe(4);
    rig.route('del', ACK, { dst: P, metric: 20, protocol: 0 });
    expect(rig.votes.get(P)).toBe('via 10.0.1.2 dev if3');
    rig.route('del', ACK, { dst: P, metric: 50 });
    expect(rig.votes.has(P)).toBe(false);
    expect(rig.ownRoutes()).toHaveLength(2);
  });

  test('other ways than one gateway', () => {
    const rig = new Rig();
    const several = [
      { via: '10.0.2.2', dev: E1, weight: 3 },
      { via: '10.0.1.2', dev: E0 },
    ];
    rig.route('new', ADD, { dst: P, hops: several });
    expect(rig.votes.get(P)).toBe('nexthop via 10.0.1.2 dev if3 weight 1 nexthop via 10.0.2.2 dev if4 weight 3');
    rig.route('new', REPLACE, { dst: P, type: nl.RTN_UNREACHABLE, protocol: 186 });
    expect(rig.votes.get(P)).toBe('unreachable');
    rig.route('new', REPLACE, { dst: P, hops: [{ via: '192.88.99.1', dev: E0, onlink: true }] });
    expect(rig.votes.get(P)).toBe('via 192.88.99.1 dev if3 onlink');
    // Where no interface is said, it is the one that the gateway is on.
    rig.route('new', REPLACE, { dst: P, hops: [{ via: '10.0.2.7' }] });
    expect(rig.votes.get(P)).toBe('via 10.0.2.7 dev if4');
    rig.route('new', ADD, { dst: '198.18.77.0/24', hops: [{ via: '198.18.254.7', dev: 1_000_000 }] });
    expect(rig.votes.get('198.18.77.0/24')).toBe('via 198.18.254.7 dev if1000000');
  });

  test('IPv6 routes of one metric are one route with several hops', () => {
    const rig = new Rig();
    for (const n of [2, 3])
      rig.route('new', ACK | nl.NLM_F_CREATE, { dst: V6, hops: [{ via: `2001:db8:1::${n}`, dev: E0 }] });
    expect(rig.votes.get(V6)).toMatch(/^nexthop via 2001:db8:1::2 .* nexthop via 2001:db8:1::3 /);
    expect(rig.ownRoutes()).toEqual([expect.stringContaining('metric 1024')]);
    rig.route('del', ACK, { dst: V6, hops: [{ via: '2001:db8:1::2' }] });
    expect(rig.votes.get(V6)).toBe('via 2001:db8:1::3 dev if3');
  });

  test('a new start of the replica takes all votes back', () => {
    const rig = new Rig();
    rig.add(P, '10.0.1.2');
    rig.add('198.51.100.0/24', '10.0.1.2');
    rig.kernel.reset();
    expect(rig.votes.size).toBe(0);
    expect([rig.kernel.routeCount, rig.kernel.socketCount]).toEqual([0, 0]);
    rig.kernel.open(1, 9);
    expect(rig.ownRoutes()).toEqual([]);
    expect(rig.add(P, '10.0.1.3')).toBe(0);
    expect(rig.votes.get(P)).toBe('via 10.0.1.3 dev if3');
  });
});

describe('what is refused', () => {
  test('a write that the shim has acknowledged is never answered, but counted', () => {
    const rig = new Rig();
    const add = routeRequest('new', ADD | 0x8000, { dst: P, hops: [{ via: '10.0.1.2', dev: E0 }] });
    expect(rig.ask(add)).toEqual([]);
    expect(rig.votes.get(P)).toBe('via 10.0.1.2 dev if3');
    expect(rig.ask(add)).toEqual([]);
    expect(rig.ask(routeRequest('del', ACK | 0x8000, { dst: '198.51.100.0/24' }))).toEqual([]);
    expect(rig.kernel.counters).toMatchObject({ conflicts: { [nl.EEXIST]: 1, [nl.ESRCH]: 1 }, errors: {} });
  });

  test("another's route is neither changed nor deleted", () => {
    const rig = new Rig();
    expect(rig.add(FOREIGN, '10.0.1.2')).toBe(nl.EEXIST);
    expect(rig.route('del', ACK, { dst: FOREIGN, metric: 32, protocol: 0 })).toBe(nl.EPERM);
    expect(rig.route('del', ACK, { dst: FOREIGN, metric: 33, protocol: 0 })).toBe(nl.ESRCH);
    // Beside it there is room, and a replacement stands beside it too.
    expect(rig.add(FOREIGN, '10.0.1.2', { metric: 20 })).toBe(0);
    expect(rig.route('new', REPLACE, { dst: FOREIGN, hops: [{ via: '10.0.1.3', dev: E0 }], metric: 32 })).toBe(0);
    expect(rig.dump(nl.RTM_GETROUTE, [nl.AF_INET]).filter((line) => line.startsWith(FOREIGN))).toHaveLength(3);
    expect(rig.kernel.counters.foreignConflicts).toBe(3);
    expect(rig.mirror.routeCount).toBe(7);
  });

  test('a foreign route that comes later stands in the way too, until it goes', () => {
    const rig = new Rig();
    const foreign = { dst: P, hops: [{ via: '10.0.1.9', dev: E0 }], metric: 32, protocol: 4 };
    rig.apply(routeRequest('new', 0, foreign));
    expect(rig.add(P, '10.0.1.2')).toBe(nl.EEXIST);
    rig.apply(routeRequest('del', 0, { ...foreign, type: nl.RTN_UNICAST, scope: 0 }));
    expect(rig.add(P, '10.0.1.2')).toBe(0);
  });

  test('limits: routes in all, routes of a prefix', () => {
    const rig = new Rig({ routes: 3, routesPerPrefix: 2 });
    expect([1, 2, 3].map((metric) => rig.add(P, '10.0.1.2', { metric }))).toEqual([0, 0, nl.ENOBUFS]);
    expect(rig.add('198.51.100.0/24', '10.0.1.2')).toBe(0);
    expect(rig.add('198.51.101.0/24', '10.0.1.2')).toBe(nl.ENOBUFS);
    expect(rig.route('new', REPLACE, { dst: P, hops: [{ via: '10.0.1.3', dev: E0 }], metric: 1 })).toBe(0);
    expect(rig.kernel.routeCount).toBe(3);
  });

  test('nexthop objects, encapsulation and other things of newer kernels', () => {
    const rig = new Rig();
    const withObject = routeRequest('new', ADD, { dst: P });
    const message = new Uint8Array(withObject.length + 8);
    message.set(withObject);
    message.set([8, 0, nl.RTA_NH_ID, 0, 5, 0, 0, 0], withObject.length);
    new DataView(message.buffer).setUint32(0, message.length, true);
    expect(rig.ask(message)).toEqual([`error ${nl.EINVAL}`]);
    expect(rig.route('new', ADD, { dst: P, type: nl.RTN_THROW })).toBe(nl.EOPNOTSUPP);
    expect(rig.kernel.routeCount).toBe(0);
  });
});

test('writes are refused on purpose: all, every third, or those for one prefix', () => {
  const other = '198.51.100.0/24';
  const rig = new Rig();
  expect(rig.kernel.acksWrites).toBe(false);
  rig.kernel.refuse({ errno: nl.ENOBUFS });
  expect(rig.kernel.acksWrites).toBe(true);
  expect(rig.add(P, '10.0.1.2')).toBe(nl.ENOBUFS);
  rig.kernel.refuse({ errno: nl.ENOMEM, every: 3 });
  expect([1, 2, 3, 4].map((n) => rig.add(`10.${n}.0.0/16`, '10.0.1.2'))).toEqual([0, 0, nl.ENOMEM, 0]);
  rig.kernel.refuse({ errno: nl.ENOMEM, prefix: rig.prefixes.parse(P) });
  expect([P, other].map((dst) => rig.add(dst, '10.0.1.2'))).toEqual([nl.ENOMEM, 0]);
  rig.kernel.refuse(undefined);
  expect(rig.add(P, '10.0.1.2')).toBe(0);
  expect(rig.votes.get(P)).toBe('via 10.0.1.2 dev if3');
});

describe('links', () => {
  test('routes go with their link, in silence; those by another way stay', () => {
    const rig = new Rig();
    rig.add(P, '10.0.1.2');
    rig.add(V6, '2001:db8:1::2');
    rig.add('10.7.0.0/16', '10.0.2.2', { hops: [{ via: '10.0.2.2', dev: E1 }] });
    rig.add('10.8.0.0/16', '', {
      hops: [
        { via: '10.0.1.2', dev: E0 },
        { via: '10.0.2.2', dev: E1 },
      ],
    });
    rig.route('new', ADD, { dst: '10.9.0.0/16', type: nl.RTN_BLACKHOLE });
    rig.link('e0', E0, nl.IFF_BROADCAST);
    expect([...rig.votes.keys()].sort()).toEqual(['10.7.0.0/16', '10.8.0.0/16', '10.9.0.0/16']);
    expect(rig.kernel.counters.flushed).toBe(2);
    expect(rig.answers()).toEqual([]);
    expect(rig.ownRoutes()).toHaveLength(3);
    rig.link('e1', E1, UP, nl.RTM_DELLINK);
    expect([...rig.votes.keys()]).toEqual(['10.9.0.0/16']);
    expect(rig.add(P, '10.0.1.2', { hops: [{ dev: E1 }] })).toBe(nl.ENODEV);
  });

  test('a cable that is out takes no route away', () => {
    const rig = new Rig();
    rig.add(P, '10.0.1.2');
    rig.link('e0', E0, nl.IFF_UP);
    expect(rig.votes.has(P)).toBe(true);
  });

  test('the last IPv4 address of a link takes the IPv4 routes over it along', () => {
    const rig = new Rig();
    rig.address(nl.RTM_NEWADDR, '10.0.1.77/24', E0);
    rig.add(P, '10.0.1.2');
    rig.add(V6, '2001:db8:1::2');
    rig.address(nl.RTM_DELADDR, '10.0.1.77/24', E0);
    expect(rig.votes.size).toBe(2);
    rig.address(nl.RTM_DELADDR, '10.0.1.1/24', E0);
    expect([...rig.votes.keys()]).toEqual([V6]);
  });
});

test('ids in use survive a sweep, others are free for new ones', () => {
  const rig = new Rig();
  rig.add(P, '10.0.1.2');
  rig.add('198.51.100.0/24', '10.0.1.3');
  rig.route('new', ACK | nl.NLM_F_CREATE, { dst: V6, hops: [{ via: '2001:db8:1::2', dev: E0 }] });
  rig.route('del', ACK, { dst: '198.51.100.0/24' });
  const [prefixes, hops, bodies] = [rig.prefixes, rig.hops, rig.bodies].map(({ limit }) => new Uint8Array(limit)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  rig.kernel.markPrefixes(prefixes);
  rig.kernel.markAttributes(hops, bodies);
  expect([rig.prefixes.sweep(prefixes) > 0, rig.hops.sweep(hops), rig.bodies.sweep(bodies)]).toEqual([true, 1, 1]);
  // What takes the freed ids must not be taken for what they were.
  expect(rig.add('10.9.0.0/16', '10.0.1.4')).toBe(0);
  expect(rig.add('10.9.1.0/24', '10.0.1.3')).toBe(0);
  expect(rig.add(FOREIGN, '10.0.1.2')).toBe(nl.EEXIST);
  expect(rig.ownRoutes().map((line) => line.replace(/ table.* type 1/, ''))).toEqual(
    expect.arrayContaining([
      `${P} via 10.0.1.2 dev 3`,
      '10.9.0.0/16 via 10.0.1.4 dev 3',
      '10.9.1.0/24 via 10.0.1.3 dev 3',
      `${V6} via 2001:db8:1::2 dev 3`,
    ]),
  );
  expect(rig.votes.get('10.9.0.0/16')).toBe('via 10.0.1.4 dev if3');
});
