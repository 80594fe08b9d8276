// `btr inject`: puts faults into the replicas of a running hypervisor, on purpose: one now, random ones for a while, what is in force, and an
// end to it. Owns the options and the texts; the faults are hypervisor/injection/.
import type { Argv, CommandModule } from 'yargs';
import {
  INJECTION_KINDS,
  INJECTION_PLACES,
  type InjectionAnswer,
  type InjectionReport,
} from '../../hypervisor/injection/types.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { parseDuration } from '../duration.js';
import { UserError } from '../errors.js';
import { printJson, printLines } from '../output/print.js';
import { tableLines } from '../output/table.js';

interface Common extends SocketOptions {
  json: boolean;
}

/** What is the same for one fault and for random ones. */
interface FaultOptions extends Common {
  where: string;
  count?: number;
  share?: number;
  for?: string;
  sticky: boolean;
  delay?: string;
}

interface InjectOptions extends FaultOptions {
  replica?: string;
  kind?: string;
  prefix?: string[];
  all?: boolean;
  neighbor?: string;
  'next-hop'?: string;
  med?: number;
  signal?: string;
  errno?: string;
}

interface RandomOptions extends FaultOptions {
  'mean-interval': string;
  'mean-duration': string;
  kinds?: string;
  replicas?: string;
  seed: number;
}

interface ClearOptions extends Common {
  id?: number;
}

type Params = Record<string, unknown>;

/** JSON leaves out what is undefined. */
function faultParams(options: FaultOptions): Params {
  const { where, count, share, sticky, delay } = options;
  const ms = (text: string | undefined, option: string) =>
    text === undefined ? undefined : parseDuration(text, option);
  return { where, count, share, sticky, delay: ms(delay, '--delay'), for: ms(options.for, '--for') };
}

function words(text: string | undefined): string[] | undefined {
  return text?.split(',').map((word) => word.trim());
}

/** The faults in force as people read them. */
export function renderInjections(injections: readonly InjectionReport[]): string[] {
  const rows = injections.map((one) => [
    String(one.id),
    one.replica ?? '(any)',
    one.kind,
    one.where ?? '-',
    prefixWords(one),
    one.neighbor ?? '-',
    one.since,
    one.until ?? '(cleared)',
    [one.detail, one.sticky ? 'sticky' : '', one.source === 'operator' ? '' : `of ${one.source}`]
      .filter((word) => word !== '')
      .join('; '),
  ]);
  return tableLines(['id', 'replica', 'kind', 'where', 'prefixes', 'neighbour', 'since', 'until', 'detail'], rows);
}

function prefixWords({ prefixes, prefixCount, where, kind }: InjectionReport): string {
  if (kind === 'random' || where === null) return '-';
  if (prefixCount === null) return 'all';
  const more = prefixCount > 1 ? ` and ${prefixCount - 1} more` : '';
  return `${prefixes[0] ?? ''}${more}`;
}

function print(answer: InjectionAnswer, json: boolean): Promise<void> {
  if (json) return printJson(answer);
  return printLines(answer.done !== null ? [answer.done] : renderInjections(answer.injections));
}

async function inject(options: InjectOptions): Promise<void> {
  const { replica, kind, prefix, all, neighbor, med, signal, errno } = options;
  if (replica === undefined || kind === undefined) throw new UserError('say --replica and --kind', 2);
  const own = { replica, kind, prefixes: prefix, all, neighbor, nextHop: options['next-hop'], med, signal, errno };
  const params = { ...faultParams(options), ...own };
  const answer = await withControl(options, (client) => client.request('inject', params));
  await print(answer as InjectionAnswer, options.json);
}

async function injectRandom(options: RandomOptions): Promise<void> {
  const params = {
    ...faultParams(options),
    meanInterval: parseDuration(options['mean-interval'], '--mean-interval'),
    meanDuration: parseDuration(options['mean-duration'], '--mean-duration'),
    kinds: words(options.kinds),
    replicas: words(options.replicas),
    seed: options.seed,
  };
  const answer = await withControl(options, (client) => client.request('inject-random', params));
  await print(answer as InjectionAnswer, options.json);
}

