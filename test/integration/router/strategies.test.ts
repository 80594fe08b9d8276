// The router end to end, the same for each strategy: two neighbours feed it, a customer must hold what the decision process says, whatever
// happens to the replicas in between.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VOTING_STRATEGIES } from '../../../configs/model.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import { isStopped, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, routeFor, tableOf } from '../../support/router-routes.js';
import { processesOf } from '../../support/replica-lab.js';

const PREFIXES = 3000;
const HANG = '4s';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('the router', () => {
  let lab: RouterLab;
  beforeAll(() => void (lab = RouterLab.create('strategies', 3)));
  afterAll(async () => await lab?.destroy());

  describe.each(VOTING_STRATEGIES)('%s', (strategy) => {
    let router: RunningRouter;
    let a: Neighbor, b: Neighbor, customer: Neighbor;
    let feeders: Neighbor[];
    let flaps: () => Promise<string[]>;

    beforeAll(async () => {
      [a, b, customer] = [new Neighbor(1), new Neighbor(2), new Neighbor(3)];
      feeders = [a, b];
      router = await lab.run({
        run: strategy,
        neighbors: [1, 2, 3].map((n) => neighborConfig(n)),
        voting: { strategy, 'hang-threshold': HANG, 'probe-interval': '50ms' },
      });
      await router.untilVoting(3);
      await Promise.all([a, b, customer].map((neighbor) => neighbor.connect()));
      flaps = await flapWatch(router, [a, b, customer]);
    });
    afterAll(async () => {
      await Promise.all([a, b, customer].map((neighbor) => neighbor.stop()));
      await router?.stop();
    });

    /** All tables are right, and no session was lost on the way. */
    async function allRight(): Promise<void> {
      await customer.untilRight(feeders);
      await Promise.all(feeders.map((feeder) => feeder.untilRight(feeders)));
      expect(await flaps()).toEqual([]);
    }

    test('passes on the best of two tables', async () => {
      await Promise.all([a.announce(tableOf(a.as, 1, 0, PREFIXES)), b.announce(tableOf(b.as, 2, 0, PREFIXES))]);
      await allRight();
      const { ballots, neighbors } = await router.untilUnanimous(3);
      expect(customer.table.size).toBe(PREFIXES);
      expect(neighbors.map(({ prefixesIn }) => prefixesIn)).toEqual([PREFIXES, PREFIXES, 0]);
      expect(neighbors[2].prefixesOut).toBe(PREFIXES);
      expect(ballots.withoutMajority).toBe(0);
      expect([...customer.table.faults.keys()]).toEqual([]);
    });

    test('follows withdrawals, changes and new announcements', async () => {
      const some = Array.from({ length: 300 }, (_, i) => prefixAt(i * 7));
      await a.withdraw(some);
      await b.withdraw(some.slice(0, 150));
      await allRight();
      expect(customer.table.size).toBe(PREFIXES - 150);
      await b.announce(tableOf(b.as, 3, 0, 500));
      await a.announce(new Map(some.map((prefix, i) => [prefix, routeFor(a.as, 4, i)])));
      await allRight();
      expect(customer.table.size).toBe(PREFIXES);
    });

    test('a replica that reads late holds nobody up', async () => {
      const pid = await router.signalReplica('bird', 'SIGSTOP');
      const { votes } = await router.replica('bird');
      await a.announce(tableOf(a.as, 5, 0, 1500));
      await b.announce(tableOf(b.as, 6, 500, 1500));
      await customer.untilRight(feeders);
      // Everything was delivered while it had not read a byte of it.
      expect(isStopped(pid)).toBe(true);
      const stopped = await router.replica('bird');
      expect(stopped).toMatchObject({ pid, votes, state: 'voting', restarts: 0 });
      expect(stopped.lagMs).toBeGreaterThan(0);
      await router.signalReplica('bird', 'SIGCONT');
      await allRight();
      await router.untilUnanimous(3);
      expect(await router.replica('bird')).toMatchObject({ pid, restarts: 0 });
    });

    test('a replica that hangs is found and replaced, the master too', async () => {
      const hung = (await router.status()).master ?? 'bird';
      const pid = await router.signalReplica(hung, 'SIGSTOP');
      await b.announce(tableOf(b.as, 7, 0, 1000));
      await customer.untilRight(feeders);
      expect(isStopped(pid)).toBe(true);
      // Its sockets have room for what trickles in, but that is no sign of life.
      let version = 8;
      const trickle = setInterval(() => void a.announce(tableOf(a.as, version++, 0, 1)), 300);
      try {
        await router.until('the hung replica has been replaced and votes', ({ replicas, electorate }) => {
          return replicas.find(({ name }) => name === hung)!.restarts === 1 && electorate.includes(hung);
        });
      } finally {
        clearInterval(trickle);
      }
      expect(processesOf(pid)).toEqual([]);
      await allRight();
      await router.untilUnanimous(3);
    });

    test('a replica killed in the middle of a feed', async () => {
      const { pid, restarts } = await router.replica('frr');
      const feeding = (async () => {
        for (let from = 0; from < PREFIXES; from += 100) await a.announce(tableOf(a.as, 8, from, from + 100));
      })();
      await waitFor(() => customer.table.updates > 0, { what: 'the feed flows', deadlineMs: 10_000 });
      process.kill(-pid!, 'SIGKILL');
      await feeding;
      await customer.untilRight(feeders);
      await router.untilVoting(3);
      expect(await router.replica('frr')).toMatchObject({ restarts: restarts + 1, state: 'voting' });
      await allRight();
      await router.untilUnanimous(3);
    });

    test.runIf(strategy === 'master-slave')('a master that dies is followed by the next', async () => {
      const { master } = await router.status();
      await router.signalReplica(master!, 'SIGKILL');
      const { master: next } = await router.until('another master', (status) => status.master !== master);
      expect(next).not.toBeNull();
      await a.announce(tableOf(a.as, 9, 0, 200));
      await customer.untilRight(feeders);
      await router.untilVoting(3);
      await allRight();
    });

    test('all replicas killed at once', async () => {
      const before = (await router.status()).replicas;
      for (const { pid } of before) process.kill(-pid!, 'SIGKILL');
      await router.until('nobody votes', ({ electorate }) => electorate.length === 0);
      expect(customer.differences(feeders)).toEqual([]);
      await a.withdraw([prefixAt(1), prefixAt(2)]);
      await b.announce(tableOf(b.as, 10, 0, 50));
      await router.untilVoting(3);
      await allRight();
      await router.untilUnanimous(3);
      expect(customer.table.size).toBe(new Set([...a.routes.keys(), ...b.routes.keys()]).size);
    });
  });
});
