// Runs the pure session state machine over real sockets and a real timer, for neighbours and replicas alike.
// Owns carrying out its effects, one timer, the traffic counters and the callbacks. Leaves where connections come from to the
// transport it is given, and what UPDATEs mean to its owner.
import type net from 'node:net';
import type { BgpError } from '../../wire/bgp/error.js';
import { isBgpError } from '../../wire/bgp/error.js';
import type { HeaderError } from '../../wire/bgp/framing.js';
import { MessageType } from '../../wire/bgp/message.js';
import { decodeRouteRefresh } from '../../wire/bgp/route-refresh.js';
import type { Family } from '../../wire/family.js';
import { SessionFsm } from '../../session/fsm.js';
import type {
  ConnectionId,
  DownReason,
  Negotiated,
  SessionConfig,
  SessionEffect,
  SessionEvent,
  SessionState,
} from '../../session/fsm.js';
import { now } from '../clock.js';
import { BgpStream } from './bgp-stream.js';
import { countMessages, MessageCounters, type NotificationCount } from './message-counters.js';

export interface SessionCallbacks {
  onEstablished(negotiated: Negotiated): void;
  /** The established session is over; its output queue is gone. */
  onDown(reason: DownReason): void;
  /** One UPDATE message, header included: bytes start..end, valid during the call only. */
  onUpdate(buffer: Uint8Array, start: number, end: number): void;
  /** The peer wants the routes of a family again (RFC 2918); only when that was negotiated. */
  onRouteRefresh(family: Family): void;
  /** All that was written has gone to the kernel: the time to write more. */
  onWritable(): void;
  onState?(from: SessionState, to: SessionState): void;
  /** An attempt ended before it was established. */
  onAttemptFailed?(reason: DownReason): void;
}

export interface RunnerOptions {
  session: SessionConfig;
  /** Starts an outgoing connection; the socket must still be connecting, or connected already. May throw. */
  connect(): net.Socket;
  callbacks: SessionCallbacks;
  /** Output queue in user space, bytes. Default 256 KiB. */
  queueBytes?: number;
}

export interface SessionInfo {
  state: SessionState;
  /** Milliseconds since the session was established; undefined when it is not. */
  uptime: number | undefined;
  /** How often it was established. */
  establishments: number;
  /** Changes of state since the start: `from to`, and how often. */
  transitions: ReadonlyMap<string, number>;
  /** Messages of all types. */
  messagesIn: number;
  messagesOut: number;
  /** By type: `open`, `update`, `notification`, `keepalive`, `route-refresh`. */
  received: Readonly<Record<string, number>>;
  sent: Readonly<Record<string, number>>;
  notificationsReceived: readonly NotificationCount[];
  notificationsSent: readonly NotificationCount[];
  lastError: string | undefined;
  negotiated: Negotiated | undefined;
}

export class SessionRunner {
  private readonly fsm: SessionFsm;
  private readonly options: RunnerOptions;
  private readonly callbacks: SessionCallbacks;
  private readonly streams = new Map<ConnectionId, BgpStream>();
  private readonly connecting = new Map<ConnectionId, net.Socket>();
  private readonly closing = new Set<Promise<void>>();
  private live: BgpStream | undefined;
  private offered: net.Socket | undefined;
  private readonly events: SessionEvent[] = [];
  private busy = false;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private establishedAt = 0;
  private establishments = 0;
  private readonly transitions = new Map<string, number>();
  private lastError: string | undefined;
  private readonly received = new MessageCounters();
  private readonly sent = new MessageCounters();

  constructor(options: RunnerOptions) {
    this.options = options;
    this.callbacks = options.callbacks;
    this.fsm = new SessionFsm(options.session);
  }

  get state(): SessionState {
    return this.fsm.state;
  }

  start(): void {
    this.handle({ kind: 'start' });
  }

