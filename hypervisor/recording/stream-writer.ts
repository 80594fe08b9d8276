// Writes one stream of MRT records to its files, in the recording thread. Owns the open file and when it is closed for the next one. Every
// batch is a gzip member of its own: a file that ends in the middle of one, because the machine stopped, is readable up to it.
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { constants, gzipSync } from 'node:zlib';
import type { WriterSetup } from './protocol.js';
import { windowOf } from './segment-names.js';
import type { Segment, SegmentStore } from './segment-store.js';

/** The file being written. */
interface Open {
  segment: Segment;
  fd: number;
  /** Start of its rotation window. */
  window: number;
  /** Bytes before compression. */
  raw: number;
}

export class StreamWriter {
  private readonly name: string;
  private readonly setup: WriterSetup;
  private readonly store: SegmentStore;
  /** Bytes on disk after which a file is closed: open files cannot give way, and all of them must not take more than half of the budget. */
  private readonly share: number;
  private current: Open | undefined;

  constructor(name: string, setup: WriterSetup, store: SegmentStore) {
    this.name = name;
    this.setup = setup;
    this.store = store;
    this.share = setup.sizeBudget / (2 * setup.streams.length);
  }

  /** The file being written, relative to the directory. */
  get file(): string | null {
    return this.current?.segment.file ?? null;
  }

  /** Appends whole records, the first of them of `time` (ms since 1970). Returns the bytes on disk; throws when it cannot. */
  append(records: Uint8Array, time: number): number {
    const window = windowOf(time, this.setup.rotateAfter);
    if (this.current !== undefined && this.isOver(this.current, window)) this.close();
    this.current ??= { ...this.store.create(this.name, time, this.setup.compress), window, raw: 0 };
    const bytes = this.setup.compress ? gzipSync(records, { level: constants.Z_BEST_SPEED }) : records;
    this.write(bytes);
    this.current.raw += records.length;
    this.store.grown(this.current.segment, bytes.length);
    return bytes.length;
  }

  close(): void {
    if (this.current === undefined) return;
    this.current.segment.open = false;
    closeSync(this.current.fd);
    this.current = undefined;
  }

  private isOver({ window, raw, segment }: Open, now: number): boolean {
    return window !== now || raw >= this.setup.segmentSize || segment.bytes >= this.share;
  }

  /** All of it or nothing: half of a batch is cut off again. */
  private write(bytes: Uint8Array): void {
    const { fd, segment } = this.current!;
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, segment.bytes + at);
    } catch (error) {
      ftruncateSync(fd, segment.bytes);
      throw error;
    }
  }
}
