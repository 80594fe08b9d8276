import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelMirror } from '../../../fib/kernel-mirror.js';
import type { MirrorChange, MirrorKind } from '../../../fib/kernel-mirror.js';
import { describeHops, encodeHops, MAX_HOPS_LENGTH } from '../../../fib/next-hops.js';
import * as nl from '../../../wire/netlink/constants.js';
import { NETLINK_HEADER, NetlinkWriter, readU16, readU32 } from '../../../wire/netlink/message.js';
import { decodeNetconf } from '../../../wire/netlink/netconf.js';
import { parseRoute, RouteView } from '../../../wire/netlink/route.js';
import { toHex } from '../netlink/build.js';
import type { Hop } from '../netlink/build.js';
import { addressMessage, hop, linkMessage, neighborMessage, netconfMessage, route, UP } from './kernel-messages.js';

const OURS = 179;
const EVENT = nl.NLM_F_CREATE | nl.NLM_F_EXCL;
const view = new RouteView();
const scratch = new Uint8Array(MAX_HOPS_LENGTH);

function apply(mirror: KernelMirror, ...messages: Uint8Array[]): (MirrorChange | undefined)[] {
  return messages.map((message) => mirror.apply(message, 0, message.length));
}

function words(message: Uint8Array): string {
  expect(parseRoute(message, NETLINK_HEADER, message.length, view)).toBeUndefined();
  const hops = scratch.subarray(0, encodeHops(view, scratch));
  return `${toHex(view.dst.subarray(0, view.family === 0 ? 4 : 16))}/${view.dstLen} metric ${view.metric} ${describeHops(hops, String)}`;
}

function routes(mirror: KernelMirror): string[] {
  const found: string[] = [];
  mirror.forEach('route', undefined, (message) => found.push(words(message)));
  return found.sort();
}

function told(changes: readonly (MirrorChange | undefined)[]): string[] {
  return changes.flatMap((change) => {
    if (change === undefined) return [];
    const replace = (readU16(change.message, 6) & nl.NLM_F_REPLACE) !== 0 ? 'replace ' : '';
    return `${change.action} ${replace}${change.kind === 'route' ? words(change.message) : change.kind}`;
  });
}

function del(message: Uint8Array): Uint8Array {
  const copy = message.slice();
  copy[4]! += 1;
  return copy;
}