  /**
   * CEASE with a subcode (RFC 4486; the text travels with 2 and 4), no new attempt; resolves when all sockets are closed. With
   * `keepRoutes` a peer that knows graceful restart hears nothing, so that it keeps our routes for a while.
   */
  async stop(subcode: number, text?: string, keepRoutes = false): Promise<void> {
    this.handle({ kind: 'stop', subcode, keepRoutes, ...(text === undefined ? {} : { text }) });
    await Promise.all(this.closing);
  }

  /** A peer's connection for this session. It is kept, or told why not and closed. */
  offer(socket: net.Socket): void {
    this.offered = socket;
    this.handle({ kind: 'incoming' });
  }

  /** See BgpStream.write. False without an established session. */
  write(bytes: Uint8Array): boolean {
    if (!this.live) return false;
    countMessages(bytes, this.sent);
    return this.live.write(bytes);
  }

  /** Room in the output queue, bytes; 0 without an established session. */
  writableBytes(): number {
    return this.live?.writableBytes() ?? 0;
  }

  /** Established, and the output queue has room. */
  get writable(): boolean {
    return this.writableBytes() > 0;
  }

  /** Bytes that were written and that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.live?.queuedBytes ?? 0;
  }

  pauseReading(): void {
    this.live?.pause();
    this.handle({ kind: 'read-paused' });
  }

  resumeReading(): void {
    this.live?.resume();
    this.handle({ kind: 'read-resumed' });
  }

  /** Sends the NOTIFICATION and drops the established session; it comes back by itself after its back-off. */
  resetWith(error: BgpError): void {
    this.handle({ kind: 'reset', error });
  }

  info(): SessionInfo {
    const { negotiated } = this.fsm;
    return {
      state: this.fsm.state,
      uptime: negotiated ? now() - this.establishedAt : undefined,
      establishments: this.establishments,
      transitions: this.transitions,
      messagesIn: this.received.total,
      messagesOut: this.sent.total,
      received: this.received.byName(),
      sent: this.sent.byName(),
      notificationsReceived: this.received.byCode(),
      notificationsSent: this.sent.byCode(),
      lastError: this.lastError,
      negotiated,
    };
  }

  // --- events into the machine -----------------------------------------------------------------------------------

