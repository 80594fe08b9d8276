// The hypervisor ends and begins again: what it leaves in the kernel, what it finds there, and that packets flow throughout, those of a
// host with a static default route and those of a neighbour that forwards by the routes it was told (RFC 4724).
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addRoute } from '../../../cli/lab/forwarding.js';
import type { PacketFlow } from '../../../cli/lab/packet-flow.js';
import { plainConfig } from '../../../cli/lab/plain-configs.js';
import { startPlainDaemon, type PlainDaemon } from '../../../cli/lab/plain-daemons.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { expectedFib, FibLab, hopOf, hostIn, INTERNET, lossesOf, wrongRoutes } from '../../support/fib-lab.js';
import { kernelRoutes, routeDifferences } from '../../support/kernel-routes.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  localAddress,
  neighborConfig,
  processesIn,
  ROUTER_AS,
  routerProblem,
  type Config,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 500;
/** These change while the router is away; packets go by the others. */
const CHANGED = 200;
/** A BIRD in a namespace of its own, which forwards by what the router tells it. */
const CUSTOMER = 13;

describe.skipIf(problem !== undefined)('the forwarding table and the end of the hypervisor', () => {
  let fib: FibLab;
  let router: RunningRouter | undefined;
  let customer: PlainDaemon;
  let a: Neighbor, b: Neighbor;
  let feeders: Neighbor[];

  beforeAll(async () => {
    fib = FibLab.create('restart', 2);
    const { lab } = fib.routers;
    lab.addNamespace('customer');
    lab.link(
      { namespace: 'router', interface: 'customer', addresses: [`${localAddress(CUSTOMER)}/24`] },
      { namespace: 'customer', addresses: [`${address(CUSTOMER)}/24`] },
    );
    addRoute(lab, INTERNET, `${address(CUSTOMER)}/32`, 'via', '10.8.0.2');
    const uplink = { address: localAddress(CUSTOMER), as: ROUTER_AS, localAddress: address(CUSTOMER), passive: false };
    const config = { as: asOf(CUSTOMER), routerId: address(CUSTOMER), neighbors: [uplink], kernel: true };
    customer = await startPlainDaemon(lab, 'customer', 'bird', plainConfig('bird', config, ''), 'customer');
  });
  afterEach(async () => await fib?.endFlows());
  afterAll(async () => {
    await Promise.all([a, b].map((neighbor) => neighbor?.stop()));
    await router?.stop();
    await fib?.destroy();
  });

  /** Starts a router and its two feeders. What they say is up to the test. */
  async function start(run: string, settings: Config = {}): Promise<RunningRouter> {
    await router?.stop();
    router = await fib.run({ run, neighbors: [1, 2, CUSTOMER].map((n) => neighborConfig(n)), fib: settings });
    await router.untilVoting(3);
    [a, b] = [1, 2].map((n) => new Neighbor(n));
    feeders = [a, b];
    await Promise.all(feeders.map((feeder) => feeder.connect()));
    return router;
  }

  const bgpRoutesOfCustomer = () => kernelRoutes(fib.routers.lab.namespace('customer'), ['proto', 'bird']);

  /** The customer's kernel forwards everything that the router forwards to its upstreams. */
  async function customerHasAll(): Promise<void> {
    const wanted = new Map(
      [...expectedFib(feeders).keys()].map((prefix) => [prefix, `via ${localAddress(CUSTOMER)} dev eth0`]),
    );
    await waitFor(async () => routeDifferences(await bgpRoutesOfCustomer(), wanted).length === 0, {
      what: "the customer's kernel has all routes",
      deadlineMs: 30_000,
      intervalMs: 200,
    });
  }

  /** Two flows, both by routes that do not change: from the host with its default route, and from the customer. */
  async function flows(): Promise<PacketFlow[]> {
    const table = [...expectedFib(feeders)].filter(([prefix]) => KEPT.has(prefix));
    const some = [1, 2].flatMap((n) => table.filter(([prefix, hops]) => hops === hopOf(prefix, n)).slice(0, 5));
    const destinations = some.map(([prefix]) => hostIn(prefix));
    const both = await Promise.all([fib.flow(destinations), fib.flow(destinations, 'customer')]);
    for (const flow of both) await flow.untilFlowing();
    return both;
  }
  const KEPT = new Set(Array.from({ length: PREFIXES - CHANGED }, (_, i) => prefixAt(CHANGED + i)));

  async function announceAll(): Promise<void> {
    await Promise.all([a.announce(tableOf(a.as, 1, 0, PREFIXES)), b.announce(tableOf(b.as, 2, 0, PREFIXES))]);
  }

  /** The router and its replicas have ended; what runs beside them in its namespace may go on. */
  async function nothingRuns(): Promise<void> {
    await waitFor(() => processesIn(fib.routers).every((pid) => bystanders.has(pid)), {
      what: 'the router and its replicas have ended',
      deadlineMs: 10_000,
    });
  }
  let bystanders = new Set<number>();

  test('SIGKILL and a new start: packets flow throughout, and the table is exact in the end', async () => {
    const watch = await fib.watch();
    bystanders = new Set(processesIn(fib.routers));
    const first = await start('killed');
    await announceAll();
    await fib.untilInstalled(feeders);
    await customerHasAll();
    const before = expectedFib(feeders);
    const packets = await flows();
    const from = (await watch.events()).length;

    first.process.kill('SIGKILL');
    await Promise.all(feeders.map(({ ended }) => ended));
    await nothingRuns();
    expect(routeDifferences(await fib.routes(), before)).toEqual([]);

    // Some routes are gone and some are others when it comes back.
    const second = await start('killed');
    await a.announce(tableOf(a.as, 1, 50, PREFIXES));
    await b.announce(tableOf(b.as, 2, 100, PREFIXES));
    await b.announce(tableOf(b.as, 7, 150, CHANGED));
    const after = expectedFib(feeders);
    expect(after.size).toBe(PREFIXES - 50);
    await second.until('all is known again', ({ restart }) => restart.state === 'resynchronised', 60_000);
    await fib.untilInstalled(feeders);
    await second.until('nothing is stale', ({ fib: now }) => now?.stale === 0 && now.pending === 0);
    const verified = await fib.routers.btrOutput(['fib', '--verify', '--json', '--socket', second.socket]);
    expect(verified.code, verified.text).toBe(0);
    await customerHasAll();

    for (const flow of packets) expect(await lossesOf(flow)).toBeUndefined();
    // Nothing was removed that is to stay, and nothing written that nobody announced: while only one of the two has told its routes
    // again, these are the best ones.
    const events = await watch.own(from);
    const removed = events.filter(({ deleted, prefix }) => deleted && after.has(prefix));
    expect(removed.map(({ line }) => line)).toEqual([]);
    expect(wrongRoutes(events, before, after, expectedFib([a]), expectedFib([b]))).toEqual([]);
    await watch.stop();
  });

  test('an orderly end takes the routes along', async () => {
    const foreign = await fib.routes(['proto', 'kernel']);
    expect((await router!.stop()).code).toBe(0);
    await nothingRuns();
    expect((await fib.routes()).size).toBe(0);
    expect(await fib.routes(['proto', 'kernel'])).toEqual(foreign);
  });

  test('keep: an orderly end leaves them, and the next start takes them over', async () => {
    const first = await start('kept', { keep: true });
    await announceAll();
    await fib.untilInstalled(feeders);
    await customerHasAll();
    const packets = await flows();
    expect((await first.stop()).code).toBe(0);
    await nothingRuns();
    expect(routeDifferences(await fib.routes(), expectedFib(feeders))).toEqual([]);
    const second = await start('kept', { keep: false });
    await announceAll();
    await second.until('all is known again', ({ restart }) => restart.state === 'resynchronised', 60_000);
    await fib.untilInstalled(feeders);
    for (const flow of packets) expect(await lossesOf(flow)).toBeUndefined();
    const { fib: status } = await second.status();
    // Replaced: what was the best route while only one of the two had told its own.
    expect(status).toMatchObject({ created: 0, deleted: 0, failing: 0, stale: 0, installed: PREFIXES });
    await second.stop();
    expect((await fib.routes()).size).toBe(0);
  });

  test('routes of a life long ago that nobody confirms go after a while', async () => {
    fib.ip('route', 'add', prefixAt(7000), 'via', address(1), 'proto', '179', 'metric', '179');
    // Of a life with another configuration.
    fib.ip('route', 'add', prefixAt(7001), 'via', address(1), 'proto', '179', 'metric', '77');
    await router?.stop();
    const lonely = await fib.run({
      run: 'lonely',
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      fib: { 'stale-routes': '3s' },
    });
    router = lonely;
    await lonely.untilVoting(3);
    await fib.untilExactly(new Map());
    expect((await lonely.status()).restart.state).toBe('expired');
    expect(customer.process.running).toBe(true);
  });
});
