// What the levels of the vote log cost: the router with three replicas takes a table in at full speed, once with the level `faults` and once with
// another, one after the other, in pairs that begin with the one and with the other in turn. Owns the pairing and the ratios; the run itself is
// scenarios.ts.
import os from 'node:os';
import process from 'node:process';
import { UserError } from '../cli/errors.js';
import { Lab, labProblem } from '../cli/lab/lab.js';
import { missingDaemons } from '../cli/lab/plain-daemons.js';
import { table } from '../cli/output/table.js';
import { makeInput, type BenchInput } from './input.js';
import { runScenario, scenarios } from './scenarios.js';
import { KINDS } from './station.js';
import { median } from './statistics.js';

/** Compared with `faults`; the same level again shows how much pairs differ by themselves. */
export const LEVELS = ['faults', 'dissent', 'all'] as const;
type Level = (typeof LEVELS)[number];
const BASE: Level = 'faults';

export interface ReplayOptions {
  /** 0: the whole table. */
  prefixes: number;
  pairs: number;
  level: readonly Level[];
}

interface Run {
  completeMs: number;
  settledMs: number;
  /** CPU of the hypervisor's own process, s: all its threads, the one that writes the log included. */
  ownCpu: number;
}

interface Pair {
  level: Level;
  base: Run;
  other: Run;
}

/** Runs the pairs and returns the report. */
export async function compareLevels(rib: string | undefined, options: ReplayOptions): Promise<string> {
  const problem = labProblem() ?? missingDaemons(KINDS)[0];
  if (problem) throw new UserError(problem);
  Lab.sweepStale();
  const lab = Lab.create('bench-input');
  try {
    const input = await makeInput(rib, undefined, options.prefixes === 0 ? Infinity : options.prefixes, lab.directory);
    const pairs: Pair[] = [];
    for (let n = 0; n < options.pairs; n++) {
      for (const level of options.level) {
        const pair = await runPair(level, input, n % 2 === 0);
        pairs.push(pair);
        process.stderr.write(`pair ${n + 1}/${options.pairs}, ${level}: ${line(pair)}\n`);
      }
    }
    return report(pairs, input, options);
  } finally {
    await lab.destroy();
  }
}

async function runPair(level: Level, input: BenchInput, baseFirst: boolean): Promise<Pair> {
  const first = await run(baseFirst ? BASE : level, input);
  const second = await run(baseFirst ? level : BASE, input);
  return baseFirst ? { level, base: first, other: second } : { level, base: second, other: first };
}

async function run(voteLog: Level, input: BenchInput): Promise<Run> {
  const [scenario] = scenarios([{ strategy: 'continuous-majority', voteLog }]).slice(-1);
  const [{ table: result }] = await runScenario(scenario, input, 0);
  const ownCpu = result.router
    .filter(({ name }) => name.endsWith('node'))
    .reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return { completeMs: result.completeMs, settledMs: result.settledMs, ownCpu };
}

const MEASURES = { 'complete s': 'completeMs', 'settled s': 'settledMs', 'own CPU s': 'ownCpu' } as const;
type Measure = (typeof MEASURES)[keyof typeof MEASURES];

const ratio = ({ base, other }: Pair, measure: Measure): number => other[measure] / base[measure];

function line(pair: Pair): string {
  const seconds = (value: number): string => (value / 1000).toFixed(2);
  const { base, other } = pair;
  return `complete ${seconds(base.completeMs)} s with ${BASE}, ${seconds(other.completeMs)} s, ratio ${ratio(pair, 'completeMs').toFixed(3)}`;
}

function report(pairs: readonly Pair[], input: BenchInput, { level: levels }: ReplayOptions): string {
  const cpu = os.cpus();
  const load = os.loadavg().map((value) => value.toFixed(1));
  const rows = levels.flatMap((level) => {
    const own = pairs.filter((pair) => pair.level === level);
    return Object.entries(MEASURES).map(([name, measure]) => {
      const ratios = own.map((pair) => ratio(pair, measure));
      const unit = measure === 'ownCpu' ? 1 : 1000;
      const of = (side: 'base' | 'other'): string => (median(own.map((pair) => pair[side][measure])) / unit).toFixed(2);
      const range = `${Math.min(...ratios).toFixed(3)} … ${Math.max(...ratios).toFixed(3)}`;
      return [level, name, of('base'), of('other'), median(ratios).toFixed(3), range, own.length];
    });
  });
  const head = ['level', 'measure', `with ${BASE}`, 'with it', 'ratio', 'of pairs', 'pairs'];
  return [
    `${cpu.length} × ${cpu[0]?.model ?? 'unknown'}, Linux ${os.release()}, Node ${process.version}, load average at the end ${load.join(' ')}`,
    `${input.prefixes} prefixes, ${input.bytes} bytes of UPDATEs: ${input.source}; medians, ratios within pairs`,
    '',
    table(head, rows),
    '',
  ].join('\n');
}
