// One process of a replica is stopped, and the others go on: OpenBGPD without its parent answers for each next hop that it knows, FRR
// without zebra writes no routes but speaks. Both have to be found though they show life all the time.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FaultsAnswer } from '../../../hypervisor/status.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { tableOf } from '../../support/router-routes.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

/** The zebra that has its files in this directory. */
function zebraIn(directory: string): number {
  const found = readdirSync('/proc').find((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [program, ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return program.endsWith('/zebra') && words.some((word) => word.startsWith(directory));
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no zebra of ${directory} runs`);
  return Number(found);
}

describe.skipIf(problem !== undefined)('one process of a replica is stopped', () => {
  let lab: RouterLab;
  let router: RunningRouter;
  const [feeder, customer] = [new Neighbor(1), new Neighbor(2)];

  beforeAll(async () => {
    lab = RouterLab.create('stopped', 2);
    router = await lab.run({
      neighbors: [1, 2].map((n) => neighborConfig(n)),
      voting: { 'hang-threshold': '2s' },
      more: { fib: { backend: 'dry-run' } },
    });
    await router.untilVoting(3);
    await Promise.all([feeder.connect(), customer.connect()]);
    await feeder.announce(tableOf(feeder.as, 1, 0, 50));
    await customer.untilRight([feeder]);
  });
  afterAll(async () => {
    await Promise.all([feeder.stop(), customer.stop()]);
    await router?.stop();
    await lab?.destroy();
  });

  test.each([
    ['openbgpd', 'the parent', (pid: number) => pid],
    ['frr', 'zebra', () => zebraIn(router.directory)],
  ])('of %s, %s', async (name, _, processOf) => {
    const { restarts, pid } = await router.replica(name);
    process.kill(processOf(pid!), 'SIGSTOP');
    let version = 2;
    // Never a pause that would be taken for silence.
    const life = setInterval(() => void feeder.announce(tableOf(feeder.as, version++, 0, 50)), 200);
    try {
      await router.until('it has been replaced, and all vote', ({ replicas, electorate }) => {
        return replicas.find((replica) => replica.name === name)!.restarts > restarts && electorate.length === 3;
      });
    } finally {
      clearInterval(life);
    }
    const { findings } = (await router.request('faults', { replica: name })) as FaultsAnswer;
    expect(findings.map(({ cause }) => cause)).toContain('stopped');
    await customer.untilRight([feeder]);
  });
});
