// The whole real traces on the real daemons: minutes, not seconds, so only `npm run test:acceptance` runs them. What they showed is in
// docs/results.md; each prints the figures of its run.
import { describe as suite, expect, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { missingDaemons } from '../../cli/lab/plain-daemons.js';
import { expectSound, expectUnanimous } from '../support/trace-expectations.js';
import { describe, judge } from '../support/trace-judge.js';
import { KINDS } from '../support/trace-lab.js';
import { missingTrace, traceScenario, type TraceName } from '../support/trace-scenarios.js';

const RIBS: TraceName[] = ['jinx RIB', 'route-views2 RIB', 'route-views6 RIB'];
const UPDATES: TraceName[] = ['jinx RIB, then updates', 'sydney updates', 'route-views2 updates'];

const problem = labProblem() ?? missingDaemons(KINDS)[0] ?? missingTrace([...RIBS, ...UPDATES]);
if (problem) console.warn(`trace acceptance tests skipped: ${problem}`);

suite.skipIf(problem)('whole traces', () => {
  it.each(RIBS)('%s: unanimous but for what is understood', async (name) => {
    const judgement = await judge(await traceScenario(name, { deadlineMs: 300_000 }));
    console.log(describe(judgement));
    expectSound(judgement);
    expectUnanimous(judgement);
  });

  it.each(UPDATES.flatMap((name) => [undefined, 100].map((speed) => ({ name, speed, pace: speed ?? 'full' }))))(
    '$name at $pace speed: the customer ends with what BIRD alone gives it',
    async ({ name, speed }) => {
      const judgement = await judge(await traceScenario(name, { ...(speed && { speed }), deadlineMs: 300_000 }));
      console.log(describe(judgement));
      expectSound(judgement);
      expect(judgement.router.played.withdrawn).toBeGreaterThan(0);
    },
  );
});
