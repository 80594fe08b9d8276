// The connection of `btr top` to the hypervisor: made when it is needed, made anew when the hypervisor has gone and come back.
import path from 'node:path';
import { ControlClient } from '../../hypervisor/control/client.js';
import type { Ask } from './ask.js';

export class Connection {
  private readonly socket: string;
  private client: ControlClient | undefined;

  constructor(socket: string) {
    this.socket = path.resolve(socket);
  }

  /** Rejects with a ControlError: of the connection, or what the hypervisor says to the question. */
  readonly ask: Ask = async (method, params = {}) => {
    const client = (this.client ??= await ControlClient.connect(this.socket));
    return client.request(method, params);
  };

  /** The next question begins with a new connection. */
  close(): void {
    this.client?.close();
    this.client = undefined;
  }
}
