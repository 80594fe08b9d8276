// `npm run simulate -- --seeds N [--first S] [--json]`: runs N seeds from S on (default 1) and stops at the first that goes wrong, with the seed to
// repeat it by and exit status 1.
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

function whole(text: string, name: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`--${name}: expected a whole number, got "${text}"`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const seeds = whole(values.seeds, 'seeds');
const first = whole(values.first, 'first');
const started = performance.now();
let steps = 0;
let emissions = 0;
const faults: Record<string, number> = {};
for (let seed = first; seed < first + seeds; seed++) {
  const outcome = simulate(seed);
  steps += outcome.steps;
  emissions += outcome.emissions;
  for (const [kind, count] of Object.entries(outcome.faults)) faults[kind] = (faults[kind] ?? 0) + count;
  if (outcome.violation !== undefined) {
    if (values.json) console.log(JSON.stringify(outcome));
    else {
      console.error(`seed ${seed}: ${outcome.violation}`);
      console.error(JSON.stringify(outcome.scenario, undefined, 2));
      console.error(`repeat it: npm run simulate -- --seeds 1 --first ${seed}`);
    }
    process.exit(1);
  }
}
const seconds = (performance.now() - started) / 1000;
if (values.json) console.log(JSON.stringify({ seeds, first, violations: 0, steps, emissions, faults, seconds }));
else {
  console.log(
    `${seeds} seeds from ${first}: ${steps} steps, ${emissions} routes emitted, no rule violated (${seconds.toFixed(1)} s)`,
  );
  console.log(
    `faults: ${Object.entries(faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
  );
}
