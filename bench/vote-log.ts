// `npm run bench:vote-log`: writes a vote log of ten million records as the router writes it, and asks it questions. `--replay`: what the levels of
// the log cost a router that takes a whole table in (vote-log-replay.ts).
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { sharedRib } from '../cli/demo/trace.js';
import { UserError } from '../cli/errors.js';
import { bytes, count, table } from '../cli/output/table.js';
import { SegmentWriter } from '../votelog/segment-writer.js';
import { INDEX_SUFFIX } from '../votelog/segments.js';
import { makeInput } from './input.js';
import { median } from './statistics.js';
import { LogGenerator, NEIGHBOR_ADDRESSES, SPAN_MS } from './vote-log-input.js';
import type { Answer, FromQueries, Question, ToQueries } from './vote-log-queries.js';
import { compareLevels, LEVELS } from './vote-log-replay.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('bench:vote-log')
  .option('records', { type: 'number', default: 10_000_000, describe: 'records to write' })
  .option('segment-size', { type: 'number', default: 64, describe: 'MiB of a segment' })
  .option('rounds', { type: 'number', default: 5, describe: 'times each question is asked after the first' })
  .option('log', { type: 'string', describe: 'ask the log in this directory, which an earlier run has kept' })
  .option('keep', { type: 'boolean', default: false, describe: 'leave the log where it was written' })
  .option('replay', { type: 'boolean', default: false, describe: 'measure what the levels cost a router, instead' })
  .option('prefixes', { type: 'number', default: 0, describe: 'with --replay: size of the table; 0: the whole one' })
  .option('pairs', { type: 'number', default: 10, describe: 'with --replay: pairs of runs for each level' })
  .option('level', { choices: LEVELS, array: true, default: [...LEVELS], describe: 'with --replay: against `faults`' })
  .option('rib', { type: 'string', describe: 'MRT RIB file (default: a real one if found, else generated)' })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON in place of the table' })
  .strict()
  .help()
  .parseAsync();

/** Prefixes of the table that records are about. */
const TABLE = 200_000;
/** The writing thread gets lines in such pieces, characters. */
const PIECE = 256 * 1024;
const SEED = 5;

interface Written {
  records: number;
  /** In the writer: files and indexes; the making of lines is not in it. */
  writeMs: number;
  makeMs: number;
  logBytes: number;
  indexBytes: number;
  segments: number;
}

/** The directory for everything, removed at the end whatever happens. */
const scratch = mkdtempSync(path.join(os.tmpdir(), 'btr-bench-vote-log-'));
let child: ChildProcess | undefined;
function cleanUp(): void {
  child?.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(128 + os.constants.signals[signal]);
  });
}

async function write(generator: LogGenerator, directory: string): Promise<Written> {
  const writer = await SegmentWriter.open({
    file: path.join(directory, 'votes.jsonl'),
    segmentSize: options.segmentSize * 2 ** 20,
    sizeBudget: 2 ** 44,
    warn: (text) => process.stderr.write(`${text}\n`),
  });
  let [writeNs, makeNs] = [0n, 0n];
  for (let n = 0; n < options.records;) {
    const start = process.hrtime.bigint();
    const lines: string[] = [];
    for (let size = 0; size < PIECE && n < options.records; n++) {
      const line = generator.line((SPAN_MS / options.records) * (n + 1));
      lines.push(line);
      size += line.length;
    }
    const made = process.hrtime.bigint();
    writer.append(Buffer.from(`${lines.join('\n')}\n`, 'utf8'));
    makeNs += made - start;
    writeNs += process.hrtime.bigint() - made;
    // Signals have their turn.
    await turn();
  }
  const start = process.hrtime.bigint();
  writer.close();
  writeNs += process.hrtime.bigint() - start;
  return {
    records: options.records,
    writeMs: Number(writeNs) / 1e6,
    makeMs: Number(makeNs) / 1e6,
    ...sizes(directory),
  };
}

function sizes(directory: string): Pick<Written, 'logBytes' | 'indexBytes' | 'segments'> {
  const total = { logBytes: 0, indexBytes: 0, segments: 0 };
  for (const name of readdirSync(directory)) {
    const { size } = statSync(path.join(directory, name));
    if (name.endsWith(INDEX_SUFFIX)) total.indexBytes += size;
    else {
      total.logBytes += size;
      total.segments++;
    }
  }
  return total;
}

