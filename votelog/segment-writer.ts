// Writes a vote log: appends to the active segment, begins a new one when it is full, keeps an index beside each, and deletes the oldest when
// all together outgrow the budget. Owns the files; synchronous but for its opening, for a thread that may wait for the disk
// (hypervisor/vote-log-thread.ts). Whoever dies in the middle of a line leaves a torn one, and the next life begins on a fresh line.
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { IndexFile } from './index/index-file.js';
import { activePath, finishedSegments, INDEX_SUFFIX, placeOf, segmentPath, type LogPlace } from './segments.js';

export interface SegmentWriterOptions {
  /** Absolute path of the active segment. */
  file: string;
  /** Bytes after which a new one begins; at most a quarter of the budget. */
  segmentSize: number;
  /** Bytes of all segments and their indexes. */
  sizeBudget: number;
  /** Told of what went wrong beside the writing itself. */
  warn: (text: string) => void;
}

interface Kept {
  path: string;
  bytes: number;
}

export class SegmentWriter {
  private readonly options: SegmentWriterOptions;
  private readonly place: LogPlace;
  private readonly segmentSize: number;
  private fd = -1;
  private size = 0;
  private startedAt = 0;
  private index: IndexFile | undefined;
  /** Oldest first. */
  private finished: Kept[] = [];
  /** Of an earlier life, oldest first: their indexes may be missing or broken. */
  private unchecked: Kept[] = [];
  private nextNumber = 1;
  /** Pipes and devices are written to, and nothing else is done with them. */
  private regular = true;
  private torn = false;

  private constructor(options: SegmentWriterOptions) {
    this.options = options;
    this.place = placeOf(options.file);
    this.segmentSize = Math.min(options.segmentSize, Math.floor(options.sizeBudget / 4));
  }

  /** Goes on where an earlier life stopped. Rejects with what the file system says. */
  static async open(options: SegmentWriterOptions): Promise<SegmentWriter> {
    const writer = new SegmentWriter(options);
    await writer.begin();
    return writer;
  }

  /** Appends whole lines, each with its newline. Throws what the file system throws; then what part of them is there is not known. */
  append(text: Buffer): void {
    if (this.regular) this.prepare();
    if (this.torn) this.mend();
    try {
      for (let at = 0; at < text.length;) at += writeSync(this.fd, text, at);
    } catch (error) {
      this.torn = true;
      throw error;
    }
    this.size += text.length;
    this.index?.add(text);
    if (!this.regular) return;
    if (this.size >= this.segmentSize) this.rotateOrGoOn();
    this.keepBudget();
  }

  /** Puts the index of one segment of an earlier life right; returns false when there is no more to do. */
  async catchUp(): Promise<boolean> {
    const segment = this.unchecked.pop();
    if (segment === undefined) return false;
    if (!this.finished.includes(segment)) return true;
    try {
      segment.bytes = await completeIndex(segment.path);
      this.keepBudget();
    } catch (error) {
      this.options.warn(`cannot index ${segment.path}: ${(error as Error).message}`);
    }
    return true;
  }

