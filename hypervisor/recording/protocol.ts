// What the main thread and the recording thread say to each other. Owns the shapes only.

/** Given to the thread at its start. */
export interface WriterSetup {
  /** Absolute path. */
  directory: string;
  /** Names of the streams, which are their subdirectories: `received`, `replicas/frr`, `advertised`. */
  streams: readonly string[];
  /** ms; files end at multiples of it on the wall clock. */
  rotateAfter: number;
  /** Bytes before compression. */
  segmentSize: number;
  /** Bytes of all files together. */
  sizeBudget: number;
  compress: boolean;
}

export type ToWriter =
  /** Whole MRT records of one stream, all of one rotation window. */
  | {
      kind: 'batch';
      stream: number;
      buffer: ArrayBuffer;
      /** Bytes that are used of it. */
      length: number;
      records: number;
      /** Of the first record, ms since 1970. */
      time: number;
    }
  /** To be answered when everything before it is on disk. */
  | { kind: 'flush'; id: number }
  | { kind: 'close' };

export type FromWriter =
  /** One batch is done with; its buffer comes back. `error`: it is lost, and why. */
  | {
      kind: 'done';
      stream: number;
      buffer: ArrayBuffer;
      records: number;
      length: number;
      /** Bytes on disk, after compression. */
      written: number;
      /** File that is being written, relative to the directory. */
      file: string | null;
      error: string | null;
      /** Of the whole directory. */
      files: number;
      bytes: number;
      /** Files that gave way to newer ones since the start. */
      removed: number;
    }
  | { kind: 'flushed'; id: number };
