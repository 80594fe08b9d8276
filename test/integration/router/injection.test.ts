// Faults injected into real daemons: each kind is seen in the votes and changes no verdict, and all is as before when it ends.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { FibRoutes } from '../../../hypervisor/fib/protocol.js';
import type { InjectionAnswer, InjectionReport } from '../../../hypervisor/injection/types.js';
import type { BallotVote } from '../../../hypervisor/status.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import {
  address,
  isStopped,
  localAddress,
  neighborConfig,
  RouterLab,
  routerProblem,
  type Config,
  type RunningRouter,
} from '../../support/router-lab.js';
import { prefixAt, routeFor, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const PREFIXES = 200;
const P = prefixAt(7);

describe.skipIf(problem !== undefined)('injected faults', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let flaps: () => Promise<string[]>;
  const [a, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('injection', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      // Nobody is restarted because of what he says: that is another test's.
      voting: { 'fault-threshold': '10m', 'hang-threshold': '2s' },
      more: { fib: { backend: 'dry-run' } },
    });
    await router.untilVoting(3);
    await Promise.all([a.connect(), customer.connect()]);
    await a.announce(tableOf(a.as, 1, 0, PREFIXES));
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
    flaps = await flapWatch(router, [a, customer]);
  });
  afterEach(async () => {
    await router.request('inject-clear');
    await router.untilUnanimous(3);
    await customer.untilRight([a]);
    expect(await flaps()).toEqual([]);
  });
  afterAll(async () => {
    await Promise.all([a.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  const inject = (params: Config): Promise<InjectionAnswer> =>
    router.request('inject', params) as Promise<InjectionAnswer>;
  const list = (): Promise<InjectionReport[]> => router.request('inject-list') as Promise<InjectionReport[]>;

  async function voteOf(replica: string, prefix: string): Promise<BallotVote | undefined> {
    const ballots = await router.votes({ prefix, neighbor: address(2) });
    return ballots[0]?.votes.find((vote) => vote.replica === replica);
  }

  /** What each replica wants for the prefix in the forwarding table, in one word. */
  async function forwarding(prefix: string): Promise<Record<string, string | undefined>> {
    const { routes } = (await router.request('fib', { prefix })) as FibRoutes;
    const votes = routes[0]?.votes ?? [];
    return Object.fromEntries(
      votes.map(({ replica, nextHops }) => [replica, nextHops?.nextHops[0]?.gateway ?? nextHops?.type ?? 'none']),
    );
  }

  async function dissent(replica: string, kind: string, prefix: string): Promise<void> {
    await waitFor(
      () =>
        router
          .voteLog()
          .some(
            (line) =>
              line.kind === 'dissent-begins' &&
              line.fib !== true &&
              line.replica === replica &&
              line.what === kind &&
              line.prefix === prefix,
          ),
      { what: `${replica} is found to dissent (${kind}) on ${prefix}`, deadlineMs: 10_000 },
    );
  }

  test('a wrong next hop, to neighbours and in the forwarding table', async () => {
    const { injections } = await inject({ replica: 'bird', kind: 'wrong-nexthop', prefixes: [P], nextHop: address(2) });
    expect(injections).toMatchObject([{ replica: 'bird', kind: 'wrong-nexthop', where: 'both', prefixes: [P] }]);
    expect((await voteOf('bird', P))?.attributes).toMatchObject({ NEXT_HOP: address(2) });
    expect((await voteOf('frr', P))?.attributes).toMatchObject({ NEXT_HOP: localAddress(2) });
    expect(await forwarding(P)).toEqual({ frr: address(1), bird: address(2), openbgpd: address(1) });
    await dissent('bird', 'different', P);
    expect(await list()).toEqual(injections);
    await router.request('inject-clear', { id: injections[0]!.id });
    expect((await voteOf('bird', P))?.agrees).toBe(true);
    expect(await forwarding(P)).toEqual({ frr: address(1), bird: address(1), openbgpd: address(1) });
    const injected = () => router.voteLog().filter(({ kind }) => kind === 'injection');
    await waitFor(() => injected().length === 2, { what: 'both lines are written to the log', deadlineMs: 10_000 });
    expect(injected().map(({ state, fault, replica }) => [state, fault, replica])).toEqual([
      ['begins', 'wrong-nexthop', 'bird'],
      ['ends', 'wrong-nexthop', 'bird'],
    ]);
  });

  test('routes dropped, made up, altered; the daemon that writes no routes lies in the forwarding table, too', async () => {
    const nobodys = '192.0.2.0/24';
    await inject({ replica: 'openbgpd', kind: 'drop', prefixes: [P] });
    await inject({ replica: 'frr', kind: 'extra', prefixes: [nobodys] });
    await inject({ replica: 'bird', kind: 'wrong-attribute', prefixes: [prefixAt(8)], med: 77 });
    expect((await voteOf('openbgpd', P))?.attributes).toBeNull();
    expect((await voteOf('frr', nobodys))?.attributes).toHaveProperty('AS_PATH');
    expect((await voteOf('bird', prefixAt(8)))?.attributes).toMatchObject({ MED: '77' });
    expect((await forwarding(P)).openbgpd).toBe('none');
    expect((await forwarding(nobodys)).frr).not.toBe('none');
    await dissent('openbgpd', 'missing', P);
    await dissent('frr', 'extra', nobodys);
    await dissent('bird', 'different', prefixAt(8));
  });

  test('old votes stay: some, then all, and what is true comes through at the end', async () => {
    const changed = prefixAt(9);
    const before = (await voteOf('bird', changed))?.attributes;
    await inject({ replica: 'bird', kind: 'stale', prefixes: [changed] });
    await inject({ replica: 'frr', kind: 'mute' });
    await a.change(changed, routeFor(a.as, 99, 9));
    await a.withdraw([prefixAt(10)]);
    await waitFor(async () => (await voteOf('openbgpd', changed))?.attributes?.AS_PATH !== before?.AS_PATH, {
      what: 'OpenBGPD says what is new',
      deadlineMs: 10_000,
    });
    await waitFor(async () => (await voteOf('bird', prefixAt(10)))?.attributes === null, {
      what: 'BIRD withdraws the other prefix',
      deadlineMs: 10_000,
    });
    expect((await voteOf('bird', changed))?.attributes).toEqual(before);
    expect((await voteOf('frr', changed))?.attributes).toEqual(before);
    expect((await voteOf('frr', prefixAt(10)))?.attributes).not.toBeNull();
  });

  test('a slow replica lags and is not blamed; faults end by themselves', async () => {
    const dissents = router.voteLog().filter(({ kind }) => kind === 'dissent-begins').length;
    await inject({ replica: 'bird', kind: 'slow', delay: 700, for: 3000 });
    await a.change(P, routeFor(a.as, 100, 7));
    await customer.untilRight([a]);
    await router.until('BIRD lags', ({ replicas }) => replicas[1].lagMs > 300);
    await waitFor(async () => (await list()).length === 0, { what: 'the fault is over', deadlineMs: 10_000 });
    await router.untilUnanimous(3);
    expect(router.voteLog().filter(({ kind }) => kind === 'dissent-begins')).toHaveLength(dissents);
  });

  test('a crash and a lost session make it start anew, which ends what it was wrong about', async () => {
    const { pid } = await router.replica('bird');
    await inject({ replica: 'bird', kind: 'drop', count: 20 });
    await inject({ replica: 'bird', kind: 'wrong-attribute', prefixes: [P], sticky: true });
    const { done } = await inject({ replica: 'bird', kind: 'crash' });
    expect(done).toBe(`SIGSEGV to bird (pid ${pid})`);
    const after = await router.until('it is back', ({ replicas, electorate }) => {
      return replicas[1].pid !== pid && electorate.includes('bird');
    });
    expect((await list()).map(({ kind }) => kind)).toEqual(['wrong-attribute']);
    expect((await voteOf('bird', P))?.attributes).toHaveProperty('MED');
    await router.request('inject-clear');
    const { restarts } = after.replicas[2];
    expect((await inject({ replica: 'openbgpd', kind: 'reset', neighbor: address(1) })).done).toContain(address(1));
    await router.until('OpenBGPD has been replaced', ({ replicas, electorate }) => {
      return replicas[2].restarts > restarts && electorate.includes('openbgpd');
    });
  });

  test('a hang ends with its fault, and the same process goes on', async () => {
    const pid = await router.pidOf('bird');
    await inject({ replica: 'bird', kind: 'hang', for: 600 });
    await waitFor(() => isStopped(pid), { what: 'it is stopped', deadlineMs: 5000 });
    await waitFor(() => !isStopped(pid), { what: 'it goes on', deadlineMs: 5000 });
    expect(await router.pidOf('bird')).toBe(pid);
  });

  test('random faults come and go, and the command shows them', async () => {
    const seed = ['--mean-interval', '50ms', '--mean-duration', '200ms', '--seed', '7', '--replicas', 'bird'];
    const btr = (...args: string[]) => lab.btrOutput(['inject', ...args, '--socket', router.socket]);
    expect((await btr('random', ...seed)).text).toMatch(/random .*every 50 ms for 200 ms on average; seed 7/);
    await waitFor(() => router.voteLog().filter(({ source }) => typeof source === 'number').length > 20, {
      what: 'faults begin and end',
      deadlineMs: 10_000,
    });
    expect((await btr('list')).text).toMatch(/random/);
    expect(await btr('clear')).toEqual({ code: 0, text: expect.stringMatching(/^\d+ cleared\n$/) as string });
    expect(await btr('list')).toEqual({ code: 0, text: 'nothing is injected\n' });
    const unknown = await btr('--replica', 'gated', '--kind', 'drop');
    expect(unknown.text).toContain('there is no replica "gated"; there are: frr, bird, openbgpd');
    expect(unknown.code).not.toBe(0);
  });
});
