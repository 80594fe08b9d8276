// Recording (docs/recording.md): what neighbours send, what each replica sends for each of them, and what goes out, as MRT files. Owns what
// is written into which stream, the recording thread and the bound on what waits for it: under overload records are dropped and counted,
// and nobody waits. Files are stream-writer.ts, in the thread.
import { accessSync, constants } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RouterConfig } from '../../configs/model.js';
import type { DownReason, Negotiated } from '../../session/types.js';
import { encodeNotification } from '../../wire/bgp/notification.js';
import { parseAddress } from '../../wire/ip.js';
import { bgp4mpFields, type SessionEnds } from '../../wire/mrt/encode.js';
import { Bgp4mpSubtype, u16 } from '../../wire/mrt/types.js';
import { wallTime } from '../clock.js';
import type { Logger } from '../logging.js';
import { programFile } from '../program-file.js';
import { makeDirectory } from '../run-directory.js';
import type { MessageTap } from '../taps.js';
import type { FromWriter, ToWriter, WriterSetup } from './protocol.js';
import { BATCH_BYTES, RecordStream, type Batch, type StreamStatus } from './record-stream.js';

/** What is recorded reaches the disk after this time at the latest, ms: so much is lost when the process is killed. */
const FLUSH_MS = 1000;
/** Buffers (of BATCH_BYTES) on their way to the disk; further records are dropped. 64 MiB. */
const MAX_QUEUED = 256;
/** Empty buffers that are kept. */
const MAX_SPARE = 16;
/** Between two lines of the log about the same trouble, ms. */
const QUIET_MS = 60_000;
/** Longest time that the end of the process waits for the disk, ms. */
const CLOSE_MS = 10_000;

const [OPEN_CONFIRM, ESTABLISHED, IDLE] = [5, 6, 1];
const UP = Uint8Array.of(0, OPEN_CONFIRM, 0, ESTABLISHED);
const DOWN = Uint8Array.of(0, ESTABLISHED, 0, IDLE);

/** What `btr record status --json` shows, and what metrics are made of. */
export interface RecorderStats {
  /** Absolute path. */
  directory: string;
  streams: StreamStatus[];
  /** Sum over the streams, since the start. */
  records: number;
  dropped: number;
  /** Bytes of buffers on their way to the disk, and the most there may be. */
  queued: number;
  maxQueued: number;
  /** All files of the directory, and those that gave way since the start. */
  files: number;
  bytes: number;
  removed: number;
  /** The last failure to write; null when the last write went well. */
  error: string | null;
}

/** How records of one neighbour's session begin. */
interface Ends {
  /** With AS numbers of four bytes, and of two for messages of a session without them (RFC 6793). */
  as4: Uint8Array;
  as2: Uint8Array;
  /** The session that is up, or was last, has AS numbers of four bytes. */
  isAs4: boolean;
}

export class Recorder implements MessageTap {
  private readonly config: RouterConfig['record'];
  private readonly log: Logger;
  private readonly router: RouterConfig;
  /** By neighbour, of its last session. */
  private readonly ends: Ends[] = [];
  private readonly streams: RecordStream[] = [];
  private readonly fromNeighbors: RecordStream | undefined;
  private readonly fromReplicas: readonly (RecordStream | undefined)[];
  private readonly toNeighbors: RecordStream | undefined;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly timer: NodeJS.Timeout;
  private readonly flushes = new Map<number, () => void>();
  private readonly spare: ArrayBuffer[] = [];
  private queued = 0;
  private nextFlush = 1;
  private error: string | null = null;
  /** The last failure that nobody has been told of. */
  private trouble: string | undefined;
  private closed = false;
  private toldAt = -Infinity;
  private toldDropped = 0;
  private disk = { files: 0, bytes: 0, removed: 0 };