async function list(options: Common): Promise<void> {
  const found = (await withControl(options, (client) => client.request('inject-list'))) as InjectionReport[];
  if (options.json) return printJson(found);
  await printLines(found.length === 0 ? ['nothing is injected'] : renderInjections(found));
}

async function clear(options: ClearOptions): Promise<void> {
  const { id } = options;
  const answer = await withControl(options, (client) => client.request('inject-clear', { id }));
  const { cleared } = answer as { cleared: number };
  await (options.json ? printJson({ cleared }, { lines: true }) : printLines([`${cleared} cleared`]));
}

function withCommon<T>(yargs: Argv<T>): Argv<T & Common> {
  return withSocketOption(yargs).option('json', { type: 'boolean', default: false, describe: 'print JSON' });
}

function withFaultOptions<T>(yargs: Argv<T>): Argv<T & FaultOptions> {
  return withCommon(yargs)
    .option('where', {
      type: 'string',
      choices: INJECTION_PLACES,
      default: 'both',
      describe: 'votes on what neighbours are told, on the forwarding table, or both',
    })
    .option('count', { type: 'number', describe: 'so many prefixes of its own, drawn at random (1)' })
    .option('share', { type: 'number', describe: 'this share (0..1) of its prefixes, drawn at random' })
    .option('for', { type: 'string', describe: 'how long (500ms, 10s, 2m); without: until it is cleared' })
    .option('sticky', { type: 'boolean', default: false, describe: 'goes on when the replica starts anew' })
    .option('delay', { type: 'string', describe: 'slow: by how much (200ms)' }) as unknown as Argv<T & FaultOptions>;
}

const listCommand: CommandModule<object, Common> = {
  command: 'list',
  describe: 'Show what is injected now',
  builder: withCommon,
  handler: list,
};

const clearCommand: CommandModule<object, ClearOptions> = {
  command: 'clear [id]',
  describe: 'End one injected fault, or all',
  builder: (yargs) => withCommon(yargs).positional('id', { type: 'number', describe: 'as `list` says; without: all' }),
  handler: clear,
};

const randomCommand: CommandModule<object, RandomOptions> = {
  command: 'random',
  describe: 'Inject random faults: exponentially distributed inter-arrival times and durations',
  builder: (yargs) =>
    withFaultOptions(yargs)
      .option('mean-interval', { type: 'string', default: '10s', describe: 'mean time between faults of all replicas' })
      .option('mean-duration', { type: 'string', default: '5s', describe: 'mean time that a fault lasts' })
      .option('kinds', { type: 'string', describe: 'drawn evenly (drop,extra,wrong-nexthop)' })
      .option('replicas', { type: 'string', describe: 'drawn evenly (all)' })
      .option('seed', { type: 'number', default: 1, describe: 'the same seed draws the same faults' }),
  handler: injectRandom,
};

export const injectCommand: CommandModule<object, InjectOptions> = {
  command: 'inject',
  describe: 'Put a fault into a replica, to see what becomes of it (list, clear, random)',
  builder: (yargs) =>
    withFaultOptions(yargs)
      .command(listCommand as unknown as CommandModule<object, object>)
      .command(clearCommand as unknown as CommandModule<object, object>)
      .command(randomCommand as unknown as CommandModule<object, object>)
      .option('replica', { alias: 'r', type: 'string', describe: 'which one' })
      .option('kind', { alias: 'k', type: 'string', choices: INJECTION_KINDS, describe: 'what goes wrong' })
      .option('prefix', { alias: 'p', type: 'string', array: true, describe: 'which prefixes (repeatable)' })
      .option('all', { type: 'boolean', describe: 'all prefixes, also those to come' })
      .option('neighbor', { alias: 'n', type: 'string', describe: 'only towards this neighbour (address)' })
      .option('next-hop', { type: 'string', describe: 'wrong-nexthop, extra: this address (default: the next one)' })
      .option('med', { type: 'number', describe: 'wrong-attribute: this MED (default: 1000 more)' })
      .option('signal', { type: 'string', describe: 'crash: by this signal (SIGSEGV)' })
      .option('errno', { type: 'string', describe: 'refuse: with this error (ENOBUFS)' }),
  handler: inject,
};
