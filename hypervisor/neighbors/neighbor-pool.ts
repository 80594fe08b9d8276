// All neighbours' sessions together: one listener, one session each, opened and closed as the router says.
// Owns that set; a single session is neighbor-session.ts, what its UPDATEs mean ../neighbor-port.ts.
import type { RouterConfig } from '../../configs/model.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import type { Logger } from '../logging.js';
import type { NeighborPort } from '../neighbor-port.js';
import { NeighborListener } from './neighbor-listener.js';
import { NeighborSession } from './neighbor-session.js';

export class NeighborPool {
  private readonly listener: NeighborListener;
  private readonly sessions: NeighborSession[];
  private listening: Promise<void> | undefined;

  constructor(config: RouterConfig, ports: readonly NeighborPort[], log: Logger) {
    const addresses = config.neighbors.map(({ localAddress }) => localAddress);
    this.listener = new NeighborListener({ port: config.router.port, addresses, warn: (text) => log.warn(text) });
    this.sessions = ports.map((port) => {
      const session = new NeighborSession({
        neighbor: port.config,
        router: config.router,
        // Extended messages (RFC 8654) are not offered: of the three kinds only FRR has them.
        capabilities: makeCapabilities({
          families: port.config.families,
          as: config.router.as,
          routeRefresh: true,
          extendedMessage: false,
        }),
        gracefulRestart: () => port.gracefulRestart(),
        listener: this.listener,
        callbacks: {
          onEstablished: (negotiated) => port.established(negotiated),
          onDown: (reason) => port.down(reason),
          onAttemptFailed: (reason) => port.failed(reason),
          onUpdate: (buffer, start, end) => port.update(buffer, start, end),
          onRouteRefresh: (family) => port.routeRefresh(family),
          onWritable: () => port.writable(),
        },
      });
      port.attach(session);
      return session;
    });
  }

  /** Listens (the first time) and starts every session. Rejects with the listener's error, which names address and port. */
  async start(): Promise<void> {
    this.listening ??= this.listener.open();
    await this.listening;
    for (const session of this.sessions) session.start();
  }

  /**
   * CEASE with this subcode to every neighbour, with `keepRoutes` only to those that know no graceful restart; resolves when all sockets
   * are closed. The listener stays.
   */
  async stop(subcode: number, text: string, keepRoutes = false): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.stop(subcode, text, keepRoutes)));
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.listener.close();
  }
}