  /** Throws when the directory cannot be made. */
  constructor(config: RouterConfig, log: Logger) {
    this.config = config.record;
    this.log = log;
    this.router = config;
    const { received, replicas, advertised } = config.record;
    this.fromNeighbors = this.stream('received', received);
    this.fromReplicas = config.replicas.map(({ name }) => this.stream(`replicas/${name}`, replicas));
    this.toNeighbors = this.stream('advertised', advertised);
    makeDirectory(config.record.directory, 0o750);
    // With the dot it must be a directory.
    accessSync(`${config.record.directory}/.`, constants.W_OK | constants.X_OK);
    this.worker = this.startThread();
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        if (!this.closed) this.gone('the recording thread ended');
        resolve();
      });
    });
    this.timer = setInterval(() => this.tick(), FLUSH_MS).unref();
  }

  neighborUp(n: number, { as4, opens }: Negotiated, at: number): void {
    // A reload may have changed it since its last session.
    this.ends[n] = endsOf(this.router, n, as4);
    if (opens !== undefined) {
      this.received(n, opens.received, 0, opens.received.length, at);
      this.advertised(n, opens.sent, at);
    }
    this.stateChange(this.fromNeighbors, n, UP, at);
    this.stateChange(this.toNeighbors, n, UP, at);
  }

  neighborDown(n: number, reason: DownReason, at: number): void {
    // Without a code it ended without a word.
    if (reason.code !== 0) {
      const notification = encodeNotification(reason);
      if (reason.origin === 'received') this.received(n, notification, 0, notification.length, at);
      else this.advertised(n, notification, at);
    }
    this.stateChange(this.fromNeighbors, n, DOWN, at);
    this.stateChange(this.toNeighbors, n, DOWN, at);
  }

  received(n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const { as4, as2, isAs4 } = this.ends[n];
    const subtype = isAs4 ? Bgp4mpSubtype.MESSAGE_AS4 : Bgp4mpSubtype.MESSAGE;
    this.fromNeighbors?.append(wallTime(at), subtype, isAs4 ? as4 : as2, buffer, start, end);
  }

  advertised(n: number, messages: Uint8Array, at: number): void {
    if (this.toNeighbors === undefined) return;
    const { as4, as2, isAs4 } = this.ends[n];
    const subtype = isAs4 ? Bgp4mpSubtype.MESSAGE_AS4_LOCAL : Bgp4mpSubtype.MESSAGE_LOCAL;
    const time = wallTime(at);
    for (let start = 0; start < messages.length;) {
      const end = start + u16(messages, start + 16);
      this.toNeighbors.append(time, subtype, isAs4 ? as4 : as2, messages, start, end);
      start = end;
    }
  }

  replicaUp(r: number, n: number, at: number): void {
    this.stateChange(this.fromReplicas[r], n, UP, at);
  }

  replicaDown(r: number, n: number, at: number): void {
    this.stateChange(this.fromReplicas[r], n, DOWN, at);
  }

  /** As the neighbour would have been sent it: AS numbers have four bytes on all sessions with replicas. */
  voted(r: number, n: number, buffer: Uint8Array, start: number, end: number, at: number): void {
    const stream = this.fromReplicas[r];
    stream?.append(wallTime(at), Bgp4mpSubtype.MESSAGE_AS4_LOCAL, this.ends[n].as4, buffer, start, end);
  }

  stats(): RecorderStats {
    const streams = this.streams.map(({ status }) => ({ ...status }));
    const sum = (of: 'records' | 'dropped'): number => streams.reduce((total, stream) => total + stream[of], 0);
    return {
      directory: this.config.directory,
      records: sum('records'),
      dropped: sum('dropped'),
      queued: this.queued * BATCH_BYTES,
      maxQueued: MAX_QUEUED * BATCH_BYTES,
      ...this.disk,
      error: this.error,
      streams,
    };
  }

  /** Resolves when everything so far is on disk, or when there is nobody left to write it. */
  async flush(): Promise<void> {
    if (this.closed) return;
    for (const stream of this.streams) stream.flush();
    const id = this.nextFlush++;
    const done = new Promise<void>((resolve) => this.flushes.set(id, resolve));
    this.tell({ kind: 'flush', id });
    await Promise.race([done, this.ended]);
  }

  /** Writes what is there and ends the thread. */
  async close(): Promise<void> {
    if (this.closed) return;
    clearInterval(this.timer);
    for (const stream of this.streams) stream.flush();
    this.closed = true;
    this.tell({ kind: 'close' });
    const timeout = new AbortController();
    const late = delay(CLOSE_MS, undefined, { signal: timeout.signal }).catch(() => undefined);
    await Promise.race([this.ended, late]);
    timeout.abort();
    await this.worker.terminate();
  }

  private stream(name: string, wanted: boolean): RecordStream | undefined {
    if (!wanted) return undefined;
    const stream = new RecordStream(this.streams.length, name, {
      rotateAfter: this.config.rotateAfter,
      buffer: () => this.emptyBuffer(),
      post: (index, batch) => this.post(index, batch),
    });
    this.streams.push(stream);
    return stream;
  }

  private startThread(): Worker {
    const { directory, rotateAfter, segmentSize, sizeBudget, compress } = this.config;
    const streams = this.streams.map(({ status }) => status.name);
    const workerData: WriterSetup = { directory, streams, rotateAfter, segmentSize, sizeBudget, compress };
    const worker = new Worker(programFile(import.meta.url, 'worker.js'), { workerData, stdin: false });
    worker.on('message', (message: FromWriter) => this.receive(message));
    worker.on('error', (error) => this.gone(error.message));
    return worker;
  }

  private stateChange(stream: RecordStream | undefined, n: number, states: Uint8Array, at: number): void {
    stream?.append(wallTime(at), Bgp4mpSubtype.STATE_CHANGE_AS4, this.ends[n].as4, states, 0, states.length);
  }

  private emptyBuffer(): Uint8Array<ArrayBuffer> | undefined {
    if (this.closed || this.queued >= MAX_QUEUED) return undefined;
    return new Uint8Array(this.spare.pop() ?? new ArrayBuffer(BATCH_BYTES));
  }

  private post(stream: number, { bytes, length, records, time }: Batch): void {
    this.queued++;
    this.tell({ kind: 'batch', stream, buffer: bytes.buffer, length, records, time }, [bytes.buffer]);
  }

  private tell(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  private receive(message: FromWriter): void {
    if (message.kind === 'flushed') {
      this.flushes.get(message.id)?.();
      this.flushes.delete(message.id);
      return;
    }
    const { buffer, records, length, written, files, bytes, removed, error } = message;
    this.queued--;
    if (this.spare.length < MAX_SPARE) this.spare.push(buffer);
    const { status } = this.streams[message.stream];
    this.disk = { files, bytes, removed };
    this.error = error;
    status.file = message.file;
    if (error !== null) {
      this.trouble = error;
      status.dropped += records;
      return;
    }
    status.records += records;
    status.bytes += length;
    status.written += written;
  }

  private tick(): void {
    for (const stream of this.streams) stream.flush();
    this.complain();
  }

  /** What was lost is said, but not every second. */
  private complain(): void {
    const { dropped } = this.stats();
    if (dropped === this.toldDropped || performance.now() - this.toldAt < QUIET_MS) return;
    const why = this.trouble ?? `the disk does not keep up (${this.config.directory})`;
    this.trouble = undefined;
    this.log.warn(`recording: ${dropped - this.toldDropped} messages were not recorded: ${why}`);
    this.toldAt = performance.now();
    this.toldDropped = dropped;
  }

  /** Nobody writes any more: from now on everything is dropped. The router goes on. */
  private gone(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.error = reason;
    this.log.error(`recording has ended: ${reason}`);
  }
}

function endsOf({ router, neighbors }: RouterConfig, n: number, isAs4: boolean): Ends {
  const { peerAs, address, localAddress } = neighbors[n];
  const ends: SessionEnds = {
    peerAs,
    localAs: router.as,
    peerAddress: parseAddress(address)!,
    localAddress: parseAddress(localAddress)!,
  };
  return { as4: bgp4mpFields(ends), as2: bgp4mpFields(ends, false), isAs4 };
}
