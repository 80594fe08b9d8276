// How the router starts, refuses to start, and ends: whatever the end, no process and no socket is left, and it starts again in the same place.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import { Neighbor } from '../../support/router-neighbors.js';
import {
  asOf,
  neighborConfig,
  processesIn,
  REPLICAS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const BIRD_ONLY = [{ name: 'bird', kind: 'bird' }];

describe.skipIf(problem !== undefined)('the life of the router', () => {
  let lab: RouterLab;
  let running: RunningRouter | undefined;
  const neighbors = [1, 2].map((n) => neighborConfig(n));

  beforeAll(() => void (lab = RouterLab.create('lifecycle', 2)));
  afterAll(async () => await lab?.destroy());

  /** Nothing of it is left: processes (by namespace, whoever their parent is) and sockets. */
  async function nothingLeft(directory: string): Promise<void> {
    await waitFor(() => processesIn(lab).length === 0, { what: 'no process in the namespace', deadlineMs: 10_000 });
    const sockets = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isSocket(),
    );
    expect(sockets.map((entry) => path.join(entry.parentPath, entry.name))).toEqual([]);
    expect(existsSync(path.join(directory, 'btr.pid'))).toBe(false);
  }

  /** A router at work: two neighbours, some routes. */
  async function working(run: string): Promise<{ router: RunningRouter; sessions: Neighbor[] }> {
    const router = await lab.run({ run, neighbors });
    running = router;
    await router.untilVoting(3);
    const sessions = await Promise.all([1, 2].map((n) => new Neighbor(n).connect()));
    await sessions[0].announce(tableOf(asOf(1), 1, 0, 100));
    await sessions[1].untilRight(sessions);
    return { router, sessions };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('%s: CEASE to the neighbours, and nothing is left', async (signal) => {
    const { router, sessions } = await working('orderly');
    const [{ code }, ...reasons] = await Promise.all([router.stop(signal), ...sessions.map(({ ended }) => ended)]);
    expect(code).toBe(0);
    for (const reason of reasons) expect(reason).toMatchObject({ origin: 'received', code: 6, subcode: 2 });
    await nothingLeft(router.directory);
  });

  test('a signal before anything is ready', async () => {
    const router = await lab.run({ run: 'early', neighbors });
    await waitFor(() => existsSync(router.socket), { what: 'the control socket', deadlineMs: 10_000, intervalMs: 1 });
    expect((await router.stop('SIGINT')).code).toBe(0);
    await nothingLeft(router.directory);
  });

  test('SIGKILL: the replicas end too, and the next router runs in the same directory', async () => {
    const first = await working('killed');
    const replicas = (await first.router.status()).replicas.map(({ pid }) => pid);
    first.router.process.kill('SIGKILL');
    await Promise.all(first.sessions.map(({ ended }) => ended));
    await waitFor(() => processesIn(lab).length === 0, { what: 'no process in the namespace', deadlineMs: 10_000 });
    const second = await working('killed');
    expect((await second.router.status()).replicas.map(({ pid }) => pid)).not.toEqual(replicas);
    await second.router.stop();
    await nothingLeft(second.router.directory);
  });

  test('no replica for too long: the sessions are closed, and opened again later', async () => {
    const router = (running = await lab.run({ run: 'alone', neighbors, voting: { 'hold-without-replicas': '1ms' } }));
    const { replicas } = await router.untilVoting(3);
    const sessions = await Promise.all([1, 2].map((n) => new Neighbor(n).connect()));
    for (const { pid } of replicas) process.kill(-pid!, 'SIGKILL');
    for (const reason of await Promise.all(sessions.map(({ ended }) => ended))) {
      expect(reason).toMatchObject({ origin: 'received', code: 6, subcode: 8 });
    }
    const back = await Promise.all([1, 2].map((n) => new Neighbor(n).connect()));
    await back[0].announce(tableOf(asOf(1), 1, 0, 100));
    await back[1].untilRight(back);
    expect(router.log).toContain('no replica came back within 1 ms: neighbour sessions are closed');
    await router.stop();
    await nothingLeft(router.directory);
  });

  test('a second hypervisor in one run directory is told who is there', async () => {
    const { router } = await working('shared');
    const { code, text } = await lab.btrOutput(['run', router.file]);
    expect(code).toBe(1);
    expect(text).toContain(`${router.directory} is in use by the hypervisor with pid ${router.process.pid}`);
    expect((await router.status()).electorate).toHaveLength(3);
    await router.stop();
  });

  test('a control socket left by nobody, and a pid file of somebody else', async () => {
    const directory = path.join(lab.lab.directory, 'leftovers');
    mkdirSync(directory);
    writeFileSync(path.join(directory, 'control.sock'), '');
    writeFileSync(path.join(directory, 'btr.pid'), `${process.pid}\n`);
    running = await lab.run({ run: 'leftovers', neighbors, replicas: BIRD_ONLY });
    await running.untilVoting(1);
    await running.stop();
    await nothingLeft(directory);
  });

  test('port 179 taken: says by whom it might be, and ends', async () => {
    // Somebody in the router's namespace: a program of its own, for this process lives in another one.
    const script = `require('net').createServer().listen(179, '10.0.1.1')`;
    const other = await lab.lab.spawn('router', [process.execPath, '-e', script]);
    await waitFor(() => canConnect('10.0.1.1'), { what: 'the port is taken', deadlineMs: 10_000 });
    const router = await lab.run({ run: 'port', neighbors, replicas: BIRD_ONLY });
    expect((await router.process.exited).code).toBe(1);
    expect(router.log).toContain('cannot listen on 10.0.1.1 port 179: EADDRINUSE (does another BGP speaker run here?)');
    await other.stop();
    await nothingLeft(router.directory);
  });

  describe('a daemon that is not installed', () => {
    /** Hides programs from the router alone: its mounts are its own. */
    async function without(hidden: string[], run: string): Promise<RunningRouter> {
      const hide = hidden.map((file) => `mount --bind /dev/null ${file} && `).join('');
      return lab.run({ run, neighbors, replicas: REPLICAS }, (argv) => ['sh', '-c', `${hide}exec "$@"`, 'sh', ...argv]);
    }

    test('the others go on while the quorum can be reached', async () => {
      const router = (running = await without(['/usr/lib/frr/bgpd'], 'no-frr'));
      const { replicas } = await router.untilVoting(2);
      expect(router.log).toMatch(/replica frr: .* is not installed; on Debian: apt-get install .*frr/);
      expect(replicas[0]).toMatchObject({ pid: null, state: 'backoff' });
      expect(replicas[0].lastError).toContain('is not installed');
      await router.stop();
      await nothingLeft(router.directory);
    });

    test('below the quorum it ends and names all of them', async () => {
      const router = await without(['/usr/lib/frr/bgpd', '/usr/sbin/bird'], 'no-two');
      expect((await router.process.exited).code).toBe(1);
      expect(router.log).toContain('fewer than 2 replicas (the quorum) could be started');
      expect(router.log).toMatch(/apt-get install .*frr/);
      expect(router.log).toMatch(/apt-get install .*bird2/);
      await nothingLeft(router.directory);
    });
  });

  test('every mistake in the configuration with its place', async () => {
    const file = path.join(lab.lab.directory, 'mistakes.yaml');
    const lines = [
      'router: { as: 65000, router-id: 10.0.0.1 }',
      'neighbors:',
      '  - { neighbor-address: 10.0.1.2, peer-as: 4294967296, local-address: 10.0.1.1 }',
      '  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-adress: 10.0.1.1 }',
      '  - { neighbor-address: 10.0.1.300, peer-as: 65001, local-address: "fd00::1" }',
      'replicas:',
      '  - { name: a, kind: cisco }',
      '  - { name: a, kind: bird }',
      'voting: { strategy: majority, stability-threshold: 5 }',
      'colour: green',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const { code, text } = await lab.btrOutput(['run', file]);
    expect(code).toBe(1);
    const places = [...text.matchAll(/mistakes\.yaml:(\d+):\d+: (\S+):/g)].map(([, line, key]) => `${line} ${key}`);
    expect(places).toEqual(
      expect.arrayContaining([
        '3 neighbors[0].peer-as',
        '4 neighbors[1].local-adress',
        '5 neighbors[2].neighbor-address',
        '7 replicas[0].kind',
        '8 replicas[1].name',
        '9 voting.strategy',
        '9 voting.stability-threshold',
        '10 colour',
      ]),
    );
    expect(processesIn(lab)).toEqual([]);
  });

  test('places that cannot be used', async () => {
    const blocked = path.join(lab.lab.directory, 'a-file');
    writeFileSync(blocked, '');
    const noLog = await lab.run({
      run: 'no-log',
      neighbors,
      more: { 'vote-log': { file: path.join(blocked, 'votes') } },
    });
    expect((await noLog.process.exited).code).toBe(1);
    expect(noLog.log).toContain(`cannot open the vote log: ENOTDIR`);
    const noDirectory = await lab.run({ run: 'a-file/run', neighbors });
    expect((await noDirectory.process.exited).code).toBe(1);
    expect(noDirectory.log).toContain(`cannot make the run directory ${noDirectory.directory}`);
    await nothingLeft(noLog.directory);
  });

  test('a file that is not there, and one that is no YAML', async () => {
    expect(await lab.btrOutput(['run', '/nonexistent.yaml'])).toMatchObject({
      code: 1,
      text: expect.stringContaining('/nonexistent.yaml'),
    });
    const file = path.join(lab.lab.directory, 'broken.yaml');
    writeFileSync(file, 'router: { as: 65000\nneighbors: [');
    expect(await lab.btrOutput(['run', file])).toMatchObject({
      code: 1,
      text: expect.stringMatching(/broken\.yaml:\d+:\d+/),
    });
  });

  afterAll(async () => void (await running?.stop()));
});

function canConnect(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: 179 });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
