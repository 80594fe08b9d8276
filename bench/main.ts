// `npm run bench`: each daemon alone, the three side by side, and the hypervisor with the three, between a feeder and a sink.
// Rotates the order of the scenarios from run to run, and reports medians as a table and as JSON.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { sharedRib } from '../cli/demo/trace.js';
import { UserError } from '../cli/errors.js';
import { Lab, labProblem } from '../cli/lab/lab.js';
import { missingDaemons } from '../cli/lab/plain-daemons.js';
import { makeInput } from './input.js';
import type { BenchInput } from './input.js';
import { formatReport, ratios, summarise } from './report.js';
import type { ScenarioRuns } from './report.js';
import { runScenario, scenarios } from './scenarios.js';
import type { Scenario } from './scenarios.js';
import { KINDS } from './station.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('bench')
  .option('prefixes', { type: 'number', default: 100_000, describe: 'size of the small table; 0 leaves it out' })
  .option('full', { type: 'boolean', default: true, describe: 'the whole table as well (--no-full leaves it out)' })
  .option('rib', {
    type: 'string',
    describe: 'MRT RIB file to take the table from (default: a real one if found, else generated)',
  })
  .option('peer', { type: 'string', describe: 'vantage point of the RIB (AS30844, an address, #3)' })
  .option('runs', { type: 'number', default: 3, describe: 'runs of each scenario' })
  .option('singles', { type: 'number', default: 300, describe: 'single new prefixes after the small table' })
  .option('strategy', { type: 'string', array: true, default: ['continuous-majority'], describe: 'for the hypervisor' })
  .option('only', { type: 'string', array: true, describe: 'scenarios whose name contains one of these words' })
  .option('profile', { type: 'string', describe: 'folder for CPU profiles of the hypervisor (slows it down)' })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

/** Runs every scenario with one input, in an order that moves on by one from run to run. */
async function runAll(chosen: readonly Scenario[], input: BenchInput, singles: number): Promise<ScenarioRuns[]> {
  const all = chosen.map(({ name }): ScenarioRuns => ({
    scenario: name,
    prefixes: input.prefixes,
    runs: [],
    errors: [],
  }));
  for (let run = 0; run < options.runs; run++) {
    for (let step = 0; step < chosen.length; step++) {
      const index = (step + run) % chosen.length;
      const { name } = chosen[index]!;
      try {
        const results = await runScenario(chosen[index]!, input, singles);
        all[index]!.runs.push(results);
        const seconds = results.map(({ station, table }) => `${station} ${(table.completeMs / 1000).toFixed(2)} s`);
        process.stderr.write(
          `run ${run + 1}/${options.runs}, ${input.prefixes} prefixes, ${name}: ${seconds.join(', ')}\n`,
        );
      } catch (error) {
        all[index]!.errors.push((error as Error).message);
        process.stderr.write(`run ${run + 1}/${options.runs}, ${name}: ${(error as Error).message}\n`);
      }
    }
  }
  return all;
}

async function main(): Promise<number> {
  const problem = labProblem() ?? missingDaemons(KINDS)[0];
  if (problem) throw new UserError(problem);
  const rib = options.rib ?? sharedRib();
  Lab.sweepStale();
  const chosen = scenarios(options.strategy.map((strategy) => ({ strategy, profile: options.profile }))).filter(
    ({ name }) => options.only === undefined || options.only.some((word) => name.includes(word)),
  );
  if (chosen.length === 0) throw new UserError(`--only ${options.only?.join(' ')} fits no scenario`, 2);
  const lab = Lab.create('bench-input', { handleSignals: false });
  try {
    const runs: ScenarioRuns[] = [];
    const sources: string[] = [];
    const sizes = [...(options.prefixes > 0 ? [options.prefixes] : []), ...(options.full ? [Infinity] : [])];
    for (const [index, size] of sizes.entries()) {
      const input = await makeInput(rib, options.peer, size, lab.directory);
      sources.push(`${input.prefixes} prefixes, ${input.bytes} bytes of UPDATEs: ${input.source}`);
      runs.push(...(await runAll(chosen, input, index === 0 ? options.singles : 0)));
    }
    report(runs, sources);
    return runs.some(({ errors }) => errors.length > 0) ? 1 : 0;
  } finally {
    await lab.destroy();
  }
}

function report(runs: readonly ScenarioRuns[], inputs: readonly string[]): void {
  const summaries = runs.flatMap(summarise);
  const compared = ratios(summaries);
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', memory: os.totalmem(), kernel: os.release() };
  const json = JSON.stringify(
    { machine, node: process.version, inputs, summaries, ratios: compared, runs },
    undefined,
    1,
  );
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const head = `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}\n${inputs.join('\n')}`;
  process.stdout.write(options.json ? `${json}\n` : `${head}\n\n${formatReport(summaries, compared)}\n\n${file}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench: ${text}\n`);
    process.exit(error instanceof UserError ? error.exitCode : 70);
  },
);
