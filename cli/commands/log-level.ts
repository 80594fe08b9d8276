// `btr log-level`: how much the log and the vote log of a running router say; shown, or changed until its next start or reload.
import type { CommandModule } from 'yargs';
import { VOTE_LOG_LEVELS } from '../../configs/model.js';
import { LOG_LEVELS, type LogLevels } from '../../hypervisor/reload/log-levels.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { printJson, printLines } from '../output/print.js';

interface LogLevelOptions extends SocketOptions {
  level: string | undefined;
  voteLog: string | undefined;
  json: boolean;
}

async function run(options: LogLevelOptions): Promise<void> {
  const { level, voteLog, json } = options;
  const params = { ...(level === undefined ? {} : { level }), ...(voteLog === undefined ? {} : { voteLog }) };
  const levels = (await withControl(options, (client) => client.request('log-level', params))) as LogLevels;
  await (json ? printJson(levels, { lines: true }) : printLines([`log ${levels.log}, vote log ${levels.voteLog}`]));
}

export const logLevelCommand: CommandModule<object, LogLevelOptions> = {
  command: 'log-level [level]',
  describe: 'Show or change how much the running router logs, until its next start or reload',
  builder: (yargs) =>
    withSocketOption(yargs)
      .positional('level', { type: 'string', choices: LOG_LEVELS, describe: 'of the log' })
      .option('voteLog', {
        alias: 'vote-log',
        type: 'string',
        choices: VOTE_LOG_LEVELS,
        describe: 'of the vote log',
      })
      .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' }),
  handler: run,
};
