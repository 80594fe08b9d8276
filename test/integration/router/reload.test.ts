// Configuration changes taken over by a running router with the real daemons: what did not change is not touched, and no neighbour notices
// that replicas are restarted.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { RecordFlushAnswer } from '../../../hypervisor/recording/control.js';
import type { RecorderStats } from '../../../hypervisor/recording/recorder.js';
import type { ConfigDiffAnswer, ReloadStatus } from '../../../hypervisor/reload/types.js';
import { formatRoute } from '../../../wire/bgp/describe.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  localAddress,
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
    expect(findings.filter(({ kind, cause }) => kind !== 'system' || !/start|killed/.test(cause ?? ''))).toEqual([]);
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
    const asked = lab.btrOutput(['reload', '--yes', '--socket', router.socket]);
    await waitFor(async () => ((await router.request('reload-status')) as ReloadStatus).state === 'running', {
      what: 'it has begun',
      deadlineMs: 10_000,
    });
    await expect(router.request('reload')).rejects.toThrow('a reload is under way');
    // The one that was added is there, and waits for the replicas.
    await waitFor(async () => (await router.status()).neighbors.length === 3, { what: 'three', deadlineMs: 10_000 });
    const reload = await asked;
    busy = false;
    await traffic;
    expect(reload.text).toMatch(/replica frr: votes again[^]*replica openbgpd: is restarted/);
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
    expect(await router.request('config-diff')).toMatchObject({ changes: [], restarts: [] });
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
      voting: { strategy: 'wait-for-consensus', 'stability-threshold': '400ms', quorum: 1 },
      more: { ...POLICY, logging: { level: 'debug' }, 'vote-log': { level: 'all' } },
    });
    expect(status).toMatchObject({ state: 'done', replicas: [] });
    const consensus = { strategy: 'wait-for-consensus', quorum: 1 };
    expect(await router.status()).toMatchObject({ ...consensus, logLevels: { log: 'debug', voteLog: 'all' } });
    // A route by the new strategy.
    await one.change(prefixAt(2000), routeFor(asOf(1), 2000, 7));
    await waitFor(() => textAt(two, 2000) !== undefined, { what: 'a route by consensus', deadlineMs: 10_000 });
    expect((await router.votes({ prefix: prefixAt(2000) }))[0]).toMatchObject({ rule: 'consensus' });
    await one.withdraw([prefixAt(2000)]);
    const shown = await lab.btrOutput(['log-level', 'warn', '--vote-log', 'faults', '--socket', router.socket]);
    expect(shown.text).toContain('log warn, vote log faults');
    expect((await router.status()).logLevels).toEqual({ log: 'warn', voteLog: 'faults' });
    await expect(router.request('log-level', { level: 'loud' })).rejects.toThrow('one of error, warn');
    // What the command changed is a difference to the file, and the file holds again after a reload.
    const { changes } = await apply({});
    expect(changes).toContainEqual(expect.objectContaining({ key: 'logging.level', old: 'warn', new: 'info' }));
    expect((await router.status()).logLevels).toEqual({ log: 'info', voteLog: 'dissent' });
    expect(await restarted()).toEqual([]);
    expect(await flapsSince(1)).toBe(0);
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

  test('logs, recording, BMP and HTTP come, move and go, and no session notices', async () => {
    const connections: Socket[] = [];
    const collector = createServer((socket) => connections.push(socket.resume())).listen(11019, address(1));
    const inLab = (name: string): string => path.join(lab.lab.directory, name);
    const http = { address: localAddress(1), 'allow-remote': true, token: 'the-first-of-two-tokens' };
    const outlets = {
      ...POLICY,
      logging: { file: inLab('router.log') },
      'vote-log': { file: inLab('votes.jsonl'), level: 'all' },
      record: { directory: inLab('recordings') },
      bmp: { collectors: [{ address: address(1) }] },
      http,
    };
    const ask = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`http://${localAddress(1)}:9179/api/v1/status`, { headers })).status;
    };
    const shown = await apply({ more: outlets });
    expect(shown).toMatchObject({ state: 'done', replicas: [], left: 0 });
    expect(JSON.stringify(shown)).not.toContain(http.token);
    expect(await ask(http.token)).toBe(200);
    await one.change(prefixAt(3000), routeFor(asOf(1), 3000, 1));
    await waitFor(() => textAt(two, 3000) !== undefined, { what: 'a route', deadlineMs: 10_000 });
    await waitFor(() => connections.length > 0, { what: 'BMP', deadlineMs: 10_000 });
    const { recording } = (await router.request('record-flush')) as RecordFlushAnswer;
    // That both sessions are up, then the UPDATE, what each replica said to it, and what went out.
    expect(recording).toMatchObject({ directory: inLab('recordings'), dropped: 0 });
    expect(recording!.records).toBeGreaterThan(8);
    await waitFor(() => /"kind":"decision"/.test(readFileSync(inLab('votes.jsonl'), 'utf8')), {
      what: 'the new vote log',
      deadlineMs: 10_000,
    });
    expect(readFileSync(inLab('router.log'), 'utf8')).toContain('changes applied');

    // Another token, and a place that cannot be had: everything goes on as it was.
    writeFileSync(inLab('file'), '');
    const broken = {
      ...outlets,
      record: { directory: inLab('file/below') },
      http: { ...http, token: 'the-second-of-two' },
    };
    const failed = await apply({ more: broken });
    expect(failed).toMatchObject({
      state: 'failed',
      text: expect.stringMatching(/^cannot record: .*: nothing was changed$/),
    });
    expect((await router.request('record')) as RecorderStats).toMatchObject({
      directory: inLab('recordings'),
      error: null,
    });
    expect([await ask(http.token), await ask('the-second-of-two')]).toEqual([200, 401]);

    const moved = await apply({ more: { ...outlets, http: { ...http, token: 'the-second-of-two' } } });
    expect(moved).toMatchObject({ state: 'done', changes: [{ key: 'http.token', old: '(hidden)', new: '(hidden)' }] });
    expect([await ask(http.token), await ask('the-second-of-two')]).toEqual([401, 200]);
    // Nothing else was opened anew.
    expect(connections).toHaveLength(4);
    expect((await apply({})).state).toBe('done');
    await expect(ask(http.token)).rejects.toThrow('fetch failed');
    expect(await router.request('record')).toBeNull();
    expect(await router.request('bmp')).toEqual([]);
    await one.withdraw([prefixAt(3000)]);
    collector.close();
    expect([await flapsSince(1), await flapsSince(2), await restarted()]).toEqual([0, 0, []]);
  });

  test('a port that is taken, a file that is not there: nothing is changed', async () => {
    // Somebody in the router's namespace: a program of its own, for this process lives in another one.
    const script = `require('net').createServer().listen(179, '${localAddress(3)}', () => console.log('listens'))`;
    const other = await lab.lab.spawn('router', [process.execPath, '-e', script]);
    await waitFor(() => other.logTail(5).includes('listens'), { what: 'the port is taken', deadlineMs: 10_000 });
    const more = { ...POLICY, recovery: { 'few-prefixes': 5 } };
    const failed = await apply({ neighbors: [...setup.neighbors, neighborConfig(3)], more });
    await other.stop();
    expect(failed.state).toBe('failed');
    expect(failed.text).toMatch(/cannot listen on 10\.0\.3\.1 port 179: EADDRINUSE .*: nothing was changed/);
    const { neighbors, alarms } = await router.status();
    expect(neighbors).toHaveLength(2);
    expect(alarms).toMatchObject([{ kind: 'reload' }]);
    const missing = path.join(lab.lab.directory, 'missing.conf');
    const replicas = REPLICAS.map((one) => (one.name === 'bird' ? { ...one, 'config-file': missing } : one));
    await expect(apply({ replicas })).rejects.toThrow(/replica bird: .*missing\.conf/);
    expect((await router.request('reload-status')) as ReloadStatus).toMatchObject({ state: 'failed' });
    expect((await apply({})).state).toBe('done');
    expect((await router.status()).alarms).toEqual([]);
    expect([await flapsSince(1), await flapsSince(2), await restarted()]).toEqual([0, 0, []]);
  });

  test('while a replica recovers: refused where too few would vote, else it has the new configuration when it is back', async () => {
    await router.signalReplica('bird', 'SIGKILL');
    await router.untilVoting(2);
    // Back to no policy at all.
    delete setup.more;
    setup.neighbors = [neighborConfig(1), neighborConfig(2)];
    await expect(apply({})).rejects.toThrow('1 would vote meanwhile, fewer than the quorum of 2');
    const status = await apply({}, { force: true });
    expect(status).toMatchObject({ state: 'done' });
    expect(status.replicas.map(({ name }) => name)).toEqual(['frr', 'bird', 'openbgpd']);
    await router.untilVoting(3);
    await waitFor(() => textAt(two, 0) !== undefined && !/MED 77/.test(textAt(two, 1) ?? 'MED 77'), {
      what: 'neighbour 2 holds what is without a policy',
      deadlineMs: 20_000,
    });
    await router.untilUnanimous(3);
    expect([await flapsSince(1), await flapsSince(2)]).toEqual([0, 0]);
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
