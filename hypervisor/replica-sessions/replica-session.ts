// One BGP session from the hypervisor, in the role of a neighbour (or of the probe or the tap), to a replica: over a socket of the
// shim that is connected already, saying nothing before the replica's OPEN, once.
// Owns that choice of parameters; the machinery is io/session-runner.ts, and when to open one again is its owner's business.
import type net from 'node:net';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { SessionRunner } from '../io/session-runner.js';
import type { SessionCallbacks } from '../io/session-runner.js';

export interface ReplicaSessionOptions {
  /** Connected, or connecting, to the replica. */
  socket: net.Socket;
  /** AS and identifier of whom the hypervisor plays. */
  as: number;
  routerId: string;
  /** The replica's AS. */
  replicaAs: number;
  /** Capabilities as negotiated with the neighbour: bitmask of families, and 2, 6 and 65. Nothing else is ever offered. */
  families: number;
  as4: boolean;
  routeRefresh: boolean;
  extendedMessage: boolean;
  callbacks: SessionCallbacks;
  /** Proposed hold time in seconds; see INTERNAL_HOLD_TIME. */
  holdTime: number;
  /** Seconds to wait for the replica's OPEN. Default 240. */
  openHold?: number;
  queueBytes?: number;
}

/**
 * Starts at once. Ends exactly once: `onDown` when it was established, else `onAttemptFailed`; `stop` before it is established
 * ends it without either. Same methods as a neighbour's session: write, writableBytes, pauseReading, stop, info, …
 */
export function openReplicaSession(options: ReplicaSessionOptions): SessionRunner {
  const { as, routerId, replicaAs, families, as4, routeRefresh, extendedMessage, holdTime } = options;
  const capabilities = makeCapabilities({ families, routeRefresh, extendedMessage, ...(as4 ? { as } : {}) });
  const runner = new SessionRunner({
    session: {
      localAs: as,
      routerId,
      peerAs: replicaAs,
      holdTime,
      capabilities,
      waitForPeerOpen: true,
      restart: false,
      openHold: options.openHold,
    },
    connect: () => options.socket,
    callbacks: options.callbacks,
    queueBytes: options.queueBytes,
  });
  runner.start();
  return runner;
}
