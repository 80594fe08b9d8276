// The router's own routes in the real kernel: exactly the verdicts, whatever links, addresses and other people's routes do, with packets
// that flow meanwhile; and what an operator is told about them.
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { FibRouteReport, FibStatus, FibVerification } from '../../../hypervisor/fib/status.js';
import { bothFamilies, expectedFib, FibLab, hopOf, hostIn, lossesOf } from '../../support/fib-lab.js';
import { birdBelief, frrBelief } from '../../support/replica-beliefs.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { address, linkOf, routerProblem, worldLinkOf, type RunningRouter } from '../../support/router-lab.js';
import { prefix6At, prefixAt, routeFor, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 1000;
const PREFIXES6 = 200;
/** Prefixes beyond the tables, one for each test that needs one of its own. */
const [FOREIGN, IN_THE_WAY, REFUSED, AFTER_REFUSED, STRAY, BRIEF] = [0, 1, 2, 3, 4, 5].map((i) => prefixAt(5000 + i));
/** The probe's route is in each replica's own count. */
const PROBE = 1;

describe.skipIf(problem !== undefined)('the forwarding table', () => {
  let fib: FibLab;
  let router: RunningRouter;
  let a: Neighbor, b: Neighbor, customer: Neighbor;
  let feeders: Neighbor[];

  beforeAll(async () => {
    fib = FibLab.create('fib', 3);
    fib.ip('route', 'add', FOREIGN, 'via', address(3), 'proto', 'static');
    fib.ip('route', 'add', IN_THE_WAY, 'via', address(3), 'proto', 'static', 'metric', '179');
    router = await fib.run({ neighbors: [1, 2, 3].map((n) => bothFamilies(n)) });
    await router.untilVoting(3);
    [a, b, customer] = [1, 2, 3].map((n) => new Neighbor(n));
    feeders = [a, b];
    await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
    await a.announce(tableOf(a.as, 1, 0, PREFIXES));
    await b.announce(tableOf(b.as, 2, 0, PREFIXES));
    await a.announce(tableOf(a.as, 3, 1, PREFIXES6 + 1, prefix6At));
    await b.announce(tableOf(b.as, 4, 1, PREFIXES6 + 1, prefix6At));
  });
  afterEach(async () => await fib?.endFlows());
  afterAll(async () => {
    await Promise.all([a, b, customer].map((neighbor) => neighbor?.stop()));
    await router?.stop();
    await fib?.destroy();
  });

  const cli = (...args: string[]) => fib.routers.btrOutput([...args, '--socket', router.socket]);

  async function verify(): Promise<{ code: number | undefined; found: FibVerification }> {
    const { code, text } = await cli('fib', '--verify', '--json');
    return { code, found: JSON.parse(text) as FibVerification };
  }

  /** Verdicts, kernel and what neighbours were told agree, once everything is quiet. */
  async function agreement(): Promise<void> {
    await untilFib('nothing is pending', ({ pending, contested }) => pending === 0 && contested === 0);
    expect(await verify()).toMatchObject({ code: 0, found: { ok: true, total: 0, differences: [] } });
  }

  async function untilFib(what: string, condition: (status: FibStatus) => boolean): Promise<FibStatus> {
    let last: FibStatus | undefined;
    const { fib: status } = await router
      .until(what, ({ fib: now }) => (last = now ?? undefined) !== undefined && condition(last))
      .catch((error: unknown) => {
        throw new Error(`${(error as Error).message}\nfib: ${JSON.stringify(last)}`, { cause: error });
      });
    return status!;
  }

  async function report(prefix: string): Promise<FibRouteReport> {
    const { routes } = (await router.request('fib', { prefix })) as { routes: FibRouteReport[] };
    expect(routes).toHaveLength(1);
    return routes[0];
  }

  /** Addresses in prefixes of both neighbours and both families. */
  function destinations(): string[] {
    const table = [...expectedFib(feeders)];
    return [1, 2].flatMap((n) =>
      [false, true].flatMap((six) =>
        table
          .filter(([prefix, hops]) => prefix.includes(':') === six && hops === hopOf(prefix, n))
          .slice(0, 3)
          .map(([prefix]) => hostIn(prefix)),
      ),
    );
  }

  test('holds exactly the verdicts, in both families', async () => {
    await fib.untilInstalled(feeders);
    await customer.untilRight(feeders);
    const expected = expectedFib(feeders);
    expect(expected.size).toBe(PREFIXES + PREFIXES6);
    expect(new Set(expected.values()).size).toBe(4);
    const status = await untilFib('all is written', ({ pending }) => pending === 0);
    expect(status).toMatchObject({ backend: 'kernel', protocol: 179, metric: 179, table: 254 });
    expect(status).toMatchObject({ routes: expected.size, installed: expected.size, failing: 0, stale: 0 });
    await agreement();
  });

  test('every replica believes that all its routes are installed', async () => {
    const all = expectedFib(feeders).size + PROBE;
    await waitFor(async () => (await birdBelief(router, 'bird')).installed === all, {
      what: `BIRD has ${all} routes in its kernel`,
      deadlineMs: 10_000,
    });
    expect(await frrBelief(router, 'frr')).toEqual({ wanted: all, installed: all });
    const { replicas } = await untilFib('nobody dissents', (status) => status.contested === 0);
    expect(replicas.map(({ replica, source, routes }) => [replica, source, routes])).toEqual([
      ['frr', 'netlink', all - PROBE],
      ['bird', 'netlink', all - PROBE],
      ['openbgpd', 'tap', all - PROBE],
    ]);
  });

  test('packets go by them', async () => {
    const flow = await fib.flow(destinations());
    await flow.untilFlowing();
    await waitFor(async () => (await flow.report()).received > 100, { what: 'a hundred packets', deadlineMs: 10_000 });
    expect(await lossesOf(flow)).toBeUndefined();
  });

  test('follows changes and withdrawals while packets flow', async () => {
    const flow = await fib.flow(destinations());
    await flow.untilFlowing();
    // Somebody can always be reached: each of these prefixes keeps one route.
    const some = Array.from({ length: 200 }, (_, i) => prefixAt(500 + i));
    await a.withdraw(some);
    await b.withdraw(Array.from({ length: 50 }, (_, i) => prefix6At(100 + i)));
    await fib.untilInstalled(feeders);
    await a.announce(new Map(some.map((prefix, i) => [prefix, routeFor(a.as, 5, i)])));
    await b.announce(tableOf(b.as, 6, 0, 300));
    await fib.untilInstalled(feeders);
    expect(await lossesOf(flow)).toBeUndefined();
    await customer.untilRight(feeders);
    await agreement();
  });

  test('what nobody announces any more is gone', async () => {
    await a.change(BRIEF, { path: [a.as] });
    await fib.untilInstalled(feeders);
    await a.withdraw([BRIEF]);
    await fib.untilInstalled(feeders);
    expect((await fib.routes()).has(BRIEF)).toBe(false);
  });

  test('btr fib tells verdict, kernel and votes', async () => {
    const prefix = prefixAt(3);
    const n = expectedFib(feeders).get(prefix) === hopOf(prefix, 1) ? 1 : 2;
    const hops = { type: 'unicast', nextHops: [{ gateway: address(n), interface: linkOf(n), weight: 1 }] };
    expect(await report(prefix)).toMatchObject({
      prefix,
      state: 'installed',
      verdict: hops,
      kernel: hops,
      error: null,
    });
    expect((await report(prefix)).votes).toMatchObject(
      ['frr', 'bird', 'openbgpd'].map((replica) => ({ replica, counts: true, agrees: true, nextHops: hops })),
    );
    const { code, text } = await cli('fib', prefix);
    expect(code).toBe(0);
    for (const word of [prefix, address(n), 'frr', 'bird', 'openbgpd']) expect(text).toContain(word);
    const json = await cli('fib', prefix, '--json');
    expect(json).toMatchObject({ code: 0, text: expect.stringContaining(`"${prefix}"`) });
    expect((await cli('fib', '203.0.113.0/24')).code).toBe(1);
    expect((await cli('fib', 'nonsense')).code).not.toBe(0);
  });

  describe("somebody else's routes", () => {
    const others = () => fib.routes(['proto', 'static']);

    test('with another metric: both stand', async () => {
      const before = await others();
      await a.change(FOREIGN, { path: [a.as] });
      await fib.untilInstalled(feeders);
      expect(await others()).toEqual(before);
      await a.withdraw([FOREIGN]);
      await fib.untilInstalled(feeders);
      expect(await others()).toEqual(before);
      expect(before.get(FOREIGN)).toBe(hopOf(FOREIGN, 3));
    });

    test('with our metric: theirs stays, the conflict is reported, and ours comes when theirs is gone', async () => {
      const before = await others();
      await a.change(IN_THE_WAY, { path: [a.as] });
      await untilFib('one route is failing', ({ failing }) => failing === 1);
      expect(await others()).toEqual(before);
      expect(await report(IN_THE_WAY)).toMatchObject({ state: 'failing', error: 'EEXIST', kernel: null });
      const { code, found } = await verify();
      expect([code, found.ok, found.total]).toEqual([1, false, 1]);
      expect(found.differences).toMatchObject([{ prefix: IN_THE_WAY, kind: 'missing' }]);
      expect((await cli('fib', '--verify')).text).toContain(IN_THE_WAY);
      fib.ip('route', 'del', IN_THE_WAY, 'proto', 'static');
      await fib.untilInstalled(feeders);
      await a.withdraw([IN_THE_WAY]);
      await fib.untilInstalled(feeders);
      await agreement();
    });

    test('our routes that somebody removed or changed are repaired', async () => {
      const { repaired } = await untilFib('a status', () => true);
      fib.ip('route', 'del', prefixAt(1), 'metric', '179');
      fib.ip('route', 'replace', prefixAt(2), 'via', address(3), 'metric', '179', 'proto', '179');
      await fib.untilInstalled(feeders);
      await untilFib('two repairs', (status) => status.repaired >= repaired + 2);
      await agreement();
    });

    test('a route under our number that nobody voted for does not stay', async () => {
      fib.ip('route', 'add', STRAY, 'via', address(3), 'metric', '179', 'proto', '179');
      await fib.untilInstalled(feeders);
    });
  });

  describe('links and addresses', () => {
    const without = (n: number) => feeders.filter((feeder) => feeder.n !== n);

    /** The kernel forgets IPv6 addresses of a link that is taken down. */
    const restoreIpv6 = (n: number): string =>
      fib.ip('address', 'replace', `fd00:${n}::1/64`, 'dev', linkOf(n), 'nodad');

    test('a link that goes down takes its routes along, and they come back with it', async () => {
      await fib.untilInstalled(feeders);
      fib.ip('link', 'set', linkOf(2), 'down');
      await fib.untilInstalled(without(2));
      const flow = await fib.flow([...expectedFib(without(2)).keys()].slice(0, 6).map(hostIn));
      await flow.untilFlowing();
      // The session lives on what the hypervisor says: a link is no reason to lose it.
      expect((await router.neighbor(2)).flaps).toBe(0);
      fib.ip('link', 'set', linkOf(2), 'up');
      restoreIpv6(2);
      await fib.untilInstalled(feeders);
      expect(await lossesOf(flow)).toBeUndefined();
      await agreement();
    });

    test('a carrier that is lost at the far end', async () => {
      execFileSync('ip', ['link', 'set', worldLinkOf(2), 'down']);
      await fib.untilInstalled(without(2));
      execFileSync('ip', ['link', 'set', worldLinkOf(2), 'up']);
      execFileSync('ip', ['address', 'replace', 'fd00:2::2/64', 'dev', worldLinkOf(2), 'nodad']);
      await fib.untilInstalled(feeders);
      await agreement();
    });

    test('a subnet that is no longer ours', async () => {
      const expected = new Map(
        [...expectedFib(feeders)].map(([prefix, hops]) => [
          prefix,
          prefix.includes(':') && hops === hopOf(prefix, 2) && a.routes.has(prefix) ? hopOf(prefix, 1) : hops,
        ]),
      );
      for (const [prefix, hops] of expected)
        if (prefix.includes(':') && hops === hopOf(prefix, 2)) expected.delete(prefix);
      fib.ip('address', 'del', 'fd00:2::1/64', 'dev', linkOf(2));
      await fib.untilExactly(expected);
      restoreIpv6(2);
      await fib.untilInstalled(feeders);
      await agreement();
    });
  });

  test('a route that the kernel refuses is reported, and the rest is unharmed', async () => {
    // Two of three agree on a gateway that is on no link.
    const fault = { kind: 'wrong-nexthop', where: 'fib', nextHop: '10.99.0.1', prefixes: [REFUSED] };
    for (const replica of ['frr', 'bird']) await router.request('inject', { replica, ...fault });
    await a.change(REFUSED, { path: [a.as] });
    await untilFib('one route is failing', ({ failing }) => failing === 1);
    expect(await report(REFUSED)).toMatchObject({ state: 'failing', error: 'ENETUNREACH', kernel: null });
    await b.change(AFTER_REFUSED, { path: [b.as] });
    await waitFor(async () => (await fib.routes()).get(AFTER_REFUSED) === hopOf(AFTER_REFUSED, 2), {
      what: 'the next route goes its way',
      deadlineMs: 10_000,
    });
    await router.request('inject-clear', {});
    await a.withdraw([REFUSED]);
    await untilFib('nothing is failing', ({ failing }) => failing === 0);
    await fib.untilInstalled(feeders);
    await agreement();
  });
});
