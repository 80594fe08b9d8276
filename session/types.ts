// The vocabulary of the BGP session state machine: configuration, events in, effects out.
// Owns no behaviour; the machine itself is fsm.ts, where the contract between it and its owner is written down.
import type { Capability } from '../wire/bgp/capabilities.js';
import type { BgpError } from '../wire/bgp/error.js';
import type { GracefulRestart } from '../wire/bgp/graceful-restart.js';
import type { OpenMessage } from '../wire/bgp/open.js';

/** The states of RFC 4271 section 8.2.2. A session with two connections is in the furthest state of the two. */
export type SessionState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Names one transport connection. The machine hands them out, counting from 1, and never uses one twice. */
export type ConnectionId = number;

/** Every field that has a default may be left out; see {@link SESSION_DEFAULTS}. All times in seconds. */
export interface SessionConfig {
  /** Own AS number, 1..2^32-1. */
  readonly localAs: number;
  /** Own BGP identifier, dotted. */
  readonly routerId: string;
  /** The AS that the peer must have; undefined accepts any. */
  readonly peerAs?: number;
  /** Hold time to propose: 0 (none) or 3..65535. */
  readonly holdTime: number;
  /** Longest time between keepalives; a third of the negotiated hold time when that is shorter, or when left out. */
  readonly keepalive?: number;
  /** What the OPEN offers, in this order. */
  readonly capabilities: readonly Capability[];
  /**
   * Asked for each OPEN: what it says about graceful restart (RFC 4724), since what has been preserved changes while the owner runs.
   * Undefined: nothing. Default: nothing.
   */
  readonly gracefulRestart?: () => GracefulRestart | undefined;
  /** Codes the peer must offer too, else NOTIFICATION 2/7. At least one common address family is always required. */
  readonly requiredCapabilities?: readonly number[];
  /** Never connect, only accept. Default false. */
  readonly passive?: boolean;
  /** Say nothing on a connection before the peer's OPEN has come (used towards replicas). Default false. */
  readonly waitForPeerOpen?: boolean;
  /** Start again by itself after a failure (RFC 4271 AllowAutomaticStart). Default true. */
  readonly restart?: boolean;
  /** Pause between connection attempts, and how long one attempt may take. Default 30. */
  readonly connectRetry?: number;
  /** How long to wait for the peer's OPEN (RFC 4271: "large value"). Default 240. */
  readonly openHold?: number;
  /** First and longest stay in Idle after a failure; it doubles in between. Defaults 1 and 60. */
  readonly idleHold?: number;
  readonly idleHoldMax?: number;
  /** Longest time that `read-paused` can keep the hold timer stopped. Default 600. */
  readonly maxReadPause?: number;
  /** Factor 0.75..1 on the keepalive, connect-retry and idle-hold timers (RFC 4271 section 10). Default 1. */
  readonly jitter?: number;
}

export const SESSION_DEFAULTS = {
  passive: false,
  waitForPeerOpen: false,
  restart: true,
  connectRetry: 30,
  openHold: 240,
  idleHold: 1,
  idleHoldMax: 60,
  maxReadPause: 600,
  jitter: 1,
} as const;

/** What both OPEN messages together allow. */
export interface Negotiated {
  readonly peerAs: number;
  /** Dotted. */
  readonly peerRouterId: string;
  /** Smaller of the two proposals, seconds; 0 = no hold timer and no keepalives. */
  readonly holdTime: number;
  /** Seconds between keepalives (hold time / 3); 0 = none. */
  readonly keepalive: number;
  /** Bitmask (1 << Family) of the address families both sides offer. */
  readonly families: number;
  /** Both sides have 4-byte AS numbers (RFC 6793). */
  readonly as4: boolean;
  readonly routeRefresh: boolean;
  /** Messages up to 65535 bytes in both directions (RFC 8654). */
  readonly extendedMessage: boolean;
  /** What the peer says about graceful restart (RFC 4724), if both sides do; then it may keep our routes while we restart. */
  readonly gracefulRestart: GracefulRestart | undefined;
  readonly peerOpen: OpenMessage;
  /** Both OPENs as they were on the wire, headers included; set once the session is established. */
  readonly opens?: { readonly sent: Uint8Array; readonly received: Uint8Array };
}

