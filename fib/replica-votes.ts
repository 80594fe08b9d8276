// From what a replica says to its vote: next hops behind the hypervisor are none, different words for one hop are one, and faults that were
// put there on purpose alter the outcome. Owns that order and the replicas' injected faults; the ballots are voter/.
import type { UpdateVoter } from '../voter/update-voter.js';
import type { AttributeTable } from '../wire/attribute-table.js';
import type { HopClasses } from './hop-classes.js';
import { VoteFaults } from './vote-faults.js';
import type { VoteFault } from './vote-faults.js';
import type { VoteHops } from './vote-hops.js';

export interface ReplicaVotesParts {
  replicas: number;
  voter: UpdateVoter;
  hops: AttributeTable;
  classes: HopClasses;
  meanings: VoteHops;
  /** Prefix ids are below this. */
  limit(): number;
  /** A probe has come out of a replica's forwarding path. */
  probe(r: number, n: number): void;
}

export class ReplicaVotes {
  private readonly parts: ReplicaVotesParts;
  private readonly faults: (VoteFaults | undefined)[];

  constructor(parts: ReplicaVotesParts) {
    this.parts = parts;
    this.faults = Array.from({ length: parts.replicas }, () => undefined);
  }

  /** Replica `r` goes by `hops` (an id, 0 for none) to the prefix. Next hops that exist only behind the hypervisor forward nothing. */
  vote(r: number, prefix: number, hops: number, now: number): void {
    const { classes, meanings, voter } = this.parts;
    const vote = hops === 0 || classes.isInternal(hops) ? 0 : meanings.meaning(hops);
    const faults = this.faults[r];
    if (faults === undefined) voter.vote(r, prefix, vote, now);
    else faults.vote(prefix, vote, now);
  }

  probe(r: number, n: number, now: number): void {
    const faults = this.faults[r];
    if (faults === undefined) this.parts.probe(r, n);
    else faults.probe(n, now);
  }

  /** Begins fault `id` of a replica, in place of the one with that id, or (undefined) ends it. */
  inject(r: number, id: number, fault: VoteFault | undefined, now: number): void {
    const faults = this.faults[r] ?? (fault === undefined ? undefined : this.faultsOf(r));
    faults?.set(id, fault, now);
    this.faults[r] = faults?.active ? faults : undefined;
  }

  /** Something is to be done at a time of its own. */
  get waiting(): boolean {
    return this.faults.some((faults) => faults?.waiting);
  }

  tick(now: number): void {
    for (const faults of this.faults) faults?.tick(now);
  }

  /** The replica starts anew; the voter has forgotten it. */
  reset(r: number, now: number): void {
    this.faults[r]?.reset(now);
  }

  mark(prefixes: Uint8Array, hops: Uint8Array): void {
    for (const faults of this.faults) faults?.mark(prefixes, hops);
  }

  private faultsOf(r: number): VoteFaults {
    const { voter, hops, limit, probe } = this.parts;
    return new VoteFaults({
      hops,
      limit,
      current: (prefix) => voter.currentVote(r, prefix),
      cast: (prefix, vote, now) => voter.vote(r, prefix, vote, now),
      probe: (n) => probe(r, n),
    });
  }
}
