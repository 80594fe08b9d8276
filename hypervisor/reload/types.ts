// What is said of reloads on the control socket. Public, as the shapes of status.ts are: fields are added, not renamed.
import type { Change } from '../../configs/diff/types.js';

/** Answer of `config-diff`. */
export interface ConfigDiffAnswer {
  /** Absolute path of the file that was read. */
  file: string;
  /** Of its contents; `reload` takes it, so that what is applied is what was shown. */
  digest: string;
  /** What is wrong with the file, as `btr check` says it. With any of these nothing else is known. */
  errors: string[];
  changes: Change[];
  /** Names of the replicas that would be restarted. */
  restarts: string[];
  /** Why it would not be applied as it is; null when nothing stands against it. */
  refused: string | null;
}

/** `waiting`: its turn comes; `later`: it does not run, and has its other configuration when it is started. */
export type ReplicaStep = 'waiting' | 'restarting' | 'done' | 'later' | 'failed';

export const STEP_WORDS: Record<ReplicaStep, string> = {
  waiting: 'waits for its turn',
  restarting: 'is restarted',
  done: 'votes again',
  later: 'does not run, and is given it for its next start',
  failed: 'did not come back',
};

/**
 * `none`: no reload since the start; `running`; `done`; `failed`: what could be put back was put back, and `text` says what is left.
 */
export type ReloadState = 'none' | 'running' | 'done' | 'failed';

/** Answer of `reload` and `reload-status`: the reload that runs, or the last one. */
export interface ReloadStatus {
  state: ReloadState;
  /** Grows with each reload since the start; 0: there was none. */
  id: number;
  file: string;
  /** ISO 8601; null: not yet. */
  started: string | null;
  ended: string | null;
  /** What is being done, or what came of it. */
  text: string;
  replicas: { name: string; step: ReplicaStep }[];
  changes: Change[];
  /** Changes that were left out because only a restart of the router can apply them (`partial`). */
  left: number;
}
