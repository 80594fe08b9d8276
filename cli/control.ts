// How the verbs that ask a running hypervisor find its control socket and turn its errors into the user's.
import path from 'node:path';
import process from 'node:process';
import type { Argv } from 'yargs';
import { ControlClient, ControlError } from '../hypervisor/control/client.js';
import { UserError } from './errors.js';

export const DEFAULT_SOCKET = '/run/btr/control.sock';

export interface SocketOptions {
  socket: string;
}

/** Adds `--socket`; its default is $BTR_SOCKET or the default run directory. */
export function withSocketOption<T>(yargs: Argv<T>): Argv<T & SocketOptions> {
  return yargs.option('socket', {
    alias: 's',
    type: 'string',
    default: process.env.BTR_SOCKET ?? DEFAULT_SOCKET,
    describe: 'control socket of the running hypervisor (<run-directory>/control.sock)',
  });
}

/** Connects, runs `use`, closes. A hypervisor that does not answer is a UserError with status 69 (EX_UNAVAILABLE). */
export async function withControl<T>(options: SocketOptions, use: (client: ControlClient) => Promise<T>): Promise<T> {
  let client: ControlClient | undefined;
  try {
    client = await ControlClient.connect(path.resolve(options.socket));
    return await use(client);
  } catch (error) {
    if (error instanceof ControlError) throw new UserError(error.message, 69);
    throw error;
  } finally {
    client?.close();
  }
}
