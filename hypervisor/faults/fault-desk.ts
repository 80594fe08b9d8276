// Where everything that speaks against a replica is brought together: dissent from the voters, system events, and what the forwarding
// table's votes say. Owns the wiring of voter/faults/ to the running router; what follows from a finding is recovery's business.
import type { PersistentDissent, SystemFault } from '../../voter/faults/types.js';
import type { VoterEvent } from '../../voter/types.js';
import type { UpdateVoter } from '../../voter/update-voter.js';

export class FaultDesk {
  /** A system event of a replica, told before anything is done about it. */
  system(_fault: SystemFault): void {}

  /** What has happened in the voter of neighbour `n` since the last call. */
  voted(_n: number, _voter: UpdateVoter, _events: readonly VoterEvent[], _now: number): void {}

  /** What speaks against replica `r` for longer than the fault threshold; undefined when nothing does. Cheap. */
  persistent(_r: number, _now: number): PersistentDissent | undefined {
    return undefined;
  }

  tick(_now: number): void {}
}
