// Configuration changes taken over by a running router with the real daemons: what did not change is not touched, and no neighbour notices
// that replicas are restarted.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { ConfigDiffAnswer, ReloadStatus } from '../../../hypervisor/reload/types.js';
import { formatRoute } from '../../../wire/bgp/describe.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  neighborConfig,
  REPLICAS,
  RouterLab,
  routerProblem,
  type Config,
  type RouterSetup,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefixAt, routeFor, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const ROUTES = 200;
/** What neighbour 2 is sent gets a MED, and what is withheld from it is withheld. */
const POLICY = {
  'defined-sets': { 'prefix-sets': { first: [prefixAt(0)] } },
  'policy-definitions': [
    {
      name: 'to-two',
      statements: [
        { conditions: { 'match-prefix-set': 'first' }, actions: { 'route-disposition': 'reject-route' } },
        { actions: { 'set-med': 77, 'route-disposition': 'accept-route' } },
      ],
    },
  ],
};

describe.skipIf(problem !== undefined)('a reload', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let one: Neighbor;
  let two: Neighbor;
  const setup: RouterSetup = { run: 'reload', neighbors: [1, 2].map((n) => neighborConfig(n)) };

  beforeAll(async () => {
    lab = RouterLab.create('reload', 3);
    router = await lab.run(setup);
    await router.untilVoting(3);
    one = await new Neighbor(1).connect();
    two = await new Neighbor(2).connect();
    await one.announce(tableOf(asOf(1), 1, 0, ROUTES));
    await two.untilRight([one]);
  });
  afterAll(async () => await lab?.destroy());

  let before: { pids: Map<string, number | null>; flaps: Map<string, number> };
  beforeEach(async () => {
    const { replicas, neighbors } = await router.status();
    before = {
      pids: new Map(replicas.map(({ name, pid }) => [name, pid])),
      flaps: new Map(neighbors.map((neighbor) => [neighbor.address, neighbor.flaps])),
    };
  });
  // Whatever was done, nobody is blamed for it.
  afterEach(async () => {
    const { findings } = (await router.request('faults')) as { findings: { kind: string; cause: string | null }[] };
    expect(findings.filter(({ kind, cause }) => kind !== 'system' || cause !== 'start')).toEqual([]);
  });

  const ended = async (id: number): Promise<ReloadStatus> =>
    waitFor(
      async () => {
        const status = (await router.request('reload-status')) as ReloadStatus;
        return status.id === id && status.state !== 'running' && status;
      },
      { what: 'the reload ends', deadlineMs: 60_000, intervalMs: 50 },
    );
  const apply = async (more: Partial<RouterSetup>, params: Config = {}): Promise<ReloadStatus> => {
    lab.write({ ...setup, ...more });
    return ended(((await router.request('reload', params)) as ReloadStatus).id);
  };
  const flapsSince = async (n: number): Promise<number> =>
    (await router.neighbor(n)).flaps - (before.flaps.get(address(n)) ?? 0);
  const restarted = async (): Promise<string[]> =>
    (await router.status()).replicas.filter(({ name, pid }) => before.pids.get(name) !== pid).map(({ name }) => name);
  const textAt = (neighbor: Neighbor, i: number): string | undefined => {
    const found = neighbor.table.get(prefixAt(i));
    return found && formatRoute(prefixAt(i), found);
  };

  test('a policy under traffic: all replicas are restarted, no session notices, and routes are as it says', async () => {
    setup.neighbors = [neighborConfig(1), neighborConfig(2, { 'export-policy': 'to-two' })];
    setup.more = POLICY;
    // One is added on the way, and comes to nothing yet: that costs no further restarts.
    lab.write({ ...setup, neighbors: [...setup.neighbors, neighborConfig(3)] });
    const shown = await lab.btrOutput(['diff', '--socket', router.socket]);
    expect(shown.text).toMatch(/~ neighbors\[10\.0\.2\.2\]\.export-policy: none -> to-two {4}\S*reload\.yaml:\d+/);
    expect(shown.text).toContain('replicas to be restarted, one after the other: frr, bird, openbgpd');
    expect(shown.code).toBe(1);
    // News and withdrawals all the time, on prefixes of their own.
    const held = (): number => Array.from({ length: ROUTES - 1 }, (_, i) => textAt(two, i + 1)).filter(Boolean).length;
    let [busy, rounds, smallest] = [true, 0, Infinity];
    const traffic = (async (): Promise<void> => {
      for (; busy; rounds++) {
        await one.change(prefixAt(1000 + (rounds % 50)), routeFor(asOf(1), rounds, rounds));
        if (rounds % 3 === 0) await one.withdraw([prefixAt(1000 + ((rounds + 25) % 50))]);
        smallest = Math.min(smallest, held());
        await delay(20);
      }
    })();
    const reload = await lab.btrOutput(['reload', '--yes', '--socket', router.socket]);
    busy = false;
    await traffic;
    expect(reload.text).toMatch(/replica frr: votes with the new configuration[^]*replica openbgpd: is restarted/);
    expect(reload.text).toContain('changes applied');
    expect(reload.code).toBe(0);
    expect(await restarted()).toEqual(['frr', 'bird', 'openbgpd']);
    await waitFor(() => textAt(two, 0) === undefined && /MED 77/.test(textAt(two, ROUTES - 1) ?? ''), {
      what: 'neighbour 2 holds what the new policy says',
      deadlineMs: 20_000,
    });
    for (let i = 1; i < ROUTES; i++) expect(textAt(two, i)).toMatch(/MED 77/);
    expect(await flapsSince(1)).toBe(0);
    expect(await flapsSince(2)).toBe(0);
    // But for the one that the policy rejects: it never lacked a route in between.
    expect(smallest).toBe(ROUTES - 1);
    expect(rounds).toBeGreaterThan(10);
    await router.untilUnanimous(3);
    expect((await lab.btrOutput(['diff', '--socket', router.socket])).code).toBe(0);
  });

  test('a neighbour that was added takes part; it is removed, and the others do not notice', async () => {
    expect((await router.status()).neighbors.map((neighbor) => neighbor.address)).toContain(address(3));
    const three = await new Neighbor(3).connect();
    await three.announce(tableOf(asOf(3), 3, 5000, 5010));
    await waitFor(() => three.table.size >= ROUTES && two.table.get(prefixAt(5009)) !== undefined, {
      what: 'neighbour 3 takes part',
      deadlineMs: 20_000,
    });
    const removed = await apply({});
    expect(removed).toMatchObject({ state: 'done', changes: [{ key: 'neighbors[10.0.3.2]', new: null }] });
    expect(await three.ended).toMatchObject({ origin: 'received', code: 6, subcode: 3 });
    await waitFor(() => two.table.get(prefixAt(5009)) === undefined, { what: 'its routes go', deadlineMs: 20_000 });
    const { neighbors, restart } = await router.status();
    expect(neighbors.map((neighbor) => neighbor.address)).toEqual([address(1), address(2)]);
    expect(restart.missing).not.toContain(address(3));
    expect((await router.votes({ prefix: prefixAt(1) })).map(({ neighbor }) => neighbor)).toEqual([address(2)]);
    await expect(router.votes({ neighbor: address(3) })).rejects.toThrow('there is no neighbour');
    expect([await flapsSince(1), await flapsSince(2)]).toEqual([0, 0]);
  });

  test('a hold time: that session alone is opened anew, and no replica is restarted', async () => {
    const [, second] = setup.neighbors;
    const status = await apply({
      neighbors: [neighborConfig(1), { ...second, 'hold-time': 30, 'auth-password': 'secret-word' }],
    });
    expect(status).toMatchObject({ state: 'done', replicas: [] });
    expect(JSON.stringify(status)).not.toContain('secret-word');
    expect(await two.ended).toMatchObject({ origin: 'received', code: 6, subcode: 6 });
    expect([await flapsSince(1), await flapsSince(2), await restarted()]).toEqual([0, 1, []]);
    const back = await apply({});
    expect(back.state).toBe('done');
    two.renew();
    await two.connect();
    await waitFor(() => /MED 77/.test(textAt(two, 1) ?? ''), { what: 'neighbour 2 is back', deadlineMs: 20_000 });
  });

  test('thresholds and log levels apply at once, and log-level changes them without a file', async () => {
    const status = await apply({
      voting: { 'stability-threshold': '400ms', quorum: 1 },
      more: { ...POLICY, logging: { level: 'debug' }, 'vote-log': { level: 'all' } },
    });
    expect(status).toMatchObject({ state: 'done', replicas: [] });
    expect(await router.status()).toMatchObject({ quorum: 1, logLevels: { log: 'debug', voteLog: 'all' } });
    const shown = await lab.btrOutput(['log-level', 'warn', '--vote-log', 'faults', '--socket', router.socket]);
    expect(shown.text).toContain('log warn, vote log faults');
    expect((await router.status()).logLevels).toEqual({ log: 'warn', voteLog: 'faults' });
    await expect(router.request('log-level', { level: 'loud' })).rejects.toThrow('one of error, warn');
    expect((await apply({})).state).toBe('done');
    expect(await restarted()).toEqual([]);
    expect(await flapsSince(1)).toBe(0);
    // The file did not change where the command did: what the file says holds again with the next start, or with log-level.
    await router.request('log-level', { level: 'info', voteLog: 'dissent' });
  });

  test('what needs a restart of the router is refused as a whole, or left out on demand', async () => {
    const more = { ...POLICY, limits: { 'max-prefixes': 50_000 }, recovery: { 'few-prefixes': 5 } };
    await expect(apply({ more })).rejects.toThrow('limits.max-prefixes cannot be changed while the router runs');
    const status = await apply({ more }, { partial: true });
    expect(status).toMatchObject({ state: 'done', left: 1, changes: [{ key: 'recovery.few-prefixes' }] });
    expect((await apply({})).state).toBe('done');
  });

  test('a replica that does not come back gets its old configuration again', async () => {
    const replicas = REPLICAS.map((replica) =>
      replica.name === 'bird' ? { ...replica, binary: '/bin/false' } : replica,
    );
    const status = await apply({ replicas });
    expect(status).toMatchObject({ state: 'failed', replicas: [{ name: 'bird' }] });
    expect(status.text).toContain('replica bird did not take the new configuration');
    const { alarms } = await router.untilVoting(3);
    expect(alarms).toMatchObject([{ kind: 'reload' }]);
    expect(await restarted()).toEqual(['bird']);
    expect([await flapsSince(1), await flapsSince(2)]).toEqual([0, 0]);
    // The old file once more: nothing differs, and the alarm is over.
    expect((await apply({})).state).toBe('done');
    expect((await router.status()).alarms).toEqual([]);
  });

  test('SIGHUP: an invalid file changes nothing, a right one is taken over', async () => {
    writeFileSync(router.file, 'router: { as: 1 }\nneighbours: []\n');
    const bad = await lab.btrOutput(['diff', '--socket', router.socket]);
    expect(bad.text).toMatch(/reload\.yaml:2:1: neighbours: unknown key "neighbours"/);
    expect(bad.code).toBe(2);
    process.kill(router.process.pid, 'SIGHUP');
    await waitFor(() => router.log.includes('is not right: nothing was changed'), {
      what: 'the log',
      deadlineMs: 10_000,
    });
    expect(router.log).toMatch(/reload: \S*reload\.yaml:2:1: neighbours: unknown key/);
    lab.write({ ...setup, neighbors: [neighborConfig(1, { description: 'the first' }), setup.neighbors[1]] });
    const { id } = (await router.request('reload-status')) as ReloadStatus;
    process.kill(router.process.pid, 'SIGHUP');
    expect(await ended(id + 1)).toMatchObject({ state: 'done', changes: [{ new: 'the first', old: null }] });
    expect(router.log).toContain('+ neighbors[10.0.1.2].description: the first');
    const { digest } = (await router.request('config-diff')) as ConfigDiffAnswer;
    lab.write(setup);
    await expect(router.request('reload', { digest })).rejects.toThrow('has changed since it was compared');
    expect(await flapsSince(1)).toBe(0);
  });
});
