// Which kind of record is written at which level of the vote log (`vote-log: level:`). Owns the table; what a kind means is in
// docs/vote-log.md.
import { VOTE_LOG_LEVELS, type VoteLogLevel } from '../configs/model.js';

/** Kinds that need more than the lowest level; all others are written always. */
const NEEDS: ReadonlyMap<string, VoteLogLevel> = new Map([
  ['decision', 'all'],
  ['input', 'all'],
  ['verdict', 'dissent'],
  ['dissent-begins', 'dissent'],
  ['dissent-ends', 'dissent'],
  ['no-majority', 'dissent'],
  ['oscillation-begins', 'dissent'],
  ['oscillation-ends', 'dissent'],
  ['known-difference-begins', 'dissent'],
  ['known-difference-ends', 'dissent'],
]);

const rank = (level: VoteLogLevel): number => VOTE_LOG_LEVELS.indexOf(level);

/** The lowest level at which records of `kind` are written. */
export function levelOf(kind: string): VoteLogLevel {
  return NEEDS.get(kind) ?? 'faults';
}

/** Whether records of `kind` are written at `level`. */
export function isWritten(kind: string, level: VoteLogLevel): boolean {
  return rank(levelOf(kind)) <= rank(level);
}
