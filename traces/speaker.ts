// A BGP speaker with one neighbour: the session machine of session/ on a TCP socket and a timer. Sends prepared messages with back-pressure and
// hands received ones on. Keeps no routes (collector.ts does) and does not decide what to send (replay.ts does).
import net from 'node:net';
import { makeCapabilities } from '../wire/bgp/capabilities.js';
import { MessageFramer } from '../wire/bgp/framing.js';
import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH, MessageType } from '../wire/bgp/message.js';
import { notificationName } from '../wire/bgp/notification.js';
import { ALL_FAMILIES } from '../wire/family.js';
import { formatEndpoint } from '../wire/ip.js';
import { SessionFsm, type DownReason, type Negotiated, type SessionEffect } from '../session/fsm.js';

export interface SpeakerOptions {
  /** Address of the other side. */
  readonly host: string;
  /** Default 179. */
  readonly port?: number;
  /** Source address of the connection; default: the system's choice. */
  readonly localAddress?: string;
  readonly as: number;
  /** The AS the other side must have; undefined accepts any. */
  readonly peerAs?: number;
  /** BGP identifier, dotted. */
  readonly routerId: string;
  /** Families to offer, a bitmask. Default both. */
  readonly families?: number;
  /** Proposed hold time in seconds, 0 or 3..65535. Default 90. */
  readonly holdTime?: number;
  /** How long to keep trying until the session is established, in seconds. Default 10. */
  readonly patience?: number;
  readonly extendedMessage?: boolean;
  /** Each UPDATE received, header included; valid during the call. */
  readonly onUpdate?: (buf: Uint8Array, start: number, end: number) => void;
}

/** A session that could not be established or that ended; the message is meant for the user. */
export class SpeakerError extends Error {
  readonly reason: DownReason | undefined;
  constructor(message: string, reason?: DownReason) {
    super(message);
    this.name = 'SpeakerError';
    this.reason = reason;
  }
}

/** Bytes that may wait in the socket before send() asks for a pause: small, so that keepalives do not wait long. */
const HIGH_WATER = 1 << 18;
const RETRY_MS = 200;
const CLOSE_MS = 1000;
const CEASE = 6;
const ADMINISTRATIVE_SHUTDOWN = 2;

/** "received NOTIFICATION OPEN Message Error/Bad Peer AS" and the like. */
export function describeDown({ origin, code, subcode, text }: DownReason): string {
  if (origin === 'transport') return text;
  const name = notificationName(code, subcode);
  const detail = text === '' || text.includes(name) ? '' : ` (${text})`;
  return `${origin} NOTIFICATION ${name}${detail}`;
}

export class Speaker {
  readonly options: SpeakerOptions;
  /** Settles when the established session ends, with why; never rejects. */
  readonly ended: Promise<DownReason>;
  negotiated: Negotiated | undefined;
  received = 0;
  sentBytes = 0;
  #fsm: SessionFsm | undefined;
  #socket: net.Socket | undefined;
  #connection = 0;
  #framer = new MessageFramer();
  #timer: NodeJS.Timeout | undefined;
  #end: (reason: DownReason) => void = () => undefined;
  #onAttempt: (result: Negotiated | DownReason) => void = () => undefined;
  #wake: (() => void)[] = [];
  #stopping = false;

