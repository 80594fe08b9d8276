// The main thread's end of the forwarding table: starts and stops its thread, hands on what concerns it, turns its words into events.
// Owns the thread's life and the order of what is said; everything about routes happens behind it (fib/, thread.ts).
import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { close, eventfd, signalEvent } from '../../preload/native.js';
import type { VoteLogLevel } from '../../configs/model.js';
import type { Family } from '../../wire/family.js';
import type { Electorate } from '../../voter/electorate.js';
import { monotonic, now } from '../clock.js';
import { AbstentionBatch } from './abstention-batch.js';
import type {
  FibDissents,
  FibInjection,
  FibQuery,
  FibRequest,
  FibRoutes,
  FibRunTimeSettings,
  FibSettings,
  FibWorkerData,
  FromFib,
  InstalledNlri,
  ToFib,
} from './protocol.js';
import type { FibRouteReport, FibStatus } from './status.js';
import { programFile } from '../program-file.js';

/** UPDATEs of a tap are handed over when the main loop comes round, or when so many bytes have come together. */
const TAP_BYTES = 8 * 1024;
/** So much of a tap may wait for the thread before no more is read of it, bytes. */
const TAP_QUEUE_BYTES = 4 * 1024 * 1024;
/** What the thread answers at once must be there after this time, ms: it may be reading a huge table anew. */
const ANSWER_MS = 5000;
/** The thread gets so long to end, ms: it removes routes (15 s at most), and may be in the middle of something. */
const STOP_MS = 25_000;

interface FibPortEvents {
  /** Probe n has come out of a replica's forwarding path. */
  probe: [replica: number, n: number];
  /** These replicas (bit set) write routes: whatever they are late with, they do not hang. */
  writing: [replicas: number];
  overthrow: [from: number, candidates: number];
  log: [level: 'error' | 'warn' | 'info' | 'debug', text: string];
  records: [lines: string[]];
  installed: [news: InstalledNlri];
  /** When dissents began or ended, and while any are open every second or so. After the last one has ended, once. */
  dissents: [dissents: FibDissents];
  fault: [replica: number, reason: string];
  /** The thread is gone without having been asked to go. */
  failed: [error: Error];
}

/** Where a tap is read from: it is not read on while the thread has enough to do. */
export interface TapReader {
  pause(): void;
  resume(): void;
}

const GONE = 'the forwarding table is not there any more';

interface Request {
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout | undefined;
  parts: FibRouteReport[][] | undefined;
}

export class FibPort extends EventEmitter<FibPortEvents> {
  /** Routes of ours that an earlier life had left in the table, by family. Known once `start` has resolved. */
  found: readonly [number, number] = [0, 0];
  /** Ballots without a majority, as far as was told. */
  withoutMajority = 0;
  private readonly wake = eventfd();
  private readonly worker: Worker;
  private readonly electorate: Electorate;
  private readonly requests = new Map<number, Request>();
  /** By replica: how often it was reset. What the thread says of an earlier life is no news of this one. */
  private readonly lives: number[];
  private readonly taps = new Map<number, { chunks: Uint8Array[]; bytes: number }>();
  /** By replica: bytes of its tap that the thread has not worked off, and who was told to wait for it. */
  private readonly tapped: { bytes: number; paused: TapReader | undefined }[];
  private readonly abstentions: AbstentionBatch;
  private nextRequest = 1;
  private seenEpoch = -1;
  private readonly started: Promise<void>;
  private begun!: { resolve: () => void; reject: (error: Error) => void };
  private stopping = false;
  private gone = false;
  private readonly ended: Promise<void>;

