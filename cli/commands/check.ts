// `btr check`: every mistake of a configuration file with its place, then what the daemons think of the generated files.
// Exit status: 0 all right, 1 a mistake or a daemon that refuses its file or is missing, 2 wrong command line.
import path from 'node:path';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { formatDiagnostic } from '../../configs/diagnostics.js';
import { generate } from '../../configs/generate/index.js';
import { loadConfig } from '../../configs/load.js';
import type { RouterConfig } from '../../configs/model.js';
import { counted } from '../../hypervisor/counted.js';
import { checkSyntax } from '../check/syntax.js';
import type { SyntaxResult } from '../check/syntax.js';
import { configFile, DEFAULT_CONFIG } from '../default-config.js';
import { UserError } from '../errors.js';
import { printJson, printNote, printText } from '../output/print.js';

interface CheckOptions {
  file: string | undefined;
  print: string | undefined;
  json: boolean;
  syntax: boolean;
}

/** The generated files of the replica of that name, or of the first one of that kind. */
function printed(config: RouterConfig, which: string): string {
  const { replicas, router } = config;
  const replica = replicas.find((r) => r.name === which) ?? replicas.find((r) => r.kind === which);
  if (replica === undefined) {
    const names = replicas.map((r) => `${r.name} (${r.kind})`).join(', ');
    throw new UserError(`--print ${which}: there is no replica of that name or kind; the file has ${names}`, 2);
  }
  const dir = path.join(router.runDirectory, replica.name);
  const files = generate(config, replica, { dir, controlSocket: path.join(dir, `${replica.kind}.sock`) });
  return files.map((file) => file.contents).join('\n');
}

function describe(result: SyntaxResult): string {
  const head = `replica ${result.replica} (${result.kind})`;
  if (result.outcome === 'ok') return `${head}: ${result.executable} accepts its file\n`;
  const lines = result.messages.map((message) => `  ${message}\n`).join('');
  return `${head}: ${result.outcome === 'skipped' ? 'not checked' : 'refused'}\n${lines}`;
}

function summary(config: RouterConfig): string {
  const { neighbors, replicas, voting } = config;
  return `${config.file}: ${counted(neighbors.length, 'neighbour')}, ${counted(replicas.length, 'replica')}, ${voting.strategy}\n`;
}

async function check({ file, print, json, syntax }: CheckOptions): Promise<void> {
  const { config, diagnostics } = loadConfig(configFile(file));
  if (config === undefined) {
    if (json) await printJson({ ok: false, diagnostics, replicas: [] });
    else for (const diagnostic of diagnostics) printNote(formatDiagnostic(diagnostic));
    process.exitCode = 1;
    return;
  }
  if (print !== undefined) {
    await printText(printed(config, print));
    return;
  }
  const results = syntax ? await checkSyntax(config) : [];
  const ok = results.every((result) => result.outcome === 'ok');
  if (json) await printJson({ ok, diagnostics: [], replicas: results });
  else await printText(summary(config) + results.map(describe).join(''));
  if (!ok) process.exitCode = 1;
}

export const checkCommand: CommandModule<object, CheckOptions> = {
  command: 'check [file]',
  describe: 'Report every mistake in a configuration file, then run the daemons’ own syntax checks',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: `configuration file (YAML); default ${DEFAULT_CONFIG}` })
      .option('print', {
        type: 'string',
        requiresArg: true,
        describe: 'print the native file of a replica (name or kind)',
      })
      .option('json', { type: 'boolean', default: false, describe: 'machine-readable result' })
      .option('syntax', {
        type: 'boolean',
        default: true,
        describe: 'run the daemons’ syntax checks (--no-syntax: do not)',
      }),
  handler: check,
};