  constructor(options: SpeakerOptions) {
    this.options = options;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  get established(): boolean {
    return this.negotiated !== undefined;
  }

  /** Own address of the connection; undefined before there is one. */
  get localAddress(): string | undefined {
    return this.#socket?.localAddress ?? this.options.localAddress;
  }

  /** "10.0.1.1:179" */
  get target(): string {
    const { host, port = 179 } = this.options;
    return formatEndpoint(host, port);
  }

  /**
   * Connects and brings the session up. A refused connection and a Cease are tried again until the patience is used up; a NOTIFICATION that
   * says that the two sides do not agree is final. Throws SpeakerError.
   */
  async connect(): Promise<Negotiated> {
    const deadline = performance.now() + (this.options.patience ?? 10) * 1000;
    for (;;) {
      const result = await this.#attempt();
      if ('peerOpen' in result) return result;
      const final = result.origin !== 'transport' && result.code !== CEASE;
      if (final || this.#stopping || performance.now() >= deadline) {
        throw new SpeakerError(`no session with ${this.target}: ${describeDown(result)}`, result);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (this.#stopping) throw new SpeakerError(`no session with ${this.target}: stopped while connecting`);
    }
  }

  /** Queues whole messages. False: wait for drained() before sending more. The bytes must not be changed afterwards. */
  send(bytes: Uint8Array): boolean {
    if (this.#socket === undefined || !this.established) return true;
    this.sentBytes += bytes.length;
    // Not every write that has to wait is followed by a 'drain': only those beyond the stream's own, smaller mark.
    this.#socket.write(bytes, () => this.#wakeAll());
    if (this.#socket.writableLength < HIGH_WATER) return true;
    this.#handle({ kind: 'send-blocked' });
    return false;
  }

  /** Resolves when the other side has taken what was queued, or when the session is over. */
  async drained(): Promise<void> {
    while (this.established && (this.#socket?.writableLength ?? 0) >= HIGH_WATER) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Resolves when everything queued has been handed to the kernel, or the session is over. */
  async flushed(): Promise<void> {
    while (this.established && (this.#socket?.writableLength ?? 0) > 0) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Ends the session with Cease/Administrative Shutdown and closes the connection. */
  async stop(text?: string): Promise<void> {
    this.#stopping = true;
    const socket = this.#socket;
    this.#handle({ kind: 'stop', subcode: ADMINISTRATIVE_SHUTDOWN, text });
    if (socket === undefined || socket.destroyed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await closed;
  }

  async #attempt(): Promise<Negotiated | DownReason> {
    const { as, peerAs, routerId, families = ALL_FAMILIES, holdTime = 90, extendedMessage = false } = this.options;
    // Route refresh is not offered: what was sent is not kept, so it could not be sent again.
    const capabilities = makeCapabilities({ families, as, extendedMessage });
    const patience = Math.max(1, this.options.patience ?? 10);
    this.#fsm = new SessionFsm({
      localAs: as,
      routerId,
      peerAs,
      holdTime,
      capabilities,
      restart: false,
      connectRetry: patience,
      openHold: Math.max(10, patience),
    });
    const settled = new Promise<Negotiated | DownReason>((resolve) => (this.#onAttempt = resolve));
    this.#handle({ kind: 'start' });
    return settled;
  }

  #handle(event: Parameters<SessionFsm['handle']>[0]): void {
    const fsm = this.#fsm;
    if (fsm === undefined) return;
    for (const effect of fsm.handle(event, performance.now())) this.#carryOut(effect);
    clearTimeout(this.#timer);
    const deadline = fsm.deadline();
    if (deadline === Infinity) return;
    this.#timer = setTimeout(() => this.#handle({ kind: 'timer' }), Math.max(0, deadline - performance.now()));
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'connect':
        return this.#open(effect.connection);
      case 'send':
        this.#socket?.write(effect.bytes);
        return;
      case 'established':
        this.negotiated = effect.negotiated;
        this.#framer.setMaxLength(effect.negotiated.extendedMessage ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH);
        return this.#onAttempt(effect.negotiated);
      case 'down':
        this.negotiated = undefined;
        this.#end(effect.reason);
        return this.#wakeAll();
      case 'close':
        this.#close();
        return this.#onAttempt(effect.reason);
      default:
    }
  }

  /** Sends what is queued and closes; a peer that does not read cannot hold that up for long. */
  #close(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.connecting) socket.destroy();
    else socket.end();
    setTimeout(() => socket.destroy(), CLOSE_MS).unref();
  }

  #open(connection: number): void {
    const { host, port = 179, localAddress } = this.options;
    const socket = net.connect({ host, port, localAddress, noDelay: true });
    this.#socket = socket;
    this.#connection = connection;
    this.#framer = new MessageFramer();
    let up = false;
    let trouble = 'the other side closed the connection';
    socket.on('connect', () => {
      up = true;
      this.#handle({ kind: 'connected', connection });
    });
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('drain', () => {
      this.#handle({ kind: 'send-progress' });
      this.#wakeAll();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (trouble = explain(error)));
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.#handle(
        up ? { kind: 'closed', connection, reason: trouble } : { kind: 'connect-failed', connection, reason: trouble },
      );
      this.#wakeAll();
    });
  }

  #read(chunk: Uint8Array): void {
    const framer = this.#framer;
    const fsm = this.#fsm!;
    const now = performance.now();
    framer.push(chunk);
    while (framer.next()) {
      const { buffer, start, end, type } = framer;
      this.received++;
      if (!fsm.noteMessage(this.#connection, type, now)) {
        this.#handle({ kind: 'message', connection: this.#connection, type, buffer, start, end });
      } else if (type === MessageType.UPDATE) this.options.onUpdate?.(buffer, start, end);
    }
    if (framer.error) this.#handle({ kind: 'header-error', connection: this.#connection, error: framer.error });
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

function explain(error: NodeJS.ErrnoException): string {
  const words: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'the other side reset the connection',
    EPIPE: 'the other side closed the connection',
    ETIMEDOUT: 'no answer',
    EHOSTUNREACH: 'no route to that host',
    ENETUNREACH: 'no route to that network',
    EADDRNOTAVAIL: 'the local address is not an address of this machine',
    EADDRINUSE: 'the local address and port are in use',
  };
  return words[error.code ?? ''] ?? error.message;
}
