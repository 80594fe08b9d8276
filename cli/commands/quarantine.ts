// `btr quarantine`: the messages that replicas of a running hypervisor died of and are not given again; to look at, and to release.
import type { Argv, CommandModule } from 'yargs';
import type {
  QuarantineDetail,
  QuarantineListing,
  QuarantineReport,
  TrialState,
} from '../../hypervisor/quarantine/report.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printJson, printLines } from '../output/print.js';
import { count, tableLines } from '../output/table.js';

const ALL = 'all';

interface QuarantineOptions extends SocketOptions {
  action: string;
  id: string | undefined;
  replica: string | undefined;
  limit: number;
  json: boolean;
}

const TRIALS: Record<TrialState, string> = {
  waiting: 'waits for its trial',
  running: 'on trial',
  convicted: 'convicted',
  'not-reproduced': 'stays: suspected twice, but no trial shows it',
  untried: 'untried',
  off: 'not tried (quarantine.narrow: false)',
};

const stateOf = ({ trial, note }: QuarantineReport): string => TRIALS[trial] + (note === null ? '' : `: ${note}`);

function prefixesOf({ prefixes, sample }: QuarantineReport): string {
  if (prefixes === 0) return '(none)';
  return prefixes > sample.length ? `${sample.join(' ')} … (${count(prefixes)})` : sample.join(' ');
}

/** The entries as people read them. */
export function renderListing({ entries, total, replicas, trials }: QuarantineListing): string[] {
  const lines = replicas
    .filter((replica) => replica.entries > 0 || replica.careful || replica.evicted > 0)
    .map(({ name, entries: messages, withheld, evicted, careful }) =>
      [
        `${name}: ${count(messages)} messages, ${count(withheld)} prefixes withheld`,
        ...(evicted > 0 ? [`${count(evicted)} messages gave way to newer ones`] : []),
        ...(careful ? ['gets its tables in small parts'] : []),
      ].join(', '),
    );
  if (trials.running !== null || trials.waiting > 0) {
    lines.push(`trials: ${trials.running ?? 'none'} running, ${count(trials.waiting)} waiting`);
  }
  if (entries.length === 0) return [...lines, 'nothing is quarantined'];
  const rows = entries.map((entry) => [
    String(entry.id),
    entry.at,
    entry.replica,
    entry.neighbor,
    prefixesOf(entry),
    entry.reason,
    stateOf(entry),
  ]);
  lines.push(...tableLines(['id', 'since', 'replica', 'from', 'prefixes', 'it died of', 'trial'], rows));
  if (total > entries.length) lines.push(`… and ${count(total - entries.length)} more (--limit)`);
  return lines;
}

/** Hexadecimal in lines of 32 bytes. */
function dump(hex: string): string[] {
  return (hex.match(/.{1,64}/g) ?? []).map((line) => `  ${line}`);
}

/** One message with all that is known of it. */
export function renderDetail(detail: QuarantineDetail): string[] {
  const { message, withheld, withheldTotal } = detail;
  const some = (list: readonly string[]): string =>
    list.length <= 20 ? list.join(' ') : `${list.slice(0, 20).join(' ')} … (${count(list.length)})`;
  return [
    `number ${detail.id}: ${count(detail.length)} bytes from ${detail.neighbor}, not given to replica ${detail.replica} since ${detail.at}`,
    `it died of:  ${detail.reason} (${detail.cause})`,
    `trial:       ${stateOf(detail)}`,
    `received:    ${detail.received}${detail.reencoded ? ', and given to the replica in another encoding out of the table' : ''}`,
    `kept in:     ${detail.file}`,
    `withheld:    ${withheldTotal === 0 ? 'no prefix now' : `${some(withheld)}${withheldTotal > withheld.length ? ` of ${count(withheldTotal)}` : ''}`}`,
    `judged:      ${message.verdict}${message.reason === '' ? '' : ` (${message.reason})`}`,
    ...(message.announced.length > 0 ? [`announces:   ${some(message.announced)}`] : []),
    ...(message.withdrawn.length > 0 ? [`withdraws:   ${some(message.withdrawn)}`] : []),
    ...message.attributes.map(({ name, text }) => `  ${name} ${text}`.trimEnd()),
    'bytes:',
    ...dump(detail.hex),
  ];
}

function numberOf(id: string | undefined): number {
  if (id === undefined || !/^[1-9]\d{0,14}$/.test(id)) {
    throw new UserError('which one? Give the number that "btr quarantine list" shows');
  }
  return Number(id);
}

async function list(options: QuarantineOptions): Promise<void> {
  const { limit, replica, json } = options;
  if (!Number.isInteger(limit) || limit < 1) throw new UserError('--limit is a number from 1');
  const params = { limit, ...(replica !== undefined && { replica }) };
  const listing = (await withControl(options, (client) => client.request('quarantine', params))) as QuarantineListing;
  await (json ? printJson(listing) : printLines(renderListing(listing)));
}

async function show(options: QuarantineOptions): Promise<void> {
  const id = numberOf(options.id);
  const detail = (await withControl(options, (client) =>
    client.request('quarantine-show', { id }),
  )) as QuarantineDetail;
  await (options.json ? printJson(detail) : printLines(renderDetail(detail)));
}

async function release(options: QuarantineOptions): Promise<void> {
  const { replica } = options;
  const params = options.id === ALL ? { ...(replica !== undefined && { replica }) } : { id: numberOf(options.id) };
  const answer = await withControl(options, (client) => client.request('quarantine-release', params));
  const { released } = answer as { released: number };
  const text = released === 1 ? '1 message is released' : `${count(released)} messages are released`;
  await (options.json ? printJson(answer, { lines: true }) : printLines([text]));
}

const ACTIONS: Record<string, (options: QuarantineOptions) => Promise<void>> = { list, show, release };

export const quarantineCommand: CommandModule<object, QuarantineOptions> = {
  command: 'quarantine [action] [id]',
  describe: 'Show or release messages that replicas died of: list, show ID, release ID, release all',
  builder: (yargs) =>
    (withSocketOption(yargs) as Argv<SocketOptions>)
      .positional('action', { type: 'string', choices: Object.keys(ACTIONS), default: 'list' })
      .positional('id', { type: 'string', describe: 'the number that list shows; for release also: all' })
      .option('replica', { alias: 'r', type: 'string', describe: 'only what is withheld from this replica' })
      .option('limit', { alias: 'n', type: 'number', default: 100, describe: 'at most so many messages (10,000)' })
      .option('json', { type: 'boolean', default: false, describe: 'as JSON' }),
  handler: (options) => ACTIONS[options.action](options),
};
