// `btr votes`: who says what about which prefix, of a running hypervisor or out of a vote log; counts of it; and the story of one prefix.
// Owns the options; the live state is cli/votes/live.ts, logs are cli/votes/log.ts.
import type { CommandModule } from 'yargs';
import { BALLOT_STATES, SUMMARY_KEYS } from '../../hypervisor/ballots/query.js';
import { UserError } from '../errors.js';
import { prefixFilterOf, withFilterOptions, withPrefixOptions } from '../votes/filters.js';
import type { FilterOptions, PrefixOptions } from '../votes/filters.js';
import { explainLive, showLive } from '../votes/live.js';
import { explainLog, followLog, showLog } from '../votes/log.js';

export interface VotesOptions extends FilterOptions, PrefixOptions {
  kind: string[] | undefined;
  diff: boolean;
  by: string | undefined;
  follow: boolean;
  explain: string | undefined;
  limit: number | undefined;
}

const EXAMPLES: readonly [string, string][] = [
  ['$0 votes', 'contested ballots now: who says what'],
  ['$0 votes 192.0.2.0/24', 'all ballots about a prefix'],
  ['$0 votes --explain 192.0.2.0/24', 'its whole story, from the neighbours to the kernel'],
  ['$0 votes --by replica', 'how many votes differ, by replica'],
  ['$0 votes --log /var/lib/btr --since 2h --diff', 'dissents of the last two hours, attribute by attribute'],
  ['$0 votes --log votes.jsonl --replica bird --json', 'records as JSON lines'],
];

/** Throws UserError for options that do not go together. */
function check(options: VotesOptions): void {
  const { follow, by, explain } = options;
  prefixFilterOf(options);
  if (follow && by !== undefined) throw new UserError('--follow has no summary: leave out --by', 2);
  if (explain !== undefined && (follow || by !== undefined))
    throw new UserError('--explain goes with neither --follow nor --by', 2);
}

async function run(options: VotesOptions): Promise<void> {
  check(options);
  if (options.explain !== undefined) {
    const prefix = options.explain === '' ? options.prefix : options.explain;
    if (prefix === undefined) throw new UserError('--explain needs a prefix', 2);
    return options.log === undefined ? explainLive(prefix, options) : explainLog(prefix, options);
  }
  if (options.follow) return followLog({ ...options, log: options.log ?? '' });
  return options.log === undefined ? showLive(options) : showLog(options);
}

export const votesCommand: CommandModule<object, VotesOptions> = {
  command: 'votes [prefix]',
  describe: 'Show who says what: contested ballots now, or the vote log; --explain tells the story of a prefix',
  builder: (yargs) =>
    withPrefixOptions(withFilterOptions(yargs), 'all contested ballots')
      .option('kind', {
        type: 'string',
        array: true,
        describe: `live: one of ${BALLOT_STATES.join(', ')}; of a log: kinds of records (docs/vote-log.md)`,
      })
      .option('diff', { type: 'boolean', default: false, describe: 'only what differs, attribute by attribute' })
      .option('by', { type: 'string', choices: SUMMARY_KEYS, describe: 'counts instead of single ballots or records' })
      .option('explain', { alias: 'e', type: 'string', describe: 'the whole story of this prefix' })
      .option('follow', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'go on with what is written to the log',
      })
      .option('limit', { type: 'number', describe: 'at most so many; of a log the last ones' })
      .example(EXAMPLES as [string, string][])
      .epilogue(
        'Exit status: 0; 1 when nothing is known of the prefix; 2 for a wrong option; 66 without such a log; 69 without a hypervisor.\n' +
          'Times are UTC. The words and all fields of --json are in docs/inspecting.md.',
      ) as never,
  handler: run,
};
