// One stream of a recording on the main thread: MRT records are put together in a buffer that goes to the recording thread when it is full,
// when the next record belongs into another file, or when it has waited long enough. Owns the buffer and the counts; allocates nothing
// for a record.
import { copyBytes } from '../../wire/byte-writer.js';
import { bgp4mpEtLength, putBgp4mpEt } from '../../wire/mrt/encode.js';
import { windowOf } from './segment-names.js';

/** Bytes of records that travel together: a few milliseconds of compression. */
export const BATCH_BYTES = 256 * 1024;

export interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  length: number;
  records: number;
  /** Of the first record, ms since 1970. */
  readonly time: number;
}

export interface StreamStatus {
  /** Subdirectory: `received`, `replicas/frr`, `advertised`. */
  name: string;
  /** Records that are on disk, and their bytes before and after compression. */
  records: number;
  bytes: number;
  written: number;
  /** Records that were lost: the disk did not keep up or could not be written. */
  dropped: number;
  /** File that is being written, relative to the directory; null before the first record. */
  file: string | null;
}

export interface StreamParts {
  rotateAfter: number;
  /** An empty buffer of BATCH_BYTES, or undefined when too much is on its way to the disk. */
  buffer(): Uint8Array<ArrayBuffer> | undefined;
  post(stream: number, batch: Batch): void;
}

export class RecordStream {
  readonly status: StreamStatus;
  private readonly index: number;
  private readonly parts: StreamParts;
  private batch: Batch | undefined;
  private windowEnd = 0;

  constructor(index: number, name: string, parts: StreamParts) {
    this.index = index;
    this.parts = parts;
    this.status = { name, records: 0, bytes: 0, written: 0, dropped: 0, file: null };
  }

  /** Appends one record around buffer[start..end). `time`: ms since 1970. */
  append(time: number, subtype: number, fields: Uint8Array, buffer: Uint8Array, start: number, end: number): void {
    const size = bgp4mpEtLength(fields, end - start);
    const { batch } = this;
    if (batch !== undefined && (batch.length + size > BATCH_BYTES || time >= this.windowEnd)) this.flush();
    this.batch ??= this.begin(time);
    if (this.batch === undefined) {
      this.status.dropped++;
      return;
    }
    const { bytes, length } = this.batch;
    copyBytes(buffer, start, end, bytes, putBgp4mpEt(bytes, length, time, subtype, fields, end - start));
    this.batch.length += size;
    this.batch.records++;
  }

  /** Sends off what there is. */
  flush(): void {
    const { batch } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    this.parts.post(this.index, batch);
  }

  private begin(time: number): Batch | undefined {
    const bytes = this.parts.buffer();
    if (bytes === undefined) return undefined;
    const { rotateAfter } = this.parts;
    this.windowEnd = windowOf(time, rotateAfter) + rotateAfter;
    return { bytes, length: 0, records: 0, time };
  }
}
