// On which prefixes which replica has no say, and why: in every neighbour's voter and in the forwarding table's. Owns the set, and that new
// voters and restarted replicas learn of it; why a replica abstains is decided in quarantine/ and recovery.
import type { PrefixTable } from '../wire/prefix-table.js';
import type { UpdateVoter } from '../voter/update-voter.js';
import type { FibPort } from './fib/port.js';

/** A bit set: a prefix can be held back for both reasons. */
export const QUARANTINED = 1;
export const MUTED = 2;
export type AbstainReason = typeof QUARANTINED | typeof MUTED;

export interface AbstentionsParts {
  prefixes: PrefixTable;
  fib: FibPort | undefined;
  /** Of the neighbours, all of them. */
  voters: () => readonly UpdateVoter[];
}

export class Abstentions {
  private readonly parts: AbstentionsParts;
  /** Per replica: prefix id to reasons. */
  private readonly held: Map<number, number>[];

  constructor(replicas: number, parts: AbstentionsParts) {
    this.parts = parts;
    this.held = Array.from({ length: replicas }, () => new Map<number, number>());
  }

  /** Prefixes on which replica `r` has no say, for any reason or for this one. */
  count(r: number, reason?: AbstainReason): number {
    const held = this.held[r];
    if (reason === undefined) return held.size;
    let count = 0;
    for (const reasons of held.values()) if ((reasons & reason) !== 0) count++;
    return count;
  }

  has(r: number, prefix: number, reason: AbstainReason): boolean {
    return ((this.held[r].get(prefix) ?? 0) & reason) !== 0;
  }

  /** For any reason. */
  abstains(r: number, prefix: number): boolean {
    return this.held[r].has(prefix);
  }

  /** Prefixes on which none of these replicas has a say, at most `limit`. Costs no more than the one that abstains least often. */
  common(replicas: readonly number[], limit = Infinity): number[] {
    const [fewest, ...others] = replicas.map((r) => this.held[r]).sort((a, b) => a.size - b.size);
    const found: number[] = [];
    for (const prefix of fewest?.keys() ?? []) {
      if (found.length >= limit) break;
      if (others.every((held) => held.has(prefix))) found.push(prefix);
    }
    return found;
  }

  /** Prefixes on which more than one replica has no say. O(all that are held). */
  countShared(): number {
    const once = new Set<number>();
    const shared = new Set<number>();
    for (const held of this.held) {
      for (const prefix of held.keys()) (once.has(prefix) ? shared : once).add(prefix);
    }
    return shared.size;
  }

  hold(r: number, prefix: number, reason: AbstainReason, now: number): void {
    const held = this.held[r];
    const before = held.get(prefix) ?? 0;
    held.set(prefix, before | reason);
    if (before !== 0) return;
    for (const voter of this.parts.voters()) voter.abstain(r, prefix, now);
    this.tellFib(r, prefix, true);
  }

  lift(r: number, prefix: number, reason: AbstainReason, now: number): void {
    const held = this.held[r];
    const before = held.get(prefix) ?? 0;
    if ((before & reason) === 0) return;
    if ((before & ~reason) !== 0) {
      held.set(prefix, before & ~reason);
      return;
    }
    held.delete(prefix);
    for (const voter of this.parts.voters()) voter.release(r, prefix, now);
    this.tellFib(r, prefix, false);
  }

  /** A neighbour's session came up with a voter that knows nothing yet. */
  voterMade(voter: UpdateVoter, now: number): void {
    this.held.forEach((held, r) => {
      for (const prefix of held.keys()) voter.abstain(r, prefix, now);
    });
  }

  /** The voters have forgotten replica `r` (it starts anew), and that it abstains with it. */
  forgotten(r: number, now: number): void {
    for (const prefix of this.held[r].keys()) {
      for (const voter of this.parts.voters()) voter.abstain(r, prefix, now);
      this.tellFib(r, prefix, true);
    }
  }

  markPrefixes(used: Uint8Array): void {
    for (const held of this.held) for (const prefix of held.keys()) used[prefix] = 1;
  }

  markAttributes(): void {}

  private tellFib(r: number, prefix: number, on: boolean): void {
    const { fib, prefixes } = this.parts;
    if (fib === undefined) return;
    const nlri = new Uint8Array(prefixes.nlriSize(prefix));
    prefixes.writeNlri(prefix, nlri, 0);
    fib.abstain(r, prefixes.family(prefix), nlri, on);
  }
}
