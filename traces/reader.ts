// MRT records of a trace file, one after the other, with bounded memory. Owns turning a damaged or truncated file into
// one clear error after everything whole was delivered; what the records mean is decided by the visitor.
import { DEFAULT_MAX_RECORD, MrtFramer } from '../wire/mrt/framer.js';
import { readChunks, TraceError, type Progress } from './source.js';

export interface ReadOptions {
  /** Longest record accepted, in bytes (default 1 MiB). */
  readonly maxRecord?: number;
  readonly progress?: Progress;
}

/**
 * Sees each record; the framer's fields describe it until the visitor returns (or its promise resolves). A promise
 * pauses the file: that is the back-pressure. 'stop' ends the reading without an error.
 */
export type RecordVisitor = (record: MrtFramer) => void | 'stop' | Promise<void | 'stop'>;

/** Reads `file` to its end. Throws TraceError for a file that is missing, damaged or cut short. */
export async function readTrace(file: string, visit: RecordVisitor, options: ReadOptions = {}): Promise<void> {
  const framer = new MrtFramer(options.maxRecord ?? DEFAULT_MAX_RECORD);
  for await (const chunk of readChunks(file, options.progress)) {
    framer.push(chunk);
    while (framer.next()) {
      const answer = visit(framer);
      if (answer !== undefined && (answer === 'stop' || (await answer) === 'stop')) return;
    }
    if (framer.error !== undefined) {
      throw new TraceError(file, framer.error.at, `at byte ${framer.error.at} (uncompressed): ${framer.error.reason}`);
    }
  }
  if (framer.pending > 0) {
    const { position, pending, pendingRecordLength: length } = framer;
    const missing = length === 0 ? 'not even its header is whole' : `it says ${length} bytes, ${pending} are there`;
    throw new TraceError(
      file,
      position,
      `the last record, at byte ${position} (uncompressed), is cut short: ${missing}`,
      true,
    );
  }
}
