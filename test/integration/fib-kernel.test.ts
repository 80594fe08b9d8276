// The real kernel as a backend, in a network namespace of this process: what is written is there, as `ip` sees it; what is refused is
// refused alone; routes of others are left alone; what others do is told.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OP_CREATE, OP_DELETE, OP_REPLACE } from '../../fib/route-batch.js';
import { KernelBackend } from '../../hypervisor/fib/kernel/kernel-backend.js';
import type { NetlinkSocket } from '../../hypervisor/fib/kernel/netlink-socket.js';
import { formatPrefix } from '../../wire/prefix-text.js';
import {
  EEXIST,
  EINVAL,
  ENETUNREACH,
  ENOBUFS,
  ESRCH,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../../wire/netlink/constants.js';
import { readU16 } from '../../wire/netlink/message.js';
import { parseRoute, RouteView } from '../../wire/netlink/route.js';
import { enterKernelNamespace, ip, kernelNamespaceProblem, KernelTables, routes } from '../support/kernel-namespace.js';

const DIST = path.resolve(import.meta.dirname, '../../dist');
const problem = kernelNamespaceProblem();
const OWN = { table: 254, protocol: 179, metric: 179 };

describe.skipIf(problem)(`the real routing table${problem ? `: skipped, ${problem}` : ''}`, () => {
  let t0: number;
  let t1: number;
  let tables: KernelTables;
  let backend: KernelBackend;

  beforeAll(() => {
    ({ t0, t1 } = enterKernelNamespace());
  });
  beforeEach(() => {
    tables = new KernelTables();
    backend = new KernelBackend(OWN, tables);
    backend.open();
  });
  afterEach(() => {
    backend.close();
    for (const family of ['-4', '-6']) ip(family, 'route', 'flush', 'table', 'all', 'proto', '179');
  });
  afterAll(() => ip('link', 'delete', 't0'));

  type Ops = Parameters<KernelTables['batch']>;
  /** Writes a batch and returns its errors. */
  const write = (...ops: Ops): number[] => {
    const batch = tables.batch(...ops);
    backend.write(batch);
    return [...batch.errors];
  };
  const via0 = (): number => tables.set(RTN_UNICAST, { gateway: '10.0.0.2', ifindex: t0 });
  const via1 = (): number => tables.set(RTN_UNICAST, { gateway: '10.0.1.2', ifindex: t1 });
  /** The route events that are there, as text; `types` gets the types of all events. */
  const events = (types = new Set<number>()): string[] => {
    const seen: string[] = [];
    const view = new RouteView();
    backend.readEvents((buf, start, end) => {
      const type = readU16(buf, start + 4);
      types.add(type);
      // Links and addresses may still be settling on a busy machine (duplicate address detection).
      if (type !== RTM_NEWROUTE && type !== RTM_DELROUTE) return;
      if (parseRoute(buf, start + 16, end, view) === undefined) {
        const prefix = formatPrefix(view.family, view.dst, 0, view.dstLen);
        // Of an address that has settled by now.
        if (!prefix.startsWith('fe80:'))
          seen.push(`${type === RTM_NEWROUTE ? 'new' : 'del'} ${prefix} proto ${view.protocol}`);
      }
    });
    return seen;
  };
  /** Our own routes as the backend reads them back: prefix and id of the next hops, -1 for unknown ones. */
  const dump = (): [string, number][] => {
    const seen: [string, number][] = [];
    const walk = backend.startDump((family, dst, bits, hops, length) => {
      seen.push([formatPrefix(family, dst, 0, bits), length === 0 ? -1 : tables.hops.intern(hops, 0, length)]);
    });
    while (walk.step());
    expect(walk.error).toBeUndefined();
    return seen.sort((a, b) => a[0].localeCompare(b[0]));
  };

  test('creates, replaces and deletes IPv4 routes', () => {
    expect(write([OP_CREATE, '192.0.2.0/24', via0()], [OP_CREATE, '0.0.0.0/0', via1()])).toEqual([0, 0]);
    expect(routes(4, 179)).toMatchObject([
      { dst: 'default', gateway: '10.0.1.2', dev: 't1', metric: 179 },
      { dst: '192.0.2.0/24', gateway: '10.0.0.2', dev: 't0', metric: 179 },
    ]);
    expect(write([OP_REPLACE, '192.0.2.0/24', via1()], [OP_DELETE, '0.0.0.0/0'])).toEqual([0, 0]);
    expect(routes(4, 179)).toMatchObject([{ dst: '192.0.2.0/24', gateway: '10.0.1.2', dev: 't1' }]);
    expect(backend.stats).toMatchObject({ created: 2, replaced: 1, deleted: 1, refused: 0 });
  });

  test('creates, replaces and deletes IPv6 routes', () => {
    const one = tables.set(RTN_UNICAST, { gateway: 'fd00::2', ifindex: t0 });
    const other = tables.set(RTN_UNICAST, { gateway: 'fd00:1::2', ifindex: t1 });
    expect(write([OP_CREATE, '2001:db8::/32', one], [OP_CREATE, '::/0', one])).toEqual([0, 0]);
    expect(write([OP_REPLACE, '2001:db8::/32', other], [OP_DELETE, '::/0'])).toEqual([0, 0]);
    expect(routes(6, 179)).toMatchObject([{ dst: '2001:db8::/32', gateway: 'fd00:1::2', dev: 't1', metric: 179 }]);
    expect(dump()).toEqual([['2001:db8::/32', other]]);
  });

  test('everything that a next-hop set can say comes back as it was written', () => {
    const sets: [string, number][] = [
      ['10.1.0.0/16', via0()],
      ['10.2.0.0/16', tables.set(RTN_UNICAST, { ifindex: t0 })],
      ['10.3.0.0/16', tables.set(RTN_BLACKHOLE)],
      ['10.4.0.0/16', tables.set(RTN_UNREACHABLE)],
      ['10.5.0.0/16', tables.set(RTN_PROHIBIT)],
      ['10.6.0.0/16', tables.set(RTN_UNICAST, { gateway: '172.16.0.9', ifindex: t0, onlink: true })],
      ['10.7.0.0/16', tables.set(RTN_UNICAST, { gateway: 'fd00::9', ifindex: t0 })],
      [
        '10.8.0.0/16',
        tables.set(
          RTN_UNICAST,
          { gateway: '10.0.0.2', ifindex: t0 },
          { gateway: '10.0.0.3', ifindex: t0, weight: 256 },
          { gateway: '10.0.1.2', ifindex: t1, weight: 2 },
        ),
      ],
      ['2001:db8:1::/48', tables.set(RTN_UNICAST, { gateway: 'fd00::2', ifindex: t0 })],
      ['2001:db8:2::/48', tables.set(RTN_UNICAST, { ifindex: t1 })],
      ['2001:db8:3::/48', tables.set(RTN_BLACKHOLE)],
      ['2001:db8:4::/48', tables.set(RTN_UNREACHABLE)],
      ['2001:db8:5::/48', tables.set(RTN_PROHIBIT)],
      ['2001:db8:6::/48', tables.set(RTN_UNICAST, { gateway: '2001:db8:ffff::1', ifindex: t0, onlink: true })],
      [
        '2001:db8:7::/48',
        tables.set(RTN_UNICAST, { gateway: 'fd00::2', ifindex: t0 }, { gateway: 'fd00:1::2', ifindex: t1, weight: 3 }),
      ],
      ['2001:db8:8::/48', tables.set(RTN_UNICAST, { gateway: 'fe80::1', ifindex: t1 })],
    ];
    expect(write(...sets.map(([prefix, set]): Ops[number] => [OP_CREATE, prefix, set]))).toEqual(sets.map(() => 0));
    expect(dump()).toEqual(sets);
    expect(routes(4, 179).find(({ dst }) => dst === '10.8.0.0/16')?.nexthops).toMatchObject([
      { gateway: '10.0.0.2', dev: 't0', weight: 1 },
      { gateway: '10.0.0.3', dev: 't0', weight: 256 },
      { gateway: '10.0.1.2', dev: 't1', weight: 2 },
    ]);
    // Each by one of another kind, one round further on within its family.
    const moved = sets.map(([prefix], i): Ops[number] => [
      OP_REPLACE,
      prefix,
      sets[i < 8 ? (i + 1) % 8 : 8 + ((i - 7) % 8)]![1],
    ]);
    expect(write(...moved)).toEqual(sets.map(() => 0));
    expect(dump()).toEqual(moved.map(([, prefix, set]) => [prefix, set]));
    expect(write(...sets.map(([prefix]): Ops[number] => [OP_DELETE, prefix]))).toEqual(sets.map(() => 0));
    expect(dump()).toEqual([]);
  });

  test('what the kernel refuses is refused alone, and it says why', () => {
    const unreachable = tables.set(RTN_UNICAST, { gateway: '172.16.0.1', ifindex: t0 });
    const noLink = tables.set(RTN_UNICAST, { gateway: '10.0.0.2', ifindex: 4711 });
    const wrongFamily = tables.set(RTN_UNICAST, { gateway: '10.0.0.2', ifindex: t0 });
    const errors = write(
      [OP_CREATE, '192.0.2.0/26', via0()],
      [OP_CREATE, '192.0.2.64/26', unreachable],
      [OP_CREATE, '192.0.2.128/26', noLink],
      [OP_CREATE, '2001:db8::/32', wrongFamily],
      [OP_CREATE, '192.0.2.192/26', 4711],
      [OP_DELETE, '198.51.100.0/24'],
      [OP_CREATE, '192.0.2.192/26', via1()],
    );
    expect(errors.slice(0, 2)).toEqual([0, ENETUNREACH]);
    expect(errors[2]).toBeGreaterThan(0);
    expect(errors.slice(3)).toEqual([EINVAL, EINVAL, ESRCH, 0]);
    expect(routes(4, 179).map(({ dst }) => dst)).toEqual(['192.0.2.0/26', '192.0.2.192/26']);
    expect(backend.refusal(ENETUNREACH)).toBe('Nexthop has invalid gateway');
    expect(backend.stats).toMatchObject({ created: 2, refused: 4 });
  });

  test('a whole batch that is refused has an error for every entry, and the next one works', () => {
    const noLink = tables.set(RTN_UNICAST, { gateway: '172.16.0.1', ifindex: t0 });
    const ops = Array.from({ length: 3000 }, (_, i): Ops[number] => [
      OP_CREATE,
      `172.20.${i >> 8}.${i & 255}/32`,
      noLink,
    ]);
    expect(new Set(write(...ops))).toEqual(new Set([ENETUNREACH]));
    expect(write([OP_CREATE, '192.0.2.0/24', via0()])).toEqual([0]);
  });

  test('answers that are lost are errors, and the next batch works', () => {
    const { socket } = (backend as unknown as { writer: { socket: NetlinkSocket } }).writer;
    socket.setReceiveBuffer(4096);
    const noLink = tables.set(RTN_UNICAST, { gateway: '172.16.0.1', ifindex: t0 });
    const ops = Array.from({ length: 400 }, (_, i): Ops[number] => [
      OP_CREATE,
      `172.20.0.${i & 255}/${24 + (i >> 8)}`,
      noLink,
    ]);
    const errors = new Set(write(...ops));
    expect(errors).toEqual(new Set([ENETUNREACH, ENOBUFS]));
    expect(write([OP_CREATE, '192.0.2.0/24', via0()])).toEqual([0]);
    expect(routes(4, 179).map(({ dst }) => dst)).toEqual(['192.0.2.0/24']);
  });

  test('a route of somebody else with the same key is neither replaced nor removed', () => {
    for (const family of [4, 6] as const) {
      const [prefix, gateway] = family === 4 ? ['192.0.2.0/24', '10.0.0.77'] : ['2001:db8::/32', 'fd00::77'];
      const mine = family === 4 ? via0() : tables.set(RTN_UNICAST, { gateway: 'fd00::2', ifindex: t0 });
      ip('route', 'add', prefix, 'via', gateway, 'dev', 't0', 'metric', '179', 'proto', 'static');
      try {
        expect(write([OP_CREATE, prefix, mine])).toEqual([EEXIST]);
        expect(write([OP_DELETE, prefix])).toEqual([ESRCH]);
        expect(routes(family, 'static')).toMatchObject([{ dst: prefix, gateway }]);
        expect(dump()).toEqual([]);
      } finally {
        ip('route', 'delete', prefix, 'metric', '179', 'proto', 'static');
      }
    }
  });

  test('routes of others beside ours, with another metric, stay when ours goes', () => {
    ip('route', 'add', '192.0.2.0/24', 'via', '10.0.0.77', 'metric', '20', 'proto', 'static');
    try {
      expect(write([OP_CREATE, '192.0.2.0/24', via0()])).toEqual([0]);
      expect(write([OP_REPLACE, '192.0.2.0/24', via1()])).toEqual([0]);
      expect(write([OP_DELETE, '192.0.2.0/24'])).toEqual([0]);
      expect(write([OP_DELETE, '192.0.2.0/24'])).toEqual([ESRCH]);
      expect(routes(4, 'static')).toMatchObject([{ dst: '192.0.2.0/24', gateway: '10.0.0.77', metric: 20 }]);
    } finally {
      ip('route', 'delete', '192.0.2.0/24', 'metric', '20');
    }
  });

  test('writes to a table with a number beyond 255, and reads it back', () => {
    const other = new KernelBackend({ table: 70_000, protocol: 179, metric: 5 }, tables);
    other.open();
    try {
      const batch = tables.batch(
        [OP_CREATE, '192.0.2.0/24', via0()],
        [OP_CREATE, '2001:db8::/32', tables.set(RTN_BLACKHOLE)],
      );
      other.write(batch);
      expect([...batch.errors]).toEqual([0, 0]);
      expect(routes(4, 179, '70000')).toMatchObject([{ dst: '192.0.2.0/24', metric: 5 }]);
      const seen: string[] = [];
      const walk = other.startDump((family, dst, bits) => seen.push(formatPrefix(family, dst, 0, bits)));
      while (walk.step());
      expect(walk.error).toBeUndefined();
      expect(seen).toEqual(['192.0.2.0/24', '2001:db8::/32']);
      expect(dump()).toEqual([]);
    } finally {
      other.close();
    }
  });

  test('the events of our own writes are filtered out, those of others about our routes are not', () => {
    expect(write([OP_CREATE, '192.0.2.0/24', via0()], [OP_CREATE, '198.51.100.0/24', via0()])).toEqual([0, 0]);
    expect(events()).toEqual([]);
    ip('route', 'delete', '192.0.2.0/24');
    ip('route', 'replace', '198.51.100.0/24', 'via', '10.0.1.2', 'metric', '179', 'proto', '179');
    ip('route', 'add', '203.0.113.0/24', 'via', '10.0.0.3', 'proto', 'static');
    ip('route', 'delete', '203.0.113.0/24');
    expect(events()).toEqual([
      'del 192.0.2.0/24 proto 179',
      'new 198.51.100.0/24 proto 179',
      'new 203.0.113.0/24 proto 4',
      'del 203.0.113.0/24 proto 4',
    ]);
    expect(dump()).toEqual([['198.51.100.0/24', via1()]]);
  });

  test('the mirror gets links, addresses, rules and all routes but ours', () => {
    ip('route', 'add', '203.0.113.0/24', 'via', '10.0.0.3', 'proto', 'static');
    expect(write([OP_CREATE, '192.0.2.0/24', via0()])).toEqual([0]);
    const types = new Map<number, number>();
    const prefixes: string[] = [];
    const view = new RouteView();
    backend.loadMirror((buf, start, end) => {
      const type = readU16(buf, start + 4);
      types.set(type, (types.get(type) ?? 0) + 1);
      if (type !== RTM_NEWROUTE || parseRoute(buf, start + 16, end, view) !== undefined) return;
      prefixes.push(`${formatPrefix(view.family, view.dst, 0, view.dstLen)} table ${view.table}`);
    });
    ip('route', 'delete', '203.0.113.0/24');
    expect(types.get(RTM_NEWLINK)).toBe(5);
    expect(types.get(RTM_NEWADDR)).toBeGreaterThanOrEqual(6);
    expect(types.get(RTM_NEWRULE)).toBe(5);
    expect(prefixes).toContain('203.0.113.0/24 table 254');
    expect(prefixes).toContain('10.0.1.0/24 table 254');
    expect(prefixes).toContain('10.0.0.1/32 table 255');
    expect(prefixes).toContain('fd00::/64 table 254');
    expect(prefixes.some((prefix) => prefix.startsWith('192.0.2.0/24'))).toBe(false);
  });

  test('a link that goes down takes our IPv4 routes without a word, and the dump knows', () => {
    const six = tables.set(RTN_UNICAST, { gateway: 'fd00:1::2', ifindex: t1 });
    expect(write([OP_CREATE, '192.0.2.0/24', via1()], [OP_CREATE, '2001:db8::/32', six])).toEqual([0, 0]);
    ip('link', 'set', 't1', 'down');
    try {
      const types = new Set<number>();
      const told = events(types);
      expect(types).toContain(RTM_NEWLINK);
      expect(told).toContain('del 2001:db8::/32 proto 179');
      expect(told).not.toContain('del 192.0.2.0/24 proto 179');
      expect(dump()).toEqual([]);
      expect(write([OP_CREATE, '192.0.2.0/24', via1()])[0]).toBeGreaterThan(0);
    } finally {
      ip('link', 'set', 't1', 'up');
      ip('address', 'replace', 'fd00:1::1/64', 'dev', 't1', 'nodad');
    }
  });

  test('more events than the queue holds are an overrun, once', () => {
    const other = new KernelBackend({ ...OWN, protocol: 180, metric: 180 }, tables);
    other.open();
    try {
      const set = via0();
      const ops = Array.from({ length: 30_000 }, (_, i): Ops[number] => [
        OP_CREATE,
        `100.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}/32`,
        set,
      ]);
      const batch = tables.batch(...ops);
      other.write(batch);
      expect(batch.errors.every((errno) => errno === 0)).toBe(true);
      // Deleted again: another 30,000 events.
      batch.op.fill(OP_DELETE);
      other.write(batch);
      expect(backend.readEvents(() => undefined)).toBe('overrun');
      expect(backend.stats.overruns).toBe(1);
      ip('route', 'add', '203.0.113.0/24', 'via', '10.0.0.3', 'proto', 'static');
      ip('route', 'delete', '203.0.113.0/24');
      // A link-local address may come up in between.
      const told = events().filter((event) => event.includes(' 203.0.113.0/24 '));
      expect(told).toEqual(['new 203.0.113.0/24 proto 4', 'del 203.0.113.0/24 proto 4']);
    } finally {
      other.close();
    }
  });

  test('a second walk ends the first one with an error', () => {
    expect(write([OP_CREATE, '192.0.2.0/24', via0()])).toEqual([0]);
    const first = backend.startDump(() => undefined);
    expect(dump()).toHaveLength(1);
    expect(first.step()).toBe(false);
    expect(first.error).toBeDefined();
  });

  test.each([4, 6])('a walk misses no IPv%i route when others are removed meanwhile', (family) => {
    const set = tables.set(RTN_UNICAST, { gateway: family === 4 ? '10.0.0.2' : 'fd00::2', ifindex: t0 });
    const names = Array.from({ length: 3000 }, (_, i) =>
      family === 4 ? `20.${i >> 8}.${i & 255}.0/24` : `2001:db8:${(i + 1).toString(16)}::/48`,
    );
    expect(write(...names.map((name): Ops[number] => [OP_CREATE, name, set])).every((errno) => errno === 0)).toBe(true);
    const seen = new Set<string>();
    const walk = backend.startDump((of, dst, bits) => seen.add(formatPrefix(of, dst, 0, bits)));
    let removed = 0;
    while (walk.step()) if (removed < 100) write([OP_DELETE, names[removed++]!]);
    expect(walk.error).toBeUndefined();
    expect(removed).toBeGreaterThan(5);
    expect(names.slice(removed).filter((name) => !seen.has(name))).toEqual([]);
  });

  test('routes of ours with another metric are strays: not walked over, and removed on request', () => {
    expect(write([OP_CREATE, '192.0.2.0/24', via0()], [OP_CREATE, '198.51.100.0/24', via0()])).toEqual([0, 0]);
    ip('route', 'add', '192.0.2.0/24', 'via', '10.0.1.2', 'metric', '20', 'proto', '179');
    ip('route', 'add', '203.0.113.0/24', 'via', '10.0.1.2', 'proto', '179');
    ip('route', 'add', '203.0.113.0/24', 'via', '10.0.1.2', 'metric', '20', 'proto', 'static');
    ip('route', 'add', '2001:db8::/32', 'via', 'fd00::2', 'metric', '20', 'proto', '179');
    const ours = [
      ['192.0.2.0/24', via0()],
      ['198.51.100.0/24', via0()],
    ];
    expect(dump()).toEqual(ours);
    expect(backend.removeStrays()).toBe(3);
    expect(backend.removeStrays()).toBe(0);
    expect(dump()).toEqual(ours);
    expect(routes(4, 'static')).toMatchObject([{ dst: '203.0.113.0/24' }]);
    ip('route', 'delete', '203.0.113.0/24');
  });

  test('without privileges: a clear error, and a dry run that sees the kernel', () => {
    const script = `
      const folder = ${JSON.stringify(DIST)};
      const { openBackend } = await import(folder + '/hypervisor/fib/kernel/open.js');
      const { PrefixTable } = await import(folder + '/wire/prefix-table.js');
      const { AttributeTable } = await import(folder + '/wire/attribute-table.js');
      const tables = { prefixes: new PrefixTable(), hops: new AttributeTable() };
      const own = ${JSON.stringify(OWN)};
      try { openBackend('kernel', own, tables).open(); } catch (error) { console.log(error.name, error.message); }
      const dry = openBackend('dry-run', own, tables);
      dry.open();
      let messages = 0;
      dry.loadMirror(() => messages++);
      console.log(messages > 10 && dry.eventFd >= 0);
      dry.close();`;
    const drop = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
    const argv = [...drop, process.execPath, '--input-type=module', '-e', script];
    expect(execFileSync('setpriv', argv, { encoding: 'utf8', cwd: '/' })).toBe(
      'BackendError no permission to change routes (CAP_NET_ADMIN is missing)\ntrue\n',
    );
  });

  test('5,000 routes of each family are the same afterwards', () => {
    const sets = [via0(), via1()];
    const six = tables.set(RTN_UNICAST, { gateway: 'fd00::2', ifindex: t0 });
    const ops = Array.from({ length: 10_000 }, (_, i): Ops[number] =>
      i % 2 === 0
        ? [OP_CREATE, `10.${64 + (i >> 13)}.${(i >> 5) & 255}.${(i << 3) & 255}/29`, sets[(i >> 1) % 2]!]
        : [OP_CREATE, `2001:db8:${i.toString(16)}::/48`, six],
    );
    expect(write(...ops).every((errno) => errno === 0)).toBe(true);
    const wanted = ops.map(([, prefix, set]): [string, number] => [prefix, set!]);
    expect(dump()).toEqual(wanted.sort((a, b) => a[0].localeCompare(b[0])));
    expect(backend.stats.writeCalls).toBeLessThan(100);
  });
});
