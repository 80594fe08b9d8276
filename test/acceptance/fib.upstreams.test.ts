// A whole table from two upstreams, who disagree about paths, through all of the router's life: the kernel holds what BIRD alone makes of the
// same input, while replicas die, while the hypervisor itself is killed and comes back, and when the upstreams go. The kernel's own counts
// say what was written. BTR_TABLE_LIMIT: so many prefixes of each upstream only, for a short run. Prints its figures.
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LabProcess } from '../../cli/lab/process.js';
import { treeUsage } from '../../cli/lab/process-stats.js';
import { waitFor } from '../../cli/lab/wait.js';
import type { FibStatus, FibVerification } from '../../hypervisor/fib/status.js';
import { FibLab, hopOf } from '../support/fib-lab.js';
import { kernelRoutes, routeDifferences, type KernelRoutes } from '../support/kernel-routes.js';
import { LoneBird } from '../support/lone-bird.js';
import { frrLines, birdLines } from '../support/replica-beliefs.js';
import { RouteMeter } from '../support/route-meter.js';
import {
  address,
  asOf,
  localAddress,
  neighborConfig,
  REPLICAS,
  ROUTER_AS,
  routerProblem,
  type RunningRouter,
} from '../support/router-lab.js';
import { missing, sharedFile } from '../support/shared.js';

const RIB = 'traces/rib/route-views.jinx.rib.20140530.2200.bz2';
const PEER = 'AS30844';
const MAIN = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const UPSTREAMS = [1, 2];
const LIMIT = Number(process.env.BTR_TABLE_LIMIT ?? 0);
const AT_LEAST = LIMIT > 0 ? LIMIT * 0.9 : 490_000;
const DEADLINE_MS = LIMIT > 0 ? 40_000 : 300_000;
const REST_MS = 5000;
/** Somebody else's: no upstream announces the first; the second covers what they do, with a metric of its own. */
const FOREIGN = [
  ['198.51.100.0/24', 'via', '10.9.0.2', 'dev', 'lan', 'proto', 'static'],
  ['8.8.8.0/24', 'via', '10.9.0.2', 'dev', 'lan', 'proto', 'static', 'metric', '50'],
];

