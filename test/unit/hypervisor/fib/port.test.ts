// The forwarding table's real thread (of the build), driven through its port, with the routes in memory.
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { waitFor as waitUntil } from '../../../../cli/lab/wait.js';
import { FibPort } from '../../../../hypervisor/fib/port.js';
import type { FibDissents, FibInjection, FibSettings, FromFib, ToFib } from '../../../../hypervisor/fib/protocol.js';
import type { FibVerification } from '../../../../hypervisor/fib/status.js';
import { SHIM_ACKNOWLEDGED } from '../../../../fib/virtual-kernel/virtual-kernel.js';
import { close, receiveInto, sendFrom, SOCK_SEQPACKET, socketpair } from '../../../../preload/native.js';
import { Electorate } from '../../../../voter/electorate.js';
import * as nl from '../../../../wire/netlink/constants.js';
import { NetlinkCursor, NetlinkWriter } from '../../../../wire/netlink/message.js';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../../wire/family.js';
import { PrefixClock } from '../../../../wire/prefix-clock.js';
import { routeMessage } from '../../netlink/build.js';

const NET = '203.0.113.0/24';
const EAGAIN = -11;
const built = existsSync(path.resolve(import.meta.dirname, '../../../../dist/hypervisor/fib/worker.js'));
const reason = built ? undefined : 'not built (npm run build)';

/** An address next to one of this machine's: a next hop that resolves. */
const gateway = Object.values(os.networkInterfaces())
  .flat()
  .flatMap((address) => (address?.family === 'IPv4' && !address.internal ? [address.address] : []))
  .map((address) => address.replace(/\d+$/, (octet) => String(Number(octet) ^ 1)))[0];

const waitFor = (is: () => boolean | Promise<boolean>, what: string): Promise<boolean> =>
  waitUntil(is, { what, deadlineMs: 20_000, intervalMs: 5 });

interface Rig {
  port: FibPort;
  electorate: Electorate;
}

/** A tap that is never told to wait. */
const reader = { pause: () => undefined, resume: () => undefined };

const open: FibPort[] = [];
const fds = new Set<number>();

function makePort(sources: FibSettings['engine']['sources'], change: Partial<FibSettings['engine']> = {}): Rig {
  const electorate = new Electorate(sources.length);
  const settings: FibSettings = {
    backend: 'dry-run',
    engine: {
      sources,
      strategy: 'continuous-majority',
      voter: { stabilityThreshold: 200 },
      own: { table: 254, protocol: 179, metric: 179 },
      internal: { ifindex: 0x40000000, name: 'btr0', addresses: ['198.18.0.1/32'], connected: ['198.18.254.0/24'] },
      probe: { prefix: '198.18.255.1/32', nextHops: '198.18.254.0/24' },
      networks: [],
      limits: { maxPrefixes: 1_000_000 },
      seed: 1,
      ...change,
    },
    clockMemory: new PrefixClock().memory,
    replicas: sources.map((_, r) => `r${r}`),
    auditInterval: 60_000,
    reportInstalled: true,
    voteLogLevel: 'dissent',
    faultThreshold: 400,
  };
  const port = new FibPort(settings, electorate);
  open.push(port);
  return { port, electorate };
}

async function start(...args: Parameters<typeof makePort>): Promise<Rig> {
  const rig = makePort(...args);
  await rig.port.start();
  return rig;
}

/** The daemon's end of a netlink socket that the thread was given the other end of. */
function netlinkSocket(port: FibPort, replica: number): number {
  const [near, far] = socketpair(SOCK_SEQPACKET);
  fds.add(near);
  port.openSocket(replica, far, 4711);
  return near;
}

function blackhole(prefix: string, type = nl.RTM_NEWROUTE): Uint8Array {
  const flags = nl.NLM_F_REQUEST | nl.NLM_F_CREATE | nl.NLM_F_REPLACE | SHIM_ACKNOWLEDGED;
  const hops = Uint8Array.of(nl.RTN_BLACKHOLE, 0);
  return routeMessage({ prefix, hops, messageType: type, flags, table: 254, protocol: 186, metric: 20 });
}

