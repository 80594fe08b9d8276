// `npm run bench:threshold`: what the stability threshold T costs and buys (the evaluation of the bug-tolerant router, "Effect of convergence
// time threshold"): for each T the real updates of a collector's neighbours are played to the three daemons, healthy ones that are made to lie
// now and then. How often is a replica accused that did not lie, how soon is a lie found, and for how long had a customer the lie?
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UserError } from '../cli/errors.js';
import { labProblem } from '../cli/lab/lab.js';
import { missingDaemons } from '../cli/lab/plain-daemons.js';
import { table } from '../cli/output/table.js';
import { Lab } from '../cli/lab/lab.js';
import { KINDS } from './station.js';
import type { ThresholdFigures } from './threshold-figures.js';
import { runThreshold } from './threshold-run.js';

const UPDATES = 'traces/updates/route-views2.updates.20131201.0000.bz2';

const options = await yargs(hideBin(process.argv))
  .scriptName('bench:threshold')
  .option('threshold', { type: 'number', array: true, default: [10, 30, 100, 300, 1000, 3000], describe: 'T, ms' })
  .option('strategy', { type: 'string', array: true, default: ['continuous-majority', 'master-slave'] })
  .option('speed', { type: 'number', default: 20, describe: "times the trace's own pace" })
  .option('seconds', { type: 'number', default: 40, describe: 'the trace is played until so much time has passed' })
  .option('interval', { type: 'number', default: 300, describe: 'mean time between two lies, ms; 0: none' })
  .option('duration', { type: 'number', default: 5000, describe: 'mean time that a lie lasts, ms' })
  .option('seed', { type: 'number', default: 1, describe: 'of the lies' })
  .option('trace', { type: 'string', describe: 'MRT file of updates (default: one of the shared folder)' })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

interface Result extends ThresholdFigures {
  strategy: string;
  threshold: number;
  /** Load average of the last minute, when the run ended. */
  load: number;
}

function traceFile(): string {
  const folder = process.env.BTR_SHARED ?? path.resolve(import.meta.dirname, '../../../shared');
  const file = options.trace ?? path.join(folder, UPDATES);
  if (!existsSync(file)) throw new UserError(`${file} is not here: --trace FILE plays another file of updates`, 66);
  return file;
}

function render(results: readonly Result[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const ms = (value: number): string => value.toFixed(0);
  const rows = results.map((r) => [
    ...[
      r.strategy,
      r.threshold,
      r.updates,
      r.accusations,
      r.perThousand.toFixed(3),
      ms(r.longestMs),
      r.outvoted,
      r.lies,
    ],
    ...[percent(r.found), ms(r.medianMs), ms(r.p90Ms), percent(r.unfoundShare), percent(r.stoodShare)],
    ...[r.oscillations, r.load.toFixed(1)],
  ]);
  const head = [
    ...['strategy', 'T ms', 'updates', 'accused', 'per 1000', 'longest ms', 'outvoted', 'lies'],
    ...['found', 'median ms', 'p90 ms', 'not found yet', 'at the customer', 'oscillations', 'load'],
  ];
  return table(head, rows);
}

async function main(): Promise<void> {
  const problem = labProblem() ?? missingDaemons(KINDS)[0];
  if (problem) throw new UserError(problem);
  const trace = traceFile();
  Lab.sweepStale();
  const results: Result[] = [];
  for (const strategy of options.strategy) {
    for (const threshold of options.threshold) {
      const { speed, seconds, interval, duration, seed } = options;
      const figures = await runThreshold({ strategy, threshold, trace, speed, seconds, interval, duration, seed });
      const result = { strategy, threshold, ...figures, load: os.loadavg()[0]! };
      results.push(result);
      process.stderr.write(`${JSON.stringify(result)}\n`);
    }
  }
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', kernel: os.release() };
  const json = JSON.stringify({ machine, node: process.version, options, results }, undefined, 1);
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `threshold-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const title = `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}`;
  const input = `${path.basename(trace)} at ${options.speed} times its pace`;
  process.stdout.write(options.json ? `${json}\n` : `${title}\n${input}\n\n${render(results)}\n\n${file}\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench: ${text}\n`);
    process.exit(error instanceof UserError ? error.exitCode : 70);
  },
);
