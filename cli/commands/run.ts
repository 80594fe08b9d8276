// `btr run [router.yaml]`: the router in the foreground, until SIGTERM or SIGINT.
import path from 'node:path';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { formatDiagnostic } from '../../configs/diagnostics.js';
import { loadConfig, parseConfig, type LoadResult } from '../../configs/load.js';
import type { RouterConfig } from '../../configs/model.js';
import { createLogger } from '../../hypervisor/logging.js';
import type { LoadConfig } from '../../hypervisor/reload/candidate.js';
import { RouterError } from '../../hypervisor/router-error.js';
import { Router } from '../../hypervisor/router.js';
import { RunDirectoryError } from '../../hypervisor/run-directory.js';
import { configFile, DEFAULT_CONFIG } from '../default-config.js';
import { UserError } from '../errors.js';

interface RunOptions {
  config: string | undefined;
  runDirectory: string | undefined;
  logLevel: RouterConfig['logging']['level'] | undefined;
  logJson: boolean;
  keepFib: boolean;
}

/** Resolves with the signal that ends the program; a second signal ends it at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        // The replicas end with us even then: their shim sees the control socket close.
        if (seen) process.exit(130);
        seen = true;
        resolve(signal);
      });
    }
  });
}

/** What lies in the run directory goes along: vote log, recordings, quarantine. */
function moveRunDirectory(config: RouterConfig, directory: string): void {
  const moved = (file: string): string => {
    const inside = path.relative(config.router.runDirectory, file);
    return inside.startsWith('..') ? file : path.join(directory, inside);
  };
  config.voteLog.file = moved(config.voteLog.file);
  config.record.directory = moved(config.record.directory);
  config.quarantine.directory = moved(config.quarantine.directory);
  config.router.runDirectory = directory;
}

/** What stands on the command line in place of what the file says. */
function withOptions(result: LoadResult, { runDirectory, keepFib, logLevel }: RunOptions): LoadResult {
  const { config } = result;
  if (config === undefined) return result;
  if (runDirectory !== undefined) moveRunDirectory(config, path.resolve(runDirectory));
  if (keepFib) config.fib.keep = true;
  if (logLevel !== undefined) config.logging.level = logLevel;
  return result;
}

async function run(options: RunOptions): Promise<void> {
  const { config, diagnostics } = withOptions(loadConfig(configFile(options.config)), options);
  if (config === undefined) throw new UserError(diagnostics.map(formatDiagnostic).join('\n'));
  const log = createLogger({
    level: config.logging.level,
    json: options.logJson,
    file: config.logging.file,
  });
  const ended = untilSignal();
  // What the command line says goes on to hold when the file is read again.
  const load: LoadConfig = (text, file) => withOptions(parseConfig(text, file), options);
  const router = new Router(config, log, undefined, load);
  process.on('SIGHUP', () => router.reload());
  try {
    const signal = await Promise.race([router.start().then(() => ended), ended, router.failed]);
    log.info(`${signal}: shutting down`);
  } catch (error) {
    if (error instanceof RouterError || error instanceof RunDirectoryError) throw new UserError(error.message);
    throw error;
  } finally {
    await router.stop();
  }
}

export const runCommand: CommandModule<object, RunOptions> = {
  command: 'run [config]',
  describe: 'Run the router in the foreground',
  builder: (yargs) =>
    yargs
      .positional('config', { type: 'string', describe: `configuration file (YAML); default ${DEFAULT_CONFIG}` })
      .option('runDirectory', {
        alias: 'run-directory',
        type: 'string',
        describe: 'in place of the configured run-directory',
      })
      .option('logLevel', {
        alias: 'log-level',
        type: 'string',
        choices: ['error', 'warn', 'info', 'verbose', 'debug'] as const,
        describe: 'in place of the configured level',
      })
      .option('logJson', {
        alias: 'log-json',
        type: 'boolean',
        default: false,
        describe: 'log one JSON object per line',
      })
      .option('keepFib', {
        alias: 'keep-fib',
        type: 'boolean',
        default: false,
        describe: "leave the router's routes in the kernel at the end, for the next start (fib.keep)",
      }),
  handler: async (options) => {
    await run(options);
    // Everything is closed; a stray handle must not keep the process.
    process.exit(0);
  },
};
