// A neighbour that comes and goes: its routes do too, at everybody's, every time.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Neighbor } from '../../support/router-neighbors.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('flaps', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  const [a, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('flaps', 2);
    router = await lab.run({ neighbors: [1, 2].map((n) => neighborConfig(n)) });
    await router.untilVoting(3);
    await customer.connect();
  });
  afterAll(async () => {
    await customer.stop();
    await router?.stop();
    await lab?.destroy();
  });

  test('a neighbour that comes and goes', async () => {
    const before = (await router.status()).replicas;
    for (let round = 0; round < 6; round++) {
      await a.connect();
      await a.announce(tableOf(a.as, round, 0, 100));
      await customer.untilRight([a]);
      // Every replica takes the session again (two neighbours, probe and tap): some daemons count how often they lost it.
      await router.until('all replicas have all sessions', ({ replicas }) =>
        replicas.every(({ sessions, sessionsUp }) => sessions === 4 && sessionsUp === sessions),
      );
      await a.stop();
      a.renew();
      await customer.untilRight([a]);
      expect(customer.table.size).toBe(0);
    }
    const after = (await router.status()).replicas;
    expect(after.map(({ pid, restarts }) => [pid, restarts])).toEqual(before.map(({ pid }) => [pid, 0]));
    await router.untilUnanimous(3);
  });

  test('a replica that does not take the session has no say until it does', async () => {
    const pid = await router.signalReplica('bird', 'SIGSTOP');
    await a.connect();
    await a.announce(tableOf(a.as, 9, 0, 100));
    await customer.untilRight([a]);
    const { replicas } = await router.until('it is out', ({ electorate }) => !electorate.includes('bird'));
    expect(replicas.find(({ name }) => name === 'bird')).toMatchObject({ pid, state: 'syncing', restarts: 0 });
    await router.signalReplica('bird', 'SIGCONT');
    await router.untilUnanimous(3);
    expect(await router.replica('bird')).toMatchObject({ pid, state: 'voting', lastError: null });
    await a.stop();
  });
});
