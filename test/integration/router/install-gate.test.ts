// advertise-after-install: a prefix that the kernel does not take from us is not announced before it does, nor is the neighbour told
// that it has heard everything.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import { kernelRoutes } from '../../support/kernel-routes.js';
import { RawPeer } from '../../support/router-neighbors.js';
import {
  address,
  asOf,
  neighborConfig,
  ROUTER_AS,
  RouterLab,
  routerProblem,
  type RunningRouter,
} from '../../support/router-lab.js';
import { announcements, prefixAt, withdrawals } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

const DEADLINE_MS = 30_000;
const [FEEDER, CUSTOMER] = [1, 2];
const [FREE, BLOCKED, OWN] = [prefixAt(1), prefixAt(2), '192.0.100.0/24'];
const END_OF_RIB_BYTES = 23;
/** Another program's route with our metric: ours cannot stand beside it. */
const FOREIGN = [BLOCKED, 'via', address(FEEDER), 'metric', '179', 'proto', 'static'];

describe.skipIf(problem !== undefined)('announcements that wait for the kernel', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let feeder: RawPeer, customer: RawPeer;

  beforeAll(async () => {
    lab = RouterLab.create('gate', 2);
    lab.lab.run('router', ['ip', 'route', 'add', ...FOREIGN]);
    const directory = path.join(lab.lab.directory, 'run');
    router = await lab.run({
      neighbors: [neighborConfig(FEEDER), neighborConfig(CUSTOMER)],
      replicas: [{ name: 'bird', kind: 'bird' }],
      more: {
        router: { as: ROUTER_AS, 'router-id': '10.0.0.1', 'run-directory': directory, networks: [OWN] },
        fib: { backend: 'kernel', 'advertise-after-install': true },
      },
    });
    await router.untilVoting(1);
    const aware = { restarting: false, notification: false, restartTime: 120, families: 0, forwarding: 0 };
    [feeder, customer] = await Promise.all(
      [FEEDER, CUSTOMER].map(async (n) => (await RawPeer.connect({ n, gracefulRestart: aware })).establish()),
    );
  });
  afterAll(async () => {
    feeder?.close();
    customer?.close();
    await router?.stop();
    await lab?.destroy();
  });

  /** Where the customer heard of a prefix first, counted in UPDATEs; -1: it has not. */
  const heardOf = (prefix: string): number => {
    const nlri = Buffer.from([24, ...prefix.split('.').slice(0, 3).map(Number)]);
    return customer.updates.findIndex((update) => Buffer.from(update).includes(nlri));
  };
  const until = (what: string, condition: () => boolean) => waitFor(condition, { what, deadlineMs: DEADLINE_MS });

  test('own networks are in no kernel, and announced all the same', async () => {
    await until('the customer hears of our network', () => heardOf(OWN) >= 0);
    expect((await kernelRoutes(lab.lab.namespace('router'))).has(OWN)).toBe(false);
  });

  test('what is in the way is waited for, and the rest does not wait with it', async () => {
    const routes = new Map([BLOCKED, FREE].map((prefix) => [prefix, { path: [asOf(FEEDER), 7] }]));
    feeder.write(announcements(routes, () => address(FEEDER)));
    await until('the customer hears of the other one', () => heardOf(FREE) >= 0);
    const [ballot] = await router.votes({ prefix: BLOCKED, neighbor: address(CUSTOMER) });
    expect(ballot).toMatchObject({ verdict: expect.anything(), advertised: null });
    expect(heardOf(BLOCKED)).toBe(-1);
    lab.lab.run('router', ['ip', 'route', 'del', ...FOREIGN]);
    await until('the customer hears of it', () => heardOf(BLOCKED) >= 0);
    expect((await kernelRoutes(lab.lab.namespace('router'))).has(BLOCKED)).toBe(true);
    const end = () => customer.updates.findIndex(({ length }) => length === END_OF_RIB_BYTES);
    await until('End-of-RIB', () => end() >= 0);
    expect(end()).toBeGreaterThan(heardOf(BLOCKED));
  });

  test('a withdrawal waits for nothing, and the next announcement waits again', async () => {
    customer.updates.length = 0;
    feeder.write(withdrawals([BLOCKED]));
    await until('the customer hears of the withdrawal', () => heardOf(BLOCKED) >= 0);
    await waitFor(async () => !(await kernelRoutes(lab.lab.namespace('router'))).has(BLOCKED), {
      what: 'the kernel has lost it',
      deadlineMs: DEADLINE_MS,
    });
    lab.lab.run('router', ['ip', 'route', 'add', ...FOREIGN]);
    customer.updates.length = 0;
    const both = new Map([BLOCKED, prefixAt(3)].map((prefix) => [prefix, { path: [asOf(FEEDER), 9] }]));
    feeder.write(announcements(both, () => address(FEEDER)));
    await until('the customer hears of another one', () => heardOf(prefixAt(3)) >= 0);
    expect(heardOf(BLOCKED)).toBe(-1);
    lab.lab.run('router', ['ip', 'route', 'del', ...FOREIGN]);
    await until('the customer hears of it again', () => heardOf(BLOCKED) >= 0);
  });
});
