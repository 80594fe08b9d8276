// The requests of real daemons, as recorded with strace in a namespace like the rig's world (e0 is 3), and what they must be answered.
// Each daemon set up these static routes, then ended: 192.0.2.0/24 via 10.0.1.2; 198.51.100.0/24 via 10.0.1.2 and 10.0.1.3;
// 203.0.113.0/24 blackhole; 2001:db8:2::/48 and :3::/48 via 2001:db8:1::2 (:3:: by ::3 too); 2001:db8:4::/48 blackhole.
import { describe, expect, test } from 'vitest';
import * as nl from '../../../../wire/netlink/constants.js';
import { bind, option, request, Rig, u32 } from './rig.js';

const BIRD2 = {
  links: '2000000012000103563000000000000000000000000000000000000000000000',
  addresses: ['180000001600010357300000000000000200000000000000', '180000001600010358300000000000000a00000000000000'],
  routes: [
    '1c0000001a00010359300000000000000a000000fe00000000000000',
    '1c0000001a0001035a3000000000000002000000fe00000000000000',
  ],
  writes: [
    '740000001800050656300000000000000a300000fe0c0001000000001400010020010db800030000000000000000000008000600200000003c0009001c000000030000001400050020010db80001000000000000000000021c000000030000001400050020010db8000100000000000000000003',
    '540000001800050657300000000000000a300000fe0c0001000000001400010020010db8000200000000000000000000080006002000000008000400030000001400050020010db8000100000000000000000002',
    '380000001800050658300000000000000a300000fe0c0006000000001400010020010db80004000000000000000000000800060020000000',
    '5000000018000506593000000000000002180000fe0c00010000000008000100c63364000800060020000000240009001000000203000000080005000a0001031000000003000000080005000a000102',
    '3c000000180005065a3000000000000002180000fe0c00010000000008000100c000020008000600200000000800040003000000080005000a000102',
    '2c000000180005065b3000000000000002180000fe0c00060000000008000100cb0071000800060020000000',
  ],
  deletes: [
    '2c000000190005005d3000000000000002180000fe0cff000000000008000100c63364000800060020000000',
    '2c000000190005005e3000000000000002180000fe0cff000000000008000100c00002000800060020000000',
    '2c000000190005005f3000000000000002180000fe0cff000000000008000100cb0071000800060020000000',
    '380000001900050061300000000000000a300000fe0cff00000000001400010020010db80003000000000000000000000800060020000000',
    '380000001900050062300000000000000a300000fe0cff00000000001400010020010db80002000000000000000000000800060020000000',
    '380000001900050063300000000000000a300000fe0cff00000000001400010020010db80004000000000000000000000800060020000000',
  ],
};

const BIRD16 = {
  links: '1400000012000103143900000000000000000000',
  addresses: '1400000016000103153900000000000002000000',
  routes: '140000001a000103163900000000000002000000',
  writes: [
    '4800000018000506143900000000000002180000fe0c00010000000008000100c6336400240009001000000203000000080005000a0001031000000003000000080005000a000102',
    '2400000018000506153900000000000002180000fe0c00060000000008000100cb007100',
    '3400000018000506163900000000000002180000fe0c00010000000008000100c00002000800040003000000080005000a000102',
  ],
  deletes: [
    '2400000019000500173900000000000002180000fe0cff000000000008000100c6336400',
    '2400000019000500183900000000000002180000fe0cff000000000008000100cb007100',
    '2400000019000500193900000000000002180000fe0cff000000000008000100c0000200',
  ],
};

