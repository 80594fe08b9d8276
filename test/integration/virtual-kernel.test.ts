// The virtual kernel against the real one: the same requests to both, in a namespace of its own, must get the same answers and leave the
// same routes. Needs root; only the namespace's own table is written.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KernelMirror } from '../../fib/kernel-mirror.js';
import type { MirrorChange } from '../../fib/kernel-mirror.js';
import { SHIM_OPTION, VirtualKernel } from '../../fib/virtual-kernel/virtual-kernel.js';
import { receiveInto, sendFrom, setsockopt } from '../../preload/native.js';
import { AttributeTable } from '../../wire/attribute-table.js';
import * as nl from '../../wire/netlink/constants.js';
import { NetlinkCursor, NetlinkWriter } from '../../wire/netlink/message.js';
import { PrefixTable } from '../../wire/prefix-table.js';
import { enterKernelNamespace, ip, kernelNamespaceProblem, linkIndex } from '../support/kernel-namespace.js';
import { describeAnswers, describeRoute, routeRequest } from '../support/route-requests.js';
import type { RequestHop, RouteRequest } from '../support/route-requests.js';
import { RtnetlinkClient } from '../support/rtnetlink-client.js';

const problem = kernelNamespaceProblem();
if (problem !== undefined) console.warn(`virtual kernel against the real one: skipped, ${problem}`);

const PROTOCOLS = [12, 186];
const DUMPED = [nl.RTM_GETLINK, nl.RTM_GETADDR, nl.RTM_GETROUTE, nl.RTM_GETRULE, nl.RTM_GETNEIGH, nl.RTM_GETNETCONF];

/** A virtual kernel whose mirror is the namespace's kernel as it is now, and one socket of it. */
class Virtual {
  readonly kernel: VirtualKernel;
  readonly received: Uint8Array[] = [];
  readonly prefixes = new PrefixTable();
  private readonly mirror = new KernelMirror({ protocol: 179 });

  constructor(client: RtnetlinkClient) {
    this.load(client);
    this.kernel = new VirtualKernel({
      mirror: this.mirror,
      prefixes: this.prefixes,
      hops: new AttributeTable(),
      bodies: new AttributeTable(),
      internal: { ifindex: INTERNAL_INDEX, name: 'btr0', addresses: [], connected: [] },
      sink: {
        send: (_, buf, start, end) => this.received.push(buf.slice(start, end)) > 0,
        route: () => undefined,
        overrun: (_, reason) => {
          throw new Error(reason);
        },
      },
    });
    this.kernel.open(1, 4711);
  }

  /** Tells the virtual kernel what has changed in the real one. */
  follow(client: RtnetlinkClient): void {
    this.mirror.beginResync();
    const changes = [...this.load(client), ...this.mirror.endResync()];
    for (const change of changes) this.kernel.changed(change);
  }

  /** What the real kernel has, but for the routes under test: in the virtual kernel they are its own. */
  private load(client: RtnetlinkClient): MirrorChange[] {
    return DUMPED.flatMap((type) => client.dump(type, nl.AF_UNSPEC))
      .filter((each) => each[4] !== nl.RTM_NEWROUTE || !PROTOCOLS.includes(each[21]!))
      .map((each) => this.mirror.apply(each, 0, each.length))
      .filter((change) => change !== undefined);
  }

  acknowledged(request: Uint8Array): number {
    request[6]! |= nl.NLM_F_REQUEST | nl.NLM_F_ACK;
    this.received.length = 0;
    this.kernel.receive(1, request, 0, request.length);
    expect(this.received).toHaveLength(1);
    const answer = new DataView(this.received[0]!.buffer);
    expect(answer.getUint16(4, true)).toBe(nl.NLMSG_ERROR);
    return -answer.getInt32(16, true) + 0;
  }

  routes(family: number): string[] {
    const request = message(nl.RTM_GETROUTE, nl.NLM_F_REQUEST | nl.NLM_F_DUMP, [
      family,
      ...new Array<number>(11).fill(0),
    ]);
    return ownRoutes(this.exchange(request).flatMap(messages));
  }

