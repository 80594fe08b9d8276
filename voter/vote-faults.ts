// Faults that somebody puts into the votes of a replica on purpose, on their way to a voter: the replica itself does not know. Owns which
// votes are changed and how, what the replica really says meanwhile, and that its true votes are back when a fault ends. Stands in front of
// either voter (votes are opaque ids); who injects what and when, and what a changed route looks like, is decided outside.

/**
 * drop: its route counts as absent. extra: where it has no route it seems to announce one. wrong-nexthop, wrong-attribute: its route seems
 * to be another one. stale: its old vote stays. mute: the same for everything that it says.
 */
export const VOTE_FAULT_KINDS = ['drop', 'extra', 'wrong-nexthop', 'wrong-attribute', 'stale', 'mute'] as const;
export type VoteFaultKind = (typeof VOTE_FAULT_KINDS)[number];

export interface VoteFault {
  id: number;
  replica: number;
  kind: VoteFaultKind;
  /** Prefix ids; undefined for all that the replica has and will have. */
  prefixes: ReadonlySet<number> | undefined;
  /** The vote in place of `vote`, which is not 0 (`extra`: which is 0). May return `vote` itself where nothing can be changed. */
  alter(vote: number, prefix: number): number;
}

/** What stands behind: a voter. */
export interface FaultyBallots {
  vote(replica: number, prefix: number, vote: number, now: number): void;
  currentVote(replica: number, prefix: number): number;
}

export class VoteFaults {
  private readonly ballots: FaultyBallots;
  /** In the order in which they began; the last one that covers a vote changes it. */
  private readonly faults: VoteFault[] = [];
  /** Per replica: what it really says on the prefixes that a fault covers or has to put right. */
  private readonly truth = new Map<number, Map<number, number>>();

  constructor(ballots: FaultyBallots) {
    this.ballots = ballots;
  }

  /** Nothing is injected: votes need not come this way. */
  get idle(): boolean {
    return this.faults.length === 0;
  }

  /** A vote as the replica gives it; passed on as the faults have it. */
  vote(replica: number, prefix: number, vote: number, now: number): void {
    const fault = this.covering(replica, prefix);
    if (fault === undefined) {
      this.ballots.vote(replica, prefix, vote, now);
      return;
    }
    this.truthOf(replica).set(prefix, vote);
    this.cast(fault, prefix, vote, now);
  }

  /** Begins a fault: what the replica has said on its prefixes changes at once. `limit`: prefix ids are below it; O(limit) without prefixes. */
  begin(fault: VoteFault, limit: number, now: number): void {
    const truth = this.truthOf(fault.replica);
    this.faults.push(fault);
    if (silent(fault) && fault.prefixes === undefined) return;
    for (const prefix of fault.prefixes ?? upTo(limit)) {
      const vote = truth.get(prefix) ?? this.ballots.currentVote(fault.replica, prefix);
      if (fault.prefixes === undefined && vote === 0) continue;
      truth.set(prefix, vote);
      this.cast(fault, prefix, vote, now);
    }
  }

  /** Ends a fault: what the replica really says comes through again. Nothing happens when there is no such fault. */
  end(id: number, now: number): void {
    const index = this.faults.findIndex((fault) => fault.id === id);
    if (index < 0) return;
    const [{ replica, prefixes }] = this.faults.splice(index, 1);
    const truth = this.truthOf(replica);
    for (const prefix of prefixes ?? [...truth.keys()]) {
      const vote = truth.get(prefix);
      if (vote === undefined) continue;
      const other = this.covering(replica, prefix);
      if (other === undefined) truth.delete(prefix);
      // Under a fault that keeps old votes the one of this moment is kept from now on.
      if (other === undefined || silent(other)) this.ballots.vote(replica, prefix, vote, now);
      else this.cast(other, prefix, vote, now);
    }
    if (!this.faults.some((fault) => fault.replica === replica)) this.truth.delete(replica);
  }

  /** The voter has forgotten the replica: it said nothing so far. Faults that stay have their say again (`extra` does without the replica). */
  forget(replica: number, now: number): void {
    this.truth.delete(replica);
    for (const fault of this.faults) {
      if (fault.replica !== replica || fault.kind !== 'extra') continue;
      for (const prefix of fault.prefixes ?? []) this.vote(replica, prefix, 0, now);
    }
  }

  markPrefixes(used: Uint8Array): void {
    for (const { prefixes } of this.faults) for (const prefix of prefixes ?? []) used[prefix] = 1;
    for (const truth of this.truth.values()) for (const prefix of truth.keys()) used[prefix] = 1;
  }

  /** Marks the ids of what replicas really say; what `alter` returns is marked by its owner. */
  markVotes(used: Uint8Array): void {
    for (const truth of this.truth.values()) for (const vote of truth.values()) used[vote] = 1;
  }

  private covering(replica: number, prefix: number): VoteFault | undefined {
    const { faults } = this;
    for (let i = faults.length - 1; i >= 0; i--) {
      const fault = faults[i];
      if (fault.replica === replica && (fault.prefixes === undefined || fault.prefixes.has(prefix))) return fault;
    }
    return undefined;
  }

  private cast(fault: VoteFault, prefix: number, vote: number, now: number): void {
    if (silent(fault)) return;
    this.ballots.vote(fault.replica, prefix, this.lie(fault, prefix, vote), now);
  }

  private lie(fault: VoteFault, prefix: number, vote: number): number {
    if (fault.kind === 'drop') return 0;
    const applies = (vote === 0) === (fault.kind === 'extra');
    return applies ? fault.alter(vote, prefix) : vote;
  }

  private truthOf(replica: number): Map<number, number> {
    let truth = this.truth.get(replica);
    if (truth === undefined) this.truth.set(replica, (truth = new Map()));
    return truth;
  }
}

function silent({ kind }: VoteFault): boolean {
  return kind === 'stale' || kind === 'mute';
}

function* upTo(limit: number): Generator<number> {
  for (let prefix = 1; prefix < limit; prefix++) yield prefix;
}
