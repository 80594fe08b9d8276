// Healthy daemons are not accused: real traces of fifteen minutes on the real daemons with the parameters that everybody gets, and nothing is
// found against anybody, nobody is restarted, nothing is warned of. What daemons do differently for good is told apart, as such. At the traces'
// own pace, which takes a quarter of an hour each, with BTR_ORIGINAL_PACE=1.
import process from 'node:process';
import { describe as suite, expect, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { missingDaemons } from '../../cli/lab/plain-daemons.js';
import { describeHealth, playHealthy, type Health } from '../support/trace-health.js';
import { KINDS } from '../support/trace-lab.js';
import { missingTrace, traceScenario, type TraceName } from '../support/trace-scenarios.js';

const TRACES: TraceName[] = ['jinx RIB, then updates', 'sydney updates', 'route-views2 updates'];
/** Undefined: as fast as the router takes it. */
const PACES = [undefined, 100, ...(process.env.BTR_ORIGINAL_PACE === '1' ? [1] : [])];
/** Longer than the longest trace at its own pace, ms. */
const PATIENCE_MS = 1_500_000;

const problem = labProblem() ?? missingDaemons(KINDS)[0] ?? missingTrace(TRACES);
if (problem) console.warn(`tests of healthy daemons skipped: ${problem}`);

function expectUnaccused(health: Health): void {
  const text = describeHealth(health);
  expect(health.accusations, text).toEqual([]);
  expect(health.restarts, text).toBe(0);
  expect(health.warnings, text).toEqual([]);
  // A trace that left no votes would prove nothing.
  expect(health.ballots, text).toBeGreaterThan(1000);
}

suite.skipIf(problem)('healthy daemons', () => {
  const runs = PACES.flatMap((speed) => TRACES.map((name) => ({ name, speed, pace: speed ?? 'full' })));
  it.each(runs)(
    '$name at $pace speed: nobody is accused of anything',
    async ({ name, speed }) => {
      const scenario = await traceScenario(name, { ...(speed && { speed }), deadlineMs: 300_000 });
      const health = await playHealthy({ ...scenario, fib: true });
      console.log(`${name} at ${speed ?? 'full'} speed: ${describeHealth(health)}`);
      expectUnaccused(health);
    },
    PATIENCE_MS,
  );
});
