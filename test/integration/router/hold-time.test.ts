// OpenBGPD 7.7 ends every session without a hold time 240 s after it was opened (see INTERNAL_HOLD_TIME); test/acceptance/idle.test.ts waits
// that long, here the daemon is asked what it has agreed to.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INTERNAL_HOLD_TIME } from '../../../configs/session-plan.js';
import { Neighbor } from '../../support/router-neighbors.js';
import { neighborConfig, RouterLab, routerProblem, type RunningRouter } from '../../support/router-lab.js';

const problem = routerProblem();
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("OpenBGPD's sessions", () => {
  let lab: RouterLab;
  let router: RunningRouter;
  let neighbor: Neighbor;

  beforeAll(async () => {
    lab = RouterLab.create('hold', 1);
    router = await lab.run({ neighbors: [neighborConfig(1)], replicas: [{ name: 'openbgpd', kind: 'openbgpd' }] });
    await router.untilVoting(1);
    neighbor = await new Neighbor(1).connect();
  });
  afterAll(async () => {
    await neighbor?.stop();
    await router?.stop();
    await lab?.destroy();
  });

  test('have the longest hold time that there is', async () => {
    await router.until('all sessions are up', ({ replicas }) => replicas[0].sessionsUp === 3);
    const control = path.join(router.directory, 'openbgpd', 'control.sock');
    const text = execFileSync('bgpctl', ['-s', control, 'show', 'neighbor'], { encoding: 'utf8' });
    expect(INTERNAL_HOLD_TIME.openbgpd).toBeGreaterThan(240);
    expect(text.match(/holdtime \d+s/g)).toEqual(
      Array.from({ length: 3 }, () => `holdtime ${INTERNAL_HOLD_TIME.openbgpd}s`),
    );
  });
});
