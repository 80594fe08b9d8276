// The router's restart as its neighbours see it (RFC 4724): what its OPENs say, when End-of-RIB comes, who hears a NOTIFICATION at the
// end; and BIRD and FRR, which keep what they know of us and forward by it while the router is killed and comes back.
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startPlainDaemon, type PlainDaemon } from '../../cli/lab/plain-daemons.js';
import { waitFor } from '../../cli/lab/wait.js';
import { gracefulRestartOf, type GracefulRestart } from '../../wire/bgp/graceful-restart.js';
import { kernelRoutes, RouteWatch } from '../support/kernel-routes.js';
import { RawPeer, type RawOptions } from '../support/router-neighbors.js';
import {
  address,
  address6,
  asOf,
  localAddress,
  localAddress6,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  routerProblem,
  RunningRouter,
  type Config,
} from '../support/router-lab.js';
import { announcements, prefixAt } from '../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const DEADLINE_MS = 30_000;
const [ONE, TWO] = [1, 2];
/** Neighbours in namespaces of their own. */
const [BIRD, FRR] = [11, 12];
/** Routes of an earlier run: one that is confirmed, one that is not. */
const [RETURNS, STALE] = [prefixAt(1), prefixAt(2)];
/** What each helper announces, and what it stops announcing while the router is away. */
const own = (n: number): string => `91.0.${n}.0/24`;
const own6 = (n: number): string => `2a01:${n}::/32`;
const brief = (n: number): string => `92.0.${n}.0/24`;
const brief6 = (n: number): string => `2a02:${n}::/32`;

const AWARE: GracefulRestart = { restarting: false, notification: false, restartTime: 120, families: 0, forwarding: 0 };
const END_OF_RIB = Uint8Array.from([...Array<number>(16).fill(255), 0, 23, 2, 0, 0, 0, 0]);
const isEndOfRib = (update: Uint8Array): boolean => Buffer.from(update).equals(END_OF_RIB);

