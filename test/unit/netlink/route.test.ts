import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeHops, encodeHops, hopsAsObject, MAX_HOPS_LENGTH } from '../../../fib/next-hops.js';
import type { Family } from '../../../wire/family.js';
import { parseAddress } from '../../../wire/ip.js';
import {
  RTM_DELROUTE,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_UNICAST,
  RTN_UNSPEC,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
} from '../../../wire/netlink/constants.js';
import { NetlinkWriter } from '../../../wire/netlink/message.js';
import { HopCursor } from '../../../wire/netlink/next-hop-set.js';
import { encodeRoute, parseRoute, RouteView } from '../../../wire/netlink/route.js';
import { anySet, BODY, canonicalSet, routeMessage, toHex } from './build.js';
import type { Hop, HopSet } from './build.js';

const view = new RouteView();
const out = new Uint8Array(MAX_HOPS_LENGTH);

function hop(ifindex: number, gateway?: string, weight = 1, onlink = false): Hop {
  return { ifindex, weight, onlink, gateway: gateway === undefined ? new Uint8Array(0) : parseAddress(gateway)! };
}

function unicast(...hops: Hop[]): Uint8Array {
  return canonicalSet({ type: RTN_UNICAST, hops });
}

/** Canonical bytes of what a message says, in hex. */
function hopsOf(message: Uint8Array): string {
  expect(parseRoute(message, BODY, message.length, view)).toBeUndefined();
  const length = encodeHops(view, out);
  return toHex(out.subarray(0, Math.max(0, length)));
}

const family = fc.constantFrom<Family>(0, 1);
const familyAndSet = family.chain((which) => fc.tuple(fc.constant(which), anySet(which)));

