// `btr doctor`: can the router run on this machine, as this user, with this configuration? Says what to do where not.
// Exit status: 0 yes (perhaps with warnings), 1 no, 2 wrong command line.
import { existsSync } from 'node:fs';
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { DEFAULT_CONFIG } from '../default-config.js';
import { examine } from '../doctor/index.js';
import { exitCodeOf, renderFindings } from '../doctor/render.js';
import { printJson, printLines } from '../output/print.js';

interface DoctorOptions {
  config: string | undefined;
  json: boolean;
  quiet: boolean;
}

const PAGE_COLUMNS = 120;

async function doctor({ config, json, quiet }: DoctorOptions): Promise<void> {
  const file = config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined);
  const findings = await examine(file);
  process.exitCode = exitCodeOf(findings);
  if (json) await printJson({ ok: process.exitCode === 0, config: file ?? null, findings });
  else await printLines(renderFindings(findings, process.stdout.columns ?? PAGE_COLUMNS, quiet));
}

export const doctorCommand: CommandModule<object, DoctorOptions> = {
  command: 'doctor [config]',
  describe: 'Look whether the router can run here: privileges, kernel, daemons, ports, directories; says what to do',
  builder: (yargs) =>
    yargs
      .positional('config', {
        type: 'string',
        describe: `configuration file (YAML); default ${DEFAULT_CONFIG}, if it is there`,
      })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object' })
      .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'leave out what is well' })
      .epilogue(
        'Exit status: 0 when it can run (perhaps with warnings), 1 when not, 2 for a wrong option. Nothing is changed.',
      ),
  handler: doctor,
};
