// What somebody would try who wants the router to fail: neighbours that flap while replicas start anew, and messages that kill everybody.
// Nobody is kept out for ever by it, and nothing wrong stays out.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import { flapWatch, Neighbor, RawPeer } from '../../support/router-neighbors.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const FLAPPER = 4;

/** Sessions that come up and go down again soon, until they are told to end. Resolves with how many there were. */
async function flap(signal: AbortSignal): Promise<number> {
  let sessions = 0;
  while (!signal.aborted) {
    const peer = await RawPeer.connect({ n: FLAPPER });
    await peer.establish().catch(() => undefined);
    sessions++;
    await delay(400);
    peer.close();
  }
  return sessions;
}

describe.skipIf(problem !== undefined)('an adversary', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let flaps: () => Promise<string[]>;
  const [a, customer, b] = [new Neighbor(1), new Neighbor(2), new Neighbor(3)];

  beforeAll(async () => {
    lab = RouterLab.create('adversary', 4);
    router = await lab.run({
      neighbors: [1, 2, 3, FLAPPER].map((n) => neighborConfig(n)),
      voting: { 'probe-interval': '500ms', 'hold-without-replicas': '6s' },
      more: { quarantine: { narrow: false } },
    });
    await router.untilVoting(3);
    await Promise.all([a, customer, b].map((neighbor) => neighbor.connect()));
    flaps = await flapWatch(router, [a, customer, b]);
    await a.announce(tableOf(a.as, 1, 0, 50));
    await customer.untilRight([a]);
  });
  afterAll(async () => {
    await Promise.all([a, customer, b].map((neighbor) => neighbor.stop()));
    await router?.stop();
    await lab?.destroy();
  });

  test('a session that comes and goes keeps nobody out who starts anew', async () => {
    const end = new AbortController();
    const flapping = flap(end.signal);
    try {
      for (const name of ['frr', 'bird']) await router.signalReplica(name, 'SIGKILL');
      await router.until('they are gone', ({ replicas }) => replicas[0].restarts + replicas[1].restarts === 2);
      await router.untilVoting(3);
    } finally {
      end.abort();
    }
    expect(await flapping).toBeGreaterThan(1);
    await customer.untilRight([a]);
    expect(await flaps()).toEqual([]);
  });

  test('a route that kills everybody takes no other one down at once, and keeps none out that is gone', async () => {
    const [prefix] = [prefixAt(100)];
    await b.change(prefix, { path: [b.as] });
    await customer.untilRight([a, b]);
    await router.untilUnanimous(3);
    const pids = await Promise.all(['frr', 'bird', 'openbgpd'].map((name) => router.pidOf(name)));
    await a.change(prefix, { path: [a.as, 1, 2, 3] });
    // It has been handed on by then; all at once, for two probes later it would have proven harmless.
    await router.status();
    for (const pid of pids) process.kill(-pid, 'SIGSEGV');
    await router.until('nobody has a say of its own', ({ replicas, electorate }) => {
      return electorate.length === 3 && replicas.every(({ abstains }) => abstains.quarantined > 0);
    });
    expect(customer.table.get(prefix)).toBeDefined();
    await b.withdraw([prefix]);
    await waitFor(() => customer.table.get(prefix) === undefined, { what: 'the route goes', deadlineMs: 20_000 });
    await router.request('quarantine-release');
    await customer.untilRight([a, b]);
    expect(await flaps()).toEqual([]);
  });
});