describe('route messages', () => {
  it('hops survive the way through netlink', () => {
    fc.assert(
      fc.property(familyAndSet, ([which, set]) => {
        const hops = canonicalSet(set);
        expect(hopsOf(routeMessage({ prefix: which === 0 ? '10.0.0.0/8' : '2001:db8::/32', hops }))).toBe(toHex(hops));
      }),
    );
  });

  it('keys survive the way through netlink', () => {
    const key = fc.record({
      which: family,
      address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      bits: fc.nat(128),
      table: fc.oneof(fc.constant(254), fc.integer({ min: 1, max: 0xffffffff })),
      protocol: fc.nat(255),
      metric: fc.integer({ min: 0, max: 0xffffffff }),
      messageType: fc.constantFrom(24, 25),
    });
    fc.assert(
      fc.property(key, ({ which, address, bits, table, protocol, metric, messageType }) => {
        const dstLen = which === 0 ? bits % 33 : bits;
        const known = (dstLen + 7) >> 3;
        const writer = new NetlinkWriter();
        // What is behind the bytes of the prefix is somebody else's.
        const route = { family: which, dst: address, dstAt: 0, dstLen, table, protocol, metric };
        expect(encodeRoute(writer, { messageType, flags: 5, seq: 1, pid: 2 }, route, out, 0, 0)).toBe(true);
        const message = writer.take();
        expect(parseRoute(message, BODY, message.length, view)).toBeUndefined();
        expect(view).toMatchObject({ family: which, dstLen, table, protocol, metric, type: RTN_UNSPEC, hopCount: 0 });
        expect([...view.dst]).toEqual([...address.subarray(0, known), ...new Array<number>(16 - known).fill(0)]);
      }),
    );
  });

  it('takes 60 bytes for an IPv4 route with metric and gateway', () => {
    const message = routeMessage({
      prefix: '192.0.2.0/24',
      hops: unicast(hop(3, '10.0.1.2')),
      protocol: 179,
      metric: 179,
    });
    expect(message.length).toBe(60);
    expect(toHex(message.subarray(BODY))).toBe(
      '02180000' +
        'feb30001' +
        '00000000' +
        '08000100c0000200' +
        '08000600b3000000' +
        '080005000a000102' +
        '0800040003000000',
    );
  });

  it('a delete names the key and nothing else', () => {
    const message = routeMessage({ prefix: '0.0.0.0/0', messageType: RTM_DELROUTE, protocol: 0, metric: 32 });
    expect(toHex(message.subarray(BODY))).toBe('02000000fe00ff00' + '00000000' + '0800060020000000');
  });

  it('an IPv4 route without gateway has the scope of its link, others have not', () => {
    const scopeOf = (prefix: string, hops: Uint8Array): number => routeMessage({ prefix, hops })[BODY + 6]!;
    expect(scopeOf('10.0.0.0/8', unicast(hop(3)))).toBe(253);
    expect(scopeOf('10.0.0.0/8', unicast(hop(3), hop(4)))).toBe(0);
    expect(scopeOf('10.0.0.0/8', unicast(hop(3, '10.0.0.1')))).toBe(0);
    expect(scopeOf('10.0.0.0/8', canonicalSet({ type: RTN_BLACKHOLE, hops: [] }))).toBe(0);
    expect(scopeOf('2001:db8::/32', unicast(hop(3)))).toBe(0);
  });

  it('refuses sets that cannot be written, and writes nothing', () => {
    const writer = new NetlinkWriter();
    const header = { messageType: 24, flags: 0, seq: 0, pid: 0 };
    const key = { dst: new Uint8Array(16), dstAt: 0, dstLen: 8, table: 254, protocol: 179, metric: 0 };
    const bad: [Family, Uint8Array][] = [
      [1, unicast(hop(3, '10.0.0.1'))],
      [1, unicast(hop(3, '10.0.0.1'), hop(4, '::1'))],
      [0, Uint8Array.of(1)],
      [0, Uint8Array.of(1, 0)],
      [0, Uint8Array.of(6, 1, 0, 0, 0, 1, 0, 1, 0, 0)],
      [0, unicast(hop(3, '10.0.0.1'), hop(4, '10.0.0.2')).subarray(0, 24)],
      [0, Uint8Array.of(1, 1, 0, 0, 0, 1, 0, 1, 0, 3, 1, 2, 3)],
    ];
    for (const [which, hops] of bad) {
      expect(encodeRoute(writer, header, { family: which, ...key }, hops, 0, hops.length)).toBe(false);
      expect(writer.length).toBe(0);
    }
  });

  it('writes and reads as many hops as a set can have', () => {
    const hops = Array.from({ length: 255 }, (_, i) =>
      hop(1000 - i, i % 2 === 0 ? `10.0.0.${i}` : 'fe80::1', 1 + (i % 256)),
    );
    const set = unicast(...hops);
    expect(set.length).toBeLessThanOrEqual(MAX_HOPS_LENGTH);
    expect(hopsOf(routeMessage({ prefix: '10.0.0.0/8', hops: set }))).toBe(toHex(set));
  });
});