describe('what is mirrored', () => {
  it('our own routes, cached routes and other families are not, and are not even parsed', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const broken = route('10.0.0.0/8', [hop(1, '10.0.0.1')], { protocol: OURS });
    broken.fill(0xff, 28);
    const cloned = route('10.0.0.0/8', [hop(1, '10.0.0.1')]);
    cloned[16 + 9] = nl.RTM_F_CLONED >> 8;
    const mpls = route('10.0.0.0/8', [hop(1, '10.0.0.1')]);
    mpls[16] = nl.AF_MPLS;
    const bridgePort = linkMessage(3, { family: nl.AF_BRIDGE });
    const done = Uint8Array.of(20, 0, 0, 0, nl.NLMSG_DONE, 0, ...new Array<number>(14).fill(0));
    expect(apply(mirror, broken, cloned, mpls, bridgePort, done)).toEqual(new Array(5).fill(undefined));
    expect(mirror).toMatchObject({ malformed: 0, dropped: 0, routeCount: 0 });
    expect(mirror.links.size).toBe(0);
  });

  it('a message is passed on and kept without the header of whoever asked', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const message = route('10.0.0.0/8', [hop(1, '10.0.0.1')], { flags: nl.NLM_F_MULTI | nl.NLM_F_DUMP_INTR });
    const [change] = apply(mirror, message);
    const expected = message.slice();
    expected.fill(0, 6, 16);
    expect(change).toEqual({ kind: 'route', action: 'new', message: expected });
    message.fill(0);
    mirror.forEach('route', 0, (kept) => expect(kept).toEqual(expected));
    mirror.forEach('route', 1, () => expect.unreachable());
  });

  it('the same again is no change, nor are counters and states that pass', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const withStats = (value: number): Uint8Array => {
      const writer = new NetlinkWriter();
      const plain = linkMessage(2);
      writer.begin(nl.RTM_NEWLINK, 0, 0, 0);
      writer.bytes(plain, 16);
      writer.attributeU32(nl.IFLA_STATS64, value);
      writer.end();
      return writer.take();
    };
    expect(told(apply(mirror, withStats(1), withStats(2), withStats(3)))).toEqual(['new link']);
    const plain = route('10.0.0.0/8', [hop(1, '10.0.0.1')]);
    const dead = plain.slice();
    dead[16 + 8]! |= nl.RTNH_F_LINKDOWN | nl.RTNH_F_DEAD;
    expect(told(apply(mirror, plain, dead, plain)).length).toBe(1);
    const near = (state: number, lladdr = 1): Uint8Array => neighborMessage(2, '10.0.0.5', state, lladdr);
    expect(told(apply(mirror, near(nl.NUD_REACHABLE), near(nl.NUD_STALE), near(nl.NUD_PROBE)))).toEqual([
      'new neighbor',
    ]);
    expect(told(apply(mirror, near(nl.NUD_FAILED), near(nl.NUD_REACHABLE), near(nl.NUD_REACHABLE, 2))).length).toBe(3);
    expect(told(apply(mirror, linkMessage(2, { mtu: 1400 })))).toEqual(['new link']);
    expect(told(apply(mirror, addressMessage(2, '10.0.0.1/24'), addressMessage(2, '10.0.0.1/24')))).toEqual([
      'new address',
    ]);
  });

  it('links are known by index, name and state', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(
      mirror,
      linkMessage(2),
      linkMessage(3, { name: 'up', flags: nl.IFF_UP }),
      linkMessage(4, { flags: UP & ~nl.IFF_UP }),
    );
    expect([2, 3, 4, 5].map((index) => mirror.isUp(index))).toEqual([true, false, false, false]);
    expect([2, 3, 9].map((index) => mirror.linkName(index))).toEqual(['eth2', 'up', 'if9']);
    apply(mirror, linkMessage(2, { name: 'new' }), linkMessage(3, {}, nl.RTM_DELLINK));
    expect([2, 3].map((index) => mirror.linkName(index))).toEqual(['new', 'if3']);
  });

  it('netconf events add to what is known', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const { NETCONFA_FORWARDING: forwarding, NETCONFA_RP_FILTER: filter, NETCONFA_PROXY_NEIGH: proxy } = nl;
    const full = netconfMessage(2, { [forwarding]: 0, [filter]: 1 });
    apply(mirror, full);
    const event = netconfMessage(2, { [forwarding]: 1, [proxy]: 1 });
    expect(told(apply(mirror, event, event))).toEqual(['new netconf']);
    const kept: Uint8Array[] = [];
    mirror.forEach('netconf', undefined, (message) => kept.push(message));
    expect(kept.map((message) => toHex(message))).toEqual([
      toHex(netconfMessage(2, { [forwarding]: 1, [filter]: 1, [proxy]: 1 })),
    ]);
    expect(decodeNetconf(kept[0]!, 16, kept[0]!.length)).toMatchObject({ index: 2, forwarding: true });
    expect(
      told(apply(mirror, netconfMessage(2, {}, nl.RTM_DELNETCONF), netconfMessage(2, {}, nl.RTM_DELNETCONF))),
    ).toEqual(['del netconf']);
  });

  it('keeps to its limits and counts what it leaves out', () => {
    const mirror = new KernelMirror({ protocol: OURS, limits: { routes: 2, addresses: 1, links: 1 } });
    const three = ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/8'].map((prefix) => route(prefix, [hop(1, '10.0.0.1')]));
    expect(told(apply(mirror, ...three)).length).toBe(2);
    expect(told(apply(mirror, addressMessage(1, '10.0.0.1/24'), addressMessage(1, '10.0.0.2/24'))).length).toBe(1);
    expect(told(apply(mirror, linkMessage(1), linkMessage(2))).length).toBe(1);
    expect(mirror).toMatchObject({ dropped: 3, routeCount: 2 });
    expect(mirror.isUp(2)).toBe(false);
    // Room that is given up can be used again.
    apply(mirror, del(three[0]!));
    expect(told(apply(mirror, three[2]!)).length).toBe(1);
  });

  it('never throws on any bytes', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const type = fc.constantFrom(16, 17, 20, 21, 24, 25, 28, 29, 32, 33, 80, 81);
    fc.assert(
      fc.property(type, fc.constantFrom(0, 2, 10), fc.uint8Array({ maxLength: 100 }), (message, af, bytes) => {
        const whole = Uint8Array.of(0, 0, 0, 0, message, 0, ...new Array<number>(10).fill(0), af, ...bytes);
        const change = mirror.apply(whole, 0, whole.length);
        if (change) expect(readU32(change.message, 0)).toBe(whole.length);
      }),
      { numRuns: 1000 },
    );
    expect(mirror.malformed).toBeGreaterThan(0);
  });
});