describe.skipIf(problem !== undefined)('graceful restart', () => {
  let lab: RouterLab;
  let router: RunningRouter | undefined;
  let runs = 0;

  beforeAll(() => {
    lab = RouterLab.create('restart', 2);
    for (const n of [BIRD, FRR]) {
      lab.lab.addNamespace(`far${n}`);
      lab.lab.link(
        { namespace: 'router', interface: `f${n}`, addresses: [`${localAddress(n)}/24`, `${localAddress6(n)}/64`] },
        { namespace: `far${n}`, addresses: [`${address(n)}/24`, `${address6(n)}/64`] },
      );
    }
  });
  afterAll(() => lab?.destroy());
  afterEach(async () => {
    await router?.stop();
    router = undefined;
    lab.lab.run('router', ['ip', 'route', 'flush', 'proto', '179']);
  });

  const ownRoutes = () => kernelRoutes(lab.lab.namespace('router'));

  async function start(neighbors: Config[], fib: Config, replicas: Config[] | undefined, ...args: string[]) {
    const more = { fib: { backend: 'kernel', ...fib } };
    const run = `run${runs++}`;
    const { file, directory } = lab.write({ neighbors, more, run, ...(replicas ? { replicas } : {}) });
    router = new RunningRouter(await lab.btr(['run', file, ...args]), directory, file);
    await router.untilVoting(replicas?.length ?? 3);
    return router;
  }

  describe('scripted neighbours', () => {
    const replicas = [{ name: 'bird', kind: 'bird' }];
    const peers: RawPeer[] = [];
    afterEach(() => peers.splice(0).forEach((peer) => peer.close()));

    async function peer(n: number, options: Partial<RawOptions> = { gracefulRestart: AWARE }): Promise<RawPeer> {
      const connected = await RawPeer.connect({ n, ...options });
      peers.push(connected);
      return connected.establish();
    }
    const says = (of: RawPeer): GracefulRestart | undefined => gracefulRestartOf(of.open!);
    const announce = (from: RawPeer, n: number, ...prefixes: string[]): void =>
      from.write(announcements(new Map(prefixes.map((p) => [p, { path: [asOf(n), 7] }])), () => address(n)));
    const told = (of: RawPeer) =>
      waitFor(() => of.updates.some(isEndOfRib), { what: 'End-of-RIB of the router', deadlineMs: DEADLINE_MS });
    const untilState = (state: string) =>
      router!.until(`restart is ${state}`, ({ restart }) => restart.state === state);

    test.each([
      ['without a forwarding table', { backend: 'none' }],
      ['with one that nothing forwards by', { backend: 'dry-run' }],
      ['with a restart time of 0', { 'restart-time': 0 }],
    ])('is not offered %s', async (_what, fib) => {
      await start([neighborConfig(ONE)], fib, replicas);
      expect(says(await peer(ONE))).toBeUndefined();
      expect((await router!.neighbor(ONE)).gracefulRestart).toBe(false);
    });

    test('a first start is none; once all is known, what is forwarded by outlives a session', async () => {
      await start([neighborConfig(ONE)], { 'restart-time': 77 }, replicas);
      const first = await peer(ONE);
      expect(says(first)).toEqual({ ...AWARE, restartTime: 77, families: 1 });
      expect(await router!.neighbor(ONE)).toMatchObject({ gracefulRestart: true, endOfRib: [] });
      await told(first);
      first.write(END_OF_RIB);
      expect((await untilState('resynchronised')).restart).toEqual({
        ...{ state: 'resynchronised', restarting: false, missing: [] },
      });
      expect((await router!.neighbor(ONE)).endOfRib).toEqual(['ipv4-unicast']);
      first.close();
      await router!.until('it is down', ({ neighbors }) => neighbors[0].state !== 'Established');
      expect(says(await peer(ONE))).toEqual({ ...AWARE, restartTime: 77, families: 1, forwarding: 1 });
    });

    test('after a restart routes stay and nobody hears End-of-RIB until every neighbour has told all', async () => {
      for (const prefix of [RETURNS, STALE]) {
        const route = ['via', address(ONE), 'proto', '179', 'metric', '179'];
        lab.lab.run('router', ['ip', 'route', 'add', prefix, ...route]);
      }
      await start([neighborConfig(ONE), neighborConfig(TWO)], {}, replicas);
      const [one, two] = [await peer(ONE), await peer(TWO)];
      expect(says(one)).toEqual({ ...AWARE, restarting: true, families: 1, forwarding: 1 });
      announce(one, ONE, RETURNS);
      one.write(END_OF_RIB);
      const { restart } = await router!.until('the first has told all', ({ neighbors }) => {
        return neighbors[0].endOfRib.length === 1 && neighbors[1].prefixesOut === 1;
      });
      expect(restart).toEqual({ state: 'waiting', restarting: true, missing: [address(TWO)] });
      expect([...(await ownRoutes()).keys()].sort()).toEqual([RETURNS, STALE].sort());
      // One more route makes its way through, and End-of-RIB would have been sent long before it.
      announce(one, ONE, prefixAt(3));
      await router!.until('the second has heard', ({ neighbors }) => neighbors[1].prefixesOut === 2);
      expect([...one.updates, ...two.updates].filter(isEndOfRib)).toEqual([]);
      two.write(END_OF_RIB);
      await untilState('resynchronised');
      await Promise.all([told(one), told(two)]);
      await waitFor(async () => !(await ownRoutes()).has(STALE), { what: 'the stale route goes', deadlineMs: 10_000 });
      expect([...(await ownRoutes()).keys()].sort()).toEqual([RETURNS, prefixAt(3)].sort());
    });

    test('stale routes go at last, also when a neighbour does not come back', async () => {
      lab.lab.run('router', ['ip', 'route', 'add', STALE, 'via', address(ONE), 'proto', '179', 'metric', '179']);
      await start([neighborConfig(ONE), neighborConfig(TWO)], { 'stale-routes': '4s' }, replicas);
      const one = await peer(ONE);
      one.write(END_OF_RIB);
      expect((await untilState('expired')).restart.missing).toEqual([address(TWO)]);
      await waitFor(async () => (await ownRoutes()).size === 0, { what: 'the stale route goes', deadlineMs: 10_000 });
      await told(one);
      expect(router!.log).toContain(`waiting for ${address(TWO)}`);
    });

    test('--keep-fib: routes stay, and only a neighbour that cannot keep its own hears a NOTIFICATION', async () => {
      await start([neighborConfig(ONE), neighborConfig(TWO)], {}, replicas, '--keep-fib');
      const [one, two] = [await peer(ONE), await peer(TWO, {})];
      announce(one, ONE, RETURNS);
      await waitFor(async () => (await ownRoutes()).has(RETURNS), { what: 'its route', deadlineMs: DEADLINE_MS });
      const [silence, farewell] = [one.untilClosed(), two.untilClosed()];
      await router!.stop();
      expect(await silence).toBeUndefined();
      expect(await farewell).toMatchObject({ code: 6, subcode: 2 });
      expect((await ownRoutes()).has(RETURNS)).toBe(true);
    });

    test('without it everybody hears one, and nothing stays', async () => {
      await start([neighborConfig(ONE)], {}, replicas);
      const one = await peer(ONE);
      announce(one, ONE, RETURNS);
      await waitFor(async () => (await ownRoutes()).has(RETURNS), { what: 'its route', deadlineMs: DEADLINE_MS });
      const farewell = one.untilClosed();
      await router!.stop();
      expect(await farewell).toMatchObject({ code: 6, subcode: 2 });
      expect((await ownRoutes()).size).toBe(0);
    });
  });

  describe('BIRD and FRR', () => {
    const daemons: PlainDaemon[] = [];
    const watches: RouteWatch[] = [];
    afterEach(async () => {
      for (const watch of watches.splice(0)) await watch.stop();
      for (const daemon of daemons.splice(0)) await daemon.stop();
    });
    const neighbors = [BIRD, FRR].map((n) =>
      neighborConfig(n, {
        ...{ 'passive-mode': false, 'connect-retry': 1 },
        ...{ 'afi-safis': ['ipv4-unicast', 'ipv6-unicast'], 'local-address-ipv6': localAddress6(n) },
      }),
    );
    const announced = (n: number): string[] => [own(n), own6(n), brief(n), brief6(n)].sort();
    const stays = (n: number): string[] => [own(n), own6(n)].sort();
    const goes = [brief(FRR), brief6(FRR)].sort();

    /** Prefixes by which the neighbour forwards to us, by its kernel. */
    const forwards = async (n: number): Promise<string[]> => {
      const routes = await kernelRoutes(lab.lab.namespace(`far${n}`), ['table', 'main']);
      const us = [localAddress(n), localAddress6(n)].map((gateway) => `via ${gateway} `);
      return [...routes.keys()].filter((prefix) => us.some((via) => routes.get(prefix)!.startsWith(via))).sort();
    };
    const untilForwards = (n: number, prefixes: string[]) =>
      waitFor(async () => (await forwards(n)).join() === prefixes.join(), {
        what: `neighbour ${n} forwards ${prefixes.join(', ') || 'nothing'} to us`,
        deadlineMs: DEADLINE_MS,
      }).catch(async (error: unknown) => {
        throw new Error(`${(error as Error).message}; it forwards ${(await forwards(n)).join(', ')}\n${router!.log}`);
      });
    /** Prefixes that were taken out of the kernel since the watch began. */
    const removed = async (watch: RouteWatch): Promise<string[]> =>
      (await watch.events()).flatMap(({ deleted, prefix }) => (deleted ? [prefix] : [])).sort();

    async function helpers(): Promise<[PlainDaemon, PlainDaemon]> {
      const bird = await startPlainDaemon(lab.lab, `far${BIRD}`, 'bird', birdConfig(), `bird${runs}`);
      daemons.push(bird);
      const frr = await startPlainDaemon(lab.lab, `far${FRR}`, 'frr', frrConfig(), { name: `frr${runs}`, zebra: true });
      daemons.push(frr);
      return [bird, frr];
    }

    async function established(...args: string[]): Promise<[PlainDaemon, PlainDaemon]> {
      const [bird, frr] = await helpers();
      await start(neighbors, {}, undefined, ...args);
      await untilForwards(BIRD, announced(FRR));
      await untilForwards(FRR, announced(BIRD));
      await router!.until('all is known', ({ restart }) => restart.state === 'resynchronised');
      expect((await router!.status()).neighbors.every(({ gracefulRestart }) => gracefulRestart)).toBe(true);
      watches.push(
        await RouteWatch.start(lab.lab, `far${BIRD}`),
        await RouteWatch.start(lab.lab, `far${FRR}`),
        await RouteWatch.start(lab.lab, 'router'),
      );
      return [bird, frr];
    }

    const ends = async (daemon: PlainDaemon) =>
      waitFor(async () => !(await daemon.sessions()).some(({ established: up }) => up), {
        what: `${daemon.kind} has lost the session`,
        deadlineMs: DEADLINE_MS,
      });

    test.each([
      ['killed', 'SIGKILL', []],
      ['stopped with --keep-fib', 'SIGTERM', ['--keep-fib']],
    ] as const)(
      'the router is %s and started again: nobody stops forwarding, and what is gone goes',
      async (...row) => {
        const [, signal, args] = row;
        const [bird, frr] = await established(...args);
        const all = [...announced(BIRD), ...announced(FRR)].sort();
        const held = async (): Promise<string[]> => [...(await ownRoutes()).keys()].sort();
        process.kill(router!.process.pid, signal);
        await router!.process.exited;
        await Promise.all([ends(bird), ends(frr)]);
        expect(await forwards(BIRD)).toEqual(announced(FRR));
        expect(await forwards(FRR)).toEqual(announced(BIRD));
        expect(await held()).toEqual(all);
        await frr.query(`configure terminal\nrouter bgp\nno network ${brief(FRR)}`);
        await frr.query(`configure terminal\nrouter bgp\naddress-family ipv6 unicast\nno network ${brief6(FRR)}`);
        await start(neighbors, {}, undefined);
        await router!.until('all is known again', ({ restart }) => restart.state === 'resynchronised');
        await untilForwards(BIRD, stays(FRR));
        await untilForwards(FRR, announced(BIRD));
        const left = all.filter((prefix) => !goes.includes(prefix));
        await waitFor(async () => (await held()).join() === left.join(), {
          what: 'the router forwards by what is left',
          deadlineMs: DEADLINE_MS,
        });
        expect(await Promise.all(watches.map(removed))).toEqual([goes, [], goes]);
      },
    );
  });
});

