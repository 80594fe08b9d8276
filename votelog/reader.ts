// Reads a vote log, the one of a running router or a copy of it: what is asked for, counted, or as it grows. Never writes. Owns the order
// of segments and the choice between index and plain reading; what a filter means is matcher.ts.
import { existsSync, statSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { LogError } from './errors.js';
import { Follower } from './follower.js';
import { Matcher } from './matcher.js';
import { SegmentSearch, type SearchOptions } from './segment-search.js';
import {
  activePath,
  finishedSegments,
  INDEX_SUFFIX,
  logsIn,
  parseSegmentPath,
  placeOf,
  type LogPlace,
} from './segments.js';
import { Summary } from './summary.js';
import type { LogFilter, LogQuery, LogRecord, SummaryKey, SummaryRow } from './types.js';

/** A file of the log; the active one is held open from the beginning, for it may be renamed meanwhile. */
interface Source {
  path: string;
  file?: FileHandle;
  index?: FileHandle | undefined;
}

export class VoteLogReader {
  /** Lines met so far that are no records: torn, broken, or longer than 8 MiB. */
  skipped = 0;
  private readonly place: LogPlace;
  /** The one segment that was asked for. */
  private readonly only: string | undefined;

  private readonly segments = new SegmentSearch();

  private constructor(place: LogPlace, only?: string) {
    this.place = place;
    this.only = only;
  }

  /**
   * `place`: a directory that holds one vote log (or one called votes.jsonl), the active file of a log (all segments beside it are read,
   * too), or one finished segment. Rejects with LogError when there is none.
   */
  static async open(place: string): Promise<VoteLogReader> {
    await Promise.resolve();
    if (!existsSync(place)) throw new LogError(`there is no vote log at ${place}`);
    try {
      if (statSync(place).isDirectory()) return new VoteLogReader(onlyLogIn(place));
    } catch (error) {
      throw new LogError(`${place} cannot be read: ${(error as Error).message}`);
    }
    return parseSegmentPath(place) === undefined
      ? new VoteLogReader(placeOf(place))
      : new VoteLogReader(placeOf(place), place);
  }

  /**
   * The records that all conditions hold for, in the order they were written (or the other way round). What is written meanwhile may or
   * may not come. Throws LogError when the filter or the files make no sense.
   */
  async *query(query: LogQuery): AsyncGenerator<LogRecord> {
    const matcher = new Matcher(query);
    let left = query.limit ?? Infinity;
    if (left <= 0) return;
    const newestFirst = query.newestFirst === true;
    const sources = await this.sources();
    if (newestFirst) sources.reverse();
    try {
      for (const source of sources) {
        const options = await this.open(source, newestFirst);
        if (options === undefined) continue;
        for await (const records of this.segments.records(matcher, options)) {
          for (const record of records) {
            yield record;
            if (--left <= 0) return;
          }
        }
        await close(source);
      }
    } finally {
      await Promise.all(sources.map(close));
    }
  }

  /** Counts of what matches. Records about several keys count for each; more than 200,000 keys: the rest is in one row `(others)`. */
  async summary(filter: LogFilter, by: SummaryKey): Promise<SummaryRow[]> {
    const matcher = new Matcher(filter);
    const summary = new Summary(by);
    const sources = await this.sources();
    try {
      for (const source of sources) {
        const options = await this.open(source, false);
        if (options !== undefined) await this.segments.summarise(matcher, summary, options);
        await close(source);
      }
    } finally {
      await Promise.all(sources.map(close));
    }
    return summary.result();
  }

  /** Records that are written from this call on, over rotations, until `signal` aborts. Throws LogError when that makes no sense. */
  follow(filter: LogFilter, signal: AbortSignal): AsyncGenerator<LogRecord> {
    if (this.only !== undefined) throw new LogError('a finished segment does not grow: name the log or its directory');
    const matcher = new Matcher(filter);
    return wanted(new Follower(this.place, () => this.skipped++).records(signal), matcher);
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  /** The files of the log, oldest first. */
  private async sources(): Promise<Source[]> {
    if (this.only !== undefined) return [{ path: this.only }];
    const active = activePath(this.place);
    const file = await open(active).catch(() => undefined);
    const ino = (await file?.stat())?.ino;
    const sources: Source[] = [];
    for (const { path } of finishedSegments(this.place)) {
      // Renamed between the two looks: it is read once.
      if (ino !== undefined && (await stat(path).catch(() => undefined))?.ino === ino) continue;
      sources.push({ path });
    }
    if (file !== undefined) sources.push({ path: active, file });
    return sources;
  }

  /** Undefined when it has been deleted by now: the budget is the writer's business. */
  private async open(source: Source, newestFirst: boolean): Promise<SearchOptions | undefined> {
    source.file ??= await open(source.path).catch(() => undefined);
    if (source.file === undefined) return undefined;
    source.index = await open(source.path + INDEX_SUFFIX).catch(() => undefined);
    const { file, index } = source;
    return { file, index, newestFirst, skip: (lines) => void (this.skipped += lines) };
  }
}

async function close(source: Source): Promise<void> {
  const { file, index } = source;
  delete source.file;
  delete source.index;
  await Promise.all([file?.close(), index?.close()]);
}

async function* wanted(records: AsyncIterable<LogRecord>, matcher: Matcher): AsyncGenerator<LogRecord> {
  for await (const record of records) if (matcher.matches(record)) yield record;
}

function onlyLogIn(directory: string): LogPlace {
  const places = logsIn(directory);
  const usual = places.find(({ stem }) => stem === 'votes');
  if (usual !== undefined) return usual;
  if (places.length === 1) return places[0];
  if (places.length === 0) throw new LogError(`there is no vote log in ${directory}`);
  throw new LogError(`there are several logs in ${directory}: name one of ${places.map(activePath).join(', ')}`);
}
