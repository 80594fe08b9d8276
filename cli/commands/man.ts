// `btr man`: the manual page, in roff.
import type { CommandModule } from 'yargs';
import { VERSION } from '../../hypervisor/router-status.js';
import { definitionsOf } from '../manual/definition.js';
import { manualPage } from '../manual/page.js';
import { printText } from '../output/print.js';

/** `all`: the verbs of the program, this one included. */
export function manCommand(all: () => readonly CommandModule[]): CommandModule {
  return {
    command: 'man',
    describe: 'Print the manual page in roff (btr man | man -l -)',
    handler: () => printText(manualPage(definitionsOf(all()), VERSION)),
  };
}
