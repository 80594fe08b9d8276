// Minutes in which next to nothing happens: no daemon may lose a session for that. (OpenBGPD 7.7 did, after 240 s: see INTERNAL_HOLD_TIME.)
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Neighbor } from '../support/router-neighbors.js';
import { neighborConfig, REPLICAS, RouterLab, routerProblem, type RunningRouter } from '../support/router-lab.js';
import { tableOf } from '../support/router-routes.js';

/** Longer than the longest hold time that a daemon or RFC 4271 comes with, 240 s. */
const IDLE_MS = 260_000;

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('a router that has nothing to do', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let neighbors: Neighbor[];

  beforeAll(async () => {
    lab = RouterLab.create('idle', 2);
    router = await lab.run({ neighbors: [1, 2].map((n) => neighborConfig(n)) });
    await router.untilVoting(REPLICAS.length);
    neighbors = await Promise.all([1, 2].map((n) => new Neighbor(n).connect()));
  });
  afterAll(async () => {
    await Promise.all((neighbors ?? []).map((neighbor) => neighbor.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  test('keeps its replicas and its sessions', async () => {
    const [a, b] = neighbors;
    await a.announce(tableOf(a.as, 1, 0, 100));
    await b.untilRight(neighbors);
    await sleep(IDLE_MS);
    const { replicas, neighbors: sessions, electorate } = await router.status();
    expect(replicas.map(({ name, restarts, lastError }) => ({ name, restarts, lastError }))).toEqual(
      REPLICAS.map(({ name }) => ({ name, restarts: 0, lastError: null })),
    );
    expect(electorate).toHaveLength(REPLICAS.length);
    expect(sessions.map(({ state, flaps }) => ({ state, flaps }))).toEqual(
      sessions.map(() => ({ state: 'Established', flaps: 0 })),
    );
    await b.untilRight(neighbors);
  });
});