export type SessionEvent =
  /** Operator or owner wants the session. Ends an idle-hold at once; ignored outside Idle. */
  | { readonly kind: 'start' }
  /**
   * CEASE with `subcode` (RFC 4486; text for 2 and 4 per RFC 9003) to every connection, then Idle until `start`. With `keepRoutes`
   * a connection on which graceful restart may be agreed ends without a word, for a NOTIFICATION would have the peer drop our routes.
   */
  | { readonly kind: 'stop'; readonly subcode: number; readonly text?: string; readonly keepRoutes?: boolean }
  /** A peer's connection has been accepted by the listener; the answer is one effect `accept` or `refuse`. */
  | { readonly kind: 'incoming' }
  /** The connection asked for by effect `connect` is up, or could not be made. */
  | { readonly kind: 'connected'; readonly connection: ConnectionId }
  | { readonly kind: 'connect-failed'; readonly connection: ConnectionId; readonly reason: string }
  /** The transport ended: end of file, reset, time-out. */
  | { readonly kind: 'closed'; readonly connection: ConnectionId; readonly reason: string }
  /** One framed message, header included: buffer[start, end). */
  | {
      readonly kind: 'message';
      readonly connection: ConnectionId;
      readonly type: number;
      readonly buffer: Uint8Array;
      readonly start: number;
      readonly end: number;
    }
  /** The framer found a broken header (RFC 4271 section 6.1). */
  | { readonly kind: 'header-error'; readonly connection: ConnectionId; readonly error: BgpError }
  /** The owner judged a message to be worth a session reset (RFC 7606): send this NOTIFICATION and drop. */
  | { readonly kind: 'reset'; readonly error: BgpError }
  /** Time has come to `deadline()`. Harmless when early. */
  | { readonly kind: 'timer' }
  /** The owner deliberately does not read: the hold timer stands still (at most `maxReadPause`), or runs again in full. */
  | { readonly kind: 'read-paused' }
  | { readonly kind: 'read-resumed' }
  /** The established connection's output has begun to wait for the peer, or has moved on (RFC 9687). */
  | { readonly kind: 'send-blocked' }
  | { readonly kind: 'send-progress' };

/** Why a connection or a session ended. */
export interface DownReason {
  /** Who said so: we sent a NOTIFICATION, the peer did, or the transport broke without one. */
  readonly origin: 'sent' | 'received' | 'transport';
  /** NOTIFICATION code and subcode; 0/0 for `transport`. */
  readonly code: number;
  readonly subcode: number;
  /** NOTIFICATION data as sent or received (empty for `transport`). */
  readonly data: Uint8Array;
  /** One line for people. */
  readonly text: string;
}

export type SessionEffect =
  /** Open a connection to the peer; answer with `connected` or `connect-failed`. */
  | { readonly kind: 'connect'; readonly connection: ConnectionId }
  /** Answers to `incoming`: keep it under this id, or close it (after writing `bytes`, when there are any). */
  | { readonly kind: 'accept'; readonly connection: ConnectionId }
  | { readonly kind: 'refuse'; readonly reason: string; readonly bytes?: Uint8Array }
  /** Write one whole message, before any bulk output that waits. */
  | { readonly kind: 'send'; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** Flush what was sent, then close. No event about this connection is looked at from here on. */
  | { readonly kind: 'close'; readonly connection: ConnectionId; readonly reason: DownReason }
  | { readonly kind: 'state'; readonly from: SessionState; readonly to: SessionState }
  | { readonly kind: 'established'; readonly connection: ConnectionId; readonly negotiated: Negotiated }
  /** The established session is over. Comes before its `close`. */
  | { readonly kind: 'down'; readonly reason: DownReason }
  /** An attempt ended before it was established, and no other connection is left. */
  | { readonly kind: 'attempt-failed'; readonly reason: DownReason };
