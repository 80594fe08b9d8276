// The list of verbs, in the order `btr --help` shows them.
import type { CommandModule } from 'yargs';

// yargs types a command by its own options; the list holds commands of every shape.
export const commands: CommandModule[] = [];
