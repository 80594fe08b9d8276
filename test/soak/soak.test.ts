// The long run: busy update files in a loop at a hundred times their pace while, every few seconds, one replica is killed, stopped, made mute
// or made to lie. No neighbour may notice, the tables must be exact at the end, and the hypervisor's memory flat. `npm run soak`; minutes
// from BTR_SOAK_MINUTES (30), neighbours for each file from BTR_SOAK_PEERS (6), the order of the faults from BTR_SOAK_SEED (printed).
import { describe as suite, expect, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { missingDaemons } from '../../cli/lab/plain-daemons.js';
import { VOTING_STRATEGIES } from '../../configs/model.js';
import type { ControlClient } from '../../hypervisor/control/client.js';
import { Random } from '../simulation/random.js';
import { differences, majorityOf } from '../support/route-tables.js';
import { accountOf } from '../support/soak-account.js';
import { SoakFaults } from '../support/soak-faults.js';
import { KINDS, TraceLab, type Outcome, type Playing } from '../support/trace-lab.js';
import { missingTrace, traceScenario, type TraceName } from '../support/trace-scenarios.js';

const BUSIEST: TraceName[] = ['sydney updates', 'route-views2 updates'];
const MINUTES = Number(process.env.BTR_SOAK_MINUTES ?? 30);
const SEED = Number(process.env.BTR_SOAK_SEED ?? Date.now() % 1_000_000);
/** The busiest vantage points of each file are played. All 54 together want more than two cores give, whatever the router does. */
const PEERS = Number(process.env.BTR_SOAK_PEERS ?? 6);
const strategy = VOTING_STRATEGIES.find((word) => word === process.env.BTR_SOAK_STRATEGY) ?? 'continuous-majority';
/** The last part of the run may need so much more memory than the first: by then every table has had its largest size for long. */
const GROWTH = 1.1;
const GROWTH_BYTES = 32 * 2 ** 20;
/** All replicas have come back when the last fault is so long ago, ms. */
const CALM_MS = 60_000;

const problem = labProblem() ?? missingDaemons(KINDS)[0] ?? missingTrace(BUSIEST);
if (problem) console.warn(`soak skipped: ${problem}`);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

suite.skipIf(problem)('soak', () => {
  it(
    `${MINUTES} minutes of faults, ${strategy}, seed ${SEED}`,
    async () => {
      const [first, second] = await Promise.all(BUSIEST.map((name) => traceScenario(name)));
      first.neighbors = first.neighbors.slice(0, PEERS);
      second.neighbors = second.neighbors.slice(0, PEERS);
      const once = { ...first, name: 'soak', beside: [second], deadlineMs: 600_000, fib: true, strategy };
      // Nobody is given up, and nobody waits for long: here failing is the normal state.
      const recovery = '{ max-restarts: 0, longest-restart-delay: 1s }';
      const scenario = { ...once, recovery, speed: 100, loopSeconds: MINUTES * 60 };
      const seconds = Math.max(10, MINUTES * 60 - CALM_MS / 1000);
      const faults = new SoakFaults(new Random(SEED, 'soak'), (line) => process.stderr.write(`${line}\n`));
      const alone = await Promise.all(KINDS.map((kind) => TraceLab.run({ ...once, fib: false }, kind)));
      const { routes } = majorityOf(alone.map((one) => one.routes));
      const during = async ({ control, played, customer }: Playing): Promise<void> => {
        await faults.run(control, seconds, customer);
        await played;
        await faults.untilSettled(control);
        await faults.verify(control);
      };
      // While the router still knows why.
      const examine = async (outcome: Outcome, control: ControlClient): Promise<void> => {
        const wrong = differences(routes, outcome.routes);
        if (wrong.length === 0) return;
        process.stderr.write(`${await accountOf(wrong, control)}\n`);
        throw new Error(`${wrong.length} of ${routes.size} prefixes differ from what they should be`);
      };
      const outcome = await TraceLab.run(scenario, 'router', during, examine);
      const { memory } = faults;
      const third = Math.ceil(memory.length / 3);
      const [early, late] = [median(memory.slice(third, 2 * third)), median(memory.slice(2 * third))];
      const needless = faults.needlessWarnings(outcome.log);
      const restarts = outcome.status!.replicas.map((replica) => `${replica.name} ${replica.restarts}`).join(', ');
      const lines = [
        `${faults.injected} faults, ${faults.refused} refused: ${faults.summary()}`,
        `${outcome.played.announced} announcements, ${outcome.played.withdrawn} withdrawals; restarts: ${restarts}`,
        `alarms at the end: ${JSON.stringify(outcome.status!.alarms)}`,
        `memory, median MB: ${early / 1e6} then ${late / 1e6}`,
        `early warnings of replicas that were well: ${needless.length}`,
        ...needless,
      ];
      process.stderr.write(`${lines.join('\n')}\n`);
      expect(faults.verification).toMatchObject({ ok: true });
      expect(faults.flaps).toEqual([]);
      expect(outcome.status!.neighbors.map(({ flaps }) => flaps).filter((flaps) => flaps > 0)).toEqual([]);
      expect(faults.injected).toBeGreaterThan(seconds / 60);
      expect(late, `of ${early} bytes before`).toBeLessThan(early * GROWTH + GROWTH_BYTES);
    },
    (MINUTES * 60 + 3000) * 1000,
  );
});
