// The BGP session state machine of RFC 4271 section 8, as a value: events and the time go in, effects come out.
// Owns the states, the timers as numbers, up to two connections and their collision (section 6.8), the OPEN exchange and
// every NOTIFICATION of the session. Leaves sockets, framing, real timers, UPDATE judgement and logging to its owner.
//
// How an owner runs it:
//
//   const fsm = new SessionFsm(config);
//   run(fsm.handle({ kind: 'start' }, now));            // carry out the returned effects, in order
//
//   - `now` is milliseconds of a monotonic clock, never smaller than in the call before.
//   - Effect `connect`: open a TCP connection, then handle `connected` or `connect-failed` with the same id.
//   - A peer's connection: handle `incoming`; among the effects is exactly one `accept` (gives it its id) or `refuse`.
//   - Each framed message: on the hot path `fsm.noteMessage(connection, type, now)` first. True: the session is
//     established on this connection and the message (UPDATE, KEEPALIVE, ROUTE-REFRESH) is in order; the hold timer has
//     been restarted, nothing was allocated, UPDATE and ROUTE-REFRESH are the owner's to read. False: handle `message`.
//   - A broken header: handle `header-error`. An UPDATE that RFC 7606 wants a reset for: handle `reset`.
//   - Arm one timer for `fsm.deadline()` (Infinity = none) after each `handle`; when it fires, handle `timer`. noteMessage
//     only ever moves the deadline later, so it needs no re-arming. Before handling `timer` after a stall, read what the
//     kernel has already received, or a live peer is declared dead.
//   - Do not handle an event from inside the execution of an effect's list: finish the list first.
//   - After `close` for a connection nothing about it needs to be reported; late reports are ignored.
//
// `established` is followed by exactly one `down`. An attempt that gets no further ends in one `attempt-failed`, unless `stop`
// ended it. After a fault the session waits in Idle with a back-off and refuses connections; after a CEASE of the peer or a
// lost transport it accepts again at once.
import { bgpError, ErrorCode, isBgpError } from '../wire/bgp/error.js';
import type { BgpError } from '../wire/bgp/error.js';
import { KEEPALIVE, MessageType, messageTypeName } from '../wire/bgp/message.js';
import {
  CeaseSubcode,
  decodeNotification,
  encodeNotification,
  encodeShutdownCommunication,
} from '../wire/bgp/notification.js';
import { decodeOpen } from '../wire/bgp/open.js';
import { Connection, furthest } from './connection.js';
import { keepsOwnConnection, negotiate, ownOpen } from './open-exchange.js';
import { receivedReason, sentReason, transportReason } from './reasons.js';
import { SESSION_DEFAULTS } from './types.js';
import type {
  ConnectionId,
  DownReason,
  Negotiated,
  SessionConfig,
  SessionEffect,
  SessionEvent,
  SessionState,
} from './types.js';

export * from './types.js';

type Message = Extract<SessionEvent, { kind: 'message' }>;

const SECOND = 1000;
/** RFC 9687: eight minutes, or twice the hold time when that is longer. */
const SEND_HOLD = 480;
const SEND_HOLD_TIMER_EXPIRED = 8;
const BAD_MESSAGE_TYPE = 3;
/** Subcodes of the finite state machine error (RFC 6608). */
const FSM_SUBCODE = { connecting: 0, awaiting: 0, OpenSent: 1, OpenConfirm: 2, Established: 3 } as const;

export class SessionFsm {
  private readonly config: SessionConfig & typeof SESSION_DEFAULTS;
  private connections: Connection[] = [];
  /** The one established connection; kept apart for the hot path. */
  private live: Connection | undefined;
  private running = false;
  private lastId = 0;
  private connectDeadline = Infinity;
  private idleDeadline = Infinity;
  /** Failures in a row, for the back-off in Idle. */
  private failures = 0;
  private establishedAt = 0;
  private now = 0;
  private effects: SessionEffect[] = [];

  constructor(config: SessionConfig) {
    // An option given as undefined means its default too.
    const given = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
    this.config = { ...SESSION_DEFAULTS, ...(given as unknown as SessionConfig) } as typeof this.config;
  }

  get state(): SessionState {
    if (!this.running) return 'Idle';
    return this.connections.reduce<SessionState>((state, c) => furthest(state, c.state), 'Active');
  }

  /** What the established session agreed on; undefined in every other state. */
  get negotiated(): Negotiated | undefined {
    return this.live?.negotiated;
  }

