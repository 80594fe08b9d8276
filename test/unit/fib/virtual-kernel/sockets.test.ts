// Sockets: dumps that wait for room, answers in the forms that Linux has, groups, options, queues, and what daemons ask for at their start.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as nl from '../../../../wire/netlink/constants.js';
import { NetlinkCursor } from '../../../../wire/netlink/message.js';
import { describeAnswers, routeRequest } from '../../../support/route-requests.js';
import { ACK, ADD, bind, E0, E1, option, request, Rig, rtmsg, u32, UP } from './rig.js';

const DUMP = nl.NLM_F_REQUEST | nl.NLM_F_DUMP;
const ROUTES = 1000;

function filled(): Rig {
  const rig = new Rig();
  for (let i = 0; i < ROUTES; i++) rig.add(`20.${i >> 8}.${i & 255}.0/24`, '10.0.1.2');
  return rig;
}

describe('dumps', () => {
  test('datagrams of at most 7 KB, all parts of one answer, the end in the last', () => {
    const rig = filled();
    rig.kernel.receive(1, request(nl.RTM_GETROUTE, DUMP, rtmsg(nl.AF_INET), 99), 0, 28);
    const datagrams = rig.taken();
    expect(datagrams.length).toBeGreaterThan(5);
    const cursor = new NetlinkCursor();
    let last = 0;
    for (const datagram of datagrams) {
      expect(datagram.length).toBeLessThanOrEqual(7020);
      for (cursor.reset(datagram, 0, datagram.length); cursor.next(); last = cursor.type) {
        expect([cursor.seq, cursor.pid, cursor.flags]).toEqual([99, 4711, nl.NLM_F_MULTI]);
      }
      expect(cursor.error).toBeUndefined();
    }
    expect(last).toBe(nl.NLMSG_DONE);
    expect(rig.kernel.wantsWrite(1)).toBe(false);
  });

  test('a dump waits for room as often as need be and shows every route once', () => {
    const rig = filled();
    const expected = rig.dump(nl.RTM_GETROUTE, rtmsg(nl.AF_INET)).sort();
    rig.room = 2;
    rig.kernel.receive(1, request(nl.RTM_GETROUTE, DUMP, rtmsg(nl.AF_INET)), 0, 28);
    expect(rig.kernel.wantsWrite(1)).toBe(true);
    const answers = rig.answers();
    for (let turn = 0; rig.kernel.wantsWrite(1); turn++) {
      expect(turn).toBeLessThan(100);
      rig.room = turn % 3;
      rig.kernel.writable(1);
      answers.push(...rig.answers());
    }
    expect(answers.pop()).toBe('done 0');
    expect(answers.sort()).toEqual(expected);
  });

  test('while one dump runs another is refused, and other requests are answered', () => {
    const rig = filled();
    rig.room = 1;
    rig.kernel.receive(1, request(nl.RTM_GETROUTE, DUMP, rtmsg(nl.AF_INET)), 0, 28);
    rig.answers();
    rig.room = undefined;
    expect(rig.ask(request(nl.RTM_GETLINK, DUMP, [0]))).toEqual([`error ${nl.EBUSY}`]);
    expect(rig.add('10.9.0.0/16', '10.0.1.2')).toBe(0);
    rig.kernel.writable(1);
    expect(rig.answers().pop()).toBe('done 0');
  });

  test('strict ones filter by table, protocol, type and interface', () => {
    const rig = new Rig();
    rig.add('20.0.0.0/24', '10.0.1.2');
    rig.add('20.0.1.0/24', '10.0.2.2', { hops: [{ via: '10.0.2.2', dev: E1 }], protocol: 186 });
    rig.add('20.0.2.0/24', '10.0.1.2', { table: 100 });
    rig.route('new', ADD, { dst: '20.0.3.0/24', type: nl.RTN_BLACKHOLE });
    const own = (body: number[]) =>
      rig
        .dump(nl.RTM_GETROUTE, body)
        .filter((line) => line.startsWith('20.'))
        .map((line) => line.split(' ')[0]);
    // Without NETLINK_GET_STRICT_CHK nothing but the family counts.
    expect(own(rtmsg(nl.AF_INET, 254, 186, 6))).toHaveLength(4);
    expect(own([nl.AF_INET])).toHaveLength(4);
    rig.ask(option(nl.NETLINK_GET_STRICT_CHK, 1));
    expect(own(rtmsg(nl.AF_INET, 254))).toEqual(['20.0.0.0/24', '20.0.1.0/24', '20.0.3.0/24']);
    expect(own(rtmsg(nl.AF_INET, 0, 186))).toEqual(['20.0.1.0/24']);
    expect(own(rtmsg(nl.AF_INET, 0, 0, nl.RTN_BLACKHOLE))).toEqual(['20.0.3.0/24']);
    expect(own([...rtmsg(nl.AF_INET), 8, 0, nl.RTA_OIF, 0, ...u32(E1)])).toEqual(['20.0.1.0/24']);
    expect(own([...rtmsg(nl.AF_INET), 8, 0, nl.RTA_TABLE, 0, ...u32(100)])).toEqual(['20.0.2.0/24']);
    expect(rig.ask(request(nl.RTM_GETROUTE, DUMP, rtmsg(nl.AF_INET, 99)))).toEqual([`done ${nl.ENOENT}`]);
    expect(rig.ask(request(nl.RTM_GETROUTE, DUMP, [nl.AF_INET]))).toEqual([`done ${nl.EINVAL}`]);
    const lo = request(nl.RTM_GETADDR, DUMP, [nl.AF_INET, 0, 0, 0, ...u32(E1)]);
    expect(rig.ask(lo)).toEqual([`type ${nl.RTM_NEWADDR}`, 'done 0']);
  });

  test('the internal link is there like any other', () => {
    const rig = new Rig();
    expect(rig.dump(nl.RTM_GETLINK, new Array<number>(16).fill(0))).toHaveLength(4);
    expect(rig.dump(nl.RTM_GETADDR, [nl.AF_INET, ...new Array<number>(7).fill(0)])).toHaveLength(3);
    expect(rig.dump(nl.RTM_GETROUTE, rtmsg(nl.AF_INET))).toContainEqual(
      '198.18.254.0/24 table 254 metric 0 tos 0 proto 4 scope 253 type 1 via - dev 1000000',
    );
    expect(
      rig.ask(request(nl.RTM_GETLINK, nl.NLM_F_REQUEST, [0, 0, 0, 0, ...u32(1_000_000), ...u32(0), ...u32(0)])),
    ).toEqual([`type ${nl.RTM_NEWLINK}`]);
  });
});

