// The rtnetlink codec against the real kernel: what it says is read as `ip` shows it, what we write is accepted and read back as the same hops,
// and the mirror agrees with a dump whatever happened before. In a network namespace of the test process's own, which ends with it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { KernelMirror } from '../../fib/kernel-mirror.js';
import type { MirrorChange, MirrorKind } from '../../fib/kernel-mirror.js';
import { describeHops, encodeHops, MAX_HOPS_LENGTH } from '../../fib/next-hops.js';
import { Resolver } from '../../fib/resolver.js';
import { CLONE_NEWNET, unshare } from '../../preload/native.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../wire/family.js';
import { formatIpv4, formatIpv6, parseAddress } from '../../wire/ip.js';
import { decodeAddress } from '../../wire/netlink/address.js';
import * as nl from '../../wire/netlink/constants.js';
import { decodeLink, isLinkUp } from '../../wire/netlink/link.js';
import { NETLINK_HEADER as BODY } from '../../wire/netlink/message.js';
import { decodeNeighbor } from '../../wire/netlink/neighbor.js';
import { decodeNetconf } from '../../wire/netlink/netconf.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import { decodeRule } from '../../wire/netlink/rule.js';
import { RtnetlinkClient } from '../support/rtnetlink-client.js';
import { waitFor } from '../support/wait.js';
import { canonicalSet, routeMessage, toHex } from '../unit/netlink/build.js';
import type { Hop } from '../unit/netlink/build.js';

const problem = labProblem();
if (problem) console.log(`rtnetlink codec against the kernel: skipped: ${problem}`);

const OURS = 179;
const GROUPS =
  nl.RTMGRP_LINK |
  nl.RTMGRP_IPV4_IFADDR |
  nl.RTMGRP_IPV4_ROUTE |
  nl.RTMGRP_IPV4_RULE |
  nl.RTMGRP_IPV6_IFADDR |
  nl.RTMGRP_IPV6_ROUTE |
  (1 << (nl.RTNLGRP_IPV6_RULE - 1)) |
  (1 << (nl.RTNLGRP_IPV4_NETCONF - 1)) |
  (1 << (nl.RTNLGRP_IPV6_NETCONF - 1));

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Several `ip` commands, one a line; or `sysctl name value`. */
function run(commands: string): void {
  for (const line of commands.trim().split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[0] === 'sysctl') writeFileSync(`/proc/sys/net/${words[1]}`, words[2]!);
    else ip(...words);
  }
}

function json<T>(...args: string[]): T[] {
  return JSON.parse(ip('-j', '-d', ...args)) as T[];
}

function defined<T>(value: T | string): T {
  if (typeof value === 'string') throw new Error(value);
  return value;
}