  /** When `timer` has to be handled, in milliseconds of the owner's clock; Infinity = no timer runs. */
  deadline(): number {
    let deadline = Math.min(this.connectDeadline, this.idleDeadline);
    for (const connection of this.connections) deadline = Math.min(deadline, connection.deadline);
    return deadline;
  }

  /** See the head of the file. Allocates nothing. */
  noteMessage(connection: ConnectionId, type: number, now: number): boolean {
    const live = this.live;
    if (live === undefined || live.id !== connection) return false;
    if (type !== MessageType.UPDATE && type !== MessageType.KEEPALIVE && type !== MessageType.ROUTE_REFRESH) {
      return false;
    }
    // While reading is paused the deadline already lies further in the future.
    if (live.holdDeadline !== Infinity && !live.readPaused) live.holdDeadline = now + this.holdMs(live);
    return true;
  }

  /** One event; returns what its owner has to do, in this order. Never throws on anything a peer can send. */
  handle(event: SessionEvent, now: number): SessionEffect[] {
    this.effects = [];
    this.now = now;
    const from = this.state;
    this.dispatch(event);
    const to = this.state;
    if (from !== to) this.effects.push({ kind: 'state', from, to });
    return this.effects;
  }

  private dispatch(event: SessionEvent): void {
    switch (event.kind) {
      case 'start':
        if (!this.running) this.begin();
        return;
      case 'stop':
        return this.stop(event.subcode, event.text, event.keepRoutes ?? false);
      case 'incoming':
        return this.incoming();
      case 'timer':
        return this.timers();
      case 'reset':
        if (this.live) this.fail(this.live, event.error);
        return;
      case 'read-paused':
      case 'read-resumed':
        return this.readPaused(event.kind === 'read-paused');
      case 'send-blocked':
      case 'send-progress':
        return this.sendBlocked(event.kind === 'send-blocked');
      default: {
        const connection = this.connections.find(({ id }) => id === event.connection);
        if (connection) this.connectionEvent(connection, event);
      }
    }
  }

  private connectionEvent(connection: Connection, event: Extract<SessionEvent, { connection: ConnectionId }>): void {
    if (event.kind === 'connected') {
      if (connection.phase === 'connecting') this.transportUp(connection);
    } else if (event.kind === 'connect-failed' || event.kind === 'closed') {
      this.drop(connection, transportReason(event.reason), true);
    } else if (connection.phase === 'connecting') {
      return; // nothing can have come in yet
    } else if (event.kind === 'header-error') {
      this.fail(connection, event.error);
    } else {
      this.message(connection, event);
    }
  }

  // --- starting, stopping, accepting -----------------------------------------------------------------------------

  private begin(): void {
    this.running = true;
    this.idleDeadline = Infinity;
    if (!this.config.passive) this.connect();
  }

  private connect(): void {
    this.connectDeadline = Infinity;
    const connection = new Connection(++this.lastId, true, 'connecting', this.now + this.retryMs());
    this.connections.push(connection);
    this.effects.push({ kind: 'connect', connection: connection.id });
  }

  private stop(subcode: number, text: string | undefined, keepRoutes: boolean): void {
    const speaks = subcode === CeaseSubcode.ADMINISTRATIVE_SHUTDOWN || subcode === CeaseSubcode.ADMINISTRATIVE_RESET;
    const data = speaks && text ? encodeShutdownCommunication(text) : undefined;
    const error = bgpError(ErrorCode.CEASE, subcode, text ?? '', data);
    // Idle first: no connection's end may start a back-off or another attempt.
    this.running = false;
    this.idleDeadline = Infinity;
    this.connectDeadline = Infinity;
    this.failures = 0;
    for (const connection of [...this.connections]) {
      const { restart, negotiated } = connection;
      const silent = keepRoutes && restart !== undefined && (!negotiated || negotiated.gracefulRestart !== undefined);
      if (silent) this.drop(connection, transportReason('ended for a graceful restart'), false);
      else this.fail(connection, error);
    }
  }

  private incoming(): void {
    const older = this.connections.find(({ own }) => !own);
    const settled = this.live ?? (older?.phase === 'OpenConfirm' ? older : undefined);
    if (!this.running) return this.refuse(CeaseSubcode.CONNECTION_REJECTED, 'the session is idle');
    if (settled) return this.refuse(CeaseSubcode.CONNECTION_COLLISION, `connection ${settled.id} is in use`);
    const connection = new Connection(++this.lastId, false, 'connecting', Infinity);
    this.connections.push(connection);
    // A peer that connects again before it sent an OPEN has given its older connection up.
    if (older) this.fail(older, collision('the peer has connected again'));
    this.effects.push({ kind: 'accept', connection: connection.id });
    this.transportUp(connection);
  }