function birdConfig(): string {
  const networks = (...prefixes: string[]): string => prefixes.map((prefix) => `route ${prefix} blackhole;`).join(' ');
  return `router id ${address(BIRD)};
protocol device {}
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol kernel { ipv6 { export where source = RTS_BGP; }; }
protocol static s4 { ipv4; ${networks(own(BIRD), brief(BIRD))} }
protocol static s6 { ipv6; ${networks(own6(BIRD), brief6(BIRD))} }
protocol bgp uplink { local ${address(BIRD)} as ${asOf(BIRD)}; neighbor ${localAddress(BIRD)} as ${ROUTER_AS};
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  ipv4 { import all; export where source = RTS_STATIC; };
  ipv6 { import all; export where source = RTS_STATIC; next hop address ${address6(BIRD)}; }; }
`;
}

function frrConfig(): string {
  return `router bgp ${asOf(FRR)}
 bgp router-id ${address(FRR)}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${localAddress(FRR)} remote-as ${ROUTER_AS}
 neighbor ${localAddress(FRR)} timers connect 1
 network ${own(FRR)}
 network ${brief(FRR)}
 address-family ipv6 unicast
  neighbor ${localAddress(FRR)} activate
  network ${own6(FRR)}
  network ${brief6(FRR)}
 exit-address-family
`;
}
