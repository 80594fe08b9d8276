#!/usr/bin/env node
// The `btr` command: registers the verbs and turns their errors into one clear line and an exit code.
// Each verb lives in its own file in commands/; nothing here knows what a verb does.
import process from 'node:process';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { commands } from './commands/index.js';
import { UserError } from './errors.js';
import { printError } from './output/print.js';

async function main(): Promise<void> {
  const parser = yargs(hideBin(process.argv))
    .scriptName('btr')
    .usage('$0 <command>\n\nThe bug-tolerant router: several unmodified BGP daemons behind one session per neighbour.')
    .strict()
    .demandCommand(1, 'Say which command to run.')
    .recommendCommands()
    .help()
    .alias('help', 'h')
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail((message, error) => {
      if (error) throw error;
      throw new UserError(`${message} (btr --help lists the commands and their options)`, 2);
    });
  for (const command of commands) parser.command(command);
  await parser.parseAsync();
}

// `btr status --watch | head`: whoever reads us has seen enough. EIO: the terminal is gone.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(0);
  throw error;
});

main().catch((error: unknown) => {
  if (error instanceof UserError) {
    printError(error.message);
    process.exit(error.exitCode);
  }
  printError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(70);
});