describe('single lookups', () => {
  const get = (address: number[], flags = 0) =>
    request(nl.RTM_GETROUTE, nl.NLM_F_REQUEST, [
      nl.AF_INET,
      32,
      ...new Array<number>(6).fill(0),
      ...u32(flags),
      8,
      0,
      1,
      0,
      ...address,
    ]);

  test('the longest match of all routes, own ones too', () => {
    const rig = new Rig();
    rig.add('20.0.0.0/8', '10.0.1.2');
    rig.add('20.1.0.0/16', '10.0.1.3');
    rig.route('new', ADD, { dst: '20.2.0.0/16', type: nl.RTN_BLACKHOLE });
    expect(rig.ask(get([20, 1, 2, 3]))[0]).toMatch(/^20.1.2.3\/32 .* via 10.0.1.3 dev 3$/);
    expect(rig.ask(get([20, 1, 2, 3], nl.RTM_F_FIB_MATCH))[0]).toMatch(
      /^20.1.0.0\/16 .* metric 32 .* via 10.0.1.3 dev 3$/,
    );
    expect(rig.ask(get([20, 9, 2, 3]))[0]).toMatch(/via 10.0.1.2 dev 3$/);
    expect(rig.ask(get([10, 0, 1, 77]))[0]).toMatch(/via - dev 3$/);
    expect(rig.ask(get([20, 2, 2, 3]))).toEqual([`error ${nl.EINVAL}`]);
    expect(rig.ask(get([9, 9, 9, 9]))).toEqual([`error ${nl.ENETUNREACH}`]);
  });
});

