// `btr completion SHELL`: a script for the shell; and `btr complete`, which that script calls at each Tab.
import type { CommandModule } from 'yargs';
import { candidates } from '../completion/candidates.js';
import { askNames } from '../completion/names.js';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.js';
import { definitionsOf } from '../manual/definition.js';
import { printFields, printText } from '../output/print.js';

interface CompletionOptions {
  shell: Shell;
}

export const completionCommand: CommandModule<object, CompletionOptions> = {
  command: 'completion <shell>',
  describe: 'Print a script that completes verbs, options and names in a shell',
  builder: (yargs) =>
    yargs
      .positional('shell', { type: 'string', choices: SHELLS, demandOption: true, describe: 'for which one' })
      .example('source <($0 completion bash)', 'in this shell, now')
      .example('$0 completion bash > /etc/bash_completion.d/btr', 'always (the Debian package does it)') as never,
  handler: ({ shell }) => printText(SCRIPTS[shell]),
};

interface CompleteOptions {
  /** The verb itself, and what stands behind `--`. */
  _: (string | number)[];
}

/** Nothing that a shell acts on: names come from files and from other machines. */
const WORD = /^[\w.:/@%+=,-]+$/;

/** `all`: the verbs of the program. Not for people. */
export function completeCommand(all: () => readonly CommandModule[]): CommandModule<object, CompleteOptions> {
  return {
    command: 'complete',
    describe: false,
    builder: (yargs) => yargs.strict(false) as never,
    handler: async ({ _: words }) => {
      const found = await candidates(definitionsOf(all()), words.slice(1).map(String), askNames);
      const rows = found.words.filter(({ word }) => WORD.test(word)).map(({ word, describe }) => [word, describe]);
      await printFields([...rows, ...(found.files ? [[':files']] : [])]);
    },
  };
}
