// `btr reload`: shows what a configuration file changes in the running router, applies it, and waits for what comes of it.
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandModule } from 'yargs';
import type { ControlClient } from '../../hypervisor/control/client.js';
import { STEP_WORDS, type ConfigDiffAnswer, type ReloadStatus } from '../../hypervisor/reload/types.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printJson, printLines, printNote, printText } from '../output/print.js';
import { checked, differs, renderConfigDiff } from './diff.js';

interface ReloadOptions extends SocketOptions {
  file: string | undefined;
  dryRun: boolean;
  partial: boolean;
  force: boolean;
  yes: boolean;
  json: boolean;
}

const LOOK_MS = 200;

/** Asks the person at the terminal. Without one nobody can agree: a UserError says what to do. */
async function confirmed({ yes, json }: ReloadOptions): Promise<boolean> {
  if (yes || json) return true;
  if (!process.stdin.isTTY) throw new UserError('nobody can be asked here: --yes applies it without a question', 2);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question('Apply this? [y/N] ');
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Shows each step of the reload until it has ended. */
async function follow(client: ControlClient, begun: ReloadStatus, say: (text: string) => void): Promise<ReloadStatus> {
  let status = begun;
  const told = new Map(begun.replicas.map(({ name, step }) => [name, step]));
  for (;;) {
    for (const { name, step } of status.replicas) {
      if (told.get(name) !== step) say(`replica ${name}: ${STEP_WORDS[step]}`);
      told.set(name, step);
    }
    if (status.state !== 'running' || status.id !== begun.id) return status;
    await delay(LOOK_MS);
    status = (await client.request('reload-status')) as ReloadStatus;
  }
}

async function apply(client: ControlClient, options: ReloadOptions): Promise<void> {
  const { partial, force, json, dryRun } = options;
  const params = { partial, force, ...(options.file === undefined ? {} : { file: path.resolve(options.file) }) };
  const difference = checked((await client.request('config-diff', params)) as ConfigDiffAnswer);
  if (!json) await printText(`${renderConfigDiff(difference)}\n`);
  else if (dryRun || !differs(difference)) await printJson(difference);
  if (!differs(difference)) return;
  if (difference.refused !== null && !json) throw new UserError('nothing was changed');
  if (dryRun || !(await confirmed(options))) return;
  const begun = (await client.request('reload', { ...params, digest: difference.digest })) as ReloadStatus;
  const status = await follow(client, begun, (text) => {
    if (!json) printNote(text);
  });
  if (json) await printJson(status);
  if (status.state !== 'done') throw new UserError(status.text);
  if (!json) await printLines([status.text]);
}

export const reloadCommand: CommandModule<object, ReloadOptions> = {
  command: 'reload [file]',
  describe: 'Apply configuration changes to the running router, without touching what did not change',
  builder: (yargs) =>
    withSocketOption(yargs)
      .positional('file', { type: 'string', describe: 'in place of the file that the router was started with' })
      .option('dryRun', {
        alias: ['dry-run', 'n'],
        type: 'boolean',
        default: false,
        describe: 'only show what would be done',
      })
      .option('partial', {
        type: 'boolean',
        default: false,
        describe: 'leave out what only a restart of the router can change, instead of refusing everything',
      })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'restart replicas also when fewer than the quorum vote meanwhile',
      })
      .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'do not ask' })
      .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text; does not ask' }),
  handler: (options) => withControl(options, (client) => apply(client, options)),
};
