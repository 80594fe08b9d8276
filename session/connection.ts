// One transport connection inside the session state machine: its phase and its two timers as numbers.
// Owns no decisions; those are fsm.ts.
import type { GracefulRestart } from '../wire/bgp/graceful-restart.js';
import type { ConnectionId, Negotiated, SessionState } from './types.js';

/** `connecting`: no transport yet. `awaiting`: transport up, nothing said, the peer speaks first. Then as in RFC 4271. */
export type Phase = 'connecting' | 'awaiting' | 'OpenSent' | 'OpenConfirm' | 'Established';

export class Connection {
  readonly id: ConnectionId;
  /** We opened it (true) or the peer did. */
  readonly own: boolean;
  phase: Phase;
  negotiated: Negotiated | undefined;
  /** What our OPEN on it says about graceful restart. */
  restart: GracefulRestart | undefined;
  /** Milliseconds; when the peer (or the network) has been silent for too long. */
  holdDeadline = Infinity;
  keepaliveDeadline = Infinity;
  /** When the established connection's output stands still for too long. */
  sendDeadline = Infinity;
  readPaused = false;

  constructor(id: ConnectionId, own: boolean, phase: Phase, holdDeadline: number) {
    this.id = id;
    this.own = own;
    this.phase = phase;
    this.holdDeadline = holdDeadline;
  }

  /** The state of RFC 4271 that this connection's own machine would be in. */
  get state(): SessionState {
    if (this.phase === 'connecting') return 'Connect';
    if (this.phase === 'awaiting') return this.own ? 'Connect' : 'Active';
    return this.phase;
  }

  get deadline(): number {
    return Math.min(this.holdDeadline, this.keepaliveDeadline, this.sendDeadline);
  }
}

const ORDER: readonly SessionState[] = ['Idle', 'Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established'];

/** The further of two states; a session shows the furthest of its connections. */
export function furthest(a: SessionState, b: SessionState): SessionState {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}