  /** Datagrams that answer a request. */
  exchange(request: Uint8Array): Uint8Array[] {
    this.received.length = 0;
    this.kernel.receive(1, request, 0, request.length);
    return [...this.received];
  }

  option(name: number, value: number): void {
    const words = Int32Array.of(name, value);
    this.exchange(message(SHIM_OPTION, 0, [...new Uint8Array(words.buffer)]));
  }
}

function message(type: number, flags: number, body: readonly number[]): Uint8Array {
  const writer = new NetlinkWriter();
  writer.begin(type, flags, 7, 0);
  writer.bytes(Uint8Array.from(body));
  writer.end();
  return writer.take();
}

function messages(datagram: Uint8Array): Uint8Array[] {
  const cursor = new NetlinkCursor();
  const all: Uint8Array[] = [];
  cursor.reset(datagram, 0, datagram.length);
  while (cursor.next()) all.push(datagram.slice(cursor.start, cursor.end));
  return all;
}

/** In the order of the dump: that of equal keys is part of what is compared. */
function ownRoutes(dump: readonly Uint8Array[]): string[] {
  return dump
    .filter((message) => message[4] === nl.RTM_NEWROUTE && PROTOCOLS.includes(message[21]!))
    .map((message) => describeRoute(message));
}

function byPrefix(routes: readonly string[]): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const route of routes) (lists[route.split(' ')[0]!] ??= []).push(route);
  return lists;
}

/** An answer whose receiver's port id is another one: it is the only difference between two sockets. */
function withPort(datagram: Uint8Array, port: number): Uint8Array {
  const copy = datagram.slice();
  new DataView(copy.buffer).setUint32(12, port, true);
  return copy;
}

function rtmsg(family: number, table = 0, protocol = 0, type = 0): number[] {
  return [family, 0, 0, 0, table, protocol, 0, type, 0, 0, 0, 0];
}

const INTERNAL_INDEX = 1_000_000;

/** What a dump shows, in any order, without the link that is not in the real kernel. Filtering is told by a flag. */
function summary(datagrams: readonly Uint8Array[]): { shown: string[]; end: string | undefined } {
  const shown: string[] = [];
  let end: string | undefined;
  for (const each of datagrams.flatMap(messages)) {
    const view = new DataView(each.buffer);
    const type = view.getUint16(4, true);
    // Rules and settings of multicast routing and MPLS are not mirrored.
    if (type !== nl.NLMSG_DONE && ![nl.AF_UNSPEC, nl.AF_INET, nl.AF_INET6].includes(each[16]!)) continue;
    if (type === nl.NLMSG_DONE || type === nl.NLMSG_ERROR) end = describeAnswers(each)[0];
    else if (type === nl.RTM_NEWROUTE) shown.push(`${describeRoute(each)} flags ${view.getUint16(6, true)}`);
    else if (type !== nl.RTM_NEWLINK)
      shown.push(`${type} flags ${view.getUint16(6, true)} ${each.subarray(16).slice(0, 12).join(' ')}`);
    else if (view.getUint32(20, true) !== INTERNAL_INDEX) shown.push(`link ${view.getUint32(20, true)}`);
  }
  return { shown: shown.sort(), end };
}

interface Step {
  verb: 'new' | 'del';
  flags: number;
  request: RouteRequest;
}

