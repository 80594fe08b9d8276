// One TCP (or shim) connection as a stream of BGP messages: frames what comes in, queues what goes out.
// Owns the socket, the bounded output queue in which KEEPALIVE and NOTIFICATION overtake bulk, and closing in an orderly way.
// What the messages mean, and when to speak, belongs to session-runner.ts.
import type net from 'node:net';
import { MessageFramer } from '../../wire/bgp/framing.js';
import type { HeaderError } from '../../wire/bgp/framing.js';
import { MAX_EXTENDED_MESSAGE_LENGTH } from '../../wire/bgp/message.js';

export interface StreamHandlers {
  /** One whole message, bytes start..end of `buffer`, valid during the call. */
  message(type: number, buffer: Uint8Array, start: number, end: number): void;
  headerError(error: HeaderError): void;
  /** The other side, or the network, ended the connection. Not called after `end` or `destroy`. */
  closed(reason: string): void;
  /** Bulk output has all gone to the kernel: the time to write more. */
  writable(): void;
  /** Output has begun to wait for the peer (true), or moved on (false). */
  blocked(waiting: boolean): void;
}

export const DEFAULT_QUEUE_BYTES = 256 * 1024;
/** How long a closing connection may take to get its last words out and hear the other side's end. */
const LINGER_MS = 2000;
const FIRST_ARENA = 16 * 1024;

export class BgpStream {
  private readonly socket: net.Socket;
  private readonly handlers: StreamHandlers;
  private readonly queueBytes: number;
  private readonly framer = new MessageFramer();
  private readonly urgent: Uint8Array[] = [];
  // Bulk is copied into `filling`; while the kernel does not take `flying`, the two are different memory.
  private filling = new Uint8Array(FIRST_ARENA);
  private filled = 0;
  private flying = new Uint8Array(FIRST_ARENA);
  private inFlight = 0;
  private open = true;
  private askScheduled = false;
  private readonly gone: Promise<void>;

  constructor(socket: net.Socket, handlers: StreamHandlers, queueBytes = DEFAULT_QUEUE_BYTES) {
    this.socket = socket;
    this.handlers = handlers;
    this.queueBytes = queueBytes;
    this.gone = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('end', () => this.lost('the peer closed the connection'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.lost(error.code ?? error.message));
    socket.on('close', () => this.lost('connection closed'));
  }

  /** After the extended message capability was negotiated (RFC 8654). */
  allowExtendedMessages(): void {
    this.framer.setMaxLength(MAX_EXTENDED_MESSAGE_LENGTH);
  }

  /**
   * Queues whole messages; the bytes are copied. Returns false when the queue is full: write no more until `writable`.
   * What is written after that is still taken, so bound it by `writableBytes`.
   */
  write(bytes: Uint8Array): boolean {
    if (!this.open) return false;
    this.reserve(bytes.length);
    this.filling.set(bytes, this.filled);
    this.filled += bytes.length;
    this.flush();
    return this.writableBytes() > 0;
  }

  /** Room left in the queue, in bytes; 0 when it is full or the connection is closing. */
  writableBytes(): number {
    return this.open ? Math.max(0, this.queueBytes - this.queuedBytes) : 0;
  }

  /** Bytes that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.filled + this.inFlight;
  }

  /** Queues one message in front of all bulk that the kernel has not been given yet. */
  writeUrgent(bytes: Uint8Array): void {
    if (!this.open) return;
    // A KEEPALIVE that already waits says as much as two.
    if (!this.urgent.includes(bytes)) this.urgent.push(bytes);
    this.flush();
  }

  /** Stops reading; what has been read already (at most one chunk in the framer, one in the stream) still comes. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends urgent messages, drops bulk, closes; resolves when the socket is gone, after LINGER_MS at the latest. */
  end(): Promise<void> {
    if (!this.open) return this.gone;
    this.open = false;
    this.filled = 0;
    for (const bytes of this.urgent.splice(0)) this.socket.write(bytes);
    this.socket.end();
    // Unread input would turn our FIN into a reset, which can destroy the NOTIFICATION before it is read.
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.socket.once('close', () => clearTimeout(timer));
    if (this.socket.destroyed) clearTimeout(timer);
    return this.gone;
  }

  private lost(reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.socket.destroy();
    this.handlers.closed(reason);
  }

  private received(chunk: Uint8Array): void {
    if (!this.open) return;
    const { framer, handlers } = this;
    // A plain Uint8Array: one kind of array on the hot path, and `slice` copies (a Buffer's does not).
    framer.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    while (this.open && framer.next()) handlers.message(framer.type, framer.buffer, framer.start, framer.end);
    if (this.open && framer.error) handlers.headerError(framer.error);
  }

  private flush(): void {
    while (this.open && this.inFlight === 0) {
      const next = this.urgent.shift() ?? this.takeFilled();
      if (!next) return;
      this.inFlight = next.length;
      this.socket.write(next, () => this.written());
      // Usually the kernel takes it all at once; only then may its memory be used again.
      if (this.socket.writableLength === 0) this.inFlight = 0;
      else this.handlers.blocked(true);
    }
  }

  private written(): void {
    if (!this.open) return;
    if (this.inFlight !== 0 && this.socket.writableLength === 0) {
      this.inFlight = 0;
      this.handlers.blocked(false);
      this.flush();
    }
    if (this.inFlight === 0 && this.filled === 0) this.askForMore();
  }

  /** From the event loop's check phase, so that a fast reader does not keep this process from reading. */
  private askForMore(): void {
    if (this.askScheduled) return;
    this.askScheduled = true;
    setImmediate(() => {
      this.askScheduled = false;
      if (this.open && this.inFlight === 0 && this.filled === 0) this.handlers.writable();
    });
  }

  private takeFilled(): Uint8Array | undefined {
    if (this.filled === 0) return undefined;
    const bytes = this.filling.subarray(0, this.filled);
    [this.filling, this.flying] = [this.flying, this.filling];
    this.filled = 0;
    return bytes;
  }

  private reserve(more: number): void {
    const needed = this.filled + more;
    if (needed <= this.filling.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.filling.length * 2, this.queueBytes)));
    grown.set(this.filling.subarray(0, this.filled));
    this.filling = grown;
  }
}
