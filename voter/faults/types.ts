// The words of fault finding, shared by who reports and who acts: what a replica can be blamed for. No behaviour.
import type { DissentKind } from '../types.js';

/**
 * System events, the paper's fourth kind of fault. `killed`: a signal from outside (SIGKILL, SIGTERM: nothing that a daemon does to
 * itself); `crash`: any other end (a signal such as SIGSEGV or SIGABRT, with or without a core, or an exit); `session`: an established
 * session was closed without a NOTIFICATION; `notification`: with one; `hang`: alive but no progress on pending input; `unanswered`: does
 * not take a session; `broken-update`: sent an UPDATE that RFC 7606 answers with a reset; `kernel`: does not read from its kernel;
 * `start`: could not be started.
 */
export type SystemCause =
  'crash' | 'killed' | 'session' | 'notification' | 'hang' | 'unanswered' | 'broken-update' | 'kernel' | 'start';

/** All that a finding can be about: the three kinds of dissent and a system event. */
export type FaultKind = DissentKind | 'system';

export interface SystemFault {
  replica: number;
  cause: SystemCause;
  /** For people: `exited with signal SIGSEGV`, `lost the session 10.0.0.1: sent UPDATE Message Error/…`. */
  reason: string;
  /** The neighbour whose session it was; undefined for internal sessions and for faults of the whole replica. */
  neighbor?: number;
  /** Ms. */
  at: number;
}