describe('answers', () => {
  const add = () => routeRequest('new', ADD, { dst: '20.0.0.0/24', hops: [{ via: '10.0.1.2', dev: E0 }] }, 77);

  test('an acknowledgement has the header of the request and no more', () => {
    const rig = new Rig();
    const message = add();
    rig.ask(message);
    rig.datagrams.clear();
    rig.kernel.receive(1, routeRequest('del', ACK, { dst: '20.0.0.0/24' }, 78), 0, 36);
    const [ack] = rig.taken();
    expect([...ack!]).toEqual([
      36,
      0,
      0,
      0,
      2,
      0,
      0,
      1,
      78,
      0,
      0,
      0,
      ...u32(4711),
      0,
      0,
      0,
      0,
      36,
      0,
      0,
      0,
      25,
      0,
      5,
      0,
      78,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
  });

  test('an error repeats the request unless capped, and says why if asked to', () => {
    const rig = new Rig();
    const message = add();
    rig.ask(message);
    const refused = () => {
      rig.kernel.receive(1, message, 0, message.length);
      return rig.taken()[0]!;
    };
    expect(refused()).toHaveLength(20 + message.length);
    rig.ask(option(nl.NETLINK_CAP_ACK, 1));
    expect(refused()).toHaveLength(36);
    rig.ask(option(nl.NETLINK_EXT_ACK, 1));
    const wrong = routeRequest('new', ADD, { dst: '20.0.0.1/24', hops: [{ via: '10.0.1.2', dev: E0 }] });
    rig.kernel.receive(1, wrong, 0, wrong.length);
    const [answer] = rig.taken();
    expect(new TextDecoder().decode(answer)).toContain('Invalid prefix for given prefix length');
    expect(answer![7]! & (nl.NLM_F_ACK_TLVS >> 8)).not.toBe(0);
  });

  test('errors are sent without being asked for, successes are not', () => {
    const rig = new Rig();
    const quiet = nl.NLM_F_REQUEST | nl.NLM_F_CREATE | nl.NLM_F_EXCL;
    const silent = routeRequest('new', quiet, { dst: '20.0.0.0/24', hops: [{ via: '10.0.1.2', dev: E0 }] });
    expect(rig.ask(silent)).toEqual([]);
    expect(rig.ask(silent)).toEqual([`error ${nl.EEXIST}`]);
  });

  test('what an old kernel does not know, and writes that have no effect', () => {
    const rig = new Rig();
    expect(rig.ask(request(nl.RTM_GETNEXTHOP, DUMP, [0, 0, 0, 0, 0, 0, 0, 0]))).toEqual([`error ${nl.EOPNOTSUPP}`]);
    expect(rig.ask(request(nl.RTM_NEWNEXTHOP, ACK, [2, 0, 0, 0]))).toEqual([`error ${nl.EOPNOTSUPP}`]);
    expect(rig.ask(request(999, ACK, [0]))).toEqual([`error ${nl.EOPNOTSUPP}`]);
    expect(rig.ask(request(nl.RTM_NEWROUTE, ACK, rtmsg(28)))).toEqual([`error ${nl.EOPNOTSUPP}`]);
    for (const type of [nl.RTM_NEWLINK, nl.RTM_SETLINK, nl.RTM_DELADDR, nl.RTM_NEWNEIGH, nl.RTM_DELRULE]) {
      expect(rig.ask(request(type, ACK, [2, 0, 0, 0]))).toEqual(['error 0']);
    }
    expect(rig.kernel.counters.ignored).toMatchObject({ RTM_NEWLINK: 1, RTM_SETLINK: 1, RTM_DELRULE: 1 });
    expect(rig.kernel.counters.requests).toMatchObject({ RTM_GETNEXTHOP: 1, RTM_NEWNEXTHOP: 1 });
  });
});

describe('events', () => {
  const LINK_AND_IPV4 = nl.RTMGRP_LINK | nl.RTMGRP_IPV4_ROUTE;

  test('go to the sockets of their group, as from the kernel itself', () => {
    const rig = new Rig();
    rig.kernel.open(2, 4712);
    rig.ask(bind(LINK_AND_IPV4));
    rig.ask(option(nl.NETLINK_ADD_MEMBERSHIP, nl.RTNLGRP_IPV6_ROUTE), 2);
    rig.link('e0', E0, nl.IFF_UP);
    expect([rig.answers(1), rig.answers(2)]).toEqual([[`type ${nl.RTM_NEWLINK}`], []]);
    const route = routeRequest(
      'new',
      0,
      { dst: '20.0.0.0/8', hops: [{ via: '10.0.1.9', dev: E0 }], protocol: 4 },
      12345,
    );
    rig.apply(route);
    const [event] = rig.taken(1);
    expect([...event!.subarray(8, 16)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(rig.answers(2)).toEqual([]);
    rig.apply(
      routeRequest('new', 0, { dst: '2001:db8:9::/48', hops: [{ via: '2001:db8:1::9', dev: E0 }], protocol: 4 }),
    );
    expect([rig.answers(1), rig.answers(2).length]).toEqual([[], 1]);
    rig.ask(option(nl.NETLINK_DROP_MEMBERSHIP, nl.RTNLGRP_IPV6_ROUTE), 2);
    rig.address(nl.RTM_NEWADDR, '10.0.1.88/24', E0);
    expect([rig.answers(1), rig.answers(2)]).toEqual([[], []]);
  });

  test('own routes are not echoed', () => {
    const rig = new Rig();
    rig.ask(bind(0x7fffffff));
    expect(rig.add('20.0.0.0/24', '10.0.1.2')).toBe(0);
    expect(rig.answers()).toEqual([]);
  });

  test('what is not read waits in order, up to a limit that is reported once', () => {
    const rig = new Rig({ queuedBytes: 600 });
    rig.ask(bind(LINK_AND_IPV4));
    rig.room = 0;
    for (let i = 0; i < 20; i++) rig.link('e1', E1, i % 2 === 0 ? nl.IFF_UP : UP);
    expect(rig.overruns).toEqual([1]);
    expect(rig.kernel.wantsWrite(1)).toBe(true);
    rig.room = undefined;
    rig.kernel.writable(1);
    const flags = rig.taken().map((datagram) => datagram[16 + 8]);
    expect(flags.length).toBeGreaterThan(1);
    expect(flags).toEqual(flags.map((_, i) => (i % 2 === 0 ? nl.IFF_UP : UP & 255)));
    expect(rig.kernel.wantsWrite(1)).toBe(false);
  });

  test('sockets are limited, and a closed one gets nothing', () => {
    const rig = new Rig({ sockets: 2 });
    expect([rig.kernel.open(2, 2), rig.kernel.open(3, 3)]).toEqual([true, false]);
    rig.ask(bind(LINK_AND_IPV4));
    rig.kernel.close(1);
    rig.link('e0', E0, nl.IFF_UP);
    expect(rig.answers()).toEqual([]);
    rig.kernel.receive(1, bind(1), 0, 20);
    expect([rig.kernel.socketCount, rig.kernel.open(3, 3)]).toEqual([1, true]);
  });
});

test('any bytes at all are survived, and what the kernel holds stays consistent', () => {
  const rig = new Rig();
  const valid = routeRequest('new', ADD, {
    dst: '20.0.0.0/24',
    hops: [
      { via: '10.0.1.2', dev: E0 },
      { via: '10.0.2.2', dev: E1 },
    ],
  });
  const types = fc.constantFrom(16, 18, 22, 24, 25, 26, 30, 34, 82, 106, 0xfff1, 0xfff2, 3, 200);
  const flags = fc.constantFrom(0, 1, 5, 0x301, 0x605, 0x505, 0x8605, 0xc05);
  const junk = fc
    .tuple(types, flags, fc.uint8Array({ maxLength: 64 }))
    .map(([type, flag, body]) => request(type, flag, [...body]));
  const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 4 });
  const bent = edits.map((list) => {
    const copy = valid.slice();
    for (const [at, byte] of list) copy[at] = byte;
    return copy;
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(junk, bent, fc.uint8Array({ maxLength: 48 })), { maxLength: 12 }), (datagrams) => {
      for (const datagram of datagrams) rig.kernel.receive(1, datagram, 0, datagram.length);
      for (const answer of rig.taken())
        expect(describeAnswers(answer)).not.toContainEqual(expect.stringMatching(/cut off|overrun/));
      expect(rig.votes.size).toBeLessThanOrEqual(rig.kernel.routeCount);
    }),
    { numRuns: 1000 },
  );
});
