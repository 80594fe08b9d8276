// The electorate as a second voter sees it: decided elsewhere (the main thread owns it) and followed here, less the replicas that have
// no say in this vote. An overthrow found here is only proposed to the owner; it takes place when the owner's new state arrives. A master
// without a say here has a stand-in, who is overthrown here alone: the owner does not know of it, so it is kept apart from the owner's state.
import { Electorate } from './electorate.js';
import type { ElectorateState } from './electorate.js';

export class FollowedElectorate extends Electorate {
  /** The epoch of the owner's state that is followed; `epoch` also grows with what happens here alone. */
  ownersEpoch = 0;
  private readonly voters: number;
  private readonly propose: (from: number, candidates: number) => void;
  private proposedIn = -1;
  private ownersMaster = -1;
  /** Overthrows of stand-ins, and those who were overthrown and have not left since, oldest first. */
  private ownOverthrows = 0;
  private deposed: number[] = [];

  /** `voters`: bitmask of those who have a say here. `propose` is called once for each epoch in which the master was found wrong. */
  constructor(replicas: number, voters: number, propose: (from: number, candidates: number) => void) {
    super(replicas);
    this.voters = voters;
    this.propose = propose;
  }

  follow(state: ElectorateState): void {
    const standIn = this.master === this.ownersMaster ? -1 : this.master;
    this.ownersMaster = state.master;
    this.ownersEpoch = state.epoch;
    this.deposed = this.deposed.filter((r) => (state.members >>> r) & 1);
    this.assign(
      {
        ...state,
        epoch: state.epoch + this.ownOverthrows,
        overthrows: state.overthrows + this.ownOverthrows,
        order: [...state.order.filter((r) => !this.deposed.includes(r)), ...this.deposed],
      },
      this.voters,
    );
    if (this.master !== state.master && standIn >= 0 && this.has(standIn)) this.master = standIn;
  }

  override overthrow(r: number, candidates: number = this.members): boolean {
    if (this.master !== r) return false;
    if (r !== this.ownersMaster) return this.depose(r, candidates);
    if (this.proposedIn !== this.ownersEpoch) {
      this.proposedIn = this.ownersEpoch;
      this.propose(r, candidates);
    }
    return false;
  }

  /** A stand-in for a master that has no say here leads only here. */
  private depose(r: number, candidates: number): boolean {
    if (!super.overthrow(r, candidates)) return false;
    this.ownOverthrows++;
    this.deposed = [...this.deposed.filter((other) => other !== r), r];
    return true;
  }
}
