// `btr fib`: the forwarding table of a running hypervisor: verdicts, what the kernel has, who votes for what; and whether all of it agrees.
import process from 'node:process';
import type { CommandModule } from 'yargs';
import type { FibRoutes } from '../../hypervisor/fib/protocol.js';
import type {
  FibDifference,
  FibRouteReport,
  FibStatus,
  FibVerification,
  FibVote,
  NextHopsReport,
} from '../../hypervisor/fib/status.js';
import type { RouterStatus } from '../../hypervisor/status.js';
import { parsePrefix } from '../../wire/prefix-text.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printJson, printLines } from '../output/print.js';
import { count, tableLines } from '../output/table.js';

const STATES = ['installed', 'pending', 'failing', 'stale', 'absent', 'contested'] as const;

interface FibOptions extends SocketOptions {
  prefix: string | undefined;
  state: string | undefined;
  limit: number;
  verify: boolean;
  json: boolean;
}

/** `via 10.0.1.2 dev eth0`, `blackhole`, `(none)`: everything by which two votes can differ. */
function words(hops: NextHopsReport | null): string {
  if (hops === null) return '(none)';
  if (hops.type !== 'unicast') return hops.type;
  const weighted = hops.nextHops.some(({ weight }) => weight !== 1);
  return hops.nextHops
    .map(({ gateway, interface: link, weight, onlink }) =>
      [
        ...(gateway === undefined ? [] : ['via', gateway]),
        ...['dev', link],
        ...(weighted ? ['weight', String(weight)] : []),
        ...(onlink ? ['onlink'] : []),
      ].join(' '),
    )
    .join(', ');
}

function voteWords({ replica, counts, agrees, nextHops }: FibVote): string {
  const mark = !counts ? '·' : agrees ? '=' : '≠';
  return agrees ? `${mark}${replica}` : `${mark}${replica} ${words(nextHops)}`;
}

/** One line for the table as a whole, and one for each thing that should not be. */
export function renderFibStatus(fib: FibStatus): string[] {
  const parts = [
    `${count(fib.routes)} routes`,
    `${count(fib.installed)} installed`,
    `${count(fib.pending)} pending`,
    `${count(fib.failing)} failing`,
    ...(fib.stale > 0 ? [`${count(fib.stale)} stale`] : []),
    `${count(fib.contested)} contested`,
  ];
  const where = `${fib.backend}, table ${fib.table}, protocol ${fib.protocol}, metric ${fib.metric}`;
  return [`forwarding table (${where}): ${parts.join(', ')}`, ...troubles(fib)];
}

function troubles({ tableFull, replicas }: FibStatus): string[] {
  const lines =
    tableFull > 0 ? [`  ${count(tableFull)} prefixes or next hops of taps found no room: votes are lost`] : [];
  for (const { replica, conflicts, foreignConflicts, malformed } of replicas) {
    const parts = [
      ...(conflicts > 0 ? [`${count(conflicts)} writes that Linux would have refused`] : []),
      ...(foreignConflicts > 0 ? [`${count(foreignConflicts)} writes over a route of somebody else`] : []),
      ...(malformed > 0 ? [`${count(malformed)} datagrams that were not netlink`] : []),
    ];
    if (parts.length > 0) lines.push(`  ${replica}: ${parts.join(', ')}`);
  }
  return lines;
}

/** The routes as people read them. `=` agrees, `≠` differs, `·` has no say now. */
export function renderRoutes(routes: readonly FibRouteReport[]): string[] {
  const rows = routes.map((route) => [
    route.prefix,
    route.error === null ? route.state : `${route.state} (${route.error})`,
    words(route.verdict),
    route.state === 'installed' ? '=' : words(route.kernel),
    route.votes.map(voteWords).join('  '),
  ]);
  return tableLines(['prefix', 'state', 'verdict', 'kernel', 'votes'], rows);
}

const DIFFERENCES: Record<FibDifference['kind'], string> = {
  missing: 'is not in the kernel',
  different: 'differs in the kernel',
  extra: 'is in the kernel, but no verdict wants it',
  'advertised-without-route': 'was advertised, but there is no route for it',
};

/** What `--verify` found, as people read it. */
export function renderVerification(found: FibVerification): string[] {
  const summary =
    `${count(found.verdicts)} verdicts, ${count(found.kernelRoutes)} routes in the kernel, ` +
    `${count(found.advertised)} prefixes advertised: ${found.ok ? 'all agree' : `${count(found.total)} differences`}`;
  const restless = found.quiet ? [] : ['(things were changing meanwhile: differences may be of the moment)'];
  const lines = found.differences.map(
    ({ prefix, kind, verdict, kernel }) =>
      `  ${prefix} ${DIFFERENCES[kind]}: verdict ${words(verdict)}, kernel ${words(kernel)}`,
  );
  return [summary, ...restless, ...lines];
}

async function verify(options: FibOptions): Promise<void> {
  const found = (await withControl(options, (client) => client.request('fib-verify'))) as FibVerification;
  await (options.json ? printJson(found) : printLines(renderVerification(found)));
  if (!found.ok) process.exitCode = 1;
}

async function list(options: FibOptions): Promise<void> {
  const { prefix, state, limit } = options;
  if (!Number.isInteger(limit) || limit < 1) throw new UserError('--limit is a number from 1');
  if (prefix !== undefined && parsePrefix(prefix) === undefined)
    throw new UserError(`"${prefix}" is no prefix (say 192.0.2.0/24)`);
  const query = { ...(prefix !== undefined && { prefix }), ...(state !== undefined && { state }), limit };
  const { answer, status } = await withControl(options, async (client) => ({
    answer: (await client.request('fib', query)) as FibRoutes,
    status: (await client.request('status')) as RouterStatus,
  }));
  if (options.json) return printJson(answer.routes);
  if (prefix !== undefined && answer.routes.length === 0) throw new UserError(`nobody has a route for ${prefix}`);
  const rest = answer.total - answer.routes.length;
  await printLines([
    ...(prefix === undefined && status.fib !== null ? renderFibStatus(status.fib) : []),
    ...(answer.routes.length > 0 ? renderRoutes(answer.routes) : []),
    ...(rest > 0 ? [`… and ${count(rest)} more (--limit)`] : []),
  ]);
}

export const fibCommand: CommandModule<object, FibOptions> = {
  command: 'fib [prefix]',
  describe: "Show the forwarding table: verdicts, the kernel's state, votes; --verify checks that they agree",
  builder: (yargs) =>
    withSocketOption(yargs)
      .positional('prefix', { type: 'string', describe: 'for instance 192.0.2.0/24; without it: all routes' })
      .option('state', { type: 'string', choices: STATES, describe: 'only routes in this state' })
      .option('limit', { alias: 'n', type: 'number', default: 100, describe: 'at most so many routes (100,000)' })
      .option('verify', {
        type: 'boolean',
        default: false,
        describe: 'compare verdicts, kernel and what neighbours were told; exit status 1 when they differ',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'a JSON array of routes, or the result of --verify',
      }),
  handler: (options) => (options.verify ? verify(options) : list(options)),
};
