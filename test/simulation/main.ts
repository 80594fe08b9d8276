// `npm run simulate -- --seeds N [--first S] [--json]`: runs N seeds from S on (default 1), each for the routes to the neighbours and, with voter and
// installer alone and with the whole engine, for the way to the kernel's table, and for recovery (replicas that fail, are replaced and come
// back), and stops at the first that goes wrong, with the seed to repeat it by and exit status 1.
import { parseArgs } from 'node:util';
import { simulateEngine, simulateFib } from './fib/simulate.js';
import { simulateRecovery } from './recovery/simulate.js';
import { simulate } from './simulate.js';

function whole(text: string, name: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`--${name}: expected a whole number, got "${text}"`);
  process.exit(2);
}

const USAGE = `npm run simulate -- [--seeds N] [--first S] [--json]
  --seeds N   seeds to run (default 1000)
  --first S   the first of them (default 1)
  --json      the result as JSON`;
/** Between two lines of progress, ms. */
const PROGRESS_MS = 10_000;

function options(): { seeds: string; first: string; json: boolean; help: boolean } {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1000' },
        first: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

const values = options();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const seeds = whole(values.seeds, 'seeds');
const first = whole(values.first, 'first');
const started = performance.now();
let told = started;
let steps = 0;
let emissions = 0;
let writes = 0;
const faults: Record<string, number> = {};
const troubles: Record<string, number> = {};
const recovery: Record<string, number> = {};

function add(to: Record<string, number>, counts: Record<string, number>): void {
  for (const [kind, count] of Object.entries(counts)) to[kind] = (to[kind] ?? 0) + count;
}

function stopAtViolation(path: string, outcome: { seed: number; violation?: string; scenario: object }): void {
  if (outcome.violation === undefined) return;
  if (values.json) console.log(JSON.stringify({ path, ...outcome }));
  else {
    console.error(`seed ${outcome.seed}, ${path}: ${outcome.violation}`);
    console.error(JSON.stringify(outcome.scenario, undefined, 2));
    console.error(`repeat it: npm run simulate -- --seeds 1 --first ${outcome.seed}`);
  }
  process.exit(1);
}

function tellProgress(seed: number): void {
  const at = performance.now();
  if (at - told < PROGRESS_MS) return;
  told = at;
  console.error(`${seed - first} of ${seeds} seeds, ${((at - started) / 1000).toFixed(0)} s`);
}

for (let seed = first; seed < first + seeds; seed++) {
  tellProgress(seed);
  const outcome = simulate(seed);
  steps += outcome.steps;
  emissions += outcome.emissions;
  add(faults, outcome.faults);
  stopAtViolation('neighbours', outcome);
  for (const [path, run] of [
    ['FIB', simulateFib],
    ['FIB engine', simulateEngine],
  ] as const) {
    const fib = run(seed);
    steps += fib.steps;
    writes += fib.writes;
    add(troubles, fib.troubles);
    stopAtViolation(path, fib);
  }
  const recovered = simulateRecovery(seed);
  steps += recovered.steps;
  emissions += recovered.emissions;
  add(recovery, recovered.counts);
  stopAtViolation('recovery', recovered);
}
const seconds = (performance.now() - started) / 1000;
if (values.json) {
  console.log(
    JSON.stringify({ seeds, first, violations: 0, steps, emissions, writes, faults, troubles, recovery, seconds }),
  );
} else {
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
  console.log(
    `${seeds} seeds from ${first}: ${steps} steps, ${emissions} routes emitted, ${writes} kernel writes, no rule violated (${seconds.toFixed(1)} s)`,
  );
  console.log(`faults: ${list(faults)}`);
  console.log(`faults and troubles on the way to the kernel: ${list(troubles)}`);
  console.log(`recovery: ${list(recovery)}`);
}
