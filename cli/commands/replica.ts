// `btr replica`: the replicas of a running hypervisor and their lives; restarts one, takes one out of service, brings it back.
import type { Argv, CommandModule } from 'yargs';
import type { ReplicaStatus, RouterStatus } from '../../hypervisor/status.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { printJson, printLines } from '../output/print.js';
import { duration, tableLines } from '../output/table.js';

interface ListOptions extends SocketOptions {
  json: boolean;
}

interface ActionOptions extends ListOptions {
  name: string;
  force: boolean;
}

const ACTIONS = {
  restart: 'End a replica and start it again; it votes when it is synchronised',
  retire: 'Take a replica out of service until it is enabled; a standby takes its place',
  enable: 'Bring a retired replica back at once, forget its restarts, and count its muted votes again',
} as const;

/** `12 quarantined, 3 muted`, or nothing. */
function abstentions({ abstains }: ReplicaStatus): string {
  const words = Object.entries(abstains).flatMap(([reason, count]) => (count > 0 ? [`${count} ${reason}`] : []));
  return words.join(', ');
}

/** The replicas as people read them. `now`: ms since 1970. */
export function renderReplicas(replicas: readonly ReplicaStatus[], now: number): string[] {
  const rows = replicas.map((r) => [
    r.name,
    `${r.kind} ${r.version}`,
    r.standby === 'no' ? r.state : `${r.state} (${r.standby} standby)`,
    duration(Math.max(0, now - Date.parse(r.since)) / 1000),
    r.nextStart === null ? '' : `in ${duration(r.nextStart / 1000)}`,
    r.pid === null ? '-' : String(r.pid),
    r.restarts,
    abstentions(r),
    r.lastError ?? '',
  ]);
  return tableLines(['replica', 'daemon', 'state', 'for', 'start', 'pid', 'restarts', 'abstains on', 'reason'], rows);
}

async function list(options: ListOptions): Promise<void> {
  const { replicas } = (await withControl(options, (client) => client.request('status'))) as RouterStatus;
  await (options.json ? printJson(replicas) : printLines(renderReplicas(replicas, Date.now())));
}

async function act(action: keyof typeof ACTIONS, options: ActionOptions): Promise<void> {
  const { name: replica, force, json } = options;
  const answer = (await withControl(options, (client) => client.request('replica', { action, replica, force }))) as {
    state: string;
  };
  await (json ? printJson(answer, { lines: true }) : printLines([`${replica}: ${answer.state}`]));
}

const withJson = <T>(yargs: Argv<T>): Argv<T & ListOptions> =>
  withSocketOption(yargs).option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' });

const listCommand: CommandModule<object, ListOptions> = {
  command: 'list',
  describe: 'Show all replicas, for how long they have been in their state, and when they are started again',
  builder: withJson,
  handler: list,
};

function actionCommand(action: keyof typeof ACTIONS): CommandModule<object, ActionOptions> {
  return {
    command: `${action} <name>`,
    describe: ACTIONS[action],
    builder: (yargs) =>
      withJson(yargs)
        .positional('name', { type: 'string', demandOption: true, describe: 'name of the replica' })
        .option('force', {
          type: 'boolean',
          default: false,
          describe: 'also when it is the only one that votes',
        }),
    handler: (options) => act(action, options),
  };
}

export const replicaCommand: CommandModule = {
  command: 'replica',
  describe: 'Show, restart, retire and enable replicas of a running hypervisor',
  builder: (yargs) =>
    yargs
      .command(listCommand)
      .command(actionCommand('restart'))
      .command(actionCommand('retire'))
      .command(actionCommand('enable'))
      .demandCommand(1, 'expected list, restart, retire or enable'),
  handler: () => undefined,
};
