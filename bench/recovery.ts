// `npm run bench:recovery`: what a fault of one replica costs and how long it lasts, per daemon and table size. A replica is killed, stopped,
// or made to lie about one prefix; under master/slave it is the master each time. Meanwhile single new prefixes go through the router, and the vote log says when the replica lost its vote and when it voted again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { sharedRib } from '../cli/demo/trace.js';
import { UserError } from '../cli/errors.js';
import { Lab, labProblem } from '../cli/lab/lab.js';
import type { PlainKind } from '../cli/lab/plain-configs.js';
import { missingDaemons } from '../cli/lab/plain-daemons.js';
import { waitFor } from '../cli/lab/wait.js';
import { table } from '../cli/output/table.js';
import { ControlClient } from '../hypervisor/control/client.js';
import type { RouterStatus } from '../hypervisor/status.js';
import { makeInput, SINGLE_BITS, singleAddress, type BenchInput } from './input.js';
import { measureTables } from './measure.js';
import { monotonicMs } from './protocol.js';
import { KINDS, startHypervisor, waitForVoters, type Station } from './station.js';
import { median } from './statistics.js';

const SIGNALS = { killed: 'SIGKILL', stopped: 'SIGSTOP' } as const;
const FAULTS = ['killed', 'stopped', 'lying'] as const;
type Fault = (typeof FAULTS)[number];

const options = await yargs(hideBin(process.argv))
  .scriptName('bench:recovery')
  .option('prefixes', { type: 'number', array: true, default: [1000, 100_000, 0], describe: 'table sizes; 0: all' })
  .option('strategy', { type: 'string', default: 'continuous-majority', describe: 'of the hypervisor' })
  .option('fault', { choices: FAULTS, array: true, default: [...FAULTS] as Fault[] })
  .option('fib', { type: 'boolean', default: true, describe: 'with the kernel’s table (--no-fib leaves it out)' })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

/** New prefixes that are announced one after the other from the moment of the fault on. */
const SINGLES = 20;
const SINGLE_DEADLINE_MS = 30_000;
const RECOVERY_DEADLINE_MS = 600_000;
/** Between the last single prefix and the fault: what is out is what stays. */
const SETTLE_MS = 2000;

interface Recovery {
  prefixes: number;
  fault: Fault;
  replica: string;
  /** From the fault to the arrival of the prefix that was announced at that moment, ms; and the same a while before. */
  firstMs: number;
  worstMs: number;
  usualMs: number;
  /** From the fault until the replica had no vote any more, and until it voted again, ms. */
  outMs: number;
  votingMs: number;
  /** From the lie to the wrong route at the customer, and to the right one again, ms; undefined when no wrong one came. */
  wrongMs?: number;
  rightMs?: number;
}

interface ReplicaRecord {
  t: string;
  kind: string;
  replica: string;
  state: string;
}

/** Announces new prefixes one at a time; returns how long each took to come out, ms. `first`: their numbers. */
async function singles({ feeder, sink }: Station, first: number, count: number): Promise<number[]> {
  const arrivals: number[] = [];
  const { distinct } = await sink.report();
  for (let index = 0; index < count; index++) {
    sink.send({ kind: 'watch', beyond: distinct + index });
    feeder.send({ kind: 'single', index: first + index });
    arrivals.push((await sink.next('arrived', SINGLE_DEADLINE_MS)).atMs);
    await sleep(20);
  }
  const sent = (await feeder.report()).singles.slice(-count);
  return arrivals.map((arrived, index) => arrived - sent[index]!);
}

/** When the replica lost its vote after `since` (ms of the wall clock), and when it got it back; undefined while it has not. */
function turns(voteLog: string, replica: string, since: number): { out?: number; voting?: number } {
  let found: { out?: number; voting?: number } = {};
  for (const line of readFileSync(voteLog, 'utf8').split('\n')) {
    if (!line.includes('"kind":"replica"')) continue;
    const { t, replica: name, state } = JSON.parse(line) as ReplicaRecord;
    const at = Date.parse(t);
    if (name !== replica || at < since) continue;
    if (state === 'left' && found.out === undefined) found = { out: at };
    else if (state === 'voting' && found.out !== undefined) found.voting ??= at;
  }
  return found;
}

/** What the customer heard about the prefix since the lie began. */
async function effectOfLie({ sink }: Station, right: string, sinceMs: number): Promise<Partial<Recovery>> {
  const heard = (await sink.report()).heard.filter(({ atMs }) => atMs >= sinceMs);
  const wrong = heard.find(({ attributes }) => attributes !== right);
  if (wrong === undefined) return {};
  const mended = heard.find(({ atMs, attributes }) => atMs >= wrong.atMs && attributes === right);
  return { wrongMs: wrong.atMs - sinceMs, ...(mended && { rightMs: mended.atMs - sinceMs }) };
}