describe('parsing route messages', () => {
  it('never throws on any bytes and keeps its bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(2, 10), (bytes, af) => {
        if (bytes.length > 0) bytes[0] = af;
        const problem = parseRoute(bytes, 0, bytes.length, view);
        if (problem !== undefined) return;
        expect(view.hopCount).toBeLessThanOrEqual(256);
        expect(view.dstLen).toBeLessThanOrEqual(af === 2 ? 32 : 128);
        expect(encodeHops(view, out)).toBeLessThanOrEqual(MAX_HOPS_LENGTH);
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws on a damaged message, and reads only inside it', () => {
    const damage = fc.tuple(fc.nat(2000), fc.nat(255));
    fc.assert(
      fc.property(familyAndSet, fc.array(damage, { maxLength: 3 }), fc.nat(2000), ([which, set], changes, cut) => {
        const whole = routeMessage({ prefix: which === 0 ? '10.0.0.0/8' : '2001:db8::/32', hops: canonicalSet(set) });
        for (const [at, value] of changes) whole[at % whole.length] = value;
        const end = Math.min(whole.length, BODY + cut);
        const first = parseRoute(whole, BODY, end, view);
        const length = first === undefined ? encodeHops(view, out) : -1;
        const hops = toHex(out.subarray(0, Math.max(0, length)));
        whole.fill(0xff, end);
        expect(parseRoute(whole, BODY, end, view)).toBe(first);
        if (first === undefined && encodeHops(view, out) >= 0) expect(toHex(out.subarray(0, length))).toBe(hops);
      }),
      { numRuns: 1000 },
    );
  });

  const body = (...attributes: number[][]): Uint8Array =>
    Uint8Array.from([2, 8, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0, ...attributes.flat()]);
  const problemOf = (bytes: Uint8Array): string | undefined => parseRoute(bytes, 0, bytes.length, view);

  it('says what is wrong', () => {
    expect(problemOf(body().subarray(0, 11))).toMatch('cut off');
    expect(problemOf(Uint8Array.from([28, ...body().subarray(1)]))).toMatch('family');
    expect(problemOf(Uint8Array.from([2, 33, ...body().subarray(2)]))).toMatch('prefix length');
    expect(problemOf(body([8, 0, 1, 0, 10, 0, 0]))).toMatch('overruns');
    expect(problemOf(body([6, 0, 1, 0, 10, 0, 0, 0]))).toMatch('wrong length');
    expect(problemOf(body([6, 0, 4, 0, 1, 0, 0, 0]))).toMatch('wrong length');
    expect(problemOf(body([20, 0, 5, 0], new Array<number>(16).fill(1)))).toMatch('wrong length');
    const via = (af: number, length: number): number[] => [
      6 + length,
      0,
      18,
      0,
      af,
      0,
      ...new Array<number>(length + ((6 + length) & 2)).fill(1),
    ];
    expect(problemOf(body(via(10, 16)))).toBeUndefined();
    expect(problemOf(body(via(28, 4)))).toMatch('RTA_VIA');
    expect(problemOf(body(via(10, 4)))).toMatch('wrong length');
    expect(problemOf(body(via(10, 16), [8, 0, 5, 0, 10, 0, 0, 1]))).toMatch('both');
    expect(problemOf(Uint8Array.from([10, ...body(via(10, 16)).subarray(1)]))).toMatch('RTA_VIA');
  });

  it('says what is wrong with RTA_MULTIPATH', () => {
    const nested = (...hops: number[][]): Uint8Array => {
      const value = hops.flat();
      return body([(4 + value.length) & 255, (4 + value.length) >> 8, 9, 0, ...value]);
    };
    expect(problemOf(nested([8, 0, 0, 0, 3, 0, 0, 0]))).toBeUndefined();
    expect(view).toMatchObject({ hopCount: 1, multipath: true });
    expect(problemOf(nested([7, 0, 0, 0, 3, 0, 0, 0]))).toMatch('next hop overruns');
    expect(problemOf(nested([12, 0, 0, 0, 3, 0, 0, 0]))).toMatch('next hop overruns');
    expect(problemOf(nested([8, 0, 0, 0, 3, 0, 0, 0], [8, 0, 0, 0]))).toMatch('cut off');
    expect(problemOf(nested(...Array.from({ length: 256 }, () => [8, 0, 0, 0, 3, 0, 0, 0])))).toBeUndefined();
    expect(view.hopCount).toBe(256);
    expect(encodeHops(view, out)).toBe(-1);
    expect(problemOf(nested(...Array.from({ length: 257 }, () => [8, 0, 0, 0, 3, 0, 0, 0])))).toMatch('256');
  });

  it('forgets the message before', () => {
    const rich = routeMessage({
      prefix: '10.1.2.3/32',
      hops: unicast(hop(3, '10.0.0.1'), hop(4, '10.0.0.2')),
      table: 1000,
      metric: 7,
    });
    expect(problemOf(rich.subarray(BODY))).toBeUndefined();
    expect(problemOf(body())).toBeUndefined();
    expect(view).toMatchObject({ hopCount: 0, metric: 0, table: 254, multipath: false, nhId: 0 });
    expect(toHex(view.dst)).toBe('00'.repeat(16));
  });
});

