// The electorate as a second voter sees it: decided elsewhere (the main thread owns it) and followed here, less the replicas that have
// no say in this vote. An overthrow found here is only proposed to the owner; it takes place when the owner's new state arrives.
import { Electorate } from './electorate.js';
import type { ElectorateState } from './electorate.js';

export class FollowedElectorate extends Electorate {
  private readonly voters: number;
  private readonly propose: (from: number, candidates: number) => void;
  private proposedIn = -1;
  private ownersMaster = -1;

  /** `voters`: bitmask of those who have a say here. `propose` is called once for each epoch in which the master was found wrong. */
  constructor(replicas: number, voters: number, propose: (from: number, candidates: number) => void) {
    super(replicas);
    this.voters = voters;
    this.propose = propose;
  }

  follow(state: ElectorateState): void {
    this.ownersMaster = state.master;
    this.assign(state, this.voters);
  }

  override overthrow(r: number, candidates: number = this.members): boolean {
    // A stand-in for a master that has no say here leads only here.
    if (this.master === r && r !== this.ownersMaster) return super.overthrow(r, candidates);
    if (this.master === r && this.proposedIn !== this.epoch) {
      this.proposedIn = this.epoch;
      this.propose(r, candidates);
    }
    return false;
  }
}