/** Has the replica fail now: by a signal, or by a lie about the single prefix `index`. */
async function strike(control: ControlClient, replica: string, fault: Fault, index: number): Promise<void> {
  if (fault === 'lying') {
    const prefixes = [`${singleAddress(index).join('.')}.0/${SINGLE_BITS}`];
    await control.request('inject', { replica, kind: 'wrong-attribute', prefixes });
    return;
  }
  const pids = (await control.request('replica-pid')) as Record<string, number>;
  process.kill(pids[replica]!, SIGNALS[fault]);
}

/** `first`: number of the first single prefix to use. */
async function disturb(
  lab: Lab,
  station: Station,
  prefixes: number,
  kind: PlainKind,
  fault: Fault,
  first: number,
): Promise<Recovery> {
  const runDirectory = path.join(lab.directory, 'run');
  station.sink.send({ kind: 'follow', index: first });
  const usual = await singles(station, first, SINGLES);
  await sleep(SETTLE_MS);
  const right = (await station.sink.report()).heard.at(-1)!.attributes;
  // Somebody may have been restarted under the load of the table.
  await waitForVoters(path.join(runDirectory, 'control.sock'), KINDS.length);
  const control = await ControlClient.connect(path.join(runDirectory, 'control.sock'));
  try {
    const { master } = (await control.request('status')) as RouterStatus;
    const replica = master ?? kind;
    const [since, sinceMs] = [Date.now(), monotonicMs()];
    await strike(control, replica, fault, first);
    const after = await singles(station, first + SINGLES, SINGLES);
    const voteLog = path.join(runDirectory, 'votes.jsonl');
    await waitFor(() => turns(voteLog, replica, since).voting !== undefined, {
      what: `${replica} votes again`,
      deadlineMs: RECOVERY_DEADLINE_MS,
      intervalMs: 250,
    });
    const { out, voting } = turns(voteLog, replica, since);
    return {
      ...{ prefixes, fault, replica },
      ...{ firstMs: after[0]!, worstMs: Math.max(...after), usualMs: median(usual) },
      ...{ outMs: out! - since, votingMs: voting! - since },
      ...(fault === 'lying' ? await effectOfLie(station, right, sinceMs) : {}),
    };
  } finally {
    control.close();
  }
}

/** Each daemon fails in each way once, on a router that holds the table. */
async function runTable(input: BenchInput): Promise<Recovery[]> {
  const lab = Lab.create('bench');
  const results: Recovery[] = [];
  try {
    const settings = { strategy: options.strategy, fib: options.fib ? 'kernel' : 'none' };
    const station = await startHypervisor(lab, KINDS, settings, input);
    await measureTables([station], input);
    let first = 0;
    for (const fault of options.fault) {
      for (const kind of KINDS) {
        await waitForVoters(path.join(lab.directory, 'run/control.sock'), KINDS.length);
        const result = await disturb(lab, station, input.prefixes, kind, fault, first);
        first += 2 * SINGLES;
        results.push(result);
        process.stderr.write(`${input.prefixes} prefixes, ${result.replica} ${fault}: ${JSON.stringify(result)}\n`);
      }
    }
    await Promise.all([station.feeder.stop(), station.sink.stop()]);
    return results;
  } finally {
    await lab.destroy();
  }
}

function report(results: readonly Recovery[], sources: readonly string[]): void {
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', kernel: os.release() };
  const load = os.loadavg().map((value) => value.toFixed(1));
  const json = JSON.stringify({ machine, load, node: process.version, options, sources, results }, undefined, 1);
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `recovery-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const ms = (value: number) => value.toFixed(1);
  const rows = results.map((r) => [
    ...[r.prefixes, r.replica, r.fault, ms(r.usualMs), ms(r.firstMs), ms(r.worstMs)],
    ...[(r.outMs / 1000).toFixed(2), (r.votingMs / 1000).toFixed(2)],
    ...[r.wrongMs, r.rightMs].map((value) => (value === undefined ? '-' : ms(value))),
  ]);
  const head = [
    ...['prefixes', 'replica', 'fault', 'single usually ms', 'at the fault ms', 'worst after ms'],
    ...['no vote after s', 'votes again after s', 'wrong route after ms', 'right one after ms'],
  ];
  const text = `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}, ${options.strategy}, load average at the end ${load.join(' ')}\n${sources.join('\n')}\n\n${table(head, rows)}\n\n${file}\n`;
  process.stdout.write(options.json ? `${json}\n` : text);
}

async function main(): Promise<void> {
  const problem = labProblem() ?? missingDaemons(KINDS)[0];
  if (problem) throw new UserError(problem);
  Lab.sweepStale();
  const rib = sharedRib();
  const lab = Lab.create('bench-input', { handleSignals: false });
  try {
    const results: Recovery[] = [];
    const sources: string[] = [];
    for (const size of options.prefixes) {
      const input = await makeInput(rib, undefined, size === 0 ? Infinity : size, lab.directory);
      sources.push(`${input.prefixes} prefixes: ${input.source}`);
      results.push(...(await runTable(input)));
    }
    report(results, sources);
  } finally {
    await lab.destroy();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`bench: ${text}\n`);
    process.exit(error instanceof UserError ? error.exitCode : 70);
  },
);