const ZEBRA = {
  start: {
    links: '20000000120001030100000059e673fa11000000000000000000000000000000',
    bridges: '28000000120001030200000059e673fa0700000000000000000000000000000008001d0002000000',
    nexthops: '180000006a0001030300000059e673fa0000000000000000',
    addresses: '20000000160001030400000059e673fa02000000000000000000000000000000',
    addressesIpv6: '20000000160001030500000059e673fa0a000000000000000000000000000000',
    routes: '1c0000001a0001030600000059e673fa020000000000000000000000',
    routesIpv6: '1c0000001a0001030700000059e673fa0a0000000000000000000000',
    rules: '1c000000220001030800000059e673fa020000000000000000000000',
    netconf: '11000000520001030100000005d9f6d200',
  },
  /** One datagram each: all routes; a hop less for two of them and one deleted; the rest deleted. */
  writes:
    '2c00000018000105080000007a52be9e02180000fec400060000000008000100cb007100080006001400000038000000180001040a0000007a52be9e0a300000fec40006000000001400010020010db800040000000000000000000008000600140000003c000000180001050c0000007a52be9e02180000fec400010000000008000100c00002000800060014000000080005000a000102080004000300000050000000180001050f0000007a52be9e02180000fec400010000000008000100c63364000800060014000000240009801000000003000000080005000a0001021000000003000000080005000a0001035400000018000104110000007a52be9e0a300000fec40001000000001400010020010db800020000000000000000000008000600140000001400050020010db800010000000000000000000208000400030000007400000018000104140000007a52be9e0a300000fec40001000000001400010020010db800030000000000000000000008000600140000003c0009801c000000030000001400050020010db80001000000000000000000021c000000030000001400050020010db8000100000000000000000003',
  changes:
    '2c00000019000104150000007a52be9e02180000fec400000000000008000100c000020008000600140000003c00000018000105160000007a52be9e02180000fec400010000000008000100c63364000800060014000000080005000a00010208000400030000003800000019000104190000007a52be9e0a300000fec40000000000001400010020010db800030000000000000000000008000600140000005400000018000104180000007a52be9e0a300000fec40001000000001400010020010db800030000000000000000000008000600140000001400050020010db8000100000000000000000002080004000300000038000000190001041a0000007a52be9e0a300000fec40000000000001400010020010db80002000000000000000000000800060014000000',
  deletes:
    '2c000000190001041b0000007a52be9e02180000fec400000000000008000100c633640008000600140000002c000000190001041c0000007a52be9e02180000fec400000000000008000100cb007100080006001400000038000000190001041d0000007a52be9e0a300000fec40000000000001400010020010db8000300000000000000000000080006001400000038000000190001041e0000007a52be9e0a300000fec40000000000001400010020010db80004000000000000000000000800060014000000',
};

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
}

const VOTES = {
  '192.0.2.0/24': 'via 10.0.1.2 dev if3',
  '203.0.113.0/24': 'blackhole',
  '2001:db8:2::/48': 'via 2001:db8:1::2 dev if3',
  '2001:db8:3::/48': 'nexthop via 2001:db8:1::2 dev if3 weight 1 nexthop via 2001:db8:1::3 dev if3 weight 1',
  '2001:db8:4::/48': 'blackhole',
};
const WEIGHTED = 'nexthop via 10.0.1.2 dev if3 weight 1 nexthop via 10.0.1.3 dev if3 weight 3';
const EQUAL = 'nexthop via 10.0.1.2 dev if3 weight 1 nexthop via 10.0.1.3 dev if3 weight 1';

/** A world without a foreign route where the daemons wanted theirs. */
function world(): Rig {
  const rig = new Rig();
  rig.apply(request(nl.RTM_DELROUTE, 0, foreignBody(rig)));
  rig.kernel.open(2, 4712);
  return rig;
}

function foreignBody(rig: Rig): number[] {
  let body: number[] = [];
  rig.mirror.forEach('route', 0, (message) => {
    if (message[21] === nl.RTPROT_STATIC) body = [...message.subarray(16)];
  });
  return body;
}

function dumped(answers: string[], type: number): number {
  expect(answers.pop()).toBe('done 0');
  expect(answers.every((line) => type === nl.RTM_NEWROUTE || line === `type ${type}`)).toBe(true);
  return answers.length;
}

describe('BIRD 2.0.12', () => {
  test('its start, its routes and its end', () => {
    const rig = world();
    rig.ask(option(nl.NETLINK_GET_STRICT_CHK, 1));
    expect(dumped(rig.ask(bytes(BIRD2.links)), nl.RTM_NEWLINK)).toBe(4);
    expect(BIRD2.addresses.map((hex) => dumped(rig.ask(bytes(hex)), nl.RTM_NEWADDR))).toEqual([3, 2]);
    expect(BIRD2.routes.map((hex) => dumped(rig.ask(bytes(hex)), nl.RTM_NEWROUTE))).toEqual([1, 3]);
    for (const hex of BIRD2.writes) expect(rig.ask(bytes(hex), 2)).toEqual(['error 0']);
    expect(Object.fromEntries(rig.votes)).toEqual({ ...VOTES, '198.51.100.0/24': WEIGHTED });
    // Its scan sees what it wrote: nothing is to be added again.
    expect(BIRD2.routes.map((hex) => dumped(rig.ask(bytes(hex)), nl.RTM_NEWROUTE))).toEqual([4, 6]);
    for (const hex of BIRD2.writes) expect(rig.ask(bytes(hex), 2)).toEqual([`error ${nl.EEXIST}`]);
    for (const hex of BIRD2.deletes) expect(rig.ask(bytes(hex), 2)).toEqual(['error 0']);
    expect(rig.votes.size).toBe(0);
  });
});

