// The options by which `btr votes` and `btr faults` choose what they are about, and where they look: the running hypervisor or a vote log.
// Owns their names, their reading and their errors.
import type { Argv } from 'yargs';
import { LogError } from '../../votelog/errors.js';
import { VoteLogReader } from '../../votelog/reader.js';
import type { LogFilter } from '../../votelog/types.js';
import { formatPrefix, parsePrefix } from '../../wire/prefix-text.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printError } from '../output/print.js';

export interface FilterOptions extends SocketOptions {
  log: string | undefined;
  replica: string | undefined;
  neighbor: string | undefined;
  since: string | undefined;
  until: string | undefined;
  json: boolean;
}

export interface PrefixOptions {
  prefix: string | undefined;
  covered: boolean;
  covering: boolean;
  as: number | undefined;
}

/** `[prefix]`, `--covered`, `--covering`, `--as`. `otherwise`: what is meant without a prefix. */
export function withPrefixOptions<T>(yargs: Argv<T>, otherwise: string): Argv<T & PrefixOptions> {
  return yargs
    .positional('prefix', { type: 'string', describe: `for instance 192.0.2.0/24; without it: ${otherwise}` })
    .option('covered', { type: 'boolean', default: false, describe: 'the prefix and all that lie in it' })
    .option('covering', { type: 'boolean', default: false, describe: 'the prefix and all that it lies in' })
    .option('as', { type: 'number', describe: 'only with this AS in the path of a vote or of the verdict' }) as Argv<
    T & PrefixOptions
  >;
}

/** Throws UserError for what makes no sense. */
export function prefixFilterOf({
  prefix,
  covered,
  covering,
  as,
}: PrefixOptions): Pick<LogFilter, 'prefix' | 'match' | 'as'> {
  if (covered && covering) throw new UserError('--covered and --covering exclude each other', 2);
  if ((covered || covering) && prefix === undefined) throw new UserError('--covered and --covering need a prefix', 2);
  if (as !== undefined && !(Number.isInteger(as) && as >= 0 && as <= 0xffffffff))
    throw new UserError('--as is an AS number', 2);
  return {
    ...(prefix === undefined ? {} : { prefix: parsePrefixOption(prefix) }),
    ...(covered ? { match: 'covered' as const } : covering ? { match: 'covering' as const } : {}),
    ...(as === undefined ? {} : { as }),
  };
}

/** `--log`, `--replica`, `--neighbor`, `--since`, `--until`, `--json`, `--socket`. */
export function withFilterOptions<T>(yargs: Argv<T>): Argv<T & FilterOptions> {
  return withSocketOption(yargs)
    .option('log', {
      alias: 'l',
      type: 'string',
      describe:
        'look into a vote log: a directory (also a copy), the log, or one segment; without a name that of the hypervisor',
    })
    .option('replica', { alias: 'r', type: 'string', describe: 'only what this replica says or did' })
    .option('neighbor', { alias: 'n', type: 'string', describe: 'only this neighbour (address); of a log also: fib' })
    .option('since', { type: 'string', describe: 'not older: 10m, 2h, 3d, 14:03, or ISO 8601 (UTC)' })
    .option('until', { type: 'string', describe: 'not younger; as --since' })
    .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' }) as Argv<T & FilterOptions>;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as it is typed, in ms since 1970: `10m` (ago), `14:03` (today), ISO 8601; without a zone it is UTC. Throws UserError. */
export function parseWhen(text: string, option: string, now = Date.now()): number {
  const typed = text.trim();
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(typed) ?? [];
  if (digits !== undefined) return now - Number(digits) * UNITS[unit];
  const today = new Date(now).toISOString().slice(0, 10);
  const [, clock] = /^(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/.exec(typed) ?? [];
  const iso =
    clock === undefined
      ? typed.replace(' ', 'T')
      : `${today}T${clock.padStart(clock.indexOf(':') === 1 ? clock.length + 1 : 0, '0')}`;
  const zoned = /T/.test(iso) && !/(Z|[+-]\d{2}:?\d{2})$/.test(iso) ? `${iso}Z` : iso;
  const time = /^\d{4}-\d{2}-\d{2}/.test(zoned) ? Date.parse(zoned) : NaN;
  if (Number.isNaN(time)) {
    throw new UserError(`${option} is a time: 10m, 2h, 3d (ago), 14:03 or 2026-11-21T14:03:00 (UTC), not "${text}"`, 2);
  }
  return time;
}

/** Canonical text of a prefix that was typed. Throws UserError. */
export function parsePrefixOption(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new UserError(`"${text}" is no prefix (say 192.0.2.0/24)`, 2);
  return formatPrefix(prefix.family, prefix.address, 0, prefix.bits);
}

/** A number from 1. Throws UserError. */
export function parseLimit(limit: number | undefined, otherwise: number): number {
  if (limit === undefined) return otherwise;
  if (!Number.isInteger(limit) || limit < 1) throw new UserError('--limit is a number from 1', 2);
  return limit;
}

/** The part of a filter that all have in common. Throws UserError. */
export function filterOf({
  replica,
  neighbor,
  since,
  until,
}: FilterOptions): Pick<LogFilter, 'replica' | 'neighbor' | 'from' | 'to'> {
  return {
    ...(replica === undefined ? {} : { replica }),
    ...(neighbor === undefined ? {} : { neighbor }),
    ...(since === undefined ? {} : { from: parseWhen(since, '--since') }),
    ...(until === undefined ? {} : { to: parseWhen(until, '--until') }),
  };
}

/** Asks the running hypervisor. Where there is none the error names the other way. */
export async function ask<T>(options: SocketOptions, method: string, params: Record<string, unknown>): Promise<T> {
  try {
    return (await withControl(options, (client) => client.request(method, params))) as T;
  } catch (error) {
    if (error instanceof UserError && /no hypervisor answers/.test(error.message)) {
      throw new UserError(`${error.message} A vote log can be read without one: --log DIRECTORY|FILE`, error.exitCode);
    }
    throw error;
  }
}

/** Opens the log that is named, or that of the running hypervisor; closes it. Errors of the log are the user's, with status 66. */
export async function withLog<T>(
  options: FilterOptions,
  use: (reader: VoteLogReader, place: string) => Promise<T>,
): Promise<T> {
  const named = options.log ?? '';
  const place = named !== '' ? named : (await ask<{ file: string }>(options, 'vote-log', {})).file;
  let reader: VoteLogReader | undefined;
  try {
    reader = await VoteLogReader.open(place);
    const result = await use(reader, place);
    if (reader.skipped > 0) printError(`${reader.skipped} lines of the log are torn or broken and were skipped`);
    return result;
  } catch (error) {
    if (error instanceof LogError) throw new UserError(error.message, 66);
    throw error;
  } finally {
    await reader?.close();
  }
}
