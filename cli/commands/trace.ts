// `btr trace info` and `btr trace make`: what trace files hold, and making one. Owns options and printing; reading is traces/info.ts, making is
// traces/synthetic.ts.
import process from 'node:process';
import type { Argv, CommandModule } from 'yargs';
import { traceInfo, type TraceInfo } from '../../traces/info.js';
import { TraceError } from '../../traces/source.js';
import { traceFiles } from '../../traces/trace-files.js';
import { writeSyntheticTable } from '../../traces/synthetic.js';
import { UserError } from '../errors.js';
import { clearProgress, printError, printJson, printLines, printProgress } from '../output/print.js';
import { count, tableLines } from '../output/table.js';

interface InfoArguments {
  files?: string[];
  json: boolean;
  maxRecord: number;
}

interface MakeArguments {
  file?: string;
  prefixes: number;
  seed: number;
}

const iso = (time: number) => (Number.isNaN(time) ? '-' : new Date(time).toISOString());

/** The facts as people read them. */
export function renderTraceInfo(info: TraceInfo): string[] {
  const lines = [
    info.file,
    `  ${count(info.records)} records, ${iso(info.first)} to ${iso(info.last)}`,
    `  ${count(info.prefixesV4)} IPv4 and ${count(info.prefixesV6)} IPv6 prefixes, ${info.peers.length} peers`,
  ];
  const list = (title: string, counts: Record<string, number>) => {
    for (const [what, n] of Object.entries(counts)) lines.push(`  ${title}: ${what} ${count(n)}`);
  };
  list('records', info.recordTypes);
  list('messages', info.otherMessages);
  list('skipped', info.skipped);
  const peers = info.peers.map((p) => [
    `#${p.index}`,
    p.sentBy === undefined ? p.address : `to ${p.address}`,
    `AS${p.as}`,
    p.routesV4,
    p.routesV6,
    p.withdrawn,
    p.messages,
    p.stateChanges,
  ]);
  const header = ['peer', 'address', 'AS', 'IPv4 routes', 'IPv6 routes', 'withdrawn', 'messages', 'state changes'];
  if (peers.length > 0) lines.push(...tableLines(header, peers, 2));
  for (const odd of info.odd) lines.push(`  odd: ${odd.what}: ${count(odd.count)} times, first ${odd.example}`);
  return lines;
}

async function showInfo(argv: InfoArguments): Promise<void> {
  let failed: unknown;
  for (const file of await traceFiles(argv.files ?? [])) {
    const started = performance.now();
    let shown = started;
    const progress = (read: number, size: number) => {
      if (!process.stderr.isTTY || performance.now() - shown < 500) return;
      shown = performance.now();
      printProgress(`${file} ${((100 * read) / size).toFixed(0)} %`);
    };
    let info: TraceInfo | undefined;
    try {
      await traceInfo(file, { progress, maxRecord: argv.maxRecord }, (partial) => (info = partial));
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      failed = error;
      printError(error.message);
    }
    if (shown !== started) clearProgress();
    if (info === undefined || (failed !== undefined && info.records === 0)) continue;
    if (argv.json) {
      const times = { first: iso(info.first), last: iso(info.last) };
      await printJson({ ...info, ...times }, { lines: true });
    } else await printLines(renderTraceInfo(info));
  }
  if (failed !== undefined) throw new UserError('not every file could be read to its end', 66);
}

const infoCommand: CommandModule<object, InfoArguments> = {
  command: 'info <files..>',
  describe: 'Show what trace files hold: peers, prefixes, times, odd attributes',
  builder: (yargs) =>
    yargs
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'MRT files (gz, bz2 or plain), directories of them',
      })
      .option('max-record', { type: 'number', default: 1 << 20, describe: 'longest MRT record accepted, in bytes' })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'one JSON object a line for each file',
      }) as unknown as Argv<InfoArguments>,
  handler: showInfo,
};

const makeCommand: CommandModule<object, MakeArguments> = {
  command: 'make <file>',
  describe: 'Make a RIB with the statistics of a real table (.gz compresses it)',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'file to write' })
      .option('prefixes', { type: 'number', default: 100_000, describe: 'IPv4 prefixes' })
      .option('seed', { type: 'number', default: 1, describe: 'the same seed makes the same table' }),
  handler: async (argv) => {
    if (!(argv.prefixes >= 1 && argv.prefixes <= 1_000_000)) throw new UserError('--prefixes must be 1..1000000', 2);
    try {
      await writeSyntheticTable(argv.file ?? '', { prefixes: argv.prefixes, seed: argv.seed });
    } catch (error) {
      throw error instanceof TraceError ? new UserError(error.message, 73) : error;
    }
  },
};

export const traceCommand: CommandModule = {
  command: 'trace',
  describe: 'Look into MRT trace files, or make one',
  builder: (yargs) =>
    yargs
      .command(infoCommand as CommandModule)
      .command(makeCommand as CommandModule)
      .demandCommand(1, 'Say what to do: info or make.'),
  handler: () => undefined,
};