describe('BIRD 1.6.8', () => {
  test('its start, its routes without a metric, and its end', () => {
    const rig = world();
    expect(dumped(rig.ask(bytes(BIRD16.links)), nl.RTM_NEWLINK)).toBe(4);
    expect(dumped(rig.ask(bytes(BIRD16.addresses)), nl.RTM_NEWADDR)).toBe(3);
    expect(dumped(rig.ask(bytes(BIRD16.routes)), nl.RTM_NEWROUTE)).toBe(6);
    for (const hex of BIRD16.writes) expect(rig.ask(bytes(hex), 2)).toEqual(['error 0']);
    const ipv4 = Object.entries(VOTES).filter(([prefix]) => !prefix.includes(':'));
    expect(Object.fromEntries(rig.votes)).toEqual({ ...Object.fromEntries(ipv4), '198.51.100.0/24': WEIGHTED });
    expect(dumped(rig.ask(bytes(BIRD16.routes)), nl.RTM_NEWROUTE)).toBe(9);
    for (const hex of BIRD16.deletes) expect(rig.ask(bytes(hex), 2)).toEqual(['error 0']);
    expect(rig.votes.size).toBe(0);
  });
});

describe('zebra 8.4.4', () => {
  test('its start: no bridges, no nexthop objects, everything else', () => {
    const rig = world();
    rig.ask(bind(0x800405f5));
    const { links, bridges, nexthops, addresses, addressesIpv6, routes, routesIpv6, rules, netconf } = ZEBRA.start;
    expect(dumped(rig.ask(bytes(links)), nl.RTM_NEWLINK)).toBe(4);
    expect(rig.ask(bytes(bridges))).toEqual(['done 0']);
    expect(rig.ask(bytes(nexthops))).toEqual([`error ${nl.EOPNOTSUPP}`]);
    expect(dumped(rig.ask(bytes(addresses)), nl.RTM_NEWADDR)).toBe(3);
    expect(dumped(rig.ask(bytes(addressesIpv6)), nl.RTM_NEWADDR)).toBe(2);
    expect(dumped(rig.ask(bytes(routes)), nl.RTM_NEWROUTE)).toBe(6);
    expect(dumped(rig.ask(bytes(routesIpv6)), nl.RTM_NEWROUTE)).toBe(3);
    expect(rig.ask(bytes(rules))).toEqual(['done 0']);
    expect(rig.ask(bytes(netconf))).toEqual(['done 0']);
  });

  test('its routes: silence is success', () => {
    const rig = world();
    expect(rig.ask(bytes(ZEBRA.writes))).toEqual([]);
    expect(Object.fromEntries(rig.votes)).toEqual({ ...VOTES, '198.51.100.0/24': EQUAL });
    rig.history.length = 0;
    expect(rig.ask(bytes(ZEBRA.changes))).toEqual([]);
    // IPv4 is replaced at one blow, IPv6 deleted and written anew.
    expect(rig.history).toEqual([
      '192.0.2.0/24 none',
      '198.51.100.0/24 via 10.0.1.2 dev if3',
      '2001:db8:3::/48 none',
      '2001:db8:3::/48 via 2001:db8:1::2 dev if3',
      '2001:db8:2::/48 none',
    ]);
    expect(rig.ask(bytes(ZEBRA.deletes))).toEqual([]);
    expect([rig.votes.size, rig.kernel.routeCount]).toEqual([0, 0]);
    expect(rig.kernel.counters).toMatchObject({
      errors: {},
      conflicts: {},
      routesAdded: 7,
      routesDeleted: 7,
      routesReplaced: 1,
    });
  });

  test('a refusal comes with the number of the route that it is about', () => {
    const rig = world();
    rig.ask(option(nl.NETLINK_CAP_ACK, 1));
    rig.link('e0', 3, 0);
    const all = bytes(ZEBRA.writes);
    rig.kernel.receive(1, all, 0, all.length);
    const refused = rig.taken().map((datagram) => [...datagram.subarray(8, 12)]);
    // The blackholes are written; what has a next hop on the link that is down is not.
    expect(refused).toEqual([u32(0x0c), u32(0x0f), u32(0x11), u32(0x14)]);
    expect([...rig.votes.values()]).toEqual(['blackhole', 'blackhole']);
  });
});
