// `btr status`: neighbours, replicas, prefixes in and out, agreement and lag of a running hypervisor.
import type { CommandModule } from 'yargs';
import type { ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printJson, printLines, redrawLines } from '../output/print.js';
import { bytes, count, duration, tableLines } from '../output/table.js';
import { agreementPercent } from '../top/header.js';
import { askFullStatus, faultLines, outletLine, type FullStatus } from '../status/full-status.js';
import { renderFibStatus } from './fib.js';

interface StatusOptions extends SocketOptions {
  json: boolean;
  watch: string | undefined;
}

/** The status as people read it, line by line. */
export function renderStatus(status: FullStatus): string[] {
  const { ballots } = status;
  const share = ballots.total === 0 ? '' : ` (${agreementPercent(ballots)})`;
  const neighbors = status.neighbors.map((n) => [
    n.address,
    String(n.as),
    n.paused ? `${n.state} (paced)` : n.state,
    n.state === 'Established' ? duration(n.uptime) : '-',
    n.flaps,
    n.prefixesIn,
    n.prefixesOut,
    n.lastError ?? '',
  ]);
  const replicas = status.replicas.map((r) => [
    r.name,
    `${r.kind} ${r.version}`,
    r.state,
    r.pid === null ? null : String(r.pid),
    `${r.sessionsUp}/${r.sessions}`,
    r.restarts,
    r.votes,
    r.dissents,
    Math.round(r.lagMs),
    bytes(r.backlogBytes),
    r.health === null ? '-' : `${Math.round(100 * r.health.cpu)} %`,
    r.health === null ? '-' : bytes(r.health.memory),
    r.lastError ?? '',
  ]);
  return [
    `router AS ${status.as}, id ${status.routerId}, ${status.strategy}, up ${duration(status.uptime)}, ${bytes(status.memory)} resident`,
    renderElectorate(status),
    ...status.alarms.map(({ text, since }) => `ALARM since ${since}: ${text}`),
    ...status.replicas.flatMap(renderWarnings),
    `ballots ${count(ballots.total)}, unanimous ${count(ballots.unanimous)}${share}, contested ${count(ballots.contested)}, without majority ${count(ballots.withoutMajority)}`,
    ...(status.fib === null ? [] : renderFibStatus(status.fib)),
    ...(status.fibError === null ? [] : [`forwarding table: ${status.fibError}`]),
    ...(status.restart.restarting ? [renderRestart(status.restart)] : []),
    ...faultLines(status),
    outletLine(status),
    '',
    ...tableLines(['neighbour', 'AS', 'state', 'up', 'flaps', 'prefixes in', 'prefixes out', 'last error'], neighbors),
    '',
    ...tableLines(
      [
        'replica',
        'daemon',
        'state',
        'pid',
        'sessions',
        'restarts',
        'votes',
        'dissents',
        'lag ms',
        'backlog',
        'cpu',
        'memory',
        'last error',
      ],
      replicas,
    ),
  ];
}

/** Who votes, who leads and would follow, and how many of them may err. */
function renderElectorate({ electorate, epoch, succession, quorum, tolerates }: RouterStatus): string {
  const leads = succession.length === 0 ? '' : `, master ${succession.join(', then ')}`;
  return (
    `electorate ${electorate.join(', ') || '(empty)'} (epoch ${epoch}${leads}, quorum ${quorum}): ` +
    `tolerates ${tolerates} faulty`
  );
}

function renderWarnings({ name, health }: ReplicaStatus): string[] {
  return (health?.warnings ?? []).map(({ text, since }) => `warning since ${since}: ${name} ${text}`);
}

function renderRestart({ missing }: RouterStatus['restart']): string {
  const whom = missing.length === 0 ? 'the replicas' : missing.join(', ');
  return `restarted: routes of the last run stay until all is known again; waiting for ${whom}`;
}

async function watch(options: StatusOptions, seconds: number): Promise<void> {
  await withControl(options, async (client) => {
    while (true) {
      const status = await askFullStatus(client);
      await (options.json ? printJson(status, { lines: true }) : redrawLines(renderStatus(status)));
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  });
}

/** `--watch` alone is every second. Throws UserError for what is no positive number. */
export function watchSeconds(value: string): number {
  const seconds = value === '' ? 1 : Number(value);
  if (!(seconds > 0)) throw new UserError(`--watch: expected a number of seconds, found "${value}"`, 2);
  return seconds;
}

export const statusCommand: CommandModule<object, StatusOptions> = {
  command: 'status',
  describe: 'Show neighbours, replicas, agreement, faults and lag of a running hypervisor',
  builder: (yargs) =>
    withSocketOption(yargs)
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object (with --watch: one per line)' })
      // As a number, yargs would take `--watch` without one for no option at all.
      .option('watch', { alias: 'w', type: 'string', describe: 'show it again every N seconds (default 1)' }),
  handler: async (options) => {
    if (options.watch !== undefined) {
      await watch(options, Math.max(0.1, watchSeconds(options.watch)));
      return;
    }
    const status = await withControl(options, askFullStatus);
    await (options.json ? printJson(status) : printLines(renderStatus(status)));
  },
};