const problem = routerProblem() ?? (sharedFile(RIB) ? undefined : missing(RIB));
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('a whole table from two upstreams', () => {
  let fib: FibLab;
  let router: RunningRouter;
  let meter: RouteMeter;
  let upstreams: LabProcess[] = [];
  /** What BIRD alone forwards by: with both upstreams, and with the second alone. */
  let both: KernelRoutes, second: KernelRoutes;

  beforeAll(() => {
    fib = FibLab.create('upstreams', UPSTREAMS.length);
    for (const route of FOREIGN) fib.ip('route', 'add', ...route);
  });
  afterAll(async () => {
    await Promise.all(upstreams.map((upstream) => upstream.stop(5000, 'SIGINT')));
    await router?.stop();
    await fib?.destroy();
  });

  const setup = () => ({ neighbors: UPSTREAMS.map((n) => neighborConfig(n)), voting: { 'stability-threshold': '1s' } });
  const status = async (): Promise<FibStatus> => (await router.status()).fib!;
  const foreign = () => fib.routes(['proto', 'static']);

  /** Both play the table, the second with other paths. `namespace`: where, the test process's own unless given. */
  async function play(namespace?: string): Promise<LabProcess[]> {
    const { lab } = fib.routers;
    const argv = (n: number): string[] => {
      const view = `peer=${PEER},local=${address(n)},as=${asOf(n)},to=${localAddress(n)}${n === 1 ? '' : ',derive=1'}`;
      const size = LIMIT > 0 ? ['--limit', String(LIMIT)] : [];
      const session = ['--peer-as', String(ROUTER_AS), '--wait', '60'];
      return [process.execPath, MAIN, 'replay', sharedFile(RIB)!, '--map', view, ...session, ...size, '--json'];
    };
    const names = UPSTREAMS.map((n) => `upstream-${n}${namespace ?? ''}-${lives}`);
    lives++;
    const log = (name: string): string => path.join(lab.directory, `${name}.log`);
    upstreams = await Promise.all(
      UPSTREAMS.map((n, i) =>
        namespace === undefined
          ? LabProcess.spawn(argv(n), { name: names[i], log: log(names[i]) })
          : lab.spawn(namespace, argv(n), { name: names[i], log: log(names[i]) }),
      ),
    );
    return upstreams;
  }
  let lives = 0;

  async function allPlayed(): Promise<void> {
    const told = (): boolean => upstreams.every((upstream) => upstream.logTail(3).includes('"seconds"'));
    await waitFor(told, { what: 'the upstreams have told everything', deadlineMs: DEADLINE_MS, intervalMs: 250 });
  }

  /** All is voted on and written, and no number has changed for a while. Returns the seconds until it was so, the while not counted. */
  async function untilQuiet(more: (fib: FibStatus) => boolean = () => true): Promise<number> {
    const begun = performance.now();
    let [last, since] = ['', begun];
    await router.until(
      'everything is quiet',
      ({ fib: now, electorate, ballots, neighbors, replicas }) => {
        const key = JSON.stringify([now?.routes, now?.installed, ballots, neighbors.map((n) => n.prefixesIn)]);
        if (key !== last) [last, since] = [key, performance.now()];
        const settled =
          now !== null && now !== undefined && now.pending === 0 && now.contested === 0 && now.stale === 0;
        const idle = electorate.length === 3 && replicas.every(({ backlogBytes }) => backlogBytes === 0);
        return settled && idle && now.installed === now.routes && more(now) && performance.now() - since > REST_MS;
      },
      DEADLINE_MS,
    );
    return (since - begun) / 1000;
  }

  /** By netlink and BIRD alone, by the router's own check, and by every replica's vote. */
  async function exact(expected: KernelRoutes): Promise<void> {
    expect(routeDifferences(await fib.routes(), expected)).toEqual([]);
    const { code, text } = await fib.routers.btrOutput(['fib', '--verify', '--json', '--socket', router.socket]);
    expect(code, text.slice(0, 2000)).toBe(0);
    const { verdicts, kernelRoutes: written } = JSON.parse(text) as FibVerification;
    expect([verdicts, written]).toEqual([expected.size, expected.size]);
    const { replicas } = await status();
    expect(replicas.map(({ routes, dissents }) => [routes, dissents])).toEqual(REPLICAS.map(() => [expected.size, 0]));
  }

  const figures = (what: string, values: Record<string, unknown>): void => {
    console.log(`${what}: ${JSON.stringify(values)}`);
  };

  test('what BIRD alone makes of it', async () => {
    const { file } = fib.routers.write({ ...setup(), run: 'alone', more: { fib: { backend: 'kernel' } } });
    const bird = await LoneBird.start(fib.routers, file, UPSTREAMS.length);
    const [first] = await play(LoneBird.WORLD);
    await allPlayed();
    both = await bird.routes(DEADLINE_MS);
    await first.stop(5000, 'SIGINT');
    second = await bird.routes(DEADLINE_MS);
    await upstreams[1].stop(5000, 'SIGINT');
    expect((await bird.routes(DEADLINE_MS)).size).toBe(0);
    await bird.stop();
    const by = (table: KernelRoutes, n: number): number =>
      [...table].filter(([prefix, hops]) => hops === hopOf(prefix, n)).length;
    expect(both.size).toBeGreaterThan(AT_LEAST);
    expect(second.size).toBeGreaterThan(AT_LEAST);
    expect(by(both, 1) + by(both, 2)).toBe(both.size);
    // Both views count.
    expect(Math.min(by(both, 1), by(both, 2))).toBeGreaterThan(both.size / 10);
    expect(by(second, 2)).toBe(second.size);
    figures('BIRD alone', { both: both.size, byFirst: by(both, 1), bySecond: by(both, 2), secondAlone: second.size });
  });

  test('the kernel holds exactly that', async () => {
    router = await fib.run(setup());
    await router.untilVoting(3, 60_000);
    meter = await RouteMeter.start(fib.routers.lab, 'router');
    await play();
    const begun = performance.now();
    await allPlayed();
    const toldAfter = (performance.now() - begun) / 1000;
    const seconds = toldAfter + (await untilQuiet(({ routes }) => routes > AT_LEAST));
    const { written, removed, lost } = await meter.take();
    const { created, replaced, deleted } = await status();
    const usage = treeUsage(router.process.pid).map((each) => [each.name, each.cpuSeconds, each.peakBytes >> 20]);
    figures('table', { toldAfter, seconds, written, removed, lost, created, replaced, deleted, usage });
    await exact(both);
    expect((await foreign()).size).toBe(FOREIGN.length);
    if (LIMIT === 0) expect(both.has(FOREIGN[1][0])).toBe(true);
  });

  test('each daemon, asked for every single route, says that the kernel has it', async () => {
    // 497k lines each: the daemons answer nobody else meanwhile.
    expect(await birdLines(router, 'bird')).toEqual({ routes: both.size, unsynchronised: 0 });
    expect(await frrLines(router, 'frr')).toEqual({ routes: both.size, installed: both.size });
    await untilQuiet();
    expect(await meter.take()).toMatchObject({ written: 0, removed: 0, lost: 0 });
  });

  test.each(REPLICAS.map(({ name }) => name as string))('%s is killed: not one route changes', async (name) => {
    const pid = await router.signalReplica(name, 'SIGKILL');
    const begun = performance.now();
    await router.until(
      'it is back and votes',
      ({ electorate, replicas }) =>
        electorate.length === 3 && replicas.find((replica) => replica.name === name)?.pid !== pid,
      DEADLINE_MS,
    );
    const back = (performance.now() - begun) / 1000;
    await untilQuiet();
    const { written, removed, lost, examples } = await meter.take();
    figures(`${name} killed`, { back, written, removed });
    expect({ written, removed, lost, examples }).toEqual({ written: 0, removed: 0, lost: 0, examples: [] });
    await exact(both);
  });

  test('SIGKILL of the hypervisor: the table stays, and is exact again', async () => {
    const { least: before } = await meter.take();
    meter.sample(true);
    router.process.kill('SIGKILL');
    await Promise.all(upstreams.map(({ exited }) => exited));
    const killed = performance.now();
    router = await fib.run(setup());
    await router.untilVoting(3, 60_000);
    await play();
    await router.until('all is known again', ({ restart }) => restart.state !== 'waiting', DEADLINE_MS);
    const resynchronised = (performance.now() - killed) / 1000;
    await untilQuiet(({ routes }) => routes > AT_LEAST);
    meter.sample(false);
    const { written, removed, lost, least, samples, examples } = await meter.take();
    const { created, replaced, deleted, replicas } = await status();
    figures('restart', {
      ...{ resynchronised, before, least, samples, written, removed, lost, created, replaced, deleted, replicas },
    });
    expect((await router.status()).restart.state).toBe('resynchronised');
    expect({ removed, lost, created, deleted, examples: removed ? examples : [] }).toEqual({
      ...{ removed: 0, lost: 0, created: 0, deleted: 0, examples: [] },
    });
    expect(least).toBe(before);
    expect(samples).toBeGreaterThan(10);
    await exact(both);
  });

  test('an upstream goes, and then the other: the table follows exactly', async () => {
    const [first, other] = upstreams;
    const others = await foreign();
    for (const [upstream, left] of [
      [first, second],
      [other, new Map<string, string>()],
    ] as const) {
      const begun = performance.now();
      await upstream.stop(5000, 'SIGINT');
      await router.until('its session is closed', ({ neighbors }) => neighbors.some((n) => n.prefixesIn === 0));
      const seconds = (performance.now() - begun) / 1000 + (await untilQuiet(({ routes }) => routes === left.size));
      const { written, removed, lost } = await meter.take();
      figures(`${upstream.name} goes`, { seconds, left: left.size, written, removed, lost });
      await exact(left);
    }
    expect(await foreign()).toEqual(others);
    const main = await kernelRoutes(fib.namespace, ['table', 'main']);
    expect([...main.keys()].filter((prefix) => both.has(prefix) && !others.has(prefix))).toEqual([]);
  });
});
