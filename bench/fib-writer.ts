// `npm run bench:fib`: routes per second into the kernel, changed there, and out again, for the hypervisor's writer, `ip -batch`, BIRD
// and zebra, one after the other in namespaces of the same make. All are timed from outside, by when their routes come and go, from
// the first route to the last: reading configurations and starting up does not count. Each table is the same list in the same order.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { sharedRib } from '../cli/demo/trace.js';
import { UserError } from '../cli/errors.js';
import { Lab, labProblem } from '../cli/lab/lab.js';
import type { LabProcess } from '../cli/lab/process.js';
import { processUsage } from '../cli/lab/process-stats.js';
import { waitFor } from '../cli/lab/wait.js';
import { table as layout } from '../cli/output/table.js';
import { CONTESTANTS, NAMESPACE } from './fib-contestants.js';
import type { Contestant, FibTable } from './fib-contestants.js';
import { SAMPLE_MASK } from './fib-protocol.js';
import type { FromObserver, OwnOp, ToObserver } from './fib-protocol.js';
import { ipv4Prefixes } from './fib-input.js';
import { makeInput } from './input.js';
import { median } from './statistics.js';

const OPS: readonly OwnOp[] = ['insert', 'replace', 'remove'];
const GATEWAYS: [string, string] = ['10.0.0.2', '10.0.0.3'];
/** Without any route for so long, a writer is stuck. */
const STALLED_MS = 20_000;

const options = await yargs(hideBin(process.argv))
  .scriptName('bench:fib')
  .option('routes', { type: 'number', array: true, default: [100_000, 500_000], describe: 'sizes of the tables' })
  .option('rib', { type: 'string', describe: 'MRT RIB file to take the prefixes from (default: a real one if found)' })
  .option('peer', { type: 'string', describe: 'vantage point of the RIB' })
  .option('order', {
    choices: ['rib', 'shuffled'] as const,
    default: 'rib' as const,
    describe: 'the order of the routes: as the RIB has them (ascending), or at random',
  })
  .option('runs', { type: 'number', default: 3, describe: 'runs of each writer' })
  .option('only', { type: 'string', array: true, describe: `writers: ${Object.keys(CONTESTANTS).join(', ')}` })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

interface OpResult {
  routes: number;
  seconds: number;
  perSecond: number;
  /** Of the writing process, the kernel's work on its behalf included. */
  cpuSeconds: number;
  /** Where it is known: split; and, of the hypervisor's writer, system calls. */
  userSeconds?: number;
  systemSeconds?: number;
  calls?: number | undefined;
}

interface Result {
  writer: string;
  routes: number;
  ops: Record<OwnOp, OpResult>[];
  errors: string[];
}

/** Watches the namespace's routes from a process of its own. */
class Observer {
  readonly #child: LabProcess;
  #latest: FromObserver | undefined;

