// `btr top`: a running hypervisor in a terminal, live. Owns the options and whether there is a terminal; everything else is cli/top/.
import process from 'node:process';
import type { CommandModule } from 'yargs';
import { ControlError } from '../../hypervisor/control/client.js';
import { withSocketOption, type SocketOptions } from '../control.js';
import { parseDuration } from '../duration.js';
import { UserError } from '../errors.js';
import { printText } from '../output/print.js';
import { printOnce, TopProgram } from '../top/program.js';

interface Options extends SocketOptions {
  interval: string;
  once: boolean;
}

const SHORTEST_MS = 100;

async function top({ socket, interval: text, once }: Options): Promise<void> {
  const interval = Math.max(SHORTEST_MS, parseDuration(text, '--interval'));
  const { stdin, stdout, env } = process;
  // https://no-color.org: set and not empty.
  const options = { socket, interval, colour: !env.NO_COLOR && env.TERM !== 'dumb' };
  if (!once && stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb') {
    await new TopProgram(options, stdin, stdout).run();
    return;
  }
  try {
    await printText(`${await printOnce(options, stdout.columns)}\n`);
  } catch (error) {
    throw error instanceof ControlError ? new UserError(error.message, 69) : error;
  }
}

export const topCommand: CommandModule<object, Options> = {
  command: 'top',
  describe: 'Watch a running hypervisor: neighbours, replicas, contested ballots, findings, rates (h: keys)',
  builder: (yargs) =>
    withSocketOption(yargs)
      .option('interval', { alias: 'i', type: 'string', default: '1s', describe: 'time between two looks' })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'one look, as text (always so without a terminal)',
      }),
  handler: top,
};