describe.skipIf(problem !== undefined)('rtnetlink against the kernel', () => {
  let client: RtnetlinkClient;
  const index = new Map<string, number>();
  const view = new RouteView();
  const scratch = new Uint8Array(MAX_HOPS_LENGTH);

  beforeAll(async () => {
    unshare(CLONE_NEWNET);
    run(`link set lo up
      link add t0 type veth peer name far0
      link add t1 mtu 1400 type veth peer name far1
      addr add 10.0.0.1/24 brd + dev t0
      addr add 10.0.1.1 peer 10.0.1.2/32 dev t1
      addr add fd00::1/64 dev t0 nodad
      addr add fd01::1/64 dev t1 nodad
      link set t0 up
      link set t1 up
      link set far0 up
      link set far1 up
      neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev t0
      rule add from 192.0.2.0/24 table 100 priority 900`);
    type Shown = { ifindex: number; ifname: string; operstate: string };
    // The carrier comes in the kernel's own time.
    const settled = (): boolean => json<Shown>('link').every((link) => link.ifname === 'lo' || link.operstate === 'UP');
    await waitFor(settled, 'links that are up');
    for (const { ifindex, ifname } of json<Shown>('link')) index.set(ifname, ifindex);
    client = new RtnetlinkClient();
  });

  afterAll(() => client?.close());

  const at = (name: string): number => index.get(name)!;
  const hop = (dev: string, gateway?: string, weight = 1, onlink = false): Hop => ({
    ifindex: at(dev),
    weight,
    onlink,
    gateway: gateway === undefined ? new Uint8Array(0) : parseAddress(gateway)!,
  });
  const set = (...hops: Hop[]): Uint8Array => canonicalSet({ type: nl.RTN_UNICAST, hops });
  const name = (ifindex: number): string => [...index].find(([, i]) => i === ifindex)?.[0] ?? `if${ifindex}`;

  /** Our routes in a table, `prefix` → hops in hex. */
  function ours(table = nl.RT_TABLE_MAIN): Map<string, string> {
    const found = new Map<string, string>();
    for (const message of client.dump(nl.RTM_GETROUTE, nl.AF_UNSPEC)) {
      const error = parseRoute(message, BODY, message.length, view);
      // Routes for other protocol families are none of ours.
      if (error !== undefined) throw new Error(error);
      if (view.protocol !== OURS || view.table !== table) continue;
      const address = view.family === IPV4_UNICAST ? formatIpv4(view.dst) : formatIpv6(view.dst);
      found.set(`${address}/${view.dstLen}`, toHex(scratch.subarray(0, encodeHops(view, scratch))));
    }
    return found;
  }

  it('reads links as ip shows them', () => {
    const shown = json<{
      ifindex: number;
      ifname: string;
      mtu: number;
      operstate: string;
      flags: string[];
      address: string;
    }>('link');
    const links = client
      .dump(nl.RTM_GETLINK, nl.AF_UNSPEC)
      .map((message) => defined(decodeLink(message, BODY, message.length)));
    expect(links.length).toBe(shown.length);
    for (const expected of shown) {
      const link = links.find(({ index: i }) => i === expected.ifindex)!;
      expect(link).toMatchObject({ name: expected.ifname, mtu: expected.mtu, family: nl.AF_UNSPEC });
      expect(isLinkUp(link.flags)).toBe(expected.ifname === 'lo' || expected.operstate === 'UP');
      expect(toHex(link.address)).toBe(expected.address.replaceAll(':', ''));
    }
    expect(links.find((link) => link.name === 't1')).toMatchObject({
      mtu: 1400,
      type: nl.ARPHRD_ETHER,
      kind: 'veth',
      lower: at('far1'),
      operstate: nl.IF_OPER_UP,
      txQueueLength: 1000,
    });
  });

  it('reads addresses, a point-to-point one included', () => {
    const addresses = client
      .dump(nl.RTM_GETADDR, nl.AF_UNSPEC)
      .map((message) => defined(decodeAddress(message, BODY, message.length)));
    const find = (local: string) => addresses.find((address) => toHex(address.local) === toHex(parseAddress(local)!));
    const t0 = { index: at('t0'), prefixLength: 24, label: 't0', broadcast: parseAddress('10.0.0.255'), scope: 0 };
    expect(find('10.0.0.1')).toMatchObject({ family: nl.AF_INET, flags: nl.IFA_F_PERMANENT, ...t0 });
    expect(find('10.0.1.1')).toMatchObject({ prefixLength: 32, address: parseAddress('10.0.1.2'), index: at('t1') });
    expect(find('fd00::1')).toMatchObject({ family: nl.AF_INET6, prefixLength: 64, address: parseAddress('fd00::1') });
    expect(find('fd00::1')!.flags).toBe(nl.IFA_F_PERMANENT | nl.IFA_F_NODAD);
    expect(addresses.length).toBe(json<{ addr_info: unknown[] }>('addr').flatMap((link) => link.addr_info).length);
  });

  it('reads rules, neighbours and netconf', () => {
    const rules = client
      .dump(nl.RTM_GETRULE, nl.AF_INET)
      .map((message) => defined(decodeRule(message, BODY, message.length)));
    expect(rules.map(({ priority, table }) => [priority, table])).toEqual([
      [0, 255],
      [900, 100],
      [32766, 254],
      [32767, 253],
    ]);
    expect(rules.every((rule) => rule.action === nl.FR_ACT_TO_TBL && rule.family === nl.AF_INET)).toBe(true);
    const neighbors = client
      .dump(nl.RTM_GETNEIGH, nl.AF_INET)
      .map((message) => defined(decodeNeighbor(message, BODY, message.length)));
    const nine = neighbors.find((entry) => formatIpv4(entry.address) === '10.0.0.9');
    expect(nine).toMatchObject({
      index: at('t0'),
      state: nl.NUD_PERMANENT,
      linkLayerAddress: Uint8Array.of(2, 0, 0, 0, 0, 9),
    });
    const netconf = client
      .dump(nl.RTM_GETNETCONF, nl.AF_INET)
      .map((message) => defined(decodeNetconf(message, BODY, message.length)));
    expect(netconf.map((each) => each.index).sort((a, b) => a - b)).toEqual(
      [-2, -1, ...index.values()].sort((a, b) => a - b),
    );
    expect(netconf.every((each) => each.forwarding !== undefined)).toBe(true);
  });

  it('reads every route of the kernel', () => {
    const messages = client.dump(nl.RTM_GETROUTE, nl.AF_UNSPEC);
    const shown = [4, 6].flatMap((version) => json<object>(`-${version}`, 'route', 'show', 'table', 'all'));
    expect(messages.length).toBe(shown.length);
    for (const message of messages) expect(parseRoute(message, BODY, message.length, view)).toBeUndefined();
    const connected = messages.find((message) => {
      parseRoute(message, BODY, message.length, view);
      return view.table === nl.RT_TABLE_MAIN && view.family === IPV4_UNICAST && view.dstLen === 24;
    })!;
    parseRoute(connected, BODY, connected.length, view);
    const { protocol, scope, type, hasPrefsrc } = view;
    expect({ protocol, scope, type, hasPrefsrc }).toEqual({
      protocol: nl.RTPROT_KERNEL,
      scope: nl.RT_SCOPE_LINK,
      type: nl.RTN_UNICAST,
      hasPrefsrc: true,
    });
    expect(describeHops(scratch.subarray(0, encodeHops(view, scratch)), name)).toBe('dev t0');
  });

  it('writes routes that the kernel takes and gives back with the same hops', () => {
    const routes: [prefix: string, hops: Uint8Array][] = [
      ['192.0.2.0/24', set(hop('t0', '10.0.0.2'))],
      ['0.0.0.0/0', set(hop('t0', '10.0.0.2'))],
      ['192.0.2.1/32', set(hop('t1'))],
      ['198.51.100.0/24', set(hop('t0', '10.0.0.2'), hop('t0', '10.0.0.3', 5), hop('t1', '10.0.1.2', 256))],
      ['198.51.101.0/24', set(hop('t0'), hop('t1'))],
      ['198.51.102.0/24', set(hop('t1', '203.0.113.1', 1, true))],
      ['198.51.103.0/24', set(hop('t0', '203.0.113.1', 1, true), hop('t1', '10.0.1.2'))],
      ['198.51.104.0/24', set(hop('t0', 'fd00::2'))],
      ['198.51.105.0/24', set(hop('t0', 'fe80::2'), hop('t1', '10.0.1.2', 3))],
      ['198.51.106.0/24', canonicalSet({ type: nl.RTN_BLACKHOLE, hops: [] })],
      ['198.51.107.0/24', canonicalSet({ type: nl.RTN_UNREACHABLE, hops: [] })],
      ['198.51.108.0/24', canonicalSet({ type: nl.RTN_PROHIBIT, hops: [] })],
      ['2001:db8:1::/48', set(hop('t0', 'fd00::2'))],
      ['::/0', set(hop('t0', 'fd00::2'))],
      ['2001:db8:2::/48', set(hop('t0', 'fd00::2'), hop('t1', 'fd01::2', 7), hop('t1', 'fe80::9'))],
      ['2001:db8:3::1/128', set(hop('t1'))],
      ['2001:db8:4::/48', set(hop('t1', '2001:db8:ffff::1', 1, true))],
      ['2001:db8:5::/48', canonicalSet({ type: nl.RTN_BLACKHOLE, hops: [] })],
      ['2001:db8:6::/48', canonicalSet({ type: nl.RTN_UNREACHABLE, hops: [] })],
      ['2001:db8:7::/48', canonicalSet({ type: nl.RTN_PROHIBIT, hops: [] })],
    ];
    for (const table of [nl.RT_TABLE_MAIN, 100, 100_000]) {
      const common = { table, protocol: OURS, metric: 179 };
      const flags = nl.NLM_F_CREATE | nl.NLM_F_EXCL;
      for (const [prefix, hops] of routes) {
        const errno = client.acknowledged(routeMessage({ prefix, hops, flags, ...common }));
        expect(errno, `${prefix} ${describeHops(hops, name)}`).toBe(0);
      }
      expect(ours(table)).toEqual(new Map(routes.map(([prefix, hops]) => [prefix, toHex(hops)])));
      for (const [prefix] of routes) {
        expect(client.acknowledged(routeMessage({ prefix, messageType: nl.RTM_DELROUTE, ...common })), prefix).toBe(0);
      }
      expect(ours(table).size).toBe(0);
    }
  });

  it('a delete takes only the route of its protocol and metric', () => {
    run('route add 203.0.113.0/24 via 10.0.0.2 proto static metric 179');
    const key = { prefix: '203.0.113.0/24', messageType: nl.RTM_DELROUTE, metric: 179 };
    expect(client.acknowledged(routeMessage({ ...key, protocol: OURS }))).toBe(nl.ESRCH);
    expect(client.acknowledged(routeMessage({ ...key, protocol: nl.RTPROT_STATIC, metric: 178 }))).toBe(nl.ESRCH);
    expect(client.acknowledged(routeMessage({ ...key, protocol: nl.RTPROT_STATIC }))).toBe(0);
  });

  it('reads nexthop objects beside the hops they stand for', () => {
    run(`nexthop add id 7 via 10.0.0.2 dev t0
      route add 203.0.113.0/24 nhid 7`);
    const message = client.dump(nl.RTM_GETROUTE, nl.AF_INET).find((each) => {
      parseRoute(each, BODY, each.length, view);
      return view.nhId !== 0;
    })!;
    expect(parseRoute(message, BODY, message.length, view)).toBeUndefined();
    expect(view.nhId).toBe(7);
    expect(describeHops(scratch.subarray(0, encodeHops(view, scratch)), name)).toBe('via 10.0.0.2 dev t0');
    run(`route del 203.0.113.0/24
      nexthop del id 7`);
  });

  describe('mirror', () => {
    const KINDS: MirrorKind[] = ['link', 'address', 'route', 'rule', 'netconf'];

    /** Tells a mirror everything anew; returns what it passes on. */
    function reload(mirror: KernelMirror): MirrorChange[] {
      const changes: MirrorChange[] = [];
      const dump = (type: number, family: number): void => {
        for (const message of client.dump(type, family)) {
          const change = mirror.apply(message, 0, message.length);
          if (change) changes.push(change);
        }
      };
      mirror.beginResync();
      for (const type of [nl.RTM_GETLINK, nl.RTM_GETADDR, nl.RTM_GETROUTE]) dump(type, nl.AF_UNSPEC);
      for (const type of [nl.RTM_GETRULE, nl.RTM_GETNETCONF])
        for (const af of [nl.AF_INET, nl.AF_INET6]) dump(type, af);
      return [...changes, ...mirror.endResync()];
    }

    /** What a mirror holds, in words that do not depend on the order or on counters. */
    function content(mirror: KernelMirror): string[] {
      const lines: string[] = [];
      for (const kind of KINDS) {
        mirror.forEach(kind, undefined, (message) => {
          if (kind === 'route') {
            parseRoute(message, BODY, message.length, view);
            const { table, type, metric, protocol, dstLen } = view;
            view.type = nl.RTN_UNICAST;
            const hops = describeHops(scratch.subarray(0, Math.max(0, encodeHops(view, scratch))), name);
            lines.push(
              `route ${toHex(view.dst)}/${dstLen} table ${table} type ${type} metric ${metric} proto ${protocol} ${hops}`,
            );
          } else if (kind === 'link') {
            const { name: link, flags, mtu, operstate } = defined(decodeLink(message, BODY, message.length));
            lines.push(`link ${link} ${flags} ${mtu} ${operstate}`);
          } else if (kind === 'address') {
            const { local, prefixLength, flags } = defined(decodeAddress(message, BODY, message.length));
            lines.push(`address ${toHex(local)}/${prefixLength} ${flags}`);
          } else lines.push(`${kind} ${toHex(message.subarray(BODY))}`);
        });
      }
      return lines.sort();
    }

    const steps: [what: string, commands: string][] = [
      ['static routes', 'route add 203.0.113.0/24 via 10.0.0.2\n-6 route add 2001:db8:a::/48 via fd00::2'],
      ['another metric', 'route add 203.0.113.0/24 via 10.0.0.3 metric 5'],
      ['a route of ours beside', `route add 203.0.113.0/24 via 10.0.0.3 metric 179 proto ${OURS}`],
      ['a replaced route', 'route replace 203.0.113.0/24 via 10.0.0.4'],
      [
        'an appended and a prepended one',
        'route append 203.0.113.0/24 via 10.0.0.5\nroute prepend 203.0.113.0/24 via 10.0.0.6',
      ],
      ['one of several replaced', 'route replace 203.0.113.0/24 via 10.0.0.7'],
      ['one of several deleted', 'route del 203.0.113.0/24 via 10.0.0.5'],
      ['an IPv6 multipath route', '-6 route add 2001:db8:b::/48 nexthop via fd00::2 nexthop via fd01::2'],
      ['one more IPv6 hop', '-6 route append 2001:db8:b::/48 via fd00::3'],
      ['a single IPv6 route that becomes a multipath one', '-6 route append 2001:db8:a::/48 via fd01::7'],
      ['an IPv6 multipath route replaced', '-6 route replace 2001:db8:b::/48 via fd00::9'],
      [
        'other types',
        'route add blackhole 203.0.114.0/24\n-6 route add unreachable 2001:db8:c::/48\nroute add throw 203.0.115.0/24',
      ],
      ['a table', 'route add 203.0.116.0/24 via 10.0.0.2 table 1000\n-6 route add default via fd00::2 table 1000'],
      ['an address', 'addr add 10.0.2.1/24 dev t0\naddr add fd02::1/64 dev t0 nodad'],
      ['rules', 'rule add from 198.51.100.0/24 table 1000\n-6 rule add from fd02::/64 table 1000 priority 77'],
      ['a rule less', '-6 rule del priority 77'],
      ['an MTU', 'link set t0 mtu 1300'],
      ['routes deleted', 'route del blackhole 203.0.114.0/24\n-6 route del 2001:db8:a::/48 via fd00::2'],
      ['a name', 'link set far1 down\nlink set far1 name elsewhere\nlink set elsewhere up'],
      [
        'a new link',
        'link add t2 type veth peer name far2\nlink set far2 up\naddr add 10.9.0.1/24 dev t2\nlink set t2 up\nroute add 203.0.117.0/24 via 10.9.0.2',
      ],
      ['an address less', 'addr del 10.0.2.1/24 dev t0'],
      ['the only address of a link', 'addr del 10.9.0.1/24 dev t2'],
      ['a setting', 'sysctl ipv4/conf/t0/forwarding 1\nsysctl ipv6/conf/t0/forwarding 1'],
      ['a link down', 'link set t1 down'],
      ['the link up again', 'link set t1 up'],
      ['a link less', 'link del t2'],
    ];

    it('follows events to what a dump says, and tells others all they need', async () => {
      const events = new RtnetlinkClient(GROUPS);
      const mirror = new KernelMirror({ protocol: OURS });
      /** A second mirror that hears only what the first one passes on. */
      const follower = new KernelMirror({ protocol: OURS });
      const tell = (changes: MirrorChange[]): void => {
        for (const { message } of changes) follower.apply(message, 0, message.length);
      };
      const catchUp = (): [seen: string[], told: string[], truth: string[]] => {
        for (const message of events.events()) {
          const change = mirror.apply(message, 0, message.length);
          if (change) tell([change]);
        }
        const fresh = new KernelMirror({ protocol: OURS });
        reload(fresh);
        return [content(mirror), content(follower), content(fresh)];
      };
      try {
        tell(reload(mirror));
        for (const [what, commands] of steps) {
          run(commands);
          // The kernel settles links in its own time: until then a dump may know more than the events.
          const agree = waitFor(() => {
            const [seen, told, truth] = catchUp().map((lines) => lines.join('\n'));
            return seen === truth && told === truth;
          }, what);
          await agree.catch(() => {
            const [seen, told, truth] = catchUp();
            expect(seen, what).toEqual(truth);
            expect(told, `${what}, told`).toEqual(truth);
          });
        }
        expect(mirror).toMatchObject({ malformed: 0, dropped: 0 });
        expect([...mirror.links.values()].map((link) => link.name)).toContain('elsewhere');
        expect(mirror.routeCount).toBeGreaterThan(20);
      } finally {
        events.close();
      }
    });

    it('a resync of an unchanged kernel changes nothing', () => {
      const mirror = new KernelMirror({ protocol: OURS });
      expect(reload(mirror).length).toBeGreaterThan(20);
      expect(reload(mirror)).toEqual([]);
    });

    it('resolves next hops as the kernel forwards', async () => {
      run(
        'route replace default via 10.0.0.254\n-6 route replace default via fd00::fe\nroute add 172.16.0.0/12 via 10.0.1.2 dev t1',
      );
      const mirror = new KernelMirror({ protocol: OURS });
      reload(mirror);
      const resolver = new Resolver(mirror);
      const resolve = (address: string): string => {
        const bytes = parseAddress(address)!;
        const length = resolver.resolve(bytes.length === 4 ? IPV4_UNICAST : IPV6_UNICAST, bytes, scratch);
        return length === 0 ? 'unreachable' : describeHops(scratch.subarray(0, length), name);
      };
      // The kernel's own answer, where it has a unicast one.
      for (const address of [
        '10.0.0.77',
        '10.0.1.2',
        '8.8.8.8',
        '172.16.5.5',
        '203.0.113.5',
        'fd00::77',
        '2001:4860::1',
      ]) {
        const [got] = json<{ gateway?: string; dev: string }>('route', 'get', address);
        expect(resolve(address), address).toBe(`via ${got!.gateway ?? address} dev ${got!.dev}`);
      }
      for (const address of [
        '10.0.0.1',
        '10.0.0.255',
        '127.0.0.1',
        'fd00::1',
        'fe80::1',
        'ff02::1',
        '::1',
        '2001:db8:c::1',
      ]) {
        expect(resolve(address), address).toBe('unreachable');
      }
      run('link set far0 down');
      await waitFor(() => {
        reload(mirror);
        return !mirror.isUp(at('t0'));
      }, 'the loss of the carrier');
      // Nobody is connected there any more, but the default route is not gone: neither the kernel nor a daemon takes it for dead.
      for (const address of ['10.0.0.77', '8.8.8.8']) expect(resolve(address), address).toBe('via 10.0.0.254 dev t0');
      expect(resolve('fd00::77')).toBe('via fd00::fe dev t0');
      expect(resolve('172.16.5.5')).toBe('via 10.0.1.2 dev t1');
      run('link set far0 up');
    });
  });
});