  private constructor(child: LabProcess) {
    this.#child = child;
    child.child.on('message', (message: unknown) => (this.#latest = message as FromObserver));
  }

  static async start(lab: Lab): Promise<Observer> {
    const program = path.join(import.meta.dirname, 'fib-observer.js');
    return new Observer(await lab.spawn(NAMESPACE, ['node', '--enable-source-maps', program], { ipc: true }));
  }

  async watch(message: ToObserver): Promise<void> {
    this.#latest = undefined;
    this.#child.child.send!(message, undefined, () => undefined);
    const seen = () => this.#latest !== undefined || !this.#child.running;
    await waitFor(seen, { what: 'the observer is ready', deadlineMs: 10_000, intervalMs: 2 });
  }

  /** Resolves when all have come or gone; throws when nothing happens any more. */
  async complete(): Promise<number> {
    let [count, since] = [-1, performance.now()];
    const done = await waitFor(
      () => {
        const now = this.#latest;
        if (now?.kind === 'complete') return now;
        if (!this.#child.running) throw new Error(this.#child.logTail(3));
        const seen = now?.kind === 'progress' ? now.count : 0;
        if (seen !== count) [count, since] = [seen, performance.now()];
        return performance.now() - since > STALLED_MS ? 'stalled' : undefined;
      },
      { what: 'all routes are there', deadlineMs: 600_000, intervalMs: 20 },
    );
    if (done === 'stalled') throw new Error(`stopped after ${count} of the watched routes`);
    return done.lastMs - done.firstMs;
  }
}

function sampled({ words }: FibTable): number {
  let found = 0;
  for (let i = 0; i < words.length; i += 2) if ((words[i]! & SAMPLE_MASK) === 0) found++;
  return found;
}

async function measure(
  lab: Lab,
  contestant: Contestant,
  observer: Observer,
  table: FibTable,
  op: OwnOp,
): Promise<OpResult> {
  const routes = table.words.length / 2;
  await observer.watch({ kind: 'watch', action: op === 'remove' ? 'del' : 'new', expect: sampled(table) });
  const usage = () => (contestant.process && processUsage(contestant.process.pid)?.cpuSeconds) ?? 0;
  const before = usage();
  const cost = await contestant.run(op);
  const seconds = (await observer.complete()) / 1000;
  const cpuSeconds = cost ? (cost.userMs + cost.systemMs) / 1000 : usage() - before;
  const present = lab.run(NAMESPACE, ['sh', '-c', 'ip -4 route show table main | wc -l']);
  const expected = op === 'remove' ? 1 : routes + 1;
  if (Number(present) !== expected) throw new Error(`${op}: ${Number(present)} routes, not ${expected}`);
  const result = { routes, seconds, perSecond: Math.round(routes / seconds), cpuSeconds };
  if (cost === undefined) return result;
  return { ...result, userSeconds: cost.userMs / 1000, systemSeconds: cost.systemMs / 1000, calls: cost.calls };
}

async function runOnce(writer: string, words: Uint32Array, file: string): Promise<Record<OwnOp, OpResult>> {
  const lab = Lab.create('bench-fib');
  try {
    for (const namespace of [NAMESPACE, 'far']) lab.addNamespace(namespace);
    const [device] = lab.link(
      { namespace: NAMESPACE, addresses: ['10.0.0.1/24'] },
      { namespace: 'far', addresses: GATEWAYS.map((gateway) => `${gateway}/24`) },
    );
    const link = lab.run(NAMESPACE, ['ip', '-j', 'link', 'show', device]);
    const ifindex = (JSON.parse(link) as { ifindex: number }[])[0]!.ifindex;
    const table: FibTable = { words, file, gateways: GATEWAYS, device, ifindex };
    const observer = await Observer.start(lab);
    const contestant = await CONTESTANTS[writer]!(lab, table);
    const results: Partial<Record<OwnOp, OpResult>> = {};
    for (const op of OPS) results[op] = await measure(lab, contestant, observer, table, op);
    await contestant.stop();
    return results as Record<OwnOp, OpResult>;
  } finally {
    await lab.destroy();
  }
}

async function runAll(words: Uint32Array, writers: readonly string[], directory: string): Promise<Result[]> {
  const routes = words.length / 2;
  const file = path.join(directory, `table-${routes}`);
  writeFileSync(file, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  const results = writers.map((writer): Result => ({ writer, routes, ops: [], errors: [] }));
  for (let run = 0; run < options.runs; run++) {
    for (let step = 0; step < writers.length; step++) {
      const result = results[(step + run) % writers.length]!;
      try {
        const ops = await runOnce(result.writer, words, file);
        result.ops.push(ops);
        const rates = OPS.map((op) => `${op} ${ops[op].perSecond}/s`).join(', ');
        process.stderr.write(`run ${run + 1}/${options.runs}, ${routes} routes, ${result.writer}: ${rates}\n`);
      } catch (error) {
        result.errors.push((error as Error).message);
        process.stderr.write(`run ${run + 1}/${options.runs}, ${result.writer}: ${(error as Error).message}\n`);
      }
    }
  }
  return results;
}

function shuffle(words: Uint32Array): void {
  // A fixed sequence (LCG of Numerical Recipes): the same order every time.
  let seed = 1;
  for (let i = words.length / 2 - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const j = Math.floor((seed / 2 ** 32) * (i + 1));
    for (const offset of [0, 1]) {
      [words[2 * i + offset], words[2 * j + offset]] = [words[2 * j + offset]!, words[2 * i + offset]!];
    }
  }
}

function format(results: readonly Result[]): string {
  const rate = (result: Result, op: OwnOp) => median(result.ops.map((ops) => ops[op].perSecond));
  const of = (value: number, digits: number) => (Number.isNaN(value) ? '-' : value.toFixed(digits));
  const rows = results.map((result) => {
    const own = results.find(({ writer, routes }) => writer === 'hypervisor' && routes === result.routes);
    const cells = OPS.flatMap((op) => [
      Number.isNaN(rate(result, op)) ? null : Math.round(rate(result, op)),
      of(own === undefined ? NaN : rate(own, op) / rate(result, op), 2),
      of(median(result.ops.map((ops) => ops[op].cpuSeconds)), 2),
    ]);
    return [result.writer, result.routes, ...cells, result.ops.length];
  });
  const columns = OPS.flatMap((op) => [`${op}/s`, '×', 'CPU s']);
  return layout(['writer', 'routes', ...columns, 'runs'], rows);
}

async function main(): Promise<number> {
  const problem = labProblem();
  if (problem) throw new UserError(problem);
  const writers = Object.keys(CONTESTANTS).filter((name) => options.only?.includes(name) ?? true);
  if (writers.length === 0) throw new UserError(`--only ${options.only?.join(' ')} names no writer`, 2);
  Lab.sweepStale();
  const input = Lab.create('bench-fib-input', { handleSignals: false });
  try {
    const results: Result[] = [];
    const sources: string[] = [];
    for (const size of options.routes) {
      const made = await makeInput(options.rib ?? sharedRib(), options.peer, size, input.directory);
      const words = ipv4Prefixes(readFileSync(made.file));
      if (options.order === 'shuffled') shuffle(words);
      sources.push(`${words.length / 2} routes, order ${options.order}: ${made.source}`);
      results.push(...(await runAll(words, writers, input.directory)));
    }
    report(results, sources);
    return results.some(({ errors }) => errors.length > 0) ? 1 : 0;
  } finally {
    await input.destroy();
  }
}

function report(results: readonly Result[], inputs: readonly string[]): void {
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', memory: os.totalmem(), kernel: os.release() };
  const load = os.loadavg();
  const json = JSON.stringify({ bench: 'fib', machine, load, node: process.version, inputs, results }, undefined, 1);
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `fib-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const head = `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}, load ${load[0]!.toFixed(1)}`;
  const text = `${head}\n${inputs.join('\n')}\n\n${format(results)}\n\n× is the hypervisor's rate relative to this writer's.\n${file}\n`;
  process.stdout.write(options.json ? `${json}\n` : text);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench:fib: ${text}\n`);
    process.exit(error instanceof UserError ? error.exitCode : 70);
  },
);