  private refuse(subcode: number, reason: string): void {
    const bytes = encodeNotification(bgpError(ErrorCode.CEASE, subcode, reason));
    this.effects.push({ kind: 'refuse', reason, bytes });
  }

  private transportUp(connection: Connection): void {
    connection.phase = 'awaiting';
    connection.holdDeadline = this.now + this.config.openHold * SECOND;
    connection.restart = this.config.gracefulRestart?.();
    if (!this.config.waitForPeerOpen) this.sendOpen(connection);
  }

  private sendOpen(connection: Connection): void {
    connection.phase = 'OpenSent';
    const bytes = ownOpen(this.config, connection.restart);
    this.effects.push({ kind: 'send', connection: connection.id, bytes });
  }

  // --- messages --------------------------------------------------------------------------------------------------

  private message(connection: Connection, event: Message): void {
    const { type, buffer, start, end } = event;
    if (type === MessageType.NOTIFICATION) {
      const notification = decodeNotification(buffer, start, end);
      const reason = isBgpError(notification) ? transportReason(notification.reason) : receivedReason(notification);
      this.drop(connection, reason, false);
    } else if (type < MessageType.OPEN || type > MessageType.ROUTE_REFRESH) {
      const data = Uint8Array.of(type);
      this.fail(connection, bgpError(ErrorCode.MESSAGE_HEADER, BAD_MESSAGE_TYPE, `message type ${type}`, data));
    } else if (this.noteMessage(connection.id, type, this.now)) {
      return;
    } else if (type === MessageType.OPEN && (connection.phase === 'OpenSent' || connection.phase === 'awaiting')) {
      this.openReceived(connection, buffer, start, end);
    } else if (type === MessageType.KEEPALIVE && connection.phase === 'OpenConfirm') {
      this.establish(connection);
    } else {
      const reason = `${messageTypeName(type)} in state ${connection.state}`;
      const error = bgpError(ErrorCode.FSM, FSM_SUBCODE[connection.phase], reason, Uint8Array.of(type));
      this.fail(connection, error);
    }
  }

  private openReceived(connection: Connection, buffer: Uint8Array, start: number, end: number): void {
    const open = decodeOpen(buffer, start, end);
    const negotiated = isBgpError(open) ? open : negotiate(this.config, connection.restart, open);
    if (isBgpError(negotiated)) return this.fail(connection, negotiated);
    if (!this.winsCollision(connection, negotiated)) return;
    const opens = { sent: ownOpen(this.config, connection.restart), received: buffer.slice(start, end) };
    connection.negotiated = { ...negotiated, opens };
    if (connection.phase === 'awaiting') this.sendOpen(connection);
    connection.phase = 'OpenConfirm';
    this.connectDeadline = Infinity;
    connection.holdDeadline = this.now + this.holdMs(connection);
    this.keepalive(connection);
  }

  /** RFC 4271 section 6.8 on receipt of an OPEN. False: this connection was closed. */
  private winsCollision(connection: Connection, { peerOpen }: Negotiated): boolean {
    for (const other of [...this.connections]) {
      if (other === connection) continue;
      if (other.phase === 'connecting') {
        this.drop(other, transportReason('another connection is further'), false);
      } else if (other.phase === 'OpenConfirm' && keepsOwnConnection(this.config, peerOpen) === connection.own) {
        this.fail(other, collision(`connection ${connection.id} wins`));
      } else if (other.phase === 'OpenConfirm') {
        this.fail(connection, collision(`connection ${other.id} wins`));
        return false;
      }
    }
    return true;
  }

  private establish(connection: Connection): void {
    for (const other of [...this.connections]) {
      if (other !== connection) this.fail(other, collision(`connection ${connection.id} is established`));
    }
    connection.phase = 'Established';
    this.live = connection;
    this.establishedAt = this.now;
    connection.holdDeadline = this.now + this.holdMs(connection);
    const negotiated = connection.negotiated as Negotiated;
    this.effects.push({ kind: 'established', connection: connection.id, negotiated });
  }

  private keepalive(connection: Connection): void {
    this.effects.push({ kind: 'send', connection: connection.id, bytes: KEEPALIVE });
    const interval = (connection.negotiated?.keepalive ?? 0) * this.config.jitter * SECOND;
    connection.keepaliveDeadline = interval === 0 ? Infinity : this.now + interval;
  }

  // --- timers ----------------------------------------------------------------------------------------------------

