// Poison messages in the running router: when a replica dies of something, what was in flight to it is withheld from it, kept on disk, and
// tried on a disposable instance later. Owns this wiring; which messages and prefixes are meant is replicator/.
import type { SystemFault } from '../../voter/faults/types.js';

export class QuarantineDesk {
  /** Called while the replica's feeds are still open. */
  suspect(_fault: SystemFault): void {}

  /** Once per turn of the main loop: takes what the replicator has held back or lifted since. */
  apply(_now: number): void {}

  tick(_now: number): void {}
}