  /** Events that arise while effects are carried out wait until these are done. */
  private handle(event: SessionEvent): void {
    this.events.push(event);
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next = this.events.shift(); next; next = this.events.shift()) {
        for (const effect of this.fsm.handle(next, now())) this.carryOut(effect);
      }
    } finally {
      this.busy = false;
    }
    this.arm();
  }

  private message(id: ConnectionId, type: number, buffer: Uint8Array, start: number, end: number): void {
    this.received.add(type, buffer, start);
    if (!this.fsm.noteMessage(id, type, now())) {
      this.handle({ kind: 'message', connection: id, type, buffer, start, end });
    } else if (type === MessageType.UPDATE) {
      this.callbacks.onUpdate(buffer, start, end);
    } else if (type === MessageType.ROUTE_REFRESH) {
      this.routeRefresh(buffer, start, end);
    }
  }

  private routeRefresh(buffer: Uint8Array, start: number, end: number): void {
    const negotiated = this.fsm.negotiated;
    const refresh = decodeRouteRefresh(buffer, start, end);
    // RFC 2918: one that was not negotiated, or for an unknown family, is ignored.
    if (!negotiated?.routeRefresh || isBgpError(refresh) || refresh.family === undefined || refresh.subtype !== 0) {
      return;
    }
    if ((negotiated.families & (1 << refresh.family)) !== 0) this.callbacks.onRouteRefresh(refresh.family);
  }

  private arm(): void {
    const deadline = this.fsm.deadline();
    // A timer that fires early does no harm; it looks again. One for nothing would keep an ended session in memory for minutes.
    if (deadline >= this.timerAt && deadline !== Infinity) return;
    clearTimeout(this.timer);
    this.timerAt = deadline;
    if (deadline === Infinity) return;
    this.timer = setTimeout(() => this.timerFired(), Math.max(0, Math.ceil(deadline - now())));
  }

  private timerFired(): void {
    // After a stall of this process the peer's messages wait in the kernel: the poll phase reads them before immediates run.
    setImmediate(() => {
      this.timerAt = Infinity;
      if (now() >= this.fsm.deadline()) this.handle({ kind: 'timer' });
      else this.arm();
    });
  }

  // --- effects out -----------------------------------------------------------------------------------------------

  private carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'connect':
        return this.connect(effect.connection);
      case 'accept':
        this.attach(effect.connection, this.offered as net.Socket);
        this.offered = undefined;
        return;
      case 'refuse':
        return this.refuse(effect.bytes);
      case 'send':
        countMessages(effect.bytes, this.sent);
        this.streams.get(effect.connection)?.writeUrgent(effect.bytes);
        return;
      case 'close':
        return this.close(effect.connection);
      case 'state':
        return this.stateChanged(effect.from, effect.to);
      case 'established':
        return this.established(effect.connection, effect.negotiated);
      case 'down':
        this.live = undefined;
        this.lastError = effect.reason.text;
        return this.callbacks.onDown(effect.reason);
      case 'attempt-failed':
        this.lastError = effect.reason.text;
        return this.callbacks.onAttemptFailed?.(effect.reason);
    }
  }

  private stateChanged(from: SessionState, to: SessionState): void {
    const key = `${from} ${to}`;
    this.transitions.set(key, (this.transitions.get(key) ?? 0) + 1);
    this.callbacks.onState?.(from, to);
  }

  private connect(connection: ConnectionId): void {
    let socket: net.Socket;
    try {
      socket = this.options.connect();
    } catch (error) {
      return this.handle({ kind: 'connect-failed', connection, reason: (error as Error).message });
    }
    if (!socket.connecting) return this.connected(connection, socket);
    this.connecting.set(connection, socket);
    const failed = (error: NodeJS.ErrnoException): void => {
      this.connecting.delete(connection);
      socket.destroy();
      this.handle({ kind: 'connect-failed', connection, reason: error.code ?? error.message });
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      this.connecting.delete(connection);
      this.connected(connection, socket);
    });
  }

  private connected(connection: ConnectionId, socket: net.Socket): void {
    this.attach(connection, socket);
    this.handle({ kind: 'connected', connection });
  }

  private attach(connection: ConnectionId, socket: net.Socket): void {
    const stream = new BgpStream(
      socket,
      {
        message: (type, buffer, start, end) => this.message(connection, type, buffer, start, end),
        headerError: (error: HeaderError) => this.handle({ kind: 'header-error', connection, error }),
        closed: (reason) => {
          this.streams.delete(connection);
          this.handle({ kind: 'closed', connection, reason });
        },
        writable: () => {
          if (this.live === stream) this.callbacks.onWritable();
        },
        blocked: (waiting) => {
          if (this.live === stream) this.handle({ kind: waiting ? 'send-blocked' : 'send-progress' });
        },
      },
      this.options.queueBytes,
    );
    this.streams.set(connection, stream);
  }

  private refuse(bytes: Uint8Array | undefined): void {
    const socket = this.offered as net.Socket;
    this.offered = undefined;
    const ignore = (): void => undefined;
    const stream = new BgpStream(socket, {
      message: ignore,
      headerError: ignore,
      closed: ignore,
      writable: ignore,
      blocked: ignore,
    });
    if (bytes) stream.writeUrgent(bytes);
    this.track(stream.end());
  }

  private close(connection: ConnectionId): void {
    const socket = this.connecting.get(connection);
    if (socket) {
      this.connecting.delete(connection);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
    }
    const stream = this.streams.get(connection);
    this.streams.delete(connection);
    if (stream) this.track(stream.end());
  }

  private track(closing: Promise<void>): void {
    this.closing.add(closing);
    void closing.then(() => this.closing.delete(closing));
  }

  private established(connection: ConnectionId, negotiated: Negotiated): void {
    this.live = this.streams.get(connection);
    if (negotiated.extendedMessage) this.live?.allowExtendedMessages();
    this.establishedAt = now();
    this.establishments++;
    this.callbacks.onEstablished(negotiated);
  }
}