describe('keys of routes', () => {
  const via = (gateway: string): Hop[] => [hop(1, gateway)];
  const add = (gateway: string, flags = EVENT, prefix = '10.0.0.0/8'): Uint8Array =>
    route(prefix, via(gateway), { flags });

  it('metric, TOS and hops tell routes of a destination apart', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(mirror, add('10.0.0.1'), add('10.0.0.2', nl.NLM_F_CREATE | nl.NLM_F_APPEND));
    apply(mirror, route('10.0.0.0/8', via('10.0.0.1'), { metric: 5 }));
    expect(mirror.routeCount).toBe(3);
    expect(told(apply(mirror, del(add('10.0.0.3')), del(add('10.0.0.1'))))).toEqual([
      'del 0a000000/8 metric 0 via 10.0.0.1 dev 1',
    ]);
    expect(mirror.routeCount).toBe(2);
  });

  it('among equals the newest comes first, an appended one last', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(
      mirror,
      add('10.0.0.1'),
      add('10.0.0.2', nl.NLM_F_CREATE | nl.NLM_F_APPEND),
      add('10.0.0.3', nl.NLM_F_CREATE),
    );
    const order = mirror.routesTo(0, 254, Uint8Array.of(10, 0, 0, 0), 8)!.map(({ hops }) => hops[hops.length - 1]);
    expect(order).toEqual([3, 1, 2]);
  });

  it('a route that replaces another is announced alone', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(mirror, add('10.0.0.1'), add('10.0.0.2', nl.NLM_F_REPLACE));
    expect(routes(mirror)).toEqual(['0a000000/8 metric 0 via 10.0.0.2 dev 1']);
    expect(mirror.routeCount).toBe(1);
  });

  it('an IPv6 route that is joined by others is announced with them, and its hops go one by one', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    const [a, b, c] = [hop(1, 'fd00::1', 2), hop(2, 'fd00::2', 3), hop(3, 'fe80::3', 4)];
    const prefix = '2001:db8::/32';
    const name = '20010db8000000000000000000000000/32 metric 7';
    const add = (hops: Hop[], flags = EVENT): Uint8Array => route(prefix, hops, { metric: 7, flags });
    apply(mirror, add([hop(1, 'fd00::1')]), add([a, b, c], nl.NLM_F_APPEND));
    expect(mirror.routeCount).toBe(1);
    const gone = (each: Hop): string[] => told(apply(mirror, del(add([{ ...each, weight: 1 }]))));
    expect(gone(a)).toEqual([`del ${name} via fd00::1 dev 1`]);
    expect(routes(mirror)).toEqual([`${name} nexthop via fd00::2 dev 2 weight 3 nexthop via fe80::3 dev 3 weight 4`]);
    expect(gone(a)).toEqual([]);
    expect(gone(c)).toEqual([`del ${name} via fe80::3 dev 3`]);
    expect(routes(mirror)).toEqual([`${name} via fd00::2 dev 2`]);
    // What is left is the message of a plain route, byte for byte.
    mirror.forEach('route', 1, (kept) =>
      expect(toHex(kept.subarray(16))).toBe(toHex(route(prefix, [b], { metric: 7 }).subarray(16))),
    );
    expect(gone(b).length).toBe(1);
    expect(mirror.routeCount).toBe(0);
  });

  describe('what IPv4 loses in silence', () => {
    const local = route('10.0.1.1/32', [hop(1)], { table: nl.RT_TABLE_LOCAL, type: nl.RTN_LOCAL });
    const one = route('10.1.0.0/16', [hop(1, '10.0.1.2')]);
    const both = route('10.2.0.0/16', [hop(1, '10.0.1.2'), hop(2, '10.0.2.2')]);
    const ipv6 = route('2001:db8::/32', [hop(1, 'fd00::1')]);
    const from = (source: number[]): Uint8Array => {
      const writer = new NetlinkWriter();
      const plain = route('10.3.0.0/16', [hop(2, '10.0.2.2')]);
      writer.begin(nl.RTM_NEWROUTE, 0, 0, 0);
      writer.bytes(plain, 16);
      writer.attribute(nl.RTA_PREFSRC, Uint8Array.from(source));
      writer.end();
      return writer.take();
    };
    const after = (...messages: Uint8Array[]): string[] => {
      const mirror = new KernelMirror({ protocol: OURS });
      const addresses = [
        addressMessage(1, '10.0.1.1/24'),
        addressMessage(1, '10.0.5.1/24'),
        addressMessage(2, '10.0.1.1/32'),
      ];
      apply(mirror, linkMessage(1), linkMessage(2), ...addresses, local, one, both, ipv6, from([10, 0, 1, 1]));
      expect(mirror.routeCount).toBe(5);
      apply(mirror, ...messages);
      return routes(mirror).map((line) => line.slice(0, 8));
    };
    const [LOCAL, ONE, BOTH, FROM, IPV6] = ['0a000101', '0a010000', '0a020000', '0a030000', '20010db8'];
    const OFF = { flags: nl.IFF_RUNNING };
    const gone = (index: number, text: string): Uint8Array => addressMessage(index, text, nl.RTM_DELADDR);

    it('with a link that is switched off: routes over it alone, but local ones', () => {
      expect(after(linkMessage(1, OFF))).toEqual([LOCAL, BOTH, FROM, IPV6]);
      expect(after(linkMessage(1, OFF), linkMessage(2, OFF))).toEqual([LOCAL, IPV6]);
      expect(after(linkMessage(1, { flags: nl.IFF_UP }))).toEqual([LOCAL, ONE, BOTH, FROM, IPV6]);
    });

    it('with a link that goes: all that was over it', () => {
      expect(after(linkMessage(1, {}, nl.RTM_DELLINK))).toEqual([BOTH, FROM, IPV6]);
    });

    it('with the last address of a link, and with the last of those it sends from', () => {
      expect(after(gone(1, '10.0.1.1/24'))).toEqual([LOCAL, ONE, BOTH, FROM, IPV6]);
      expect(after(gone(1, '10.0.1.1/24'), gone(1, '10.0.5.1/24'))).toEqual([BOTH, FROM, IPV6]);
      expect(after(gone(1, '10.0.1.1/24'), gone(2, '10.0.1.1/32'))).toEqual([LOCAL, ONE, BOTH, IPV6]);
    });
  });
});

