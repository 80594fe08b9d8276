// The lines that a living log gets, over rotations. Owns the watching (by looking: a log on any file system, also one that is copied to)
// and the order; a segment is read to its end before the next one.
import { statSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { lineBlocks } from './lines.js';
import { parseRecord } from './record-text.js';
import { activePath, finishedSegments, type LogPlace } from './segments.js';
import type { LogRecord } from './types.js';

/** Between two looks, ms. */
const LOOK_MS = 200;

export class Follower {
  private readonly place: LogPlace;
  private readonly skip: () => void;
  private file: FileHandle | undefined;
  private at = 0;

  /** Inode of the file that was active at the beginning; undefined when there was none. */
  private readonly first: number | undefined;

  /** What is written from here on is told. `skip`: called for each line that is no record. */
  constructor(place: LogPlace, skip: () => void) {
    this.place = place;
    this.skip = skip;
    const active = statSync(activePath(place), { throwIfNoEntry: false });
    this.first = active?.ino;
    this.at = active?.size ?? 0;
  }

  /** Until `signal` aborts. */
  async *records(signal: AbortSignal): AsyncGenerator<LogRecord> {
    this.file = await this.openFirst();
    try {
      while (!signal.aborted) {
        yield* this.look();
        await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await this.file?.close();
    }
  }

  private async *look(): AsyncGenerator<LogRecord> {
    this.file ??= await this.openActive();
    if (this.file === undefined) return;
    // Looked at before reading: a file that has been renamed by then is complete.
    const left = await this.wasReplaced(this.file);
    yield* this.readOn(this.file, left);
    if (!left) return;
    const { ino } = await this.file.stat();
    await this.file.close();
    this.file = undefined;
    this.at = 0;
    for (const path of await this.segmentsAfter(ino)) {
      const file = await open(path).catch(() => undefined);
      if (file === undefined) continue;
      try {
        this.at = 0;
        yield* this.readOn(file, true);
      } finally {
        await file.close();
      }
    }
    this.at = 0;
    this.file = await this.openActive();
    if (this.file !== undefined) yield* this.readOn(this.file, false);
  }

  private async *readOn(file: FileHandle, complete: boolean): AsyncGenerator<LogRecord> {
    const { size } = await file.stat();
    // Emptied and begun anew: not by us, but somebody may.
    if (size < this.at) this.at = 0;
    const range = { from: this.at, to: size, unfinished: complete, tooLong: this.skip };
    for await (const block of lineBlocks(file, range)) {
      this.at = block.end;
      for (const line of block.lines) {
        const record = parseRecord(line);
        if (record === undefined) this.skip();
        else yield record;
      }
    }
  }

  private openActive(): Promise<FileHandle | undefined> {
    return open(activePath(this.place)).catch(() => undefined);
  }

  /** The file that was active at the beginning, whatever it is called by now. */
  private async openFirst(): Promise<FileHandle | undefined> {
    const paths = [activePath(this.place), ...finishedSegments(this.place).map(({ path }) => path)];
    for (const path of paths) {
      if ((await stat(path).catch(() => undefined))?.ino === this.first) return open(path).catch(() => undefined);
    }
    this.at = 0;
    return undefined;
  }

  private async wasReplaced(file: FileHandle): Promise<boolean> {
    const [mine, active] = await Promise.all([file.stat(), stat(activePath(this.place)).catch(() => undefined)]);
    return active !== undefined && active.ino !== mine.ino;
  }

  /** Finished segments younger than the one that was the active file with inode `ino`. */
  private async segmentsAfter(ino: number): Promise<string[]> {
    const after: string[] = [];
    let found = false;
    for (const { path } of finishedSegments(this.place)) {
      if (found) after.push(path);
      else found = (await stat(path).catch(() => undefined))?.ino === ino;
    }
    return after;
  }
}
