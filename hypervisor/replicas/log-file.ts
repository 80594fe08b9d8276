// The file that takes a replica's standard output and error. The replica writes to it directly, so that a busy
// hypervisor never makes it wait; its size is kept in bounds by moving what is there to `.1` at a start and whenever it
// has grown too large.
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs';

export const MAX_LOG_BYTES = 16 << 20;
const CHECK_INTERVAL_MS = 10_000;
const TAIL_BYTES = 4096;

function size(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

export class LogFile {
  readonly path: string;
  readonly fd: number;
  private readonly maxBytes: number;
  private readonly timer: NodeJS.Timeout;
  private readonly begin: number;

  constructor(path: string, maxBytes = MAX_LOG_BYTES) {
    this.path = path;
    this.maxBytes = maxBytes;
    if (size(path) > maxBytes / 2) renameSync(path, `${path}.1`);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    this.fd = openSync(path, flags, 0o640);
    this.begin = fstatSync(this.fd).size;
    this.timer = setInterval(() => this.limit(), CHECK_INTERVAL_MS);
    this.timer.unref();
  }

  /** Both ends append, so after the cut the replica goes on at the new beginning. */
  limit(): void {
    if (fstatSync(this.fd).size <= this.maxBytes) return;
    copyFileSync(this.path, `${this.path}.1`);
    ftruncateSync(this.fd, 0);
  }

  /** The last lines that this run wrote, for error messages. */
  tail(lines: number): string {
    const end = fstatSync(this.fd).size;
    const from = Math.max(end - TAIL_BYTES, Math.min(this.begin, end), 0);
    const buffer = Buffer.alloc(end - from);
    const read = readSync(this.fd, buffer, 0, buffer.length, from);
    return buffer.toString('utf8', 0, read).trimEnd().split('\n').slice(-lines).join('\n');
  }

  close(): void {
    clearInterval(this.timer);
    closeSync(this.fd);
  }
}
