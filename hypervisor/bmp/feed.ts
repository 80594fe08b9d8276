// One BMP connection: the hypervisor dials the collector, says who it is, and sends what it is given. Owns the socket, the back-off, the bound
// on what waits for a slow collector, and dumps that go on as the collector reads. What is said is bmp-exporter.ts.
import net from 'node:net';
import os from 'node:os';
import { ByteWriter } from '../../wire/byte-writer.js';
import { writeInitiation, writeTermination } from '../../wire/bmp/encode.js';
import { BmpInformation, TERMINATION_ADMINISTRATIVE } from '../../wire/bmp/types.js';
import { formatEndpoint } from '../../wire/ip.js';
import type { Logger } from '../logging.js';

/** First and longest pause between two attempts, ms; a connection that has lasted longer than the longest begins with the first again. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
const CONNECT_MS = 10_000;
/** Written to the socket at once, bytes. */
const CHUNK = 1 << 16;
/** A dump waits while so much, or a quarter of the buffer, waits for the collector, bytes: what is new goes before it then. */
const DUMP_ROOM = 1 << 20;
/** Longest time that the end of the process waits for the last words, ms. */
const GOODBYE_MS = 500;

/** Something long that is written step by step. */
export interface Dump {
  /** Writes a part; false when there is no more. */
  step(out: ByteWriter): boolean;
}

export interface FeedOptions {
  address: string;
  port: number;
  sysName: string;
  bufferSize: number;
  log: Logger;
  /** The connection is up: what the collector has to know first is to be written, and dumps given. */
  greet(feed: BmpFeed): void;
}

/** What metrics and the control socket show of one connection. */
export interface FeedStats {
  /** sysName of the Initiation message. */
  name: string;
  collector: string;
  connected: boolean;
  /** Times that it was connected. */
  connects: number;
  /** Times that it was closed because the collector did not keep up. */
  overflows: number;
  bytes: number;
  /** Bytes that wait now. */
  queued: number;
  lastError: string | null;
}

export class BmpFeed {
  readonly out = new ByteWriter(CHUNK);
  readonly stats: FeedStats;
  private readonly options: FeedOptions;
  private socket: net.Socket | undefined;
  private dumps: Dump[] = [];
  private timer: NodeJS.Timeout | undefined;
  private retry = RETRY_MS;
  private upSince = 0;
  private scheduled = false;
  private closed = false;

  constructor(options: FeedOptions) {
    this.options = options;
    const { sysName: name, address, port } = options;
    const collector = formatEndpoint(address, port);
    this.stats = {
      name,
      collector,
      connected: false,
      connects: 0,
      overflows: 0,
      bytes: 0,
      queued: 0,
      lastError: null,
    };
    this.connect();
  }

  /** Connected; nothing needs to be written otherwise. */
  get ready(): boolean {
    return this.stats.connected;
  }

  /** Something was appended to `out`. */
  touch(): void {
    if (this.out.length >= CHUNK) this.flush();
    else this.schedule();
  }

  dump(dump: Dump): void {
    this.dumps.push(dump);
    this.schedule();
  }

  status(): FeedStats {
    return { ...this.stats, queued: this.queued };
  }

  /** Termination (RFC 7854 section 4.5), then the end of the connection. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    const { socket } = this;
    if (socket === undefined) return;
    if (!this.ready) {
      socket.destroy();
      return;
    }
    writeTermination(this.out, TERMINATION_ADMINISTRATIVE, 'closed by the router');
    this.flush();
    this.stats.connected = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GOODBYE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
    socket.destroy();
  }

  private get queued(): number {
    return (this.socket?.writableLength ?? 0) + this.out.length;
  }

  private connect(): void {
    const { address, port } = this.options;
    const socket = net.connect({ host: address, port, noDelay: true });
    this.socket = socket;
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => {
      socket.setTimeout(0);
      socket.setKeepAlive(true, 30_000);
      this.connected();
    });
    // Collectors say nothing; what one says all the same must not fill the socket.
    socket.resume();
    socket.on('drain', () => this.schedule());
    socket.on('end', () => socket.end());
    socket.on('error', (error: NodeJS.ErrnoException) => (this.stats.lastError = error.code ?? error.message));
    socket.on('close', () => this.lost(socket));
  }

  private connected(): void {
    const { stats, options } = this;
    stats.connected = true;
    stats.connects++;
    this.upSince = performance.now();
    options.log.info(`BMP: connected to ${stats.collector} as ${stats.name}`);
    this.out.reset();
    writeInitiation(this.out, [
      [BmpInformation.SYS_DESCR, `bug-tolerant router, ${os.type()} ${os.release()}`],
      [BmpInformation.SYS_NAME, stats.name],
    ]);
    options.greet(this);
    this.schedule();
  }

  private lost(socket: net.Socket): void {
    if (socket !== this.socket || this.closed) return;
    const { stats } = this;
    const lasted = stats.connected ? performance.now() - this.upSince : 0;
    if (stats.connected) {
      this.options.log.warn(
        `BMP: connection to ${stats.collector} (${stats.name}) ended: ${stats.lastError ?? 'closed'}`,
      );
    } else if (stats.connects === 0 && this.retry === RETRY_MS) {
      this.options.log.warn(`BMP: no connection to ${stats.collector}: ${stats.lastError ?? 'closed'}; tried again`);
    }
    stats.connected = false;
    this.socket = undefined;
    this.dumps = [];
    this.out.reset();
    if (lasted > LONGEST_RETRY_MS) this.retry = RETRY_MS;
    this.timer = setTimeout(() => this.connect(), this.retry);
    this.retry = Math.min(2 * this.retry, LONGEST_RETRY_MS);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.work();
    });
  }

  /** What waits goes out; then one step of a dump, and others have their turn. */
  private work(): void {
    if (!this.ready) return;
    this.flush();
    const [dump] = this.dumps;
    if (dump === undefined || this.queued > Math.min(DUMP_ROOM, this.options.bufferSize / 4)) return;
    if (!dump.step(this.out)) this.dumps.shift();
    this.schedule();
  }

  private flush(): void {
    const { socket, stats, out } = this;
    if (!stats.connected || socket === undefined || out.length === 0) return out.reset();
    if (this.queued > this.options.bufferSize) {
      stats.overflows++;
      stats.lastError = `the collector does not keep up: more than ${this.options.bufferSize} bytes wait for it`;
      // Until the socket is gone, nothing more is written.
      stats.connected = false;
      this.options.log.warn(`BMP: ${stats.collector} (${stats.name}): ${stats.lastError}; begun anew`);
      socket.destroy();
      return out.reset();
    }
    stats.bytes += out.length;
    socket.write(out.take());
  }
}
