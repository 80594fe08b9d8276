// `btr faults`: what is wrong with the replicas of a running hypervisor, or was by a vote log: equal differences together, ranked, with what
// to do about each. Owns the options; where findings come from is cli/faults/live.ts and log.ts, layout render.ts.
import type { CommandModule } from 'yargs';
import { SUMMARY_KEYS } from '../../hypervisor/ballots/query.js';
import { UserError } from '../errors.js';
import { DEFAULT_LIMIT } from '../faults/choose.js';
import { countLive, showLive } from '../faults/live.js';
import { countLog, followLog, showLog } from '../faults/log.js';
import { withFilterOptions, withPrefixOptions, type FilterOptions, type PrefixOptions } from '../votes/filters.js';

export interface FaultsOptions extends FilterOptions, PrefixOptions {
  kind: string[] | undefined;
  open: boolean;
  all: boolean;
  diff: boolean;
  by: string | undefined;
  follow: boolean;
  findings: boolean;
  limit: number | undefined;
}

const EXAMPLES: readonly [string, string][] = [
  ['$0 faults', 'what is wrong now, or was since the start'],
  ['$0 faults --open --json', 'only what is wrong now, for scripts'],
  ['$0 faults 198.51.100.0/22 --covered --diff', 'only about these prefixes, attribute by attribute'],
  ['$0 faults --log /var/lib/btr --since 1d', 'out of the vote log, also of another machine'],
  ['$0 faults --follow', 'what is found from now on'],
];

async function run(options: FaultsOptions): Promise<void> {
  const { follow, by, log, findings } = options;
  if (follow && by !== undefined) throw new UserError('--follow has no summary: leave out --by', 2);
  if (findings && log !== undefined)
    throw new UserError('--findings is about a running hypervisor: leave out --log', 2);
  if (follow) return followLog(options);
  if (by !== undefined) return log === undefined ? countLive(options) : countLog(options);
  return log === undefined ? showLive(options) : showLog(options);
}

export const faultsCommand: CommandModule<object, FaultsOptions> = {
  command: 'faults [prefix]',
  describe: 'Show what is wrong with replicas: who differs, how, on what, since when, and what to do about it',
  builder: (yargs) =>
    withPrefixOptions(withFilterOptions(yargs), 'all that is wrong')
      .option('kind', {
        type: 'string',
        array: true,
        describe: 'extra, missing, different, system, known-difference, or a cause (crash, hang …)',
      })
      .option('open', { type: 'boolean', default: false, describe: 'only what lasts' })
      .option('all', { alias: 'a', type: 'boolean', default: false, describe: 'known differences of daemons, too' })
      .option('diff', { type: 'boolean', default: false, describe: 'with examples, attribute by attribute' })
      .option('by', { type: 'string', choices: SUMMARY_KEYS, describe: 'counts of dissents instead' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'what is found from now on' })
      .option('findings', { type: 'boolean', default: false, describe: 'also the single findings (live)' })
      .option('limit', { type: 'number', describe: `at most so many patterns (${DEFAULT_LIMIT})` })
      .example(EXAMPLES as [string, string][])
      .epilogue(
        'Exit status: 0, whatever is found; 2 for a wrong option; 66 without such a log; 69 without a hypervisor.\n' +
          'Times are UTC. What counts as a fault is in docs/faults.md, the fields of --json in docs/inspecting.md.',
      ) as never,
  handler: run,
};
