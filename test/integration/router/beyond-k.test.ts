// More replicas are wrong than the electorate tolerates: what docs/recovery.md says is what happens, and the operator is told.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { BallotReport, FaultsAnswer } from '../../../hypervisor/status.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import { address, neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const P = prefixAt(3);

describe.skipIf(problem !== undefined)('more faults than are tolerated', () => {
  let lab: RouterLab;
  let router: RunningRouter | undefined;
  let neighbors: Neighbor[] = [];
  let flaps: () => Promise<string[]>;

  beforeAll(() => void (lab = RouterLab.create('beyond', 2)));
  afterAll(async () => {
    await close();
    await lab?.destroy();
  });

  async function close(): Promise<void> {
    await Promise.all(neighbors.map((neighbor) => neighbor.stop()));
    await router?.stop();
    router = undefined;
  }

  async function open(run: string, voting: Record<string, unknown>): Promise<RunningRouter> {
    await close();
    // Nobody is restarted for what he says: that would end the disagreement that is looked at here.
    router = await lab.run({
      run,
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      voting: { 'fault-threshold': '10m', ...voting },
      more: { fib: { backend: 'dry-run' } },
    });
    await router.untilVoting(3);
    neighbors = [new Neighbor(1), new Neighbor(2)];
    await Promise.all(neighbors.map((neighbor) => neighbor.connect()));
    await neighbors[0].announce(tableOf(neighbors[0].as, 1, 0, 20));
    await neighbors[1].untilRight([neighbors[0]]);
    await router.untilUnanimous(3);
    flaps = await flapWatch(router, neighbors);
    return router;
  }

  const ballot = async (): Promise<BallotReport> => (await router!.votes({ prefix: P, neighbor: address(2) }))[0]!;
  const med = async (): Promise<string | undefined> => (await ballot()).advertised?.MED;
  const alarms = async (): Promise<string[]> => (await router!.status()).alarms.map(({ kind }) => kind);
  const lie = (replica: string, value: number): Promise<unknown> =>
    router!.request('inject', { replica, kind: 'wrong-attribute', where: 'update', prefixes: [P], med: value });

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    await waitFor(holds, { what, deadlineMs: 15_000 });
  }

  async function calm(): Promise<void> {
    await router!.request('inject-clear');
    await until('the right route is out and nothing is wrong any more', async () => {
      return (await med()) !== '77' && (await alarms()).length === 0;
    });
    await router!.untilUnanimous(3);
    await neighbors[1].untilRight([neighbors[0]]);
    expect(await flaps()).toEqual([]);
  }

  test('two wrong in different ways: what is out stays, and an alarm says that there is no majority', async () => {
    await open('hold', {});
    const before = (await ballot()).advertised;
    await Promise.all([lie('frr', 77), lie('bird', 88)]);
    await until('the alarm is raised', async () => (await alarms()).includes('no-majority'));
    expect((await ballot()).advertised).toEqual(before);
    const lines = router!.voteLog();
    expect(lines.some((line) => line.kind === 'no-majority' && line.prefix === P)).toBe(true);
    expect(lines.some((line) => line.kind === 'alarm' && line.alarm === 'no-majority')).toBe(true);
    await calm();
  });

  test('two wrong alike: their route goes out, and the one who differs is reported', async () => {
    await Promise.all([lie('frr', 77), lie('bird', 77)]);
    await until('the wrong route is out', async () => (await med()) === '77');
    await until('the dissent is found', async () => {
      const { findings } = (await router!.request('faults')) as FaultsAnswer;
      return findings.some(({ replica, kind, open: now }) => replica === 'openbgpd' && kind === 'different' && now);
    });
    await calm();
  });

  test('with one of three gone no fault is tolerated: an alarm as long as it lasts', async () => {
    expect((await router!.status()).tolerates).toBe(1);
    await router!.request('replica', { action: 'retire', replica: 'frr' });
    await until('the alarm is raised', async () => (await alarms()).includes('tolerance'));
    expect((await router!.status()).tolerates).toBe(0);
    await router!.request('replica', { action: 'enable', replica: 'frr' });
    await router!.untilVoting(3);
    await calm();
  });

  test('no-majority: { prefer }: that replica decides where nobody has a majority', async () => {
    await open('prefer', { 'no-majority': { prefer: 'bird' } });
    await Promise.all([lie('frr', 88), lie('bird', 77)]);
    await until('the word of the preferred replica is out', async () => (await med()) === '77');
    await until('the vote log says why', () =>
      Promise.resolve(router!.voteLog().some(({ kind, rule }) => kind === 'verdict' && rule === 'preferred')),
    );
    await calm();
  });
});