  private timers(): void {
    const { now } = this;
    if (now >= this.idleDeadline) this.begin();
    for (const connection of [...this.connections]) {
      if (now >= connection.holdDeadline) {
        this.holdExpired(connection);
      } else if (now >= connection.sendDeadline) {
        this.fail(connection, bgpError(SEND_HOLD_TIMER_EXPIRED, 0, 'the peer has not read for too long'));
      } else if (now >= connection.keepaliveDeadline) {
        this.keepalive(connection);
      }
    }
    if (now >= this.connectDeadline) this.connect();
  }

  private holdExpired(connection: Connection): void {
    if (connection.phase === 'connecting') {
      // RFC 4271, Connect state, event 9: give this attempt up and make another at once.
      this.drop(connection, transportReason('connecting takes too long'), true);
      if (this.connectDeadline !== Infinity) this.connectDeadline = this.now;
      return;
    }
    const silent = connection.negotiated ? 'the peer has been silent' : 'the peer has not sent an OPEN';
    this.fail(connection, bgpError(ErrorCode.HOLD_TIMER_EXPIRED, 0, silent));
  }

  private readPaused(paused: boolean): void {
    const { live } = this;
    if (!live || live.readPaused === paused) return;
    live.readPaused = paused;
    const longest = paused ? this.config.maxReadPause * SECOND : 0;
    live.holdDeadline = this.now + this.holdMs(live) + longest;
  }

  private sendBlocked(blocked: boolean): void {
    const { live } = this;
    if (!live) return;
    const hold = live.negotiated?.holdTime ?? 0;
    const runs = blocked && hold !== 0;
    live.sendDeadline = runs ? this.now + Math.max(SEND_HOLD, 2 * hold) * SECOND : Infinity;
  }

  /** The hold time in milliseconds, Infinity for none. */
  private holdMs(connection: Connection): number {
    const hold = connection.negotiated?.holdTime ?? 0;
    return hold === 0 ? Infinity : hold * SECOND;
  }

  private retryMs(): number {
    return this.config.connectRetry * this.config.jitter * SECOND;
  }

  // --- endings ---------------------------------------------------------------------------------------------------

  /** Ends a connection with a NOTIFICATION of ours. */
  private fail(connection: Connection, error: BgpError): void {
    if (connection.phase !== 'connecting') {
      this.effects.push({ kind: 'send', connection: connection.id, bytes: encodeNotification(error) });
    }
    this.drop(connection, sentReason(error), false);
  }

  /** `lost`: the transport ended by itself, which before OpenConfirm is no failure of the session (RFC 4271 event 18). */
  private drop(connection: Connection, reason: DownReason, lost: boolean): void {
    this.connections = this.connections.filter((other) => other !== connection);
    const wasLive = connection === this.live;
    if (wasLive) {
      this.live = undefined;
      this.effects.push({ kind: 'down', reason });
    }
    this.effects.push({ kind: 'close', connection: connection.id, reason });
    if (!this.running) return;
    const unopened = lost && connection.negotiated === undefined && this.config.restart;
    if (unopened && connection.own && !this.connections.some(({ negotiated }) => negotiated)) this.retryLater();
    if (this.connections.length > 0) return;
    if (!wasLive) this.effects.push({ kind: 'attempt-failed', reason });
    if (!unopened) this.afterSession(reason, wasLive);
    else if (!this.config.passive) this.retryLater();
  }

  private retryLater(): void {
    if (this.connectDeadline === Infinity) this.connectDeadline = this.now + this.retryMs();
  }

  /** The last connection got as far as an OPEN or a NOTIFICATION, and ended. */
  private afterSession(reason: DownReason, wasLive: boolean): void {
    const { restart, idleHold, idleHoldMax, jitter, passive } = this.config;
    // A session that stood for longer than the longest back-off was a good one.
    if (wasLive && this.now - this.establishedAt >= idleHoldMax * SECOND) this.failures = 0;
    const fault = reason.origin === 'sent' || (reason.origin === 'received' && reason.code !== ErrorCode.CEASE);
    if (restart && !fault) {
      // A peer that restarts is welcome back at once: a refusal would only start the back-off at its end.
      this.connectDeadline = passive ? Infinity : this.now + idleHold * jitter * SECOND;
      return;
    }
    this.running = false;
    this.connectDeadline = Infinity;
    const hold = Math.min(idleHold * 2 ** this.failures, idleHoldMax);
    this.failures = Math.min(this.failures + 1, 30);
    if (restart) this.idleDeadline = this.now + hold * jitter * SECOND;
  }
}

function collision(reason: string): BgpError {
  return bgpError(ErrorCode.CEASE, CeaseSubcode.CONNECTION_COLLISION, reason);
}
