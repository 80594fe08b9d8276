// Some thousand prefixes of each trace on the real daemons, from a few of its peers; the whole traces are test/acceptance/.
import { describe as suite, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { missingDaemons } from '../../cli/lab/plain-daemons.js';
import { expectSound, expectUnanimous } from '../support/trace-expectations.js';
import { judge } from '../support/trace-judge.js';
import { KINDS } from '../support/trace-lab.js';
import { missingTrace, traceScenario, type TraceName } from '../support/trace-scenarios.js';

/** Prefixes for each neighbour. */
const LIMITS: Partial<Record<TraceName, number>> = {
  'jinx RIB, then updates': 5000,
  'route-views2 RIB': 300,
  'route-views6 RIB': 300,
};
/** Each neighbour more is a session more of everybody, which is what takes the time. */
const PEERS = 10;
const NAMES = Object.keys(LIMITS) as TraceName[];

const problem = labProblem() ?? missingDaemons(KINDS)[0] ?? missingTrace(NAMES);
if (problem) console.warn(`trace tests skipped: ${problem}`);

suite.skipIf(problem)('traces', () => {
  it.each(NAMES)('%s: the customer holds what the majority of the daemons alone say', async (name) => {
    const judgement = await judge(await traceScenario(name, { limit: LIMITS[name], peers: PEERS }), true);
    expectSound(judgement);
    expectUnanimous(judgement);
  });
});
