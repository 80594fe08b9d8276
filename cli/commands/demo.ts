// `btr demo`: the whole router at work in namespaces of this machine. Owns the options; the demo itself is cli/demo/.
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { VOTING_STRATEGIES } from '../../configs/model.js';
import { runDemo } from '../demo/index.js';
import { UserError } from '../errors.js';

interface DemoArguments {
  rib: string | undefined;
  prefixes: number;
  full: boolean;
  strategy: string;
  keep: boolean;
  liar: boolean;
  json: boolean;
}

const DEFAULT_STRATEGY: string = 'continuous-majority';

export const demoCommand: CommandModule<object, DemoArguments> = {
  command: 'demo',
  describe: 'Show the router at work on this machine: a real table, three daemons, one killed, one lying',
  builder: (yargs) =>
    yargs
      .option('rib', {
        type: 'string',
        describe: 'MRT RIB file to play (default: a real one if found, else generated)',
      })
      .option('prefixes', { type: 'number', default: 50_000, describe: 'how many prefixes each upstream plays' })
      .option('full', { type: 'boolean', default: false, describe: 'play the whole table' })
      .option('strategy', { choices: VOTING_STRATEGIES, default: DEFAULT_STRATEGY, describe: 'how the replicas vote' })
      .option('keep', { type: 'boolean', default: false, describe: 'leave everything running until Ctrl-C' })
      .option('liar', {
        type: 'boolean',
        default: false,
        describe:
          'then let one replica lie, and leave it to you to find out which (implies --keep; docs/find-the-liar.md)',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print the findings as JSON (progress on stderr)' })
      .check(({ prefixes }) => {
        if (!(Number.isInteger(prefixes) && prefixes > 0)) throw new UserError('--prefixes must be 1 or more', 2);
        return true;
      }),
  handler: async ({ rib, prefixes, full, strategy, keep, liar, json }) => {
    const played = full ? undefined : prefixes;
    process.exit(await runDemo({ rib, prefixes: played, strategy, keep: keep || liar, liar, json }));
  },
};
