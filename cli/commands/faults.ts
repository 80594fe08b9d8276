// `btr faults`: what was found against the replicas of a running hypervisor, with an example of each.
import process from 'node:process';
import type { CommandModule } from 'yargs';
import type { FaultsAnswer, FindingExampleReport, FindingReport } from '../../hypervisor/status.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { table } from '../output/table.js';

interface FaultsOptions extends SocketOptions {
  replica?: string;
  all: boolean;
  json: boolean;
}

/** Prefixes of a finding that are shown. */
const NAMED = 5;

function placeText(place: string | null): string {
  if (place === null) return '';
  return place === 'fib' ? 'forwarding table' : place;
}

/** Without the milliseconds, which stay in `--json`. */
function time(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

function row(finding: FindingReport): (string | number | null)[] {
  const { id, replica, kind, cause, place, open, first, last, prefixes, total } = finding;
  return [
    `#${id}`,
    replica,
    cause ?? kind,
    placeText(place),
    open ? 'open' : 'over',
    time(first),
    time(last),
    kind === 'system' ? null : prefixes,
    total,
  ];
}

function route(attributes: Record<string, string> | null): string {
  if (attributes === null) return 'no route';
  return Object.entries(attributes)
    .map(([name, text]) => `${name} ${text}`)
    .join('; ');
}

function renderExample(replica: string, { prefix, vote, majority, diff }: FindingExampleReport): string[] {
  const lines =
    diff.length > 0
      ? diff.map((d) => `${d.attribute}: majority ${d.majority ?? '(none)'} — ${replica} ${d.vote ?? '(none)'}`)
      : [`majority: ${route(majority)}`, `${replica}: ${route(vote)}`];
  return [`    ${prefix}`, ...lines.map((line) => `        ${line}`)];
}

function renderDetails({ id, replica, kind, text, samples, prefixes, total, open, example }: FindingReport): string[] {
  if (kind === 'system') return [`#${id} ${replica}: ${text}`];
  const rest = (open ? prefixes : total) > NAMED ? ', …' : '';
  const habit = text === '' ? '' : ` (${text})`;
  return [
    `#${id} ${replica}, ${kind}${habit}: ${samples.slice(0, NAMED).join(', ')}${rest}`,
    ...(example === null ? [] : renderExample(replica, example)),
  ];
}

/** The findings as people read them: a table, then what each is about. */
export function renderFaults({ findings, knownDifferences, oscillating }: FaultsAnswer): string {
  const notes = [
    ...(knownDifferences > 0 ? [`${knownDifferences} known differences of daemons are no faults (--all)`] : []),
    ...(oscillating > 0 ? [`${oscillating} ballots do not come to rest: no fault is looked for on them`] : []),
  ];
  if (findings.length === 0) return ['no faults', ...notes].join('\n');
  const header = ['', 'replica', 'fault', 'where', 'state', 'first', 'last', 'prefixes', 'times'];
  return [table(header, findings.map(row)), '', ...findings.flatMap(renderDetails), ...notes].join('\n');
}

export const faultsCommand: CommandModule<object, FaultsOptions> = {
  command: 'faults',
  describe: 'Show what was found against the replicas: what each did wrong, when, and on which prefixes',
  builder: (yargs) =>
    withSocketOption(yargs)
      .option('replica', { alias: 'r', type: 'string', describe: 'only findings against this one' })
      .option('all', { alias: 'a', type: 'boolean', default: false, describe: 'known differences of daemons, too' })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object' }),
  handler: async ({ replica, all, json, ...options }) => {
    const answer = (await withControl(options, (client) => client.request('faults', { replica, all }))) as FaultsAnswer;
    process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : `${renderFaults(answer)}\n`);
  },
};
