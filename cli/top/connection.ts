// The connection of `btr top` to the hypervisor: made when it is needed, made anew when the hypervisor has gone and come back.
import path from 'node:path';
import { ControlClient, ControlError } from '../../hypervisor/control/client.js';
import type { Ask } from './ask.js';

export class Connection {
  private readonly socket: string;
  private client: Promise<ControlClient> | undefined;
  private ended = false;

  constructor(socket: string) {
    this.socket = path.resolve(socket);
  }

  /** Rejects with a ControlError: of the connection, or what the hypervisor says to the question. */
  readonly ask: Ask = async (method, params = {}) => {
    if (this.ended) throw new ControlError('no more questions');
    const client = (this.client ??= ControlClient.connect(this.socket));
    return (await client).request(method, params);
  };

  /** The next question begins with a new connection. */
  close(): void {
    void this.client?.then(
      (client) => client.close(),
      () => undefined,
    );
    this.client = undefined;
  }

  /** No more questions: nothing keeps the process. */
  end(): void {
    this.ended = true;
    this.close();
  }
}
