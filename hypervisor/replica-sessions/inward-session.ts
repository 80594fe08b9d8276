// One BGP session from the hypervisor, in the role of a neighbour (or of the probe or the tap), to a replica: over a socket of the
// shim that is connected already, saying nothing before the replica's OPEN, without hold timer, once.
// Owns that choice of parameters; the machinery is io/session-runner.ts, and when to open one again is its owner's business.
import type net from 'node:net';
import { makeCapabilities } from '../../wire/bgp/capabilities.js';
import { CeaseSubcode } from '../../wire/bgp/notification.js';
import { SessionRunner } from '../io/session-runner.js';
import type { SessionCallbacks } from '../io/session-runner.js';

/** Whom the hypervisor plays, and what was negotiated with the neighbour it stands for. Capabilities 1, 2, 6 and 65 only. */
export interface InwardSettings {
  /** AS and identifier of the role played. */
  localAs: number;
  routerId: string;
  /** The replica's AS. */
  peerAs: number;
  /** Bitmask of families. */
  families: number;
  /** Default true: a two-octet neighbour's paths are translated at the door, so replicas always have four octets. */
  as4?: boolean;
  /** Default true. */
  routeRefresh?: boolean;
  /** Default false; true only where the neighbour negotiated it, since messages are passed through unchanged. */
  extendedMessage?: boolean;
  /** Seconds to wait for the replica's OPEN. Default 240. */
  openHold?: number;
}

/**
 * Starts at once. Ends exactly once, with `onDown` when it was established and with `onAttemptFailed` when not; `stop` before it is
 * established ends it without either. Same methods as a neighbour's session.
 */
export class InwardSession extends SessionRunner {
  constructor(socket: net.Socket, settings: InwardSettings, callbacks: SessionCallbacks, queueBytes?: number) {
    const { localAs, routerId, peerAs, families, openHold } = settings;
    const { as4 = true, routeRefresh = true, extendedMessage = false } = settings;
    super({
      session: {
        localAs,
        routerId,
        peerAs,
        // A stopped or busy replica must not lose its session: hangs are found by probes.
        holdTime: 0,
        capabilities: makeCapabilities({ families, routeRefresh, extendedMessage, ...(as4 ? { as: localAs } : {}) }),
        waitForPeerOpen: true,
        restart: false,
        openHold,
      },
      connect: () => socket,
      callbacks,
      queueBytes,
    });
    this.start();
  }

  override stop(subcode: number = CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, text?: string): Promise<void> {
    return super.stop(subcode, text);
  }
}
