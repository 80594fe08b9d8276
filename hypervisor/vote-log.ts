// The vote log: one JSON object per line, appended in order, rotated by size. Owns the file, its bounds and its order.
// What a record means belongs to vote-records.ts.
import { closeSync, existsSync, openSync, renameSync, statSync, write } from 'node:fs';
import type { Logger } from './logging.js';

export interface VoteLogOptions {
  path: string;
  /** A file that reaches this size (bytes) is rotated to `.1`, `.2` …; default 64 MiB. */
  maxBytes?: number;
  /** How many rotated files are kept; default 4. */
  keep?: number;
  /** Lines waiting for the disk are kept up to this many bytes; what comes beyond is counted and dropped; default 64 MiB. */
  maxPending?: number;
}

const FLUSH_BYTES = 256 * 1024;

export class VoteLog {
  /** Lines that were dropped because the disk did not keep up. Shown by `btr status`. */
  dropped = 0;
  private fd: number;
  private size: number;
  private pending: string[] = [];
  private pendingBytes = 0;
  private writing = false;
  private closing: (() => void) | undefined;
  private readonly options: Required<VoteLogOptions>;
  private readonly log: Logger;

  constructor(options: VoteLogOptions, log: Logger) {
    this.options = { maxBytes: 64 << 20, keep: 4, maxPending: 64 << 20, ...options };
    this.log = log;
    this.size = existsSync(options.path) ? statSync(options.path).size : 0;
    this.fd = openSync(options.path, 'a', 0o640);
  }

  /** Appends one line (JSON, without newline). Never blocks and never throws. */
  append(line: string): void {
    if (this.pendingBytes > this.options.maxPending) {
      this.dropped++;
      return;
    }
    this.pending.push(line);
    this.pendingBytes += line.length + 1;
    if (this.pendingBytes >= FLUSH_BYTES) this.flush();
  }

  /** Starts writing what is pending; called at every turn of the main loop that produced records. */
  flush(): void {
    if (this.writing || this.pending.length === 0) return;
    const text = `${this.pending.join('\n')}\n`;
    const lines = this.pending.length;
    this.pending = [];
    this.writing = true;
    write(this.fd, text, null, 'utf8', (error, written) => {
      this.writing = false;
      this.pendingBytes -= text.length;
      if (error) {
        this.dropped += lines;
        this.log.error(`vote log ${this.options.path}: ${error.message}; ${lines} lines lost`);
      } else {
        this.size += written;
        if (this.size >= this.options.maxBytes) this.rotate();
      }
      if (this.pending.length > 0) this.flush();
      else this.closing?.();
    });
  }

  /** Writes what is pending and closes the file. */
  async close(): Promise<void> {
    this.flush();
    if (this.writing) await new Promise<void>((resolve) => (this.closing = resolve));
    closeSync(this.fd);
  }

  private rotate(): void {
    const { path, keep } = this.options;
    try {
      for (let n = keep - 1; n >= 1; n--) {
        if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`);
      }
      if (keep > 0) renameSync(path, `${path}.1`);
      closeSync(this.fd);
      this.fd = openSync(path, keep > 0 ? 'a' : 'w', 0o640);
      this.size = 0;
    } catch (error) {
      this.log.error(`vote log ${path}: cannot rotate: ${(error as Error).message}`);
      this.size = 0;
    }
  }
}