describe('resync', () => {
  const static1 = route('10.0.0.0/8', [hop(1, '10.0.0.1')]);
  const static2 = route('10.0.0.0/8', [hop(1, '10.0.0.2')]);
  const other = route('11.0.0.0/8', [hop(1, '10.0.0.1')]);

  it('tells what went and what came, deletions first, a lone change as a replacement', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(mirror, linkMessage(1), linkMessage(2), static1, other);
    mirror.beginResync();
    expect(told(apply(mirror, linkMessage(1), linkMessage(3), static2))).toEqual(['new link']);
    expect(told(mirror.endResync())).toEqual([
      'del 0b000000/8 metric 0 via 10.0.0.1 dev 1',
      'del link',
      'new replace 0a000000/8 metric 0 via 10.0.0.2 dev 1',
    ]);
    expect([...mirror.links.keys()]).toEqual([1, 3]);
    expect(routes(mirror)).toEqual(['0a000000/8 metric 0 via 10.0.0.2 dev 1']);
    mirror.beginResync();
    apply(mirror, linkMessage(1), linkMessage(3), static2);
    expect(mirror.endResync()).toEqual([]);
  });

  it('an event in the midst of it counts', () => {
    const mirror = new KernelMirror({ protocol: OURS });
    apply(mirror, static1, other);
    mirror.beginResync();
    apply(mirror, static1, del(static1), other);
    expect(told(mirror.endResync())).toEqual([]);
    expect(routes(mirror)).toEqual(['0b000000/8 metric 0 via 10.0.0.1 dev 1']);
  });

  it('ends in the kernel’s state whatever was known before, and so does who hears only the changes', () => {
    const entry = fc.record({
      prefix: fc.constantFrom('10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32'),
      metric: fc.constantFrom(0, 5),
      gateways: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    });
    type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;
    const text = ({ prefix, metric, gateways }: Entry): string => {
      // Linux has one IPv6 route of a metric for the gateways of a destination, and as many IPv4 ones as there are sets.
      const ipv6 = prefix.includes(':');
      return `${prefix} ${metric} ${ipv6 ? '' : [...gateways].sort().join()}`;
    };
    const dumped = ({ prefix, metric, gateways }: Entry): Uint8Array => {
      const hops = gateways.map((n) => hop(n, prefix.includes(':') ? `fd00::${n}` : `10.0.0.${n}`));
      return route(prefix, hops, { metric, flags: nl.NLM_F_MULTI });
    };
    const dump = ([entries, links]: readonly [Entry[], number[]]): Uint8Array[] => [
      ...links.flatMap((n) => [
        linkMessage(n),
        addressMessage(n, `10.0.${n}.1/24`),
        netconfMessage(n, { [nl.NETCONFA_FORWARDING]: 1 }),
      ]),
      ...entries.map(dumped),
    ];
    // Nor does it have routes over links that are not there.
    const state = fc
      .tuple(fc.uniqueArray(entry, { selector: text, maxLength: 6 }), fc.subarray([1, 2, 3, 4]))
      .map(([entries, links]): [Entry[], number[]] => [
        entries.filter(({ gateways }) => gateways.every((n) => links.includes(n))),
        links,
      ]);
    const content = (mirror: KernelMirror): string[] => {
      const found: string[] = [];
      for (const kind of ['link', 'address', 'netconf', 'route'] satisfies MirrorKind[]) {
        mirror.forEach(kind, undefined, (message) => found.push(`${kind} ${toHex(message.subarray(16))}`));
      }
      return found.sort();
    };
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 4 }), (states) => {
        const mirror = new KernelMirror({ protocol: OURS });
        const follower = new KernelMirror({ protocol: OURS });
        for (const each of states) {
          mirror.beginResync();
          const changes = [...apply(mirror, ...dump(each)), ...mirror.endResync()];
          for (const change of changes) if (change) apply(follower, change.message);
          const fresh = new KernelMirror({ protocol: OURS });
          apply(fresh, ...dump(each));
          expect(content(mirror)).toEqual(content(fresh));
          expect(content(follower)).toEqual(content(fresh));
          expect(mirror.routeCount).toBe(each[0].length);
        }
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
