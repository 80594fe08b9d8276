// `npm run bench:fib-latency`: how long it takes from an UPDATE that announces one new prefix until its route stands in the kernel, for
// bare daemons and for the hypervisor with one, three and five replicas. Prints medians, 99th percentiles and ratios, and writes JSON.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UserError } from '../cli/errors.js';
import { Lab, labProblem } from '../cli/lab/lab.js';
import { missingDaemons } from '../cli/lab/plain-daemons.js';
import { table } from '../cli/output/table.js';
import { latencyScenarios, startLatencyStation } from './fib-stations.js';
import type { LatencyScenario } from './fib-stations.js';
import { KINDS } from './station.js';
import { median, quantile } from './statistics.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('bench:fib-latency')
  .option('count', { type: 'number', default: 300, describe: 'single new prefixes in each run' })
  .option('runs', { type: 'number', default: 3, describe: 'runs of each scenario, in rotating order' })
  .option('strategy', { type: 'string', default: 'continuous-majority', describe: 'for the hypervisor' })
  .option('only', { type: 'string', array: true, describe: 'scenarios whose name contains one of these words' })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

const ROUTE_DEADLINE_MS = 20_000;

interface LatencyResult {
  medianMs: number;
  p99Ms: number;
}

interface LatencySummary extends LatencyResult {
  scenario: string;
  runs: number;
  /** The bare daemon that it is compared with; undefined for one. */
  baseline: string | undefined;
  /** Median relative to the baseline's. */
  ratio: number | undefined;
  p99Ratio: number | undefined;
  moreMs: number | undefined;
}

/** One run: announces prefixes one at a time, each when the route of the one before stands and a moment has passed. */
async function measure(scenario: LatencyScenario, count: number): Promise<LatencyResult> {
  const lab = Lab.create('bench');
  try {
    const { feeder, watch } = await startLatencyStation(lab, scenario, options.strategy);
    const arrivals: number[] = [];
    for (let index = 0; index < count; index++) {
      // Not in step with anything: FRR holds changes for up to 50 ms, so where in that time they come decides.
      await sleep(5 + ((index * 37) % 61));
      feeder.send({ kind: 'single', index });
      arrivals.push(await watch.route(index, ROUTE_DEADLINE_MS));
    }
    const { singles } = await feeder.report();
    const delays = arrivals.map((arrived, index) => arrived - singles[index]!);
    await feeder.stop();
    return { medianMs: quantile(delays, 0.5), p99Ms: quantile(delays, 0.99) };
  } finally {
    await lab.destroy();
  }
}

async function measureAll(chosen: readonly LatencyScenario[]): Promise<Map<string, LatencyResult[]>> {
  const results = new Map<string, LatencyResult[]>(chosen.map(({ name }) => [name, []]));
  for (let run = 0; run < options.runs; run++) {
    for (let step = 0; step < chosen.length; step++) {
      const scenario = chosen[(step + run) % chosen.length]!;
      const result = await measure(scenario, options.count);
      results.get(scenario.name)!.push(result);
      const figures = `median ${result.medianMs.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms`;
      process.stderr.write(`run ${run + 1}/${options.runs}, ${scenario.name}: ${figures}\n`);
    }
  }
  return results;
}

function summarise(
  chosen: readonly LatencyScenario[],
  results: ReadonlyMap<string, readonly LatencyResult[]>,
): LatencySummary[] {
  const of = (name: string): LatencyResult | undefined => {
    const runs = results.get(name) ?? [];
    if (runs.length === 0) return undefined;
    return { medianMs: median(runs.map((run) => run.medianMs)), p99Ms: median(runs.map((run) => run.p99Ms)) };
  };
  return chosen.flatMap(({ name, baselines }): LatencySummary[] => {
    const own = of(name);
    if (!own) return [];
    const runs = results.get(name)!.length;
    const none = { baseline: undefined, ratio: undefined, p99Ratio: undefined, moreMs: undefined };
    const against = baselines.flatMap((baseline): LatencySummary[] => {
      const bare = of(baseline);
      if (!bare) return [];
      const ratios = { ratio: own.medianMs / bare.medianMs, p99Ratio: own.p99Ms / bare.p99Ms };
      return [{ scenario: name, runs, ...own, baseline, ...ratios, moreMs: own.medianMs - bare.medianMs }];
    });
    return against.length > 0 ? against : [{ scenario: name, runs, ...own, ...none }];
  });
}

function report(summaries: readonly LatencySummary[]): void {
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', kernel: os.release() };
  const json = JSON.stringify({ machine, node: process.version, options, summaries }, undefined, 1);
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `fib-latency-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const fixed = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(2));
  const rows = summaries.map((s) => [
    ...[s.scenario, fixed(s.medianMs), fixed(s.p99Ms), s.baseline ?? '-', fixed(s.ratio), fixed(s.p99Ratio)],
    ...[fixed(s.moreMs), s.runs],
  ]);
  const head = `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}; UPDATE in → route in the kernel, ${options.count} single prefixes a run`;
  const text = table(
    ['scenario', 'median ms', 'p99 ms', 'compared with', 'median ×', 'p99 ×', 'median +ms', 'runs'],
    rows,
  );
  process.stdout.write(options.json ? `${json}\n` : `${head}\n\n${text}\n\n${file}\n`);
}

async function main(): Promise<void> {
  const problem = labProblem() ?? missingDaemons(KINDS)[0];
  if (problem) throw new UserError(problem);
  Lab.sweepStale();
  const { only } = options;
  const chosen = latencyScenarios().filter(
    ({ name }) => only === undefined || only.some((word) => name.includes(word)),
  );
  if (chosen.length === 0) throw new UserError(`--only ${only?.join(' ')} fits no scenario`, 2);
  report(summarise(chosen, await measureAll(chosen)));
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench: ${text}\n`);
    process.exit(error instanceof UserError ? error.exitCode : 70);
  },
);
