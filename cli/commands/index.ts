// The list of verbs, in the order `btr --help` shows them.
import type { CommandModule } from 'yargs';
import { checkCommand } from './check.js';
import { completeCommand, completionCommand } from './completion.js';
import { demoCommand } from './demo.js';
import { diffCommand } from './diff.js';
import { doctorCommand } from './doctor.js';
import { faultsCommand } from './faults.js';
import { fibCommand } from './fib.js';
import { injectCommand } from './inject.js';
import { logLevelCommand } from './log-level.js';
import { manCommand } from './man.js';
import { quarantineCommand } from './quarantine.js';
import { reloadCommand } from './reload.js';
import { recordCommand } from './record.js';
import { replayCommand } from './replay.js';
import { replicaCommand } from './replica.js';
import { runCommand } from './run.js';
import { statusCommand } from './status.js';
import { topCommand } from './top.js';
import { traceCommand } from './trace.js';
import { votesCommand } from './votes.js';

/** yargs types a command by its own options; the list holds commands of every shape. */
function verb<T>(command: CommandModule<object, T>): CommandModule {
  return command as unknown as CommandModule;
}

export const commands: CommandModule[] = [
  verb(runCommand),
  verb(checkCommand),
  verb(doctorCommand),
  verb(statusCommand),
  verb(topCommand),
  verb(diffCommand),
  verb(reloadCommand),
  verb(logLevelCommand),
  verb(votesCommand),
  verb(faultsCommand),
  verb(fibCommand),
  verb(injectCommand),
  verb(quarantineCommand),
  replicaCommand,
  recordCommand,
  verb(replayCommand),
  verb(traceCommand),
  verb(demoCommand),
  verb(completionCommand),
  manCommand(() => commands),
  verb(completeCommand(() => commands)),
];