describe('next-hop sets', () => {
  function load(set: HopSet): void {
    view.clear();
    view.type = set.type;
    for (const { ifindex, weight, onlink, gateway } of set.hops) {
      // Flags that the kernel sets by itself are not part of a set.
      const flags = (onlink ? RTNH_F_ONLINK : 0) | RTNH_F_LINKDOWN;
      expect(view.addHop(ifindex, weight, flags, gateway, 0, gateway.length)).toBe(true);
    }
  }

  it('are the same bytes in whatever order and however often hops are named', () => {
    fc.assert(
      fc.property(
        anySet(0, 12),
        fc.array(fc.nat(11), { maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (set, again, random) => {
          const hops = [...set.hops, ...again.flatMap((i) => set.hops.slice(i, i + 1))];
          const shuffled = hops.map((each) => ({ each, rank: random.next().value as number }));
          shuffled.sort((a, b) => a.rank - b.rank);
          load({ type: set.type, hops: shuffled.map(({ each }) => each) });
          const length = encodeHops(view, out);
          expect(toHex(out.subarray(0, length))).toBe(toHex(canonicalSet(set)));
        },
      ),
    );
  });

  it('do not exist for routes of other types, with encapsulation, or without hops', () => {
    load({ type: RTN_UNICAST, hops: [hop(3)] });
    expect(encodeHops(view, out)).toBe(10);
    view.hasEncap = true;
    expect(encodeHops(view, out)).toBe(-1);
    load({ type: RTN_LOCAL, hops: [hop(3)] });
    expect(encodeHops(view, out)).toBe(-1);
    load({ type: RTN_UNICAST, hops: [] });
    expect(encodeHops(view, out)).toBe(-1);
    // IPv6 shows a blackhole with the loopback interface.
    load({ type: RTN_BLACKHOLE, hops: [hop(1)] });
    expect(encodeHops(view, out)).toBe(2);
  });

  it('are put in words as by ip route', () => {
    const name = (ifindex: number): string => `eth${ifindex}`;
    expect(describeHops(unicast(hop(0, '10.0.1.2', 9)), name)).toBe('via 10.0.1.2 dev eth0');
    expect(describeHops(unicast(hop(2)), name)).toBe('dev eth2');
    expect(describeHops(unicast(hop(2, 'fe80::1', 1, true)), name)).toBe('via fe80::1 dev eth2 onlink');
    expect(describeHops(unicast(hop(2, '10.0.0.2', 3), hop(1, '10.0.0.1', 2)), name)).toBe(
      'nexthop via 10.0.0.1 dev eth1 weight 2 nexthop via 10.0.0.2 dev eth2 weight 3',
    );
    expect(describeHops(Uint8Array.of(RTN_BLACKHOLE, 0), name)).toBe('blackhole');
    expect(describeHops(new Uint8Array(0), name)).toBe('unknown');
    expect(hopsAsObject(unicast(hop(1, '10.0.0.1', 2), hop(2, undefined, 2, true)), name)).toEqual({
      type: 'unicast',
      nextHops: [
        { gateway: '10.0.0.1', interface: 'eth1', weight: 2, onlink: false },
        { interface: 'eth2', weight: 2, onlink: true },
      ],
    });
  });

  it('a cursor reads no further than the set', () => {
    const set = unicast(hop(1, '10.0.0.1'), hop(2, '10.0.0.2'));
    const cursor = new HopCursor();
    for (let end = 0; end <= set.length; end++) {
      cursor.reset(set, 0, end);
      let count = 0;
      while (cursor.next()) {
        count++;
        expect(cursor.gateway + cursor.gatewayLength).toBeLessThanOrEqual(end);
      }
      expect(count).toBe(end < 14 ? 0 : end < set.length ? 1 : 2);
    }
  });
});
