// What is counted while the router runs, for metrics and for the dashboard. Owns the counters that nobody else keeps; how they are shown is
// decided by those who read them.
import type { Finding } from '../../voter/faults/types.js';
import type { VoterEvent } from '../../voter/types.js';
import type { Family } from '../../wire/family.js';

/** A group of verdicts that went out: prefixes ids[from..to) of one family, decided by the replicas in `agree` (a bit mask). */
export interface DecidedGroup {
  family: Family;
  /** 0: withdrawn. */
  attributes: number;
  agree: number;
  ids: Uint32Array;
  from: number;
  to: number;
}

export class Meters {
  /** Prefixes that went out (announced or withdrawn) since the start. */
  decisions = 0;

  /** `n`: the neighbour that it went to; `at` in ms. */
  decided(n: number, group: DecidedGroup, at: number): void {
    void [n, at];
    this.decisions += group.to - group.from;
  }

  /** What the voter of neighbour `n` has reported. */
  voterEvents(n: number, events: readonly VoterEvent[]): void {
    void [n, events];
  }

  /** A finding was made or has ended. */
  finding(type: 'begins' | 'ends', finding: Finding): void {
    void [type, finding];
  }
}
