// `btr record`: what a running router records (status), and everything about an incident in one file (bundle). Options and output only.
import type { Argv, CommandModule } from 'yargs';
import type { RecorderStats } from '../../hypervisor/recording/recorder.js';
import { withControl, withSocketOption, type SocketOptions } from '../control.js';
import { printJson, printLines, printNote } from '../output/print.js';
import { bytes, tableLines } from '../output/table.js';
import { makeBundle } from '../record/bundle.js';
import { parseWindow } from '../record/time-window.js';

interface StatusOptions extends SocketOptions {
  json: boolean;
}

interface BundleOptions extends SocketOptions {
  since: string | undefined;
  until: string | undefined;
  output: string | undefined;
  directory: string | undefined;
  config: string | undefined;
}

/** The recording as people read it. */
export function renderRecording(stats: RecorderStats | null): string[] {
  if (stats === null) return ['nothing is recorded (the configuration has no section "record")'];
  const rows = stats.streams.map(({ name, records, bytes: raw, written, dropped, file }) => [
    name,
    records,
    bytes(raw),
    bytes(written),
    dropped,
    file ?? '-',
  ]);
  return [
    `${stats.directory}: ${stats.files} files, ${bytes(stats.bytes)}; ${stats.removed} older ones gave way`,
    ...tableLines(['stream', 'records', 'bytes', 'on disk', 'dropped', 'file'], rows),
    ...(stats.queued > 0 ? [`${bytes(stats.queued)} of ${bytes(stats.maxQueued)} wait for the disk`] : []),
    ...(stats.error === null ? [] : [`trouble: ${stats.error}`]),
  ];
}

const statusCommand: CommandModule<object, StatusOptions> = {
  command: 'status',
  describe: 'Show what is recorded, and whether something was dropped',
  builder: (yargs) =>
    (withSocketOption(yargs) as Argv<SocketOptions>).option('json', {
      type: 'boolean',
      default: false,
      describe: 'as JSON',
    }),
  handler: async (options) => {
    const stats = (await withControl(options, (client) => client.request('record'))) as RecorderStats | null;
    await (options.json ? printJson(stats) : printLines(renderRecording(stats)));
  },
};

const bundleCommand: CommandModule<object, BundleOptions> = {
  command: 'bundle',
  describe: 'Collect configuration, logs, votes, quarantined messages and recordings of a time window in one file',
  builder: (yargs) =>
    (withSocketOption(yargs) as Argv<SocketOptions>)
      .option('since', {
        type: 'string',
        describe: 'beginning of the window: 2026-03-14T15:09, 15:09, or 30m ago (default 1h)',
      })
      .option('until', { type: 'string', describe: 'its end (default: now)' })
      .option('output', { alias: 'o', type: 'string', describe: 'file to write (default btr-bundle-TIME.tar.gz)' })
      .option('directory', {
        alias: 'd',
        type: 'string',
        describe: 'run directory of a router that does not run, or a copy of one',
      })
      .option('config', { alias: 'c', type: 'string', describe: 'configuration file of a router that does not run' }),
  handler: async ({ since, until, ...request }) => {
    const { file, size } = await makeBundle({ ...request, window: parseWindow(since, until) });
    await printLines([file]);
    printNote(`${bytes(size)} before compression; README.txt inside says what is what`);
  },
};

export const recordCommand: CommandModule = {
  command: 'record',
  describe: 'What is recorded, and all of an incident in one file',
  builder: (yargs) =>
    yargs
      .command(statusCommand as unknown as CommandModule)
      .command(bundleCommand as unknown as CommandModule)
      .demandCommand(1, 'Say what to do: status or bundle.'),
  handler: () => undefined,
};
