// Two replicas of one kind and version side by side, with every kind of diversity on one of them; what each option does is read from the
// outside: /proc of the processes, and the times at which things reach the neighbour. And how the replicas are, as the router tells it.
import { readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { RouterStatus } from '../../../hypervisor/status.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { asOf, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

/** Longest that these delays may be in a test, but far above what anything takes without them, ms. */
const DELIVERY_MS = 400;
const CONNECT_MS = 500;
const DISCONNECT_MS = 1500;
const RESTART_MS = 1200;

const DIFFERENT = {
  'delivery-delay': `${DELIVERY_MS}ms..${DELIVERY_MS + 50}ms`,
  'connect-delay': `${CONNECT_MS}ms..${CONNECT_MS + 100}ms`,
  'disconnect-delay': `${DISCONNECT_MS}ms..${DISCONNECT_MS + 100}ms`,
  'restart-delay': `${RESTART_MS}ms..${RESTART_MS + 100}ms`,
  'interface-event-delay': '10ms..50ms',
  'address-space-randomisation': false,
  'malloc-perturb': 165,
  'malloc-arenas': 1,
  locale: 'C.UTF-8',
  'time-zone': 'Pacific/Auckland',
  cpus: [0],
  nice: 5,
};

const REPLICAS = [
  { name: 'frr', kind: 'frr', diversity: { 'address-space-randomisation': false, nice: 3, cpus: [0] } },
  { name: 'bird-a', kind: 'bird' },
  { name: 'bird-b', kind: 'bird', diversity: DIFFERENT },
];

const proc = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** All threads of all processes of a process group: nice value by /proc/PID/task/TID/stat, processors by status. */
function scheduling(pid: number): { nice: number; cpus: string } {
  const stat = proc(pid, 'stat');
  const nice = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  return { nice, cpus: /^Cpus_allowed_list:\s*(\S+)/m.exec(proc(pid, 'status'))![1] };
}

function environment(pid: number): Record<string, string> {
  const entries = proc(pid, 'environ').split('\0').filter(Boolean);
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** Where the program itself was put: the first mapping of its file. */
function programBase(pid: number): string {
  const file = readlinkSync(`/proc/${pid}/exe`);
  const line = proc(pid, 'maps')
    .split('\n')
    .find((mapping) => mapping.endsWith(file));
  return line!.split('-')[0];
}

describe.skipIf(problem !== undefined)('two replicas of one kind, made different', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let [source, sink]: Neighbor[] = [];
  let firstBase = '';

  beforeAll(async () => {
    lab = RouterLab.create('diversity', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      replicas: REPLICAS,
      voting: { strategy: 'wait-for-consensus', 'stability-threshold': '2s' },
      more: { fib: { backend: 'dry-run' }, 'early-warning': { interval: '100ms' } },
    });
    await router.untilVoting(3);
  });
  afterAll(async () => {
    await router?.stop();
    await lab?.destroy();
  });

  test('the processes have the surroundings that they were given, and the others the usual ones', async () => {
    const [frr, plain, other] = await Promise.all(['frr', 'bird-a', 'bird-b'].map((name) => router.pidOf(name)));
    expect(proc(other, 'personality').trim()).toBe('00040000');
    expect(proc(frr, 'personality').trim()).toBe('00040000');
    expect(proc(plain, 'personality').trim()).toBe('00000000');
    expect(environment(other)).toMatchObject({
      ...{ MALLOC_PERTURB_: '165', MALLOC_ARENA_MAX: '1', LC_ALL: 'C.UTF-8', TZ: 'Pacific/Auckland' },
    });
    expect(environment(plain)).toMatchObject({ LC_ALL: 'C' });
    expect(Object.keys(environment(plain))).not.toEqual(expect.arrayContaining(['MALLOC_PERTURB_']));
    expect(scheduling(other)).toEqual({ nice: 5, cpus: '0' });
    expect(scheduling(frr)).toEqual({ nice: 3, cpus: '0' });
    const hypervisor = (await router.status()).pid;
    expect(scheduling(plain)).toEqual(scheduling(hypervisor));
    expect(proc(hypervisor, 'personality').trim()).toBe('00000000');
    firstBase = programBase(other);
  });

  test('a session is opened late, and what comes over it is handed on late', async () => {
    [source, sink] = await Promise.all([1, 2].map((n) => new Neighbor(n).connect()));
    const opened = performance.now();
    const unopened = await router.replica('bird-b');
    expect(unopened.sessionsUp).toBeLessThan(unopened.sessions);
    await router.until('all sessions are up', ({ replicas }) => replicas.every((r) => r.sessionsUp === r.sessions));
    expect(performance.now() - opened).toBeGreaterThan(CONNECT_MS / 2);
    await router.untilUnanimous(3);
    // All three must agree, so the last one decides.
    const announced = performance.now();
    await source.announce(tableOf(asOf(1), 1, 0, 50));
    await sink.untilRight([source, sink]);
    expect(performance.now() - announced).toBeGreaterThanOrEqual(DELIVERY_MS);
    const status = await router.untilUnanimous(3);
    expect(status.replicas.map(({ dissents }) => dissents)).toEqual([0, 0, 0]);
  });

  test('the health of every replica is measured over all of its processes', async () => {
    const status = await router.until('health is measured', ({ replicas }) =>
      replicas.every(({ health }) => health !== null && health.latencyMs > 0),
    );
    for (const { name, pid, health } of status.replicas) {
      const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(proc(pid!, 'status'))![1]) * 1024;
      // zebra is a process of its own.
      if (name === 'frr') expect(health!.memory).toBeGreaterThan(resident * 1.2);
      else expect(health!.memory / resident).toBeCloseTo(1, 0);
      expect(health!.cpu).toBeLessThan(2);
      expect(health!.warnings).toEqual([]);
    }
    const { text } = await lab.btrOutput(['status', '--socket', router.socket]);
    expect(text).toMatch(/cpu\s+memory/);
    expect(text).toMatch(/bird-b.* \d+ %\s+\d+/);
  });

  test('it learns late that a neighbour went away, which is no dissent', async () => {
    const gone = performance.now();
    await source.stop();
    await sink.untilRight([sink]);
    // Its own withdrawals came last, and nothing is settled without it so soon.
    expect(performance.now() - gone).toBeGreaterThanOrEqual(DISCONNECT_MS);
    const status = await router.untilUnanimous(3);
    expect(status.replicas.map(({ restarts, dissents }) => restarts + dissents)).toEqual([0, 0, 0]);
  });

  test('a neighbour that is back before that is a new session at once', async () => {
    source.renew();
    await source.connect();
    await source.announce(tableOf(asOf(1), 1, 0, 20));
    await sink.untilRight([source, sink]);
    await source.stop();
    source.renew();
    await source.connect();
    await source.announce(tableOf(asOf(1), 2, 10, 20));
    await sink.untilRight([source, sink]);
    const status = await router.untilUnanimous(3);
    expect(status.replicas.map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
  });

  test('it is started again late, with the same layout of memory', async () => {
    const pid = await router.signalReplica('bird-b', 'SIGKILL');
    const killed = performance.now();
    await router.until('it runs again', ({ replicas }) => {
      const now = replicas.find(({ name }) => name === 'bird-b')!.pid;
      return now !== null && now !== pid;
    });
    expect(performance.now() - killed).toBeGreaterThanOrEqual(RESTART_MS);
    await router.untilUnanimous(3);
    expect(programBase(await router.pidOf('bird-b'))).toBe(firstBase);
  });

  test('one that begins to answer late is warned of, long before it counts as hung', async () => {
    const warned = (wanted: boolean): Promise<RouterStatus> =>
      router.until(wanted ? 'a warning' : 'no warning', ({ replicas }) =>
        replicas.every(({ name, health }) => {
          const kinds = (health?.warnings ?? []).map(({ kind }) => kind);
          return name === 'bird-a' && wanted ? kinds.includes('latency') : kinds.length === 0;
        }),
      );
    await router.signalReplica('bird-a', 'SIGSTOP');
    try {
      await warned(true);
    } finally {
      await router.signalReplica('bird-a', 'SIGCONT');
    }
    const { replicas } = await warned(false);
    expect(replicas.find(({ name }) => name === 'bird-a')).toMatchObject({ state: 'voting', restarts: 0 });
    await waitFor(() => router.voteLog().filter(({ kind }) => kind === 'warning').length === 2, {
      what: 'the vote log has its begin and its end',
      deadlineMs: 10_000,
    });
  });
});
