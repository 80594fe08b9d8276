// How much the log and the vote log say, changed while the router runs (control method `log-level`). Owns the method; until the next start
// or reload, for the configuration file is not written.
import { VOTE_LOG_LEVELS, type VoteLogLevel } from '../../configs/model.js';
import type { RouterContext } from '../context.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'verbose', 'debug'] as const;

export interface LogLevels {
  log: string;
  voteLog: VoteLogLevel;
}

/** `{ level, voteLog }`, each of which may be missing: then it stays. Throws an Error for the user. */
export function changeLogLevels(context: RouterContext, params: Record<string, unknown>): LogLevels {
  const level = oneOf(LOG_LEVELS, params.level, 'a log level');
  const voteLog = oneOf(VOTE_LOG_LEVELS, params.voteLog, 'a level of the vote log');
  if (level !== undefined) {
    // Part of what runs: a comparison with the file shows it.
    context.config.logging.level = level;
    context.log.level = level;
    context.log.log(level === 'error' ? 'error' : 'warn', `log level ${level} from now on (btr log-level)`);
  }
  if (voteLog !== undefined) {
    context.config.voteLog.level = voteLog;
    context.voteLog.level = voteLog;
    context.log.info(`vote log level ${voteLog} from now on (btr log-level)`);
  }
  return logLevels(context);
}

export function logLevels({ log, voteLog }: Pick<RouterContext, 'log' | 'voteLog'>): LogLevels {
  return { log: log.level, voteLog: voteLog.level };
}

function oneOf<T extends string>(words: readonly T[], value: unknown, what: string): T | undefined {
  if (value === undefined) return undefined;
  const found = words.find((word) => word === value);
  if (found === undefined) throw new Error(`${what} is one of ${words.join(', ')}`);
  return found;
}
