// `btr diff`: what a configuration file would change in a running router, without changing anything.
import path from 'node:path';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { renderDiff } from '../../configs/diff/render.js';
import type { Change } from '../../configs/diff/types.js';
import type { ConfigDiffAnswer } from '../../hypervisor/reload/types.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { UserError } from '../errors.js';
import { printJson, printText } from '../output/print.js';
import { safeText } from '../output/safe-text.js';

interface DiffOptions extends SocketOptions {
  file: string | undefined;
  json: boolean;
}

/** As `diff`: 0 nothing differs, 1 something does, 2 the file is not right. */
const EXIT = { SAME: 0, DIFFERENT: 1, BAD: 2 } as const;

/** The difference as people read it, with what follows from it. */
export function renderConfigDiff({ file, changes, restarts, refused }: ConfigDiffAnswer): string {
  if (changes.length === 0 && restarts.length === 0) return safeText(`${file}: no difference to what runs`);
  const follows =
    restarts.length > 0
      ? safeText(`replicas to be restarted, one after the other: ${restarts.join(', ')}`)
      : 'no replica has to be restarted';
  return [
    renderDiff({ changes: changes.map(safeChange) }),
    '',
    follows,
    ...(refused === null ? [] : [safeText(`not as it is: ${refused}`)]),
  ].join('\n');
}

/** A value that has lines of its own is not to look like several changes. */
function safeChange(change: Change): Change {
  const { key, old, file } = change;
  const safe = (text: string | null): string | null => text && safeText(text);
  return { ...change, key: safeText(key), old: safe(old), new: safe(change.new), file: safeText(file) };
}

export function differs({ changes, restarts }: ConfigDiffAnswer): boolean {
  return changes.length > 0 || restarts.length > 0;
}

/** Throws a UserError with the mistakes of the file, if there are any. */
export function checked(answer: ConfigDiffAnswer): ConfigDiffAnswer {
  if (answer.errors.length > 0) throw new UserError(answer.errors.join('\n'), EXIT.BAD);
  return answer;
}

async function run(options: DiffOptions): Promise<void> {
  const file = options.file === undefined ? {} : { file: path.resolve(options.file) };
  const answer = (await withControl(options, (client) => client.request('config-diff', file))) as ConfigDiffAnswer;
  await (options.json ? printJson(answer) : printText(`${renderConfigDiff(checked(answer))}\n`));
  process.exitCode = answer.errors.length > 0 ? EXIT.BAD : differs(answer) ? EXIT.DIFFERENT : EXIT.SAME;
}

export const diffCommand: CommandModule<object, DiffOptions> = {
  command: 'diff [file]',
  describe: 'Show what a configuration file would change in the running router (exit status as diff)',
  builder: (yargs) =>
    withSocketOption(yargs)
      .positional('file', { type: 'string', describe: 'in place of the file that the router was started with' })
      .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' }),
  handler: run,
};
