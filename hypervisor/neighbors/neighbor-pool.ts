// All neighbours' sessions together: one listener, one session each, opened and closed as the router says.
// Owns that set, also while it changes; a single session is neighbor-session.ts, what its UPDATEs mean ../neighbor-port.ts.
import type { RouterConfig } from '../../configs/model.js';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import type { Logger } from '../logging.js';
import type { NeighborPort } from '../neighbor-port.js';
import { NeighborListener } from './neighbor-listener.js';
import { NeighborSession } from './neighbor-session.js';

export class NeighborPool {
  private readonly router: RouterConfig['router'];
  private readonly addresses: string[];
  private readonly listener: NeighborListener;
  private readonly ports: readonly NeighborPort[];
  /** By neighbour. */
  private readonly sessions: NeighborSession[];
  /** Neighbours whose sessions are not opened now, whatever the others do. */
  private readonly held = new Set<number>();
  private listening: Promise<void> | undefined;
  private open = false;

  /** `ports` may grow; `renew` makes the session of one that is new. */
  constructor(config: RouterConfig, ports: readonly NeighborPort[], log: Logger) {
    this.addresses = config.neighbors.map(({ localAddress }) => localAddress);
    this.router = config.router;
    this.ports = ports;
    const { addresses } = this;
    this.listener = new NeighborListener({ port: config.router.port, addresses, warn: (text) => log.warn(text) });
    this.sessions = ports.map((port) => this.make(port));
  }

  /** Listens (the first time) and starts every session. Rejects with the listener's error, which names address and port. */
  async start(): Promise<void> {
    this.open = true;
    this.listening ??= this.listener.open();
    await this.listening;
    for (const [n, session] of this.sessions.entries()) if (this.open && !this.held.has(n)) session.start();
  }

  /**
   * CEASE with this subcode to every neighbour, with `keepRoutes` only to those that know no graceful restart; resolves when all sockets
   * are closed. The listener stays.
   */
  async stop(subcode: number, text: string, keepRoutes = false): Promise<void> {
    this.open = false;
    await Promise.all(this.sessions.map((session) => session.stop(subcode, text, keepRoutes)));
  }

  /** Ends the session of neighbour `n`, with CEASE; it stays closed until `release`. Resolves when its sockets are closed. */
  async hold(n: number, subcode: number, text: string): Promise<void> {
    this.held.add(n);
    await this.sessions[n].stop(subcode, text);
  }

  /** Makes the session of a port that is new, or that has another configuration by now. It must be held. */
  renew(port: NeighborPort): void {
    this.held.add(port.index);
    this.sessions[port.index] = this.make(port);
  }

  /** The session of neighbour `n` is opened as those of the others are. */
  release(n: number): void {
    this.held.delete(n);
    if (this.open) this.sessions[n].start();
  }

  /** Listens on what the ports need now, as soon as it listens at all. Rejects as `start`; then it goes on as it was. */
  async listenOn(addresses: readonly string[]): Promise<void> {
    if (this.listening === undefined) {
      this.addresses.push(...addresses);
      return;
    }
    await this.listening;
    for (const address of new Set(addresses)) await this.listener.listenOn(address);
  }

  /** No longer listens where no neighbour connects to. */
  tidy(): void {
    const needed = new Set(this.ports.filter(({ config }) => !config.removed).map(({ config }) => config.localAddress));
    for (const { config } of this.ports) if (!needed.has(config.localAddress)) this.listener.leave(config.localAddress);
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.listener.close();
  }

  private make(port: NeighborPort): NeighborSession {
    const session = new NeighborSession({
      neighbor: port.config,
      router: this.router,
      // Extended messages (RFC 8654) are not offered: of the three kinds only FRR has them.
      capabilities: makeCapabilities({
        families: port.config.families,
        as: this.router.as,
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
  }
}
