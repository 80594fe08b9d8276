// What becomes of replicas that fail: standbys take their places and give them back, who fails too often is retired, who keeps lying about
// little is muted; a master that failed does not take the lead back; the neighbours notice nothing of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouterStatus } from '../../../hypervisor/status.js';
import { flapWatch, Neighbor } from '../../support/router-neighbors.js';
import { neighborConfig, REPLICAS, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { prefixAt, tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const STANDBYS = [
  { name: 'spare', kind: 'bird', standby: 'warm' },
  { name: 'reserve', kind: 'openbgpd', standby: 'cold' },
];

const stateOf = (status: RouterStatus, name: string): string =>
  status.replicas.find((replica) => replica.name === name)!.state;
const has = (status: RouterStatus, ...names: string[]): boolean =>
  [...status.electorate].sort().join() === [...names].sort().join();

describe.skipIf(problem !== undefined)('standbys and recovery', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let flaps: () => Promise<string[]>;
  const [a, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('standbys', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      replicas: [...REPLICAS, ...STANDBYS],
      voting: { strategy: 'master-slave', 'fault-threshold': '500ms', 'probe-interval': '50ms' },
      more: { recovery: { 'max-restarts': 2, 'retire-for': '0s', 'few-prefixes': 5, 'mute-few': true } },
    });
    await router.until('all vote and the warm standby is ready', (status) => {
      return has(status, 'frr', 'bird', 'openbgpd') && stateOf(status, 'spare') === 'standby';
    });
    await Promise.all([a.connect(), customer.connect()]);
    flaps = await flapWatch(router, [a, customer]);
    await a.announce(tableOf(a.as, 1, 0, 200));
    await customer.untilRight([a]);
    await router.untilUnanimous(3);
  });
  afterAll(async () => {
    await Promise.all([a.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  /** Table and sessions are as if nothing had happened. */
  async function allRight(): Promise<void> {
    await customer.untilRight([a]);
    expect(await flaps()).toEqual([]);
  }

  test('the warm one takes the place of a master that dies; who comes back does not take the lead back', async () => {
    const { master, succession, tolerates } = await router.status();
    expect(tolerates).toBe(1);
    expect(succession).toHaveLength(3);
    await router.signalReplica(master!, 'SIGKILL');
    const changed = await router.until('the standby votes', ({ electorate }) => electorate.includes('spare'));
    expect(changed.master).toBe(succession[1]);
    expect(changed.electorate).not.toContain(master);
    await a.announce(tableOf(a.as, 2, 0, 200));
    const back = await router.until('the place was given back', (status) => has(status, 'frr', 'bird', 'openbgpd'));
    expect(back.master).toBe(succession[1]);
    expect(back.succession.at(-1)).toBe(master);
    expect(stateOf(back, 'spare')).toBe('standby');
    await allRight();
    // With one in the place of the other there was never an electorate that could not outvote one.
    expect(router.voteLog().filter(({ kind }) => kind === 'alarm')).toEqual([]);
  });

  test('the cold one runs only while nobody else can take a place', async () => {
    const { replicas } = await router.status();
    expect(replicas[4]).toMatchObject({ name: 'reserve', state: 'off', pid: null, standby: 'cold', restarts: 0 });
    await router.request('replica', { action: 'retire', replica: 'spare' });
    await router.request('replica', { action: 'retire', replica: 'bird' });
    const without = await router.until('the cold one votes', (status) => has(status, 'frr', 'openbgpd', 'reserve'));
    expect([stateOf(without, 'bird'), stateOf(without, 'spare')]).toEqual(['retired', 'retired']);
    const alarms = router.voteLog().filter(({ kind }) => kind === 'alarm');
    expect(alarms.map(({ alarm, state }) => [alarm, state])).toEqual([
      ['tolerance', 'raised'],
      ['tolerance', 'cleared'],
    ]);
    await allRight();
    await router.request('replica', { action: 'enable', replica: 'bird' });
    await router.until('it is off again', (status) => {
      return has(status, 'frr', 'bird', 'openbgpd') && stateOf(status, 'reserve') === 'off';
    });
    await allRight();
  });

  test('who lies about little is restarted once, and then its word on that does not count', async () => {
    await a.announce(tableOf(a.as, 3, 0, 200));
    const lie = { replica: 'openbgpd', kind: 'wrong-attribute', where: 'update', sticky: true };
    await router.request('inject', { ...lie, prefixes: [prefixAt(0), prefixAt(1)] });
    await router.until('it was restarted', ({ replicas }) => replicas[2].restarts === 1);
    const muted = await router.until('it is muted', ({ replicas }) => {
      return replicas[2].state === 'voting' && replicas[2].abstains.muted === 2;
    });
    expect(muted.electorate).toContain('openbgpd');
    const said = router.voteLog().filter(({ kind, replica }) => kind === 'replica' && replica === 'openbgpd');
    expect(said.map(({ state }) => state).slice(-5)).toEqual(['repair', 'left', 'restarting', 'voting', 'reported']);
    await router.request('inject-clear');
    await allRight();
  });

  test('who dies again and again is retired, and comes back when it is told to', async () => {
    for (let deaths = 1; deaths <= 3; deaths++) {
      await router.signalReplica('frr', 'SIGKILL');
      await router.until('it is back or retired', ({ replicas: [frr] }) => {
        return frr.state === 'retired' || (frr.state === 'voting' && frr.restarts >= deaths);
      });
      if ((await router.replica('frr')).state === 'retired') break;
    }
    const frr = await router.replica('frr');
    expect(frr).toMatchObject({ state: 'retired', pid: null, nextStart: null });
    const shown = await lab.btrOutput(['replica', 'list', '--socket', router.socket]);
    expect(shown.text).toMatch(/frr +frr [\d.]+ +retired/);
    const told = await lab.btrOutput(['replica', 'enable', 'frr', '--socket', router.socket]);
    expect(told).toMatchObject({ code: 0, text: 'frr: starting\n' });
    await router.until('it votes', (status) => has(status, 'frr', 'bird', 'openbgpd'));
    await allRight();
    expect(await lab.btrOutput(['replica', 'retire', 'nobody', '--socket', router.socket])).toMatchObject({ code: 69 });
  });
});
