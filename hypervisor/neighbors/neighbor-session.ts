// The BGP session with one neighbour: what its configuration means for the state machine, and how its connections are made.
// Owns the active connect and the registration with the listener; the machinery is io/session-runner.ts.
import net from 'node:net';
import type { NeighborConfig } from '../../configs/model.js';
import { close } from '../../preload/native.js';
import type { Capability } from '../../wire/bgp/capabilities.js';
import type { GracefulRestart } from '../../wire/bgp/graceful-restart.js';
import { SessionRunner } from '../io/session-runner.js';
import type { SessionCallbacks } from '../io/session-runner.js';
import type { ListenerEntry, NeighborListener } from './neighbor-listener.js';
import { setMd5Key, setTtlSecurity, tcpSocket } from './tcp-native.js';

/** The part of the configuration that the session needs. */
export type NeighborSettings = Pick<
  NeighborConfig,
  | 'address'
  | 'peerAs'
  | 'localAddress'
  | 'passive'
  | 'remotePort'
  | 'holdTime'
  | 'keepaliveInterval'
  | 'connectRetry'
  | 'authPassword'
  | 'ttlSecurityHops'
>;

export interface NeighborSessionOptions {
  neighbor: NeighborSettings;
  router: { as: number; routerId: string };
  /** What all replicas and the configuration agree on. */
  capabilities: readonly Capability[];
  /** Asked for each OPEN: what it says about graceful restart; undefined: nothing. */
  gracefulRestart?: () => GracefulRestart | undefined;
  /** Shared by all neighbours; the session registers itself while it is started. */
  listener: NeighborListener;
  callbacks: SessionCallbacks;
  /** Factor 0.75..1 on the timers (RFC 4271 section 10). Default: drawn once. */
  jitter?: number;
  queueBytes?: number;
}

export class NeighborSession extends SessionRunner {
  private readonly listener: NeighborListener;
  private readonly entry: ListenerEntry;
  private registered = false;

  constructor(options: NeighborSessionOptions) {
    const { neighbor, router, capabilities, listener, callbacks, queueBytes } = options;
    super({
      session: {
        localAs: router.as,
        routerId: router.routerId,
        peerAs: neighbor.peerAs,
        holdTime: neighbor.holdTime,
        keepalive: neighbor.keepaliveInterval || undefined,
        connectRetry: neighbor.connectRetry,
        passive: neighbor.passive,
        capabilities,
        ...(options.gracefulRestart ? { gracefulRestart: options.gracefulRestart } : {}),
        jitter: options.jitter ?? 0.75 + Math.random() / 4,
      },
      connect: () => connectTo(neighbor),
      callbacks,
      queueBytes,
    });
    this.listener = listener;
    this.entry = {
      address: neighbor.address,
      localAddress: neighbor.localAddress,
      password: neighbor.authPassword,
      ttlSecurityHops: neighbor.ttlSecurityHops,
      accept: (socket) => this.offer(socket),
    };
  }

  /** Accepts connections and, unless passive, makes them, until `stop`. */
  override start(): void {
    if (!this.registered) this.listener.register(this.entry);
    this.registered = true;
    super.start();
  }

  /** As SessionRunner.stop; from then on the neighbour is a stranger. Resolves when its sockets are closed. */
  override async stop(subcode: number, text?: string, keepRoutes = false): Promise<void> {
    // The sockets first: without its key the kernel would no longer let the NOTIFICATION through.
    await super.stop(subcode, text, keepRoutes);
    if (this.registered) this.listener.unregister(this.entry);
    this.registered = false;
  }
}

/** A socket on its way to the neighbour, with all options set before the first segment leaves. Throws SystemCallError. */
function connectTo(neighbor: NeighborSettings): net.Socket {
  const { address, localAddress, remotePort, authPassword, ttlSecurityHops } = neighbor;
  const fd = tcpSocket(address);
  try {
    if (authPassword) setMd5Key(fd, address, authPassword);
    if (ttlSecurityHops) setTtlSecurity(fd, address, ttlSecurityHops);
  } catch (error) {
    close(fd);
    throw error;
  }
  const socket = new net.Socket({ fd });
  return socket.connect({ host: address, port: remotePort, localAddress });
}