  constructor(settings: FibSettings, electorate: Electorate) {
    super();
    this.electorate = electorate;
    this.lives = settings.replicas.map(() => 0);
    this.tapped = settings.replicas.map(() => ({ bytes: 0, paused: undefined }));
    this.abstentions = new AbstentionBatch((message) => this.tell(message));
    // Whoever asks is told, also when it has happened by then.
    this.started = new Promise((resolve, reject) => (this.begun = { resolve, reject }));
    this.started.catch(() => undefined);
    const workerData: FibWorkerData = { ...settings, wake: this.wake, clockOffset: now() - monotonic() };
    this.worker = new Worker(programFile(import.meta.url, 'worker.js'), { workerData, stdin: false });
    this.worker.on('message', (message: FromFib) => this.receive(message));
    this.worker.on('error', (error) => this.lost(error));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.lost(new Error('the thread of the forwarding table ended'));
        resolve();
      });
    });
  }

  /** Resolves when the present state of the kernel has been read. Rejects with an Error for the user when the backend cannot work. */
  start(): Promise<void> {
    return this.started;
  }

  /** A replica opened a netlink socket; the descriptor now belongs to the thread. */
  openSocket(replica: number, fd: number, portId: number): void {
    if (this.gone) close(fd);
    else this.tell({ kind: 'socket', replica, fd, portId });
  }

  /** A replica is started anew. */
  reset(replica: number): void {
    this.taps.delete(replica);
    this.tapped[replica] = { bytes: 0, paused: undefined };
    // Before: that it left the electorate must be known when what it said is forgotten.
    this.flush();
    this.tell({ kind: 'reset', replica, life: ++this.lives[replica] });
  }

  /** The processes of a replica's present life. */
  processes(replica: number, pids: readonly number[]): void {
    this.tell({ kind: 'processes', replica, pids });
  }

  /** From now on (`on`), or no longer, a replica has no say on the prefix `nlri` (one prefix in NLRI encoding). */
  abstain(replica: number, family: Family, nlri: Uint8Array, on: boolean): void {
    this.abstentions.add(replica, family, nlri, on);
  }

  /** One UPDATE of a replica's tap; it is copied. `reader` is told to wait when too much is under way. */
  tap(replica: number, message: Uint8Array, start: number, end: number, reader: TapReader): void {
    let waiting = this.taps.get(replica);
    if (waiting === undefined) this.taps.set(replica, (waiting = { chunks: [], bytes: 0 }));
    waiting.chunks.push(message.slice(start, end));
    waiting.bytes += end - start;
    const tapped = this.tapped[replica];
    tapped.bytes += end - start;
    if (tapped.bytes > TAP_QUEUE_BYTES && tapped.paused !== reader) {
      tapped.paused = reader;
      reader.pause();
    }
    if (waiting.bytes >= TAP_BYTES) this.flushTap(replica);
  }

  /** Its tap is not read now because the thread has too much to do: that it says nothing is not its fault. */
  isTapPaused(replica: number): boolean {
    return this.tapped[replica].paused !== undefined;
  }

  /** What the replica was given before `until` has come out of its forwarding path: behind all that its tap has said. */
  caughtUp(replica: number, until: number): void {
    this.abstentions.flush();
    this.flushTap(replica);
    this.tell({ kind: 'caught-up', replica, until });
  }

  /** Once per turn of the main loop. */
  flush(): void {
    this.abstentions.flush();
    for (const replica of this.taps.keys()) this.flushTap(replica);
    if (this.electorate.epoch === this.seenEpoch) return;
    this.seenEpoch = this.electorate.epoch;
    this.tell({ kind: 'electorate', state: this.electorate.state });
  }

  /** Goes on with these settings. */
  configure(settings: FibRunTimeSettings): void {
    this.tell({ kind: 'configure', settings });
  }

  /** From now on the vote log wants to know so much. */
  setVoteLogLevel(level: VoteLogLevel): void {
    this.tell({ kind: 'vote-log-level', level });
  }

  sweepStale(): void {
    this.tell({ kind: 'sweep-stale' });
  }

  /** Asks the thread. Rejects with an Error for the user. */
  request(request: FibRequest): Promise<unknown> {
    return this.ask(request, {});
  }

  /**
   * Puts a fault between replica and votes under the number `id`, in place of one with that number; null ends it. Starting a replica
   * anew ends nothing. Rejects with an Error for the user.
   */
  async inject(replica: number, id: number, injection: FibInjection | null): Promise<void> {
    await this.ask({ what: 'inject', replica, id, injection }, { within: ANSWER_MS });
  }

  async status(): Promise<FibStatus> {
    return (await this.ask({ what: 'status' }, { within: ANSWER_MS })) as FibStatus;
  }

  /** From now on no vote counts: the replicas are being ended. */
  async freeze(): Promise<void> {
    await this.ask({ what: 'freeze' }, { within: ANSWER_MS });
  }

  async routes(query: FibQuery): Promise<FibRoutes> {
    const parts: FibRouteReport[][] = [];
    const last = (await this.ask({ what: 'routes', query }, { parts })) as FibRoutes;
    return { routes: [...parts, last.routes].flat(), total: last.total };
  }

  /** Ends the thread; with `keep` the routes stay in the table. Safe to call twice. */
  async stop(keep: boolean): Promise<void> {
    if (!this.stopping) {
      this.stopping = true;
      this.tell({ kind: 'stop', keep });
    }
    const deadline = setTimeout(() => {
      this.emit('log', 'error', `the thread does not end within ${STOP_MS / 1000} s and is ended; routes may be left`);
      void this.worker.terminate();
    }, STOP_MS);
    await this.ended;
    clearTimeout(deadline);
  }

  /** `within`: ms. `parts`: where to put what comes before the answer. */
  private ask(request: FibRequest, options: { within?: number; parts?: FibRouteReport[][] }): Promise<unknown> {
    if (this.gone) return Promise.reject(new Error(GONE));
    const id = this.nextRequest++;
    const { within, parts } = options;
    const late = (): void => this.answer({ id, error: 'the forwarding table does not answer: its thread is busy' });
    return new Promise((resolve, reject) => {
      const timer = within === undefined ? undefined : setTimeout(late, within);
      this.requests.set(id, { resolve, reject, timer, parts });
      this.tell({ kind: 'request', id, request });
    });
  }

  private flushTap(replica: number): void {
    const waiting = this.taps.get(replica);
    if (waiting === undefined) return;
    this.taps.delete(replica);
    const bytes = new Uint8Array(waiting.bytes);
    let at = 0;
    for (const chunk of waiting.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    this.tell({ kind: 'tap', replica, bytes }, [bytes.buffer]);
  }

  private tapTaken(replica: number, bytes: number): void {
    const tapped = this.tapped[replica];
    tapped.bytes -= bytes;
    if (tapped.paused === undefined || tapped.bytes > TAP_QUEUE_BYTES / 2) return;
    const reader = tapped.paused;
    tapped.paused = undefined;
    reader.resume();
  }

  private tell(message: ToFib, transfer: ArrayBuffer[] = []): void {
    if (this.gone) return;
    this.worker.postMessage(message, transfer);
    signalEvent(this.wake);
  }

  private receive(message: FromFib): void {
    switch (message.kind) {
      case 'ready':
        this.found = message.found;
        this.begun.resolve();
        break;
      case 'failed':
        this.stopping = true;
        this.begun.reject(new Error(message.message));
        break;
      case 'probe':
        if (message.life === this.lives[message.replica]) this.emit('probe', message.replica, message.n);
        break;
      case 'writing':
        this.emit('writing', message.replicas);
        break;
      case 'part':
        this.requests.get(message.id)?.parts?.push(message.routes);
        break;
      case 'overthrow':
        // Found under an electorate that is no more, it is found again if it still holds.
        if (message.epoch === this.electorate.epoch) this.emit('overthrow', message.from, message.candidates);
        break;
      case 'tapped':
        if (message.life === this.lives[message.replica]) this.tapTaken(message.replica, message.bytes);
        break;
      case 'answer':
        this.answer(message);
        break;
      case 'log':
        this.emit('log', message.level, message.text);
        break;
      case 'records':
        this.emit('records', message.lines);
        break;
      case 'installed':
        this.emit('installed', message);
        break;
      case 'dissents':
        this.emit('dissents', message.dissents);
        break;
      case 'without-majority':
        this.withoutMajority = message.ballots;
        break;
      case 'fault':
        if (message.life === this.lives[message.replica]) this.emit('fault', message.replica, message.reason);
        break;
      case 'stopped':
        break;
    }
  }

  private answer({ id, result, error }: { id: number; result?: unknown; error?: string }): void {
    const waiting = this.requests.get(id);
    this.requests.delete(id);
    clearTimeout(waiting?.timer);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  private lost(error: Error): void {
    if (this.gone) return;
    this.gone = true;
    close(this.wake);
    for (const id of [...this.requests.keys()]) this.answer({ id, error: GONE });
    this.begun.reject(error);
    if (!this.stopping) this.emit('failed', error);
  }
}
