// The control socket's methods about recording, and where this router keeps what `btr record bundle` collects.
import path from 'node:path';
import type { RouterConfig } from '../../configs/model.js';
import type { Method } from '../control/server.js';
import type { Recorder, RecorderStats } from './recorder.js';

/** Absolute paths; null: there is none. */
export interface RouterPlaces {
  config: string | null;
  runDirectory: string;
  /** The hypervisor's own log; null when it goes to standard error only. */
  log: string | null;
  voteLog: string;
  recordings: string;
  quarantine: string;
}

export interface RecordFlushAnswer {
  places: RouterPlaces;
  /** Null when nothing is recorded. */
  recording: RecorderStats | null;
}

export function placesOf(config: RouterConfig): RouterPlaces {
  return {
    config: path.resolve(config.file),
    runDirectory: config.router.runDirectory,
    log: config.logging.file ?? null,
    voteLog: config.voteLog.file,
    recordings: config.record.directory,
    quarantine: config.quarantine.directory,
  };
}

/** `record`: what was written, or null when nothing is recorded. `record-flush`: the same once all of it is on disk, and where all lies. */
export function recordMethods(config: RouterConfig, recorder: () => Recorder | undefined): Record<string, Method> {
  return {
    record: () => recorder()?.stats() ?? null,
    'record-flush': async (): Promise<RecordFlushAnswer> => {
      await recorder()?.flush();
      return { places: placesOf(config), recording: recorder()?.stats() ?? null };
    },
  };
}
