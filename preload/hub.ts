// The main thread's entry to everything preloaded: one polling thread for the control channels of all replicas.
// Owns that thread; what goes over a channel is control.ts, what a connection looks like to a replica is label.ts.
import { ControlChannel } from './control.js';
import { Poller } from './poller.js';

export type { ConnectionLabel } from './label.js';
export { ControlChannel } from './control.js';
export { VirtualListener, DEFAULT_SEND_BUFFER } from './listener.js';

export class ShimHub {
  private readonly poller = new Poller();
  private readonly channels = new Set<ControlChannel>();

  /** A fresh channel for one start of one replica. Whoever asked closes it. */
  createControl(): ControlChannel {
    const channel = new ControlChannel(this.poller, (closed) => this.channels.delete(closed));
    this.channels.add(channel);
    return channel;
  }

  /** Closes every channel and ends the thread. */
  async close(): Promise<void> {
    for (const channel of [...this.channels]) channel.close();
    await this.poller.close();
  }
}