function say(fd: number, message: Uint8Array): void {
  expect(sendFrom(fd, message, 0, message.length)).toBe(message.length);
}

/** Whether the far end of the socket is closed. */
function isClosed(fd: number): boolean {
  return [0, -104].includes(receiveInto(fd, new Uint8Array(8192)));
}

function announcement(prefixes: number[][], nextHop: string): Uint8Array {
  const hop = nextHop.split('.').map(Number);
  const attributes = [64, 1, 1, 0, 64, 2, 0, 64, 3, 4, ...hop, 64, 5, 4, 0, 0, 0, 100];
  const body = [0, 0, 0, attributes.length, ...attributes, ...prefixes.flat()];
  return Uint8Array.from([
    ...Array<number>(16).fill(255),
    (19 + body.length) >> 8,
    (19 + body.length) & 255,
    2,
    ...body,
  ]);
}

const installed = (port: FibPort) => async (): Promise<number> => (await port.status()).installed;

afterEach(async () => {
  await Promise.all(open.splice(0).map((port) => port.stop(false)));
  fds.forEach((fd) => close(fd));
  fds.clear();
});

describe.skipIf(reason !== undefined)(
  `the forwarding table's thread${reason === undefined ? '' : `: ${reason}`}`,
  { timeout: 60_000 },
  () => {
    test('starts, answers, and stops; afterwards everything is refused and nothing left open', async () => {
      const { port } = await start(['netlink', 'tap', 'none']);
      expect(port.found).toEqual([0, 0]);
      expect(await port.status()).toMatchObject({
        backend: 'dry-run',
        routes: 0,
        replicas: [{ source: 'netlink' }, { source: 'tap' }, { source: 'none' }],
      });
      const daemon = netlinkSocket(port, 0);
      await Promise.all([port.stop(false), port.stop(true)]);
      await expect(port.status()).rejects.toThrow('not there any more');
      await expect(port.freeze()).rejects.toThrow('not there any more');
      expect(isClosed(daemon)).toBe(true);
      expect(isClosed(netlinkSocket(port, 0))).toBe(true);
      port.reset(0);
      port.tap(1, new Uint8Array(19), 0, 19, reader);
      port.flush();
    });

    test('what daemons write becomes routes, and a check agrees', async () => {
      const { port, electorate } = await start(['netlink', 'netlink', 'netlink']);
      const news: Uint8Array[] = [];
      let writing = 0;
      port.on('installed', ({ installed: [ipv4] }) => news.push(ipv4));
      port.on('writing', (replicas) => (writing |= replicas));
      for (const r of [0, 1, 2]) electorate.join(r);
      port.flush();
      const sockets = [0, 1, 2].map((r) => netlinkSocket(port, r));
      sockets.forEach((fd) => say(fd, blackhole(NET)));
      await waitFor(async () => (await installed(port)()) === 1, 'the route');
      const { routes, total } = await port.routes({});
      expect(total).toBe(1);
      expect(routes[0]).toMatchObject({ prefix: NET, state: 'installed', verdict: { type: 'blackhole' } });
      expect(routes[0]!.votes.map(({ agrees, counts }) => agrees && counts)).toEqual([true, true, true]);
      const advertised = [Uint8Array.of(24, 203, 0, 113, 24, 192, 0, 2), new Uint8Array(0)] as const;
      const found = (await port.request({ what: 'verify', advertised })) as FibVerification;
      expect(found).toMatchObject({ ok: false, verdicts: 1, kernelRoutes: 1, advertised: 2, total: 1 });
      expect(found.differences).toMatchObject([{ prefix: '192.0.2.0/24', kind: 'advertised-without-route' }]);
      await waitFor(() => news.length > 0, 'news');
      expect(news).toEqual([Uint8Array.of(24, 203, 0, 113)]);
      await waitFor(() => writing === 7, 'all three are said to write');
    });

    test('a replica that leaves and starts anew in one turn takes nothing away', async () => {
      const { port, electorate } = await start(['netlink']);
      electorate.join(0);
      port.flush();
      say(netlinkSocket(port, 0), blackhole(NET));
      await waitFor(async () => (await installed(port)()) === 1, 'the route');
      electorate.leave(0);
      port.reset(0);
      electorate.join(0);
      port.flush();
      const status = await port.status();
      expect(status).toMatchObject({ installed: 1, deleted: 0 });
      expect(status.replicas[0]).toMatchObject({ routes: 0, sockets: 0 });
    });

    test('that a replica left is said before that it starts anew, and what its tap said before that not at all', async () => {
      const { port, electorate } = await start(['tap', 'tap']);
      const said: unknown[] = [];
      const { worker } = port as unknown as { worker: { postMessage(message: ToFib): void } };
      worker.postMessage = ({ kind, ...rest }) => said.push('replica' in rest ? `${kind} ${rest.replica}` : kind);
      electorate.join(0);
      port.flush();
      electorate.leave(0);
      for (const r of [0, 1]) port.tap(r, new Uint8Array(19), 0, 19, reader);
      port.reset(0);
      expect(said).toEqual(['electorate', 'tap 1', 'electorate', 'reset 0']);
      Reflect.deleteProperty(worker, 'postMessage');
    });

    test('a new start closes the sockets of the life before, also those still on their way', async () => {
      const { port } = await start(['netlink']);
      const old = netlinkSocket(port, 0);
      port.reset(0);
      const fresh = netlinkSocket(port, 0);
      await port.status();
      expect(isClosed(old)).toBe(true);
      expect(receiveInto(fresh, new Uint8Array(100))).toBe(EAGAIN);
    });

    test('a socket that nobody answers on is closed: whoever opened it would wait for ever', async () => {
      const { port } = await start(['netlink', 'tap']);
      const warnings: string[] = [];
      port.on('log', (_level, text) => warnings.push(text));
      const stray = netlinkSocket(port, 1);
      const many = Array.from({ length: 33 }, () => netlinkSocket(port, 0));
      expect((await port.status()).replicas.map(({ sockets }) => sockets)).toEqual([32, 0]);
      expect(isClosed(stray)).toBe(true);
      expect(many.map(isClosed)).toEqual([...Array<boolean>(32).fill(false), true]);
      expect(warnings).toHaveLength(2);
    });

    test('many sockets of many replicas are served', async () => {
      const sources = Array.from({ length: 4 }, () => 'netlink' as const);
      const { port, electorate } = await start(sources);
      for (const r of sources.keys()) electorate.join(r);
      port.flush();
      const sockets = sources.flatMap((_, r) => Array.from({ length: 30 }, () => netlinkSocket(port, r)));
      sockets.forEach((fd, i) => say(fd, blackhole(`203.0.${i % 30}.0/24`)));
      await waitFor(async () => (await installed(port)()) === 30, 'the routes');
    });

    test('a dump is answered to the end', async () => {
      const { port } = await start(['netlink']);
      const daemon = netlinkSocket(port, 0);
      const writer = new NetlinkWriter();
      writer.begin(nl.RTM_GETLINK, nl.NLM_F_REQUEST | nl.NLM_F_DUMP, 7, 0);
      writer.bytes(new Uint8Array(16));
      writer.end();
      say(daemon, writer.take());
      const buffer = new Uint8Array(65536);
      let last = 0;
      await waitFor(() => {
        for (let length = receiveInto(daemon, buffer); length > 0; length = receiveInto(daemon, buffer)) {
          const cursor = new NetlinkCursor();
          cursor.reset(buffer, 0, length);
          while (cursor.next()) last = cursor.type;
        }
        return last === nl.NLMSG_DONE;
      }, 'the end of the dump');
    });

    test('nothing counts after the word to freeze', async () => {
      const { port, electorate } = await start(['netlink']);
      electorate.join(0);
      port.flush();
      const daemon = netlinkSocket(port, 0);
      say(daemon, blackhole(NET));
      await waitFor(async () => (await installed(port)()) === 1, 'the route');
      await port.freeze();
      electorate.leave(0);
      electorate.join(0);
      port.flush();
      say(daemon, blackhole(NET, nl.RTM_DELROUTE));
      await waitFor(async () => (await port.status()).replicas[0]!.routes === 0, 'the vote');
      expect(await port.status()).toMatchObject({ installed: 1, deleted: 0 });
    });

    test('answers in parts are put together; a second check meanwhile is refused', async () => {
      const { port, electorate } = await start(['netlink']);
      electorate.join(0);
      port.flush();
      const daemon = netlinkSocket(port, 0);
      const count = 6000;
      for (let i = 0; i < count; i++) {
        const message = blackhole(`10.${i >> 8}.${i & 255}.0/24`);
        await waitFor(() => sendFrom(daemon, message, 0, message.length) > 0, 'room');
      }
      await waitFor(async () => (await installed(port)()) === count, 'the routes');
      const none = [new Uint8Array(0), new Uint8Array(0)] as const;
      const [all, some, one, first, second] = await Promise.all([
        port.routes({}),
        port.routes({ limit: 10, state: 'installed' }),
        port.routes({ prefix: '10.7.7.0/24', limit: 1 }),
        port.request({ what: 'verify', advertised: none }) as Promise<FibVerification>,
        port.request({ what: 'verify', advertised: none }).catch((error: Error) => error.message),
      ]);
      expect([all.total, all.routes.length, new Set(all.routes.map(({ prefix }) => prefix)).size]).toEqual([
        count,
        count,
        count,
      ]);
      expect([some.total, some.routes.length, one.total, one.routes.length]).toEqual([count, 10, 1, 1]);
      expect(first).toMatchObject({ ok: true, kernelRoutes: count });
      expect(second).toBe('a verification is under way');
      expect(await port.routes({ prefix: '192.0.2.0/24' })).toEqual({ routes: [], total: 0 });
    });

    test('on prefixes where a replica abstains it has no say, until it is told otherwise or starts anew', async () => {
      const { port, electorate } = await start(['netlink', 'netlink', 'netlink']);
      for (const r of [0, 1, 2]) electorate.join(r);
      const nlri = Uint8Array.of(24, 203, 0, 113);
      port.abstain(2, IPV4_UNICAST, nlri, true);
      port.flush();
      const sockets = [0, 1, 2].map((r) => netlinkSocket(port, r));
      say(sockets[0]!, blackhole(NET));
      await port.status();
      // Two of three, but one of the three is not asked.
      say(sockets[2]!, blackhole(NET));
      await waitFor(async () => (await port.status()).replicas[2]!.routes === 1, 'the vote');
      expect(await installed(port)()).toBe(0);
      say(sockets[1]!, blackhole(NET));
      await waitFor(async () => (await installed(port)()) === 1, 'the route');
      const counts = async (): Promise<boolean> => (await port.routes({ prefix: NET })).routes[0]!.votes[2]!.counts;
      expect(await counts()).toBe(false);
      port.abstain(2, IPV4_UNICAST, nlri, false);
      port.flush();
      expect(await counts()).toBe(true);
      port.abstain(2, IPV4_UNICAST, nlri, true);
      port.reset(2);
      expect(await counts()).toBe(true);
    });

    test('where one abstains and where not is said in the order in which it was decided', async () => {
      const { port } = await start(['netlink', 'tap']);
      const said: unknown[] = [];
      const { worker } = port as unknown as { worker: { postMessage(message: ToFib): void } };
      worker.postMessage = (message) =>
        said.push(
          message.kind === 'abstain'
            ? `${message.replica} ${message.on ? 'on' : 'off'} ${message.nlri.map((bytes) => [...bytes].join('.')).join('/')}`
            : message.kind,
        );
      const [a, b, c] = [Uint8Array.of(8, 10), Uint8Array.of(8, 11), Uint8Array.of(16, 32, 1)];
      port.abstain(0, IPV4_UNICAST, a, true);
      port.abstain(0, IPV6_UNICAST, c, true);
      port.abstain(0, IPV4_UNICAST, b, true);
      port.abstain(0, IPV4_UNICAST, b, false);
      port.abstain(1, IPV4_UNICAST, a, true);
      expect(said).toEqual(['0 on 8.10.8.11/16.32.1', '0 off 8.11/']);
      port.reset(0);
      port.abstain(0, IPV4_UNICAST, a, true);
      port.caughtUp(0, 1);
      expect(said.slice(2).filter((each) => each !== 'electorate')).toEqual([
        '1 on 8.10/',
        'reset',
        '0 on 8.10/',
        'caught-up',
      ]);
      Reflect.deleteProperty(worker, 'postMessage');
    });

    test('dissents are told, and how many are open and since when, until there are none', async () => {
      const { port, electorate } = await start(['netlink', 'netlink', 'netlink']);
      const told: FibDissents[] = [];
      port.on('dissents', (dissents) => told.push(dissents));
      for (const r of [0, 1, 2]) electorate.join(r);
      for (const r of [0, 1, 2]) port.caughtUp(r, Infinity);
      port.flush();
      const sockets = [0, 1, 2].map((r) => netlinkSocket(port, r));
      for (const r of [0, 1]) say(sockets[r]!, blackhole(NET));
      const counts = (): FibDissents['open'] => told.findLast(({ open: counted }) => counted !== undefined)?.open;
      await waitFor(() => counts()?.[0]?.lasting === 1, 'a dissent that lasts');
      const news = told.flatMap((dissents) => dissents.news);
      expect(news).toMatchObject([
        { type: 'dissent-begins', replica: 2, prefix: NET, kind: 'missing', vote: null, majority: 'blackhole' },
      ]);
      const [count] = counts()!;
      expect(count).toMatchObject({ replica: 2, kind: 'missing', open: 1, since: news[0]!.at });
      expect(count!.samples).toMatchObject([{ prefix: NET, vote: null, majority: 'blackhole', since: news[0]!.at }]);
      say(sockets[2]!, blackhole(NET));
      await waitFor(() => counts()?.length === 0, 'the end of the dissent');
      expect(told.flatMap((dissents) => dissents.news).map(({ type }) => type)).toEqual([
        'dissent-begins',
        'dissent-ends',
      ]);
    });

    test('ballots without a majority are counted while there are any', async () => {
      const { port, electorate } = await start(['netlink', 'netlink']);
      for (const r of [0, 1]) electorate.join(r);
      for (const r of [0, 1]) port.caughtUp(r, Infinity);
      port.flush();
      const sockets = [0, 1].map((r) => netlinkSocket(port, r));
      say(sockets[0]!, blackhole(NET));
      await waitFor(() => port.withoutMajority === 1, 'one says so, the other nothing');
      say(sockets[1]!, blackhole(NET));
      await waitFor(() => port.withoutMajority === 0, 'they agree');
    });

    test('a tap is not read on while the thread has enough of it, and is afterwards', async () => {
      const { port } = await start(['netlink', 'tap']);
      const said: string[] = [];
      const tap = { pause: () => said.push('pause'), resume: () => said.push('resume') };
      const nets = Array.from({ length: 900 }, (_, i) => [24, 10, i >> 8, i & 255]);
      const message = announcement(nets, '127.0.0.9');
      let bytes = 0;
      while (!port.isTapPaused(1)) {
        port.tap(1, message, 0, message.length, tap);
        bytes += message.length;
      }
      expect([said, bytes > 4 * 1024 * 1024, bytes < 5 * 1024 * 1024]).toEqual([['pause'], true, true]);
      await waitFor(() => !port.isTapPaused(1), 'the thread');
      expect(said).toEqual(['pause', 'resume']);
      while (!port.isTapPaused(1)) port.tap(1, message, 0, message.length, tap);
      port.reset(1);
      expect(port.isTapPaused(1)).toBe(false);
      await port.status();
      expect(said).toEqual(['pause', 'resume', 'pause']);
    });

    test('mistakes of operators are told to them', async () => {
      const { port } = await start(['netlink', 'tap']);
      const inject = (replica: number, injection: unknown) => port.inject(replica, 1, injection as FibInjection);
      await expect(inject(1, { kind: 'error', errno: 'EIO' })).rejects.toThrow('writes to its kernel');
      await expect(inject(7, { kind: 'drop' })).rejects.toThrow('no say');
      await expect(inject(0, { kind: 'melt' })).rejects.toThrow('"kind"');
      await expect(inject(0, { kind: 'gateway', address: 'here' })).rejects.toThrow('no IP address');
      await inject(0, { kind: 'error', errno: 'ENOBUFS' });
      await inject(0, null);
    });

    test.skipIf(gateway === undefined)(
      'taps vote, through to the table (needs an interface with an IPv4 address)',
      async () => {
        const { port, electorate } = await start(['tap', 'tap', 'tap']);
        for (const r of [0, 1, 2]) electorate.join(r);
        port.flush();
        const right = announcement([[24, 203, 0, 113]], gateway!);
        const unreachable = announcement([[24, 203, 0, 113]], '127.0.0.9');
        port.tap(0, unreachable, 0, unreachable.length, reader);
        for (const r of [1, 2]) port.tap(r, right, 0, right.length, reader);
        port.flush();
        await waitFor(async () => (await installed(port)()) === 1, 'the route');
        const { routes } = await port.routes({ prefix: NET });
        expect(routes[0]).toMatchObject({ state: 'installed', verdict: { nextHops: [{ gateway }] } });
        expect(routes[0]!.votes.map(({ agrees }) => agrees)).toEqual([false, true, true]);
      },
    );

    test('a tap that cannot be read is a fault of that replica, in the life in which it said it', async () => {
      const { port } = await start(['tap', 'tap']);
      const faults: number[] = [];
      port.on('fault', (replica) => faults.push(replica));
      const broken = Uint8Array.from([...Array<number>(16).fill(255), 0, 23, 2, 255, 255, 0, 0]);
      port.tap(1, broken, 0, broken.length, reader);
      port.flush();
      await port.status();
      expect(faults).toEqual([1]);
      port.tap(1, broken, 0, broken.length, reader);
      port.flush();
      port.reset(1);
      await port.status();
      expect(faults).toEqual([1]);
    });

    test('an overthrow counts only in the electorate in which it was found', async () => {
      const { port, electorate } = await start(['netlink', 'netlink', 'netlink']);
      const told: number[] = [];
      port.on('overthrow', (from) => told.push(from));
      for (const r of [0, 1, 2]) electorate.join(r);
      const { worker } = port as unknown as { worker: NodeJS.EventEmitter };
      const overthrow = (epoch: number): FromFib => ({ kind: 'overthrow', from: 0, candidates: 6, epoch });
      worker.emit('message', overthrow(electorate.epoch - 1));
      expect(told).toEqual([]);
      worker.emit('message', overthrow(electorate.epoch));
      expect(told).toEqual([0]);
    });

    test('a thread that dies ends what waits for it and says so, once', async () => {
      const { port } = await start(['netlink']);
      const failures: string[] = [];
      port.on('failed', (error) => failures.push(error.message));
      const { worker } = port as unknown as { worker: { terminate(): Promise<number> } };
      const waiting = port.status();
      void worker.terminate();
      await expect(waiting).rejects.toThrow('not there any more');
      await expect(port.routes({})).rejects.toThrow('not there any more');
      expect(isClosed(netlinkSocket(port, 0))).toBe(true);
      await port.stop(true);
      expect(failures).toEqual(['the thread of the forwarding table ended']);
    });

    test('a thread that cannot begin is an error of the start, also for who asks late', async () => {
      const { port } = makePort(['netlink'], { sources: undefined as unknown as [] });
      const failed = new Promise((resolve) => port.once('failed', resolve));
      await failed;
      await expect(port.start()).rejects.toThrow();
      await expect(port.status()).rejects.toThrow('not there any more');
    });
  },
);
