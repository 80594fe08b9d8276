// The control socket's methods about the recording. Owns checking that there is one.
import type { Method } from '../control/server.js';
import type { Recorder } from './recorder.js';

/** `record`: what was written, or null when nothing is recorded. `record-flush`: the same, when all of it is on disk. */
export function recordMethods(recorder: Recorder | undefined): Record<string, Method> {
  return {
    record: () => recorder?.stats() ?? null,
    'record-flush': async () => {
      await recorder?.flush();
      return recorder?.stats() ?? null;
    },
  };
}