describe.skipIf(problem !== undefined)('the virtual kernel answers as the real one does', () => {
  let client: RtnetlinkClient;
  let links: { t0: number; t1: number; down: number };

  beforeAll(() => {
    const up = enterKernelNamespace();
    ip('link', 'add', 'down0', 'type', 'veth', 'peer', 'name', 'down1');
    ip('address', 'add', '10.0.9.1/24', 'dev', 'down0');
    links = { ...up, down: linkIndex('down0') };
    client = new RtnetlinkClient();
  });
  afterAll(() => client.close());

  function clean(): void {
    for (const family of [nl.AF_INET, nl.AF_INET6]) {
      for (const route of ownRoutes(client.dump(nl.RTM_GETROUTE, family))) {
        const [, dst, table] = /^(\S+) table (\d+)/.exec(route)!;
        const remove = () =>
          client.acknowledged(routeRequest('del', 0, { dst: dst!, table: Number(table), protocol: 0 }));
        while (remove() === 0);
      }
    }
  }

  /** Runs the steps on both; what they answered and hold afterwards, one as the other. */
  function compare(steps: readonly Step[]): void {
    clean();
    const virtual = new Virtual(client);
    const real: number[] = [];
    const ours: number[] = [];
    for (const { verb, flags, request } of steps) {
      real.push(client.acknowledged(routeRequest(verb, flags, request)));
      ours.push(virtual.acknowledged(routeRequest(verb, flags, request)));
    }
    const text = JSON.stringify(steps);
    expect(ours, text).toEqual(real);
    for (const family of [nl.AF_INET, nl.AF_INET6]) {
      const expected = byPrefix(ownRoutes(client.dump(nl.RTM_GETROUTE, family)));
      expect(byPrefix(virtual.routes(family)), text).toEqual(expected);
    }
  }

  const CREATE = nl.NLM_F_CREATE;
  const EXCL = nl.NLM_F_EXCL;
  const REPLACE = nl.NLM_F_REPLACE;
  const APPEND = nl.NLM_F_APPEND;

  /** Datagrams that the real kernel answers a request with. */
  function realAnswer(request: Uint8Array): Uint8Array[] {
    expect(sendFrom(client.fd, request, 0, request.length)).toBe(request.length);
    const buffer = new Uint8Array(1 << 16);
    const datagrams: Uint8Array[] = [];
    // The answer is there when send returns; the rest of a dump comes as room is made.
    for (let length = receiveInto(client.fd, buffer); length > 0; length = receiveInto(client.fd, buffer)) {
      datagrams.push(buffer.slice(0, length));
    }
    return datagrams;
  }

  /** Both kernels' sockets in the same state. */
  function options(virtual: Virtual, strict: boolean, capped: boolean, extended: boolean): void {
    for (const [name, on] of [
      [nl.NETLINK_GET_STRICT_CHK, strict],
      [nl.NETLINK_CAP_ACK, capped],
      [nl.NETLINK_EXT_ACK, extended],
    ] as const) {
      setsockopt(client.fd, nl.SOL_NETLINK, name, on ? 1 : 0);
      virtual.option(name, on ? 1 : 0);
    }
  }

  test('acknowledgements and errors byte for byte', () => {
    clean();
    const virtual = new Virtual(client);
    const { t0 } = links;
    const add = routeRequest(
      'new',
      CREATE | EXCL | 5,
      { dst: '192.0.2.0/24', hops: [{ via: '10.0.0.2', dev: t0 }] },
      9,
    );
    const requests = [
      add,
      add,
      routeRequest('del', 5, { dst: '192.0.2.0/24' }, 10),
      routeRequest('del', 1, { dst: '192.0.2.0/24' }, 11),
      routeRequest('new', CREATE | 1, { dst: '192.0.2.0/24', hops: [{ via: '10.0.0.2', dev: 4242 }] }, 12),
      // No request, but an acknowledgement is wanted; a control message; a type beyond all.
      message(nl.RTM_NEWROUTE, 4, [2]),
      message(1, 5, [0, 0, 0, 0]),
      message(600, 1, [0, 0, 0, 0]),
      message(nl.RTM_GETROUTE, 5, []),
    ];
    for (const capped of [false, true]) {
      options(virtual, false, capped, false);
      for (const request of requests) {
        const real = realAnswer(request).map((datagram) => withPort(datagram, 0));
        const ours = virtual.exchange(request).map((datagram) => withPort(datagram, 0));
        expect(ours, describeAnswers(request).join()).toEqual(real);
      }
    }
    options(virtual, false, true, true);
    const wrong = routeRequest('new', CREATE | 5, { dst: '192.0.2.1/24', hops: [{ via: '10.0.0.2', dev: t0 }] });
    for (const answer of [realAnswer(wrong), virtual.exchange(wrong)]) {
      expect(describeAnswers(answer[0]!)).toEqual([`error ${nl.EINVAL}`]);
      expect(new TextDecoder().decode(answer[0])).toContain('Invalid prefix for given prefix length');
    }
  });

  test('dumps of everything, in every strictness', () => {
    clean();
    const { t0, t1 } = links;
    // Somebody else's route, which the mirror knows, and three that the replica writes itself.
    ip('route', 'replace', '198.51.100.0/24', 'via', '10.0.0.9', 'proto', 'static');
    const virtual = new Virtual(client);
    for (const [dst, hops, more] of [
      ['192.0.2.0/24', [{ via: '10.0.0.2', dev: t0 }], { protocol: 12 }],
      ['192.0.3.0/24', [{ via: '10.0.1.2', dev: t1 }], { protocol: 186, table: 100 }],
      ['2001:db8:5::/48', [{ via: 'fd00::2', dev: t0 }], { protocol: 12 }],
    ] as [string, RequestHop[], Partial<RouteRequest>][]) {
      const add = routeRequest('new', CREATE | EXCL, { dst, hops, ...more });
      expect([client.acknowledged(add.slice()), virtual.acknowledged(add)]).toEqual([0, 0]);
    }
    const zeros = (count: number) => new Array<number>(count).fill(0);
    const families = [nl.AF_UNSPEC, nl.AF_INET, nl.AF_INET6];
    const bodies: [number, number[]][] = [
      ...[0, nl.AF_PACKET].map((family): [number, number[]] => [nl.RTM_GETLINK, [family, ...zeros(15)]]),
      [nl.RTM_GETLINK, [nl.AF_BRIDGE, ...zeros(15), 8, 0, nl.IFLA_EXT_MASK, 0, 2, 0, 0, 0]],
      [nl.RTM_GETLINK, [0, 0, 0, 0, t0, ...zeros(11)]],
      ...families.flatMap((family): [number, number[]][] => [
        [nl.RTM_GETADDR, [family, ...zeros(7)]],
        [nl.RTM_GETADDR, [family, ...zeros(3), t1, 0, 0, 0]],
        [nl.RTM_GETADDR, [family, 24, ...zeros(6)]],
        [nl.RTM_GETADDR, [family, ...zeros(3), 99, 9, 0, 0]],
        [nl.RTM_GETROUTE, [family]],
        [nl.RTM_GETROUTE, rtmsg(family)],
        [nl.RTM_GETROUTE, rtmsg(family, 254)],
        [nl.RTM_GETROUTE, rtmsg(family, 255)],
        [nl.RTM_GETROUTE, rtmsg(family, 100)],
        [nl.RTM_GETROUTE, rtmsg(family, 0, 2)],
        [nl.RTM_GETROUTE, rtmsg(family, 0, 0, nl.RTN_LOCAL)],
        [nl.RTM_GETROUTE, [...rtmsg(family), 8, 0, nl.RTA_OIF, 0, t1, 0, 0, 0]],
        [nl.RTM_GETROUTE, [...rtmsg(family), 8, 0, nl.RTA_OIF, 0, 99, 9, 0, 0]],
        [nl.RTM_GETROUTE, [...rtmsg(family), 8, 0, nl.RTA_PRIORITY, 0, 1, 0, 0, 0]],
        [nl.RTM_GETROUTE, [family, 24, ...zeros(10)]],
        [nl.RTM_GETRULE, [family, ...zeros(11)]],
        [nl.RTM_GETRULE, [family, 24, ...zeros(10)]],
        [nl.RTM_GETNEIGH, [family, ...zeros(11)]],
        [nl.RTM_GETNETCONF, [family, ...zeros(3)]],
      ]),
    ];
    for (const strict of [false, true]) {
      options(virtual, strict, true, false);
      for (const [type, body] of bodies) {
        const request = message(type, nl.NLM_F_REQUEST | nl.NLM_F_DUMP, body);
        const name = `type ${type} body ${body.join(' ')} strict ${strict}`;
        if (type === nl.RTM_GETNEIGH) expectSameNeighbors(request, strict, name);
        else expect(summary(virtual.exchange(request)), name).toEqual(summary(realAnswer(request)));
      }
    }
  });

  /** Linux learns neighbours by itself all the time: the one answer must equal another that was given at nearly the same time. */
  function expectSameNeighbors(request: Uint8Array, strict: boolean, name: string): void {
    for (let attempt = 1; ; attempt++) {
      const fresh = new Virtual(client);
      options(fresh, strict, true, false);
      const [ours, theirs] = [summary(fresh.exchange(request)), summary(realAnswer(request))];
      if (attempt < 10 && JSON.stringify(ours) !== JSON.stringify(theirs)) continue;
      expect(ours, name).toEqual(theirs);
      return;
    }
  }

  test('what goes with a link that goes down, with its last address, and with the link itself', () => {
    for (const end of [
      (name: string) => ip('link', 'set', name, 'down'),
      (name: string) => ip('address', 'del', '10.0.7.1/24', 'dev', name),
      (name: string) => ip('link', 'del', name),
    ]) {
      clean();
      ip('link', 'add', 't7', 'type', 'veth', 'peer', 'name', 'far7');
      try {
        ip('address', 'add', '10.0.7.1/24', 'dev', 't7');
        ip('address', 'add', 'fd00:7::1/64', 'dev', 't7', 'nodad');
        ip('link', 'set', 't7', 'up');
        ip('link', 'set', 'far7', 'up');
        const t7 = linkIndex('t7');
        const virtual = new Virtual(client);
        const requests: RouteRequest[] = [
          { dst: '192.0.2.0/24', hops: [{ via: '10.0.7.2', dev: t7 }] },
          { dst: '192.0.3.0/24', hops: [{ via: '10.0.0.2', dev: links.t0 }] },
          {
            dst: '192.0.4.0/24',
            hops: [
              { via: '10.0.0.2', dev: links.t0 },
              { via: '10.0.1.2', dev: links.t1 },
            ],
          },
          { dst: '192.0.5.0/24', type: nl.RTN_BLACKHOLE },
          {
            dst: '192.0.6.0/24',
            hops: [
              { via: '10.0.7.2', dev: t7 },
              { via: '10.0.7.3', dev: t7 },
            ],
          },
          { dst: '2001:db8:5::/48', hops: [{ via: 'fd00:7::2', dev: t7 }] },
          { dst: '2001:db8:6::/48', hops: [{ via: 'fd00::2', dev: links.t0 }] },
          { dst: '2001:db8:7::/48', type: nl.RTN_UNREACHABLE },
        ];
        for (const request of requests) {
          const add = routeRequest('new', CREATE | EXCL, request);
          expect([client.acknowledged(add.slice()), virtual.acknowledged(add)]).toEqual([0, 0]);
        }
        end('t7');
        virtual.follow(client);
        for (const family of [nl.AF_INET, nl.AF_INET6]) {
          const expected = byPrefix(ownRoutes(client.dump(nl.RTM_GETROUTE, family)));
          expect(byPrefix(virtual.routes(family))).toEqual(expected);
        }
      } finally {
        if (ip('-o', 'link', 'show').includes(' t7@')) ip('link', 'del', 't7');
      }
    }
  });

  test('single requests: what is refused and how', () => {
    const { t0, t1, down } = links;
    const v4 = '192.0.2.0/24';
    const v6 = '2001:db8:5::/48';
    const single: RouteRequest[] = [
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t0 }] },
      { dst: v4, hops: [{ via: '10.0.0.2' }] },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t1 }] },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t1, onlink: true }] },
      { dst: v4, hops: [{ via: '10.0.0.1', dev: t0 }] },
      { dst: v4, hops: [{ via: '10.0.0.1', dev: t0, onlink: true }] },
      { dst: v4, hops: [{ via: '10.0.0.255', dev: t0 }] },
      { dst: v4, hops: [{ via: '172.16.0.1', dev: t0 }] },
      { dst: v4, hops: [{ via: '172.16.0.1' }] },
      { dst: v4, hops: [{ via: '10.0.9.2', dev: down }] },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: 4242 }] },
      { dst: v4, hops: [{ dev: t0 }] },
      { dst: v4, hops: [{ dev: t0 }], scope: nl.RT_SCOPE_LINK },
      { dst: v4, hops: [{ dev: down }] },
      { dst: v4, hops: [{ dev: 4242 }] },
      { dst: v4, hops: [] },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t0 }], scope: nl.RT_SCOPE_LINK },
      { dst: v4, type: nl.RTN_BLACKHOLE },
      { dst: v4, type: nl.RTN_UNREACHABLE },
      { dst: v4, type: nl.RTN_PROHIBIT },
      { dst: v4, type: nl.RTN_BLACKHOLE, hops: [{ dev: t0 }] },
      { dst: '192.0.2.1/24', hops: [{ via: '10.0.0.2', dev: t0 }] },
      { dst: '0.0.0.0/0', hops: [{ via: '10.0.0.2', dev: t0 }] },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t0 }], table: 100 },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t0 }], table: 1000, metric: 5 },
      {
        dst: v4,
        hops: [
          { via: '10.0.0.2', dev: t0 },
          { via: '10.0.1.2', dev: t1, weight: 3 },
        ],
      },
      {
        dst: v4,
        hops: [
          { via: '10.0.0.2', dev: t0 },
          { via: '10.0.0.2', dev: t1 },
        ],
      },
      { dst: v4, hops: [{ via: '10.0.0.2', dev: t0 }], multipath: true },
      { dst: v4, hops: [{ via: 'fd00::2', dev: t0 }] },
      { dst: v4, hops: [{ via: 'fd00::2', dev: t1 }] },
      { dst: v4, hops: [{ via: 'fe80::5', dev: t1 }] },
      { dst: v4, hops: [{ via: 'fe80::5', dev: t1, onlink: true }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: t0 }] },
      { dst: v6, hops: [{ via: 'fd00::2' }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: t1 }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: t1, onlink: true }] },
      { dst: v6, hops: [{ via: 'fd00::1', dev: t0 }] },
      { dst: v6, hops: [{ via: '2001:db8:77::1', dev: t0 }] },
      { dst: v6, hops: [{ via: 'fe80::1', dev: t0 }] },
      { dst: v6, hops: [{ via: 'fe80::1' }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: down }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: 4242 }] },
      { dst: v6, hops: [{ dev: t0 }] },
      { dst: v6, hops: [{ dev: down }] },
      { dst: v6, hops: [] },
      { dst: v6, type: nl.RTN_BLACKHOLE },
      { dst: v6, type: nl.RTN_UNREACHABLE },
      { dst: v6, type: nl.RTN_PROHIBIT },
      { dst: '2001:db8:5::1/48', hops: [{ via: 'fd00::2', dev: t0 }] },
      { dst: '::/0', hops: [{ via: 'fd00::2', dev: t0 }] },
      { dst: v6, hops: [{ via: 'fd00::2', dev: t0 }], table: 100 },
      {
        dst: v6,
        hops: [
          { via: 'fd00::2', dev: t0 },
          { via: 'fd00:1::2', dev: t1, weight: 2 },
        ],
      },
      {
        dst: v6,
        hops: [
          { via: 'fd00::2', dev: t0 },
          { via: 'fd00::2', dev: t0 },
        ],
      },
    ];
    const results: Record<string, unknown> = {};
    for (const request of single) {
      try {
        compare([{ verb: 'new', flags: CREATE | EXCL, request }]);
      } catch (error) {
        results[JSON.stringify(request)] = (error as Error).message.split('\n').slice(0, 40).join('\n');
      }
    }
    expect(results).toEqual({});
  });

  test('IPv6 routes with and without gateway in one place', () => {
    const dst = '2001:db8:5::/48';
    const gateway = { dst, hops: [{ via: 'fd00::2', dev: links.t0 }] };
    const other = { dst, hops: [{ via: 'fd00::3', dev: links.t0 }] };
    const blackhole = { dst, type: nl.RTN_BLACKHOLE };
    const unreachable = { dst, type: nl.RTN_UNREACHABLE };
    for (const [first, second] of [
      [gateway, blackhole],
      [blackhole, gateway],
      [blackhole, unreachable],
      [gateway, other],
    ] as RouteRequest[][]) {
      for (const flags of [CREATE, CREATE | EXCL, CREATE | REPLACE, REPLACE, CREATE | APPEND, 0]) {
        const start: Step = { verb: 'new', flags: CREATE, request: first! };
        compare([start, { verb: 'new', flags, request: second! }]);
        compare([start, { verb: 'new', flags, request: second! }, { verb: 'del', flags: 0, request: { dst } }]);
      }
    }
  });

  test('sequences of writes and deletes leave the same routes in the same order', () => {
    const { t0, t1 } = links;
    const flags = fc.constantFrom(
      CREATE | EXCL,
      CREATE | REPLACE,
      CREATE,
      CREATE | APPEND,
      REPLACE,
      0,
      EXCL | REPLACE | CREATE,
    );
    const metric = fc.constantFrom(undefined, 20, 32);
    const v4Hop = fc.constantFrom<RequestHop[]>(
      { via: '10.0.0.2', dev: t0 },
      { via: '10.0.0.3', dev: t0 },
      { via: '10.0.1.2', dev: t1 },
    );
    const v6Hop = fc.constantFrom<RequestHop[]>(
      { via: 'fd00::2', dev: t0 },
      { via: 'fd00::3', dev: t0 },
      { via: 'fd00:1::2', dev: t1 },
    );
    const request = (dst: string, hop: fc.Arbitrary<RequestHop>): fc.Arbitrary<Omit<Step, 'flags'>> => {
      // In canonical order: how a daemon orders the hops is not kept, and IPv4 looks at the first one when it deletes by hop.
      const hops = fc
        .uniqueArray(hop, { minLength: 1, maxLength: 3 })
        .map((list) => list.sort((a, b) => a.dev! - b.dev! || (a.via! < b.via! ? -1 : 1)));
      // Among IPv6 routes of one metric, siblings have places of their own in Linux, and each its protocol; here they have one together: other
      // routes stay apart, and all are of one protocol, as a daemon writes with no other than its own.
      const ipv6 = dst.includes(':');
      const protocol = ipv6 ? fc.constant(PROTOCOLS[0]) : fc.constantFrom(...PROTOCOLS);
      const apart = ipv6 ? fc.constant(40) : metric;
      const unicast = fc.record({ dst: fc.constant(dst), hops, metric, protocol });
      const blackhole = fc.record({
        dst: fc.constant(dst),
        type: fc.constant(nl.RTN_BLACKHOLE),
        metric: apart,
        protocol,
      });
      const created = fc.oneof({ weight: 4, arbitrary: unicast }, { weight: 1, arbitrary: blackhole });
      const named = fc.record({ dst: fc.constant(dst), metric, protocol: fc.constantFrom(0, ...PROTOCOLS) });
      const byHop = fc.record({
        dst: fc.constant(dst),
        hops: hop.map((one) => [one]),
        metric,
        protocol: fc.constant(0),
      });
      return fc.oneof(
        { weight: 3, arbitrary: created.map((route) => ({ verb: 'new' as const, request: route })) },
        { weight: 1, arbitrary: fc.oneof(named, byHop).map((route) => ({ verb: 'del' as const, request: route })) },
      );
    };
    const step = fc
      .tuple(fc.oneof(request('192.0.2.0/24', v4Hop), request('2001:db8:5::/48', v6Hop)), flags)
      .map(([rest, given]): Step => ({ ...rest, flags: rest.verb === 'new' ? given : 0 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => compare(steps)),
      { numRuns: 150 },
    );
  });
});