/** About a prefix of the middle of the table, and a time in the middle of the log. */
function questions({ prefixes }: LogGenerator): Question[] {
  const prefix = prefixes.format(TABLE / 2);
  const slash16 = `${prefix.split('.', 2).join('.')}.0.0/16`;
  const from = Date.now() + SPAN_MS / 2;
  const minutes = { from, to: from + 600_000 };
  return [
    { name: `prefix ${prefix}`, query: { prefix } },
    { name: 'prefix 203.0.113.0/24 (not in the log)', query: { prefix: '203.0.113.0/24' } },
    { name: `covered by ${slash16}`, query: { prefix: slash16, match: 'covered' } },
    { name: `covering ${prefix}`, query: { prefix, match: 'covering' } },
    { name: 'prefix and replica', query: { prefix, replica: 'bird' } },
    { name: 'replica openbgpd, newest 100', query: { replica: 'openbgpd', limit: 100, newestFirst: true } },
    { name: 'AS 3356 in a path, newest 100', query: { as: 3356, limit: 100, newestFirst: true } },
    { name: 'ten minutes', query: minutes },
    { name: 'alarms', query: { kinds: ['alarm'] } },
    {
      name: 'one day of one neighbour, dissents',
      query: { from, to: from + 86_400_000, neighbor: NEIGHBOR_ADDRESSES[0], kinds: ['dissent-begins'] },
    },
    { name: 'summary by replica', query: {}, by: 'replica' },
    { name: 'summary by hour', query: {}, by: 'hour' },
    { name: 'summary of a prefix by attribute', query: { prefix }, by: 'attribute' },
    { name: 'summary of ten minutes by prefix', query: minutes, by: 'prefix' },
  ];
}

/** Asks in a process of its own. */
async function ask(directory: string, asked: Question[]): Promise<{ answers: Answer[]; bareBytes: number }> {
  const answers: Answer[] = [];
  let bareBytes = 0;
  const process_ = (child = fork(path.join(import.meta.dirname, 'vote-log-queries.js')));
  process_.send({ directory, questions: asked, rounds: options.rounds } satisfies ToQueries);
  await new Promise<void>((resolve, reject) => {
    process_.on('message', (message: FromQueries) => {
      if (message.kind === 'ready') bareBytes = message.peakBytes;
      else if (message.kind === 'answer') {
        answers.push(message.answer);
        process.stderr.write(`${message.answer.name}: ${message.answer.coldMs.toFixed(0)} ms\n`);
      } else resolve();
    });
    process_.once('exit', (code) => reject(new Error(`the reader ended (${code})`)));
  });
  return { answers, bareBytes };
}

function report(
  written: Written | undefined,
  { answers, bareBytes }: Awaited<ReturnType<typeof ask>>,
  source: string,
): void {
  const cpu = os.cpus();
  const machine = { cpus: cpu.length, model: cpu[0]?.model ?? 'unknown', kernel: os.release() };
  const load = os.loadavg().map((value) => value.toFixed(1));
  const json = JSON.stringify(
    { machine, load, node: process.version, options, source, written, bareBytes, answers },
    undefined,
    1,
  );
  const folder = path.resolve(import.meta.dirname, '../../bench/results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `vote-log-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  writeFileSync(file, json);
  const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  const rows = answers.map(({ name, found, coldMs, warmMs, cpuMs, peakBytes }) => [
    name,
    found,
    ms(coldMs),
    warmMs.length === 0 ? '-' : ms(median(warmMs)),
    cpuMs.length === 0 ? '-' : ms(median(cpuMs)),
    bytes(peakBytes),
  ]);
  const head = ['question', 'found', 'cold ms', 'warm ms', 'CPU ms', 'peak memory'];
  const lines = [
    `${machine.cpus} × ${machine.model}, Linux ${machine.kernel}, Node ${process.version}, load average at the end ${load.join(' ')}`,
    source,
    ...(written === undefined ? [] : [writing(written)]),
    `the reading process takes ${bytes(bareBytes)} before the first question`,
    '',
    table(head, rows),
    '',
    file,
  ];
  process.stdout.write(options.json ? `${json}\n` : `${lines.join('\n')}\n`);
}

function writing({ records, writeMs, makeMs, logBytes, indexBytes, segments }: Written): string {
  const rate = (value: number, ms: number): string => count(Math.round((value / ms) * 1000));
  return [
    `${count(records)} records, ${bytes(logBytes)} in ${segments} segments, indexes ${bytes(indexBytes)}`,
    `making the lines ${(makeMs / 1000).toFixed(0)} s (${rate(records, makeMs)} records/s); ` +
      `writing and indexing ${(writeMs / 1000).toFixed(0)} s (${rate(records, writeMs)} records/s, ${bytes((logBytes / writeMs) * 1000)}/s)`,
  ].join('\n');
}

async function main(): Promise<void> {
  const rib = options.rib ?? sharedRib();
  if (options.replay) {
    process.stdout.write(await compareLevels(rib, options));
    return;
  }
  const input = await makeInput(rib, undefined, TABLE, scratch);
  const generator = new LogGenerator(input.file, SEED);
  const directory = options.log ?? path.join(scratch, 'log');
  let written: Written | undefined;
  if (options.log === undefined) {
    mkdirSync(directory);
    written = await write(generator, directory);
  }
  const asked = await ask(directory, questions(generator));
  report(written, asked, `records about ${count(input.prefixes)} prefixes: ${input.source}`);
}

let code = 0;
try {
  await main();
} catch (error) {
  const text = error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));
  process.stderr.write(`bench: ${text}\n`);
  code = error instanceof UserError ? error.exitCode : 70;
}
if (options.keep && !options.replay) process.stderr.write(`kept: ${scratch}\n`);
else cleanUp();
process.exit(code);
