// Faults of single replicas: killed, stopped, or wrong about the kernel's routes; those whose course depends on the strategy with each of
// them. Packets flow throughout, and where the strategy promises it, not one wrong route ever stands in the kernel.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VOTING_STRATEGIES } from '../../../configs/model.js';
import type { PacketFlow } from '../../../cli/lab/packet-flow.js';
import { expectedFib, FibLab, hopOf, hostIn, lossesOf, wrongRoutes } from '../../support/fib-lab.js';
import type { KernelRoutes, RouteWatch } from '../../support/kernel-routes.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import { address, neighborConfig, REPLICAS, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 1000;
/** Nobody announces with this next hop: a route that has it is wrong. */
const WRONG = address(3);

describe.skipIf(problem !== undefined)('the forwarding table while replicas fail', () => {
  let fib: FibLab;
  beforeAll(() => void (fib = FibLab.create('faults', 3)));
  afterEach(async () => await fib?.endFlows());
  afterAll(async () => await fib?.destroy());

  describe.each(VOTING_STRATEGIES)('%s', (strategy) => {
    let router: RunningRouter;
    let a: Neighbor, b: Neighbor, customer: Neighbor;
    let feeders: Neighbor[];
    let watch: RouteWatch;
    let flaps: () => Promise<string[]>;
    /** What a strategy has no part in is played with one of them. */
    const once = test.runIf(strategy === VOTING_STRATEGIES[0]);

    beforeAll(async () => {
      [a, b, customer] = [1, 2, 3].map((n) => new Neighbor(n));
      feeders = [a, b];
      watch = await fib.watch();
      router = await fib.run({
        run: strategy,
        neighbors: [1, 2, 3].map((n) => neighborConfig(n)),
        voting: {
          ...{ strategy, 'stability-threshold': '400ms', 'probe-interval': '50ms' },
          ...{ 'hang-threshold': '3s', 'fault-threshold': '1s' },
        },
      });
      await router.untilVoting(3);
      await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
      await Promise.all([a.announce(tableOf(a.as, 1, 0, PREFIXES)), b.announce(tableOf(b.as, 2, 0, PREFIXES))]);
      await fib.untilInstalled(feeders);
      await customer.untilRight(feeders);
      flaps = await flapWatch(router, [a, b, customer]);
    });
    afterAll(async () => {
      await Promise.all([a, b, customer].map((neighbor) => neighbor?.stop()));
      await router?.stop();
      await watch?.stop();
    });

    /** Puts a fault between a replica and the forwarding table's votes. */
    const inject = (replica: string, kind: string, more: Record<string, unknown> = {}) =>
      router.request('inject', { replica, kind, where: 'fib', all: true, ...more });
    const clear = () => router.request('inject-clear', {});

    /** Packets to both neighbours. What is announced or withdrawn meanwhile leaves these prefixes alone. */
    async function flow(): Promise<PacketFlow> {
      const table = [...expectedFib(feeders)].filter(([prefix]) => KEPT.has(prefix));
      const some = [1, 2].flatMap((n) => table.filter(([prefix, hops]) => hops === hopOf(prefix, n)).slice(0, 5));
      const packets = await fib.flow(some.map(([prefix]) => hostIn(prefix)));
      await packets.untilFlowing();
      return packets;
    }
    const KEPT = new Set(Array.from({ length: 100 }, (_, i) => prefixAt(PREFIXES - 100 + i)));

    /** All is right again, nothing was lost on the way, and no session either. */
    async function allRight(packets: PacketFlow): Promise<void> {
      await fib.untilInstalled(feeders);
      await customer.untilRight(feeders);
      expect(await lossesOf(packets)).toBeUndefined();
      expect(await flaps()).toEqual([]);
    }

    /** Runs `change` and returns the routes that were written meanwhile and that neither the old nor the new table has. */
    async function wrongMeanwhile(change: () => Promise<void>): Promise<string[]> {
      const [before, from]: [KernelRoutes, number] = [expectedFib(feeders), (await watch.events()).length];
      await change();
      return wrongRoutes(await watch.own(from), before, expectedFib(feeders));
    }

    once('a replica killed in the middle of changes', async () => {
      const packets = await flow();
      const { pid } = await router.replica('bird');
      const changing = a.announce(tableOf(a.as, 8, 0, 500));
      expect(pid).not.toBeNull();
      process.kill(-pid!, 'SIGKILL');
      await changing;
      await fib.untilInstalled(feeders);
      await router.until('it is back and votes', ({ replicas, electorate }) => {
        return replicas[1].pid !== pid && electorate.includes('bird');
      });
      await allRight(packets);
      expect((await fib.routes()).size).toBe(PREFIXES);
    });

    test('a replica stopped while the table changes', async () => {
      const packets = await flow();
      const stopped = (await router.status()).master ?? 'bird';
      const { restarts } = await router.replica(stopped);
      await router.signalReplica(stopped, 'SIGSTOP');
      await b.announce(tableOf(b.as, 9, 0, 500));
      await fib.untilInstalled(feeders);
      await router.until('it has been replaced and votes', ({ replicas, electorate }) => {
        return replicas.find(({ name }) => name === stopped)!.restarts > restarts && electorate.includes(stopped);
      });
      await allRight(packets);
    });

    test('a replica that is wrong about gateways', async () => {
      await router.untilUnanimous(3);
      const packets = await flow();
      const { master } = await router.status();
      const wrong = master ?? 'bird';
      const written = await wrongMeanwhile(async () => {
        await inject(wrong, 'wrong-nexthop', { nextHop: WRONG });
        await a.announce(tableOf(a.as, 10, 0, 500));
        await fib.untilInstalled(feeders);
      });
      // A master is believed until it is overthrown; with two right ones of three nobody else ever gets a wrong route in.
      if (wrong !== master) expect(written).toEqual([]);
      else expect((await router.status()).master).not.toBe(wrong);
      await clear();
      await b.announce(tableOf(b.as, 11, 300, 700));
      await allRight(packets);
    });

    once('a replica whose routes are lost is found, and right again after a new start', async () => {
      await router.untilUnanimous(3);
      const packets = await flow();
      const { restarts } = await router.replica('openbgpd');
      const written = await wrongMeanwhile(async () => {
        await inject('openbgpd', 'drop');
        await b.announce(tableOf(b.as, 12, 0, 500));
        await fib.untilInstalled(feeders);
      });
      expect(written).toEqual([]);
      await router.until('it was started anew and votes', ({ replicas, electorate }) => {
        return replicas.find(({ name }) => name === 'openbgpd')!.restarts > restarts && electorate.includes('openbgpd');
      });
      expect(await router.request('inject-list', {})).toEqual([]);
      await a.announce(tableOf(a.as, 13, 0, 500));
      await allRight(packets);
    });

    once('a replica whose kernel refuses everything', async () => {
      await router.untilUnanimous(3);
      const packets = await flow();
      await inject('bird', 'refuse');
      await a.announce(tableOf(a.as, 14, 0, 500));
      await fib.untilInstalled(feeders);
      await clear();
      await allRight(packets);
    });

    test('all replicas killed at once: what is installed stays', async () => {
      await router.untilVoting(3);
      const packets = await flow();
      const from = (await watch.events()).length;
      // One that is being started anew at this moment has no process: never signal group 0, which is the test's own.
      for (const { pid } of (await router.status()).replicas) if (pid !== null) process.kill(-pid, 'SIGKILL');
      await router.until('nobody votes', ({ electorate }) => electorate.length === 0);
      await router.untilVoting(3);
      await allRight(packets);
      const touched = (await watch.own(from)).filter(({ deleted }) => deleted);
      expect(touched.map(({ line }) => line)).toEqual([]);
    });
  });

  test.each([
    ['is the only replica', 'continuous-majority', [{ name: 'frr', kind: 'frr' }]],
    ['leads', 'master-slave', REPLICAS],
  ])('FRR %s, and loses its bgpd: what its zebra takes back then stays', async (_, strategy, replicas) => {
    const [a, b] = [1, 2].map((n) => new Neighbor(n));
    const watch = await fib.watch();
    const router = await fib.run({
      run: `bgpd-${replicas.length}`,
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      replicas,
      voting: { strategy, 'stability-threshold': '400ms', 'probe-interval': '50ms' },
    });
    const kill = async (name: string): Promise<void> => {
      const { restarts, pid } = await router.replica(name);
      process.kill(pid!, 'SIGKILL');
      await router.until('it has been started again and all vote', ({ electorate, replicas: now }) => {
        return now.find((one) => one.name === name)!.restarts > restarts && electorate.length === replicas.length;
      });
    };
    try {
      await router.untilVoting(replicas.length);
      await Promise.all([a, b].map((neighbor) => neighbor.connect()));
      await Promise.all([a.announce(tableOf(a.as, 1, 0, PREFIXES)), b.announce(tableOf(b.as, 2, 0, PREFIXES))]);
      await fib.untilInstalled([a, b]);
      // A master that leaves goes to the end of the succession.
      const leads = async (): Promise<boolean> => [null, 'frr'].includes((await router.status()).master);
      while (!(await leads())) await kill((await router.status()).master!);
      const from = (await watch.events()).length;
      await kill('frr');
      await fib.untilInstalled([a, b]);
      expect((await watch.own(from)).filter(({ deleted }) => deleted).map(({ line }) => line)).toEqual([]);
    } finally {
      await Promise.all([a, b].map((neighbor) => neighbor.stop()));
      await router.stop();
      await watch.stop();
    }
  });
});
