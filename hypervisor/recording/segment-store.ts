// The directory of recordings: which files there are, how big, and which go when there are too many. Owns creating and removing files, by
// blocking calls: it lives in the recording thread. What is written into them is stream-writer.ts.
import { mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import {
  compareSegments,
  formatSegmentName,
  parseSegmentName,
  segmentNameAt,
  type SegmentName,
} from './segment-names.js';

/** A file of the directory. */
export interface Segment {
  /** Relative to the directory. */
  readonly file: string;
  readonly name: SegmentName;
  bytes: number;
  /** Being written: it does not give way. */
  open: boolean;
}

/** Files of one minute and stream; with more, records are dropped until the next minute. */
const MAX_PER_MINUTE = 9999;

export class SegmentStore {
  /** Bytes of all files. */
  bytes = 0;
  removed = 0;
  private readonly directory: string;
  private readonly budget: number;
  /** The oldest first. */
  private readonly segments: Segment[] = [];

  /** Looks at what earlier runs have left. Throws when the directory cannot be made or read. */
  constructor(directory: string, budget: number, streams: readonly string[]) {
    this.directory = directory;
    this.budget = budget;
    for (const stream of streams) mkdirSync(path.join(directory, stream), { recursive: true, mode: 0o750 });
    for (const stream of this.streamsOnDisk()) this.takeUp(stream);
    this.segments.sort((a, b) => compareSegments(a.name, b.name));
    this.makeRoom();
  }

  get count(): number {
    return this.segments.length;
  }

  /** Makes a new, empty file for a stream; returns it and its descriptor. Throws what `open` throws. */
  create(stream: string, time: number, compressed: boolean): { segment: Segment; fd: number } {
    let made = false;
    for (let number = 1; ; number++) {
      const name = segmentNameAt(time, number);
      const file = path.join(stream, formatSegmentName(name, compressed));
      try {
        const fd = openSync(path.join(this.directory, file), 'wx', 0o640);
        const segment = { file, name, bytes: 0, open: true };
        this.segments.push(segment);
        return { segment, fd };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' && !made) {
          // Somebody has removed it.
          mkdirSync(path.join(this.directory, stream), { recursive: true, mode: 0o750 });
          made = true;
          number--;
        } else if (code !== 'EEXIST' || number >= MAX_PER_MINUTE) throw error;
      }
    }
  }

  /** So much was appended to a file; the oldest ones give way when that is too much. */
  grown(segment: Segment, bytes: number): void {
    segment.bytes += bytes;
    this.bytes += bytes;
    this.makeRoom();
  }

  private makeRoom(): void {
    while (this.bytes > this.budget) {
      const index = this.segments.findIndex(({ open }) => !open);
      if (index < 0) return;
      const [{ file, bytes }] = this.segments.splice(index, 1);
      rmSync(path.join(this.directory, file), { force: true });
      this.bytes -= bytes;
      this.removed++;
    }
  }

  /** Streams that there may be files of: replicas that are not configured any more have some too. */
  private streamsOnDisk(): string[] {
    const folders = (parent: string): string[] => {
      try {
        return readdirSync(path.join(this.directory, parent), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => path.join(parent, name));
      } catch {
        return [];
      }
    };
    return folders('.').flatMap((folder) => (folder === 'replicas' ? folders(folder) : [folder]));
  }

  private takeUp(stream: string): void {
    for (const entry of readdirSync(path.join(this.directory, stream))) {
      const name = parseSegmentName(entry);
      if (name === undefined) continue;
      const file = path.join(stream, entry);
      const bytes = statSync(path.join(this.directory, file)).size;
      this.segments.push({ file, name, bytes, open: false });
      this.bytes += bytes;
    }
  }
}
