// Those who do not keep up, on either side: a replica that does not read and a neighbour that does not, under more bytes than the sockets
// between hold. Nobody else waits for them, queues stay bounded, and they get the present state when they read again.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CollectedTable } from '../../../traces/collector.js';
import { waitFor } from '../../../cli/lab/wait.js';
import { flapWatch, Neighbor, RawPeer } from '../../support/router-neighbors.js';
import {
  isStopped,
  localAddress,
  neighborConfig,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { expectedRoutes, expectedTable, prefixAt, type Routes } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 6000;
const QUEUE = 64 * 1024;

/** Routes of about a kilobyte each that share nothing. */
function bulky(as: number, seed: number): Routes {
  const routes: Routes = new Map();
  const padding = Array.from({ length: 50 }, (_, i) => 100 + i);
  for (let i = 0; i < PREFIXES; i++) {
    const communities = padding.map((n) => ((seed << 24) | (i << 8) | n) >>> 0);
    routes.set(prefixAt(i), { path: [as, 1000 + seed, ...padding, 20_000 + i], communities });
  }
  return routes;
}

describe.skipIf(problem !== undefined)('falling behind', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  const [feeder, customer] = [new Neighbor(1), new Neighbor(2)];
  let slow: RawPeer;
  let flaps: () => Promise<string[]>;

  beforeAll(async () => {
    lab = RouterLab.create('backlog', 3);
    // Otherwise the kernel takes megabytes on behalf of a neighbour that does not read.
    const small = (which: string) => ['sh', '-c', `echo 4096 16384 65536 > /proc/sys/net/ipv4/${which}`];
    execFileSync('env', small('tcp_rmem'));
    lab.lab.run('router', small('tcp_wmem'));
    router = await lab.run({
      neighbors: [1, 2, 3].map((n) => neighborConfig(n)),
      voting: { 'hang-threshold': '60s' },
      more: { limits: { 'replica-queue-bytes': QUEUE } },
    });
    await router.untilVoting(3);
    await Promise.all([feeder.connect(), customer.connect()]);
    flaps = await flapWatch(router, [feeder, customer]);
    slow = await (await RawPeer.connect({ n: 3 })).establish();
  });
  afterAll(async () => {
    slow?.close();
    await Promise.all([feeder.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  test('a replica that does not read', async () => {
    const pid = await router.signalReplica('bird', 'SIGSTOP');
    await feeder.announce(bulky(feeder.as, 1));
    await customer.untilRight([feeder]);
    expect(customer.table.size).toBe(PREFIXES);
    const bird = await router.replica('bird');
    expect(isStopped(pid)).toBe(true);
    expect(bird).toMatchObject({ pid, votes: 0, restarts: 0 });
    // Its socket is full, and what waits behind it is what the limit allows and one write.
    expect(bird.backlogBytes).toBeGreaterThan(0);
    expect(bird.backlogBytes).toBeLessThan(QUEUE + 512 * 1024);
    await feeder.announce(bulky(feeder.as, 2));
    await feeder.withdraw([prefixAt(5), prefixAt(6)]);
    await customer.untilRight([feeder]);
    expect(isStopped(pid)).toBe(true);
    await router.signalReplica('bird', 'SIGCONT');
    await router.untilUnanimous(3);
    await customer.untilRight([feeder]);
    expect(await router.replica('bird')).toMatchObject({ pid, restarts: 0, backlogBytes: 0 });
    expect(await flaps()).toEqual([]);
  });

  test('a neighbour that does not read', async () => {
    slow.socket.pause();
    for (const seed of [3, 4, 5, 6]) {
      await feeder.announce(bulky(feeder.as, seed));
      await customer.untilRight([feeder]);
    }
    const before = slow.updates.length;
    slow.socket.resume();
    const right = expectedTable(expectedRoutes([feeder.candidate], 65000, 65003), () => localAddress(3));
    await waitFor(() => heardBy(slow).diff(right, 1).length === 0, {
      what: 'the present state',
      deadlineMs: 30_000,
      intervalMs: 250,
    });
    // States that came and went while it did not read were never queued for it.
    const heard = slow.updates.slice(before).filter((update) => heardBy({ updates: [update] }).size > 0);
    expect(heard.length).toBeLessThan(2 * PREFIXES);
    expect((await router.neighbor(3)).state).toBe('Established');
    expect(await flaps()).toEqual([]);
  });
});

function heardBy({ updates }: { updates: readonly Uint8Array[] }): CollectedTable {
  const table = new CollectedTable();
  for (const update of updates) table.update(update, 0, update.length, { as4: true, ebgp: true, families: 3 });
  return table;
}