  close(): void {
    this.index?.finish();
    this.index?.close();
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  private async begin(): Promise<void> {
    const { file } = this.options;
    const { O_APPEND, O_CREAT, O_RDWR, O_WRONLY } = constants;
    this.regular = statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
    this.fd = openSync(file, O_APPEND | O_CREAT | (this.regular ? O_RDWR : O_WRONLY), 0o640);
    if (!this.regular) return;
    const segments = finishedSegments(this.place);
    this.nextNumber = (segments.at(-1)?.number ?? 0) + 1;
    this.finished = segments.map(({ path }) => ({ path, bytes: bytesOf(path) + bytesOf(path + INDEX_SUFFIX) }));
    this.unchecked = [...this.finished];
    this.size = fstatSync(this.fd).size;
    this.startedAt = this.startOfActive();
    this.torn = this.size > 0 && this.lastByte() !== 10;
    if (this.torn) this.mend();
    await this.openIndex();
    this.keepBudget();
  }

  /** Sees to a file that may be written to. Throws what the file system throws, and when the budget is used up and cannot be kept. */
  private prepare(): void {
    if (this.fd >= 0 && fstatSync(this.fd).nlink === 0) {
      this.options.warn(`${activePath(this.place)} was deleted: the vote log goes on in a new file`);
      this.abandon();
    }
    if (this.fd >= 0 && this.size >= this.options.sizeBudget) this.rotate();
    if (this.fd < 0) this.openNew();
  }

  /** What has no name any more is not written to. */
  private abandon(): void {
    this.index?.close();
    this.index = undefined;
    closeSync(this.fd);
    this.fd = -1;
    this.torn = false;
  }

  /** After a torn line the next one begins on its own. Throws what the file system throws. */
  private mend(): void {
    if (this.regular) {
      this.size = fstatSync(this.fd).size;
      if (this.size > 0 && this.lastByte() !== 10) this.size += writeSync(this.fd, '\n');
      // What there is of the failed lines was not told to the index: it goes by the file.
      this.index?.readUntil(this.size);
    }
    this.torn = false;
  }

  private lastByte(): number {
    const last = Buffer.alloc(1);
    readSync(this.fd, last, 0, 1, this.size - 1);
    return last[0];
  }

  /** When the active segment began: as its first line says, ms since 1970. */
  private startOfActive(): number {
    const start = Buffer.alloc(256);
    const text = start.toString('latin1', 0, readSync(this.fd, start, 0, start.length, 0));
    const time = Date.parse(/"t":"([^"]{20,30})"/.exec(text)?.[1] ?? '');
    return Number.isNaN(time) ? Date.now() : time;
  }

  private async openIndex(): Promise<void> {
    const path = activePath(this.place) + INDEX_SUFFIX;
    try {
      this.index = await IndexFile.open(path, this.fd, this.size);
    } catch (error) {
      this.index = undefined;
      this.options.warn(`no index for the vote log: ${path}: ${(error as Error).message}`);
    }
  }

  private rotateOrGoOn(): void {
    try {
      this.rotate();
    } catch (error) {
      this.options.warn(`the vote log cannot begin a new segment: ${(error as Error).message}`);
    }
  }

  private rotate(): void {
    const active = activePath(this.place);
    const path = segmentPath(this.place, this.nextNumber, this.startedAt);
    this.index?.finish();
    renameSync(active, path);
    this.nextNumber++;
    this.finished.push({ path, bytes: this.size + (this.index?.size ?? 0) });
    if (this.index !== undefined) renameSync(active + INDEX_SUFFIX, path + INDEX_SUFFIX);
    this.abandon();
    this.openNew();
  }

  /** Throws what the file system throws; then it is tried again with the next lines. */
  private openNew(): void {
    const active = activePath(this.place);
    this.fd = openSync(active, 'a+', 0o640);
    this.size = fstatSync(this.fd).size;
    this.startedAt = Date.now();
    rmSync(active + INDEX_SUFFIX, { force: true });
    this.index = IndexFile.create(active + INDEX_SUFFIX, this.fd);
  }

  private keepBudget(): void {
    let total = this.size + (this.index?.size ?? 0) + this.finished.reduce((sum, { bytes }) => sum + bytes, 0);
    while (total > this.options.sizeBudget && this.finished.length > 0) {
      const { path, bytes } = this.finished.shift()!;
      total -= bytes;
      try {
        rmSync(path, { force: true });
        rmSync(path + INDEX_SUFFIX, { force: true });
      } catch (error) {
        this.options.warn(`cannot delete ${path}: ${(error as Error).message}`);
      }
    }
  }
}

/** Returns what the segment and its index take together, bytes. */
async function completeIndex(path: string): Promise<number> {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const index = await IndexFile.open(path + INDEX_SUFFIX, fd, size);
    index.finish();
    index.close();
    return size + index.size;
  } finally {
    closeSync(fd);
  }
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
