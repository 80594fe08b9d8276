// The vote log as the rest of the router sees it: lines are appended, in order, and never waited for. Owns the queue, its bound and the level;
// the files belong to a thread (vote-log-thread.ts), what a line says to vote-records.ts, and which kind is told at which level to
// votelog/levels.ts.
import { closeSync, openSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { VoteLogLevel } from '../configs/model.js';
import { isWritten } from '../votelog/levels.js';
import { kindOfLine } from '../votelog/record-text.js';
import { now, wallClock } from './clock.js';
import type { Logger } from './logging.js';
import { programFile } from './program-file.js';
import type { FromVoteLogThread, ToVoteLogThread, VoteLogThreadData } from './vote-log-thread.js';
import { plainRecord } from './vote-records.js';

export interface VoteLogOptions {
  /** Absolute path of the active segment. */
  file: string;
  /** Default `dissent`. */
  level?: VoteLogLevel;
  /** Bytes after which a new segment begins; default 64 MiB. */
  segmentSize?: number;
  /** Bytes of all segments and their indexes; default 1 GiB. */
  sizeBudget?: number;
  /** Lines waiting for the disk are kept up to so many characters; what comes beyond is counted and dropped; default 64 MiB. */
  maxPending?: number;
}

/** Told of every line that is written, while it is queued. Must not throw, nor wait. */
export type VoteLogListener = (line: string, kind: string) => void;

const FLUSH_CHARACTERS = 256 * 1024;
/** What is wrong with the files is said again in the hypervisor's log after so long, ms. */
const COMPLAIN_MS = 60_000;
/** Different complaints that are told apart. */
const MAX_COMPLAINTS = 100;
/** The thread gets so long to write what is left and to end, ms. */
const CLOSE_MS = 10_000;

export class VoteLog {
  /** Lines that were dropped because the disk did not keep up, or refused them. Shown by `btr status`. */
  dropped = 0;
  private current: VoteLogLevel;
  private pending: string[] = [];
  /** In the queue and with the thread, characters. */
  private pendingCharacters = 0;
  private queued = 0;
  /** Dropped lines that the log itself does not tell of yet, and since when, ms. */
  private untold = 0;
  private untoldSince = 0;
  private gone = false;
  /** When each thing was last complained of, ms. */
  private readonly complaints = new Map<string, number>();
  private readonly thread: Worker;
  private readonly ended: Promise<void>;
  private file: string;
  private readonly maxPending: number;
  private readonly log: Logger;
  private readonly levelListeners = new Set<(level: VoteLogLevel) => void>();
  private readonly listeners = new Set<VoteLogListener>();

  /** Throws what the file system says when the file cannot be written to. */
  constructor(options: VoteLogOptions, log: Logger) {
    const { file, level = 'dissent', segmentSize = 64 << 20, sizeBudget = 2 ** 30, maxPending = 64 << 20 } = options;
    closeSync(openSync(file, 'a', 0o640));
    this.file = file;
    this.current = level;
    this.maxPending = maxPending;
    this.log = log;
    const data: VoteLogThreadData = { file, segmentSize, sizeBudget };
    this.thread = new Worker(programFile(import.meta.url, 'vote-log-thread.js'), { workerData: data });
    this.thread.on('message', (message: FromVoteLogThread) => this.receive(message));
    this.thread.on('error', (error) => this.lost(error.message));
    this.ended = new Promise((resolve) => this.thread.once('exit', () => resolve()));
  }

  get level(): VoteLogLevel {
    return this.current;
  }

  /** At any time; whoever makes lines elsewhere is told (`onLevel`). */
  set level(level: VoteLogLevel) {
    const was = this.current;
    if (level === was) return;
    this.current = level;
    this.append(plainRecord(now(), 'level', { level, was }));
    for (const listener of this.levelListeners) listener(level);
  }

  /** Calls `listener` whenever the level changes. */
  onLevel(listener: (level: VoteLogLevel) => void): void {
    this.levelListeners.add(listener);
  }

  /** Whether lines of this kind are written now: to be asked before one is made where there may be many. */
  wants(kind: string): boolean {
    return isWritten(kind, this.current);
  }

  /** Tells `listener` of every line from now on; the function returned ends that. */
  watch(listener: VoteLogListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Appends one line (JSON, without newline), if its kind is told at the present level. Never blocks and never throws. */
  append(line: string): void {
    const kind = kindOfLine(line) ?? '';
    if (!this.wants(kind)) return;
    for (const listener of this.listeners) listener(line, kind);
    if (this.gone) this.drop(1);
    else if (this.pendingCharacters > this.maxPending) this.overflow();
    else this.queue(line);
  }

  /** Hands what is pending to the thread; called at every turn of the main loop that may have produced records. */
  flush(): void {
    if (this.pending.length === 0 || this.gone) return;
    const text = `${this.pending.join('\n')}\n`;
    this.tell({ kind: 'lines', text, lines: this.pending.length });
    this.pending = [];
    this.queued = 0;
  }

  /** Goes on in another file, or with other sizes, with the next line. Throws as the constructor; then everything stays as it is. */
  reopen({ file, segmentSize, sizeBudget }: VoteLogThreadData): void {
    closeSync(openSync(file, 'a', 0o640));
    this.flush();
    this.file = file;
    this.tell({ kind: 'reopen', data: { file, segmentSize, sizeBudget } });
  }

  /** Writes what is pending and closes the file. */
  async close(): Promise<void> {
    this.flush();
    this.tell({ kind: 'close' });
    const late = setTimeout(() => void this.thread.terminate(), CLOSE_MS);
    await this.ended;
    clearTimeout(late);
  }

  private queue(line: string): void {
    this.pending.push(line);
    this.pendingCharacters += line.length + 1;
    this.queued += line.length + 1;
    if (this.queued >= FLUSH_CHARACTERS) this.flush();
  }

  private overflow(): void {
    this.drop(1);
    this.complain('overload', () => `vote log ${this.file}: the disk does not keep up; lines are left out`);
  }

  private drop(lines: number): void {
    if (this.untold === 0) this.untoldSince = now();
    this.dropped += lines;
    this.untold += lines;
  }

  private tell(message: ToVoteLogThread): void {
    if (!this.gone) this.thread.postMessage(message);
  }

  private receive(message: FromVoteLogThread): void {
    if (message.kind === 'warning') this.complain(message.text, () => message.text);
    if (message.kind !== 'done') return;
    this.pendingCharacters -= message.characters;
    if (message.error !== undefined) {
      this.drop(message.lines);
      this.complain('error', () => `vote log ${this.file}: ${message.error}; ${this.untold} lines are lost so far`);
    } else if (this.untold > 0 && this.pendingCharacters <= this.maxPending / 2) {
      this.tellOfDropped();
    }
  }

  private tellOfDropped(): void {
    const lines = this.untold;
    this.untold = 0;
    this.complaints.clear();
    this.log.warn(`vote log ${this.file}: it is written again; ${lines} lines were left out`);
    this.append(plainRecord(now(), 'dropped', { lines, since: wallClock(this.untoldSince) }));
  }

  /** Once a minute for each `what`. */
  private complain(what: string, text: () => string): void {
    const at = now();
    if (at - (this.complaints.get(what) ?? -Infinity) < COMPLAIN_MS) return;
    if (this.complaints.size >= MAX_COMPLAINTS) this.complaints.clear();
    this.complaints.set(what, at);
    this.log.error(text());
  }

  private lost(why: string): void {
    this.gone = true;
    this.drop(this.pending.length);
    this.pending = [];
    this.log.error(`vote log ${this.file}: ${why}; nothing more is written to it`);
  }
}
