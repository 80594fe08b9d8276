// Injected faults on what neighbours are told: one filter in front of each neighbour's voter, made when it is needed. Owns the filters, the
// routes that are made up, and which of a replica's prefixes chance picks; which fault is in force, and for how long, is the desk's.
import { sample } from '../../recovery/bug-model.js';
import type { AttributeTable } from '../../wire/attribute-table.js';
import { FAMILIES, type Family } from '../../wire/family.js';
import { parseAddress } from '../../wire/ip.js';
import type { PrefixTable } from '../../wire/prefix-table.js';
import type { UpdateVoter } from '../../voter/update-voter.js';
import { VoteFaults, type VoteFault, type VoteFaultKind } from '../../voter/vote-faults.js';
import { withMed, withNextHop } from './altered-routes.js';
import type { PrefixChoice } from './types.js';

export interface UpdateFaultsParts {
  prefixes: PrefixTable;
  attributes: AttributeTable;
  /** How many there are by now. */
  readonly neighbors: number;
  /** Of a neighbour, as it is now. */
  voter(n: number): UpdateVoter;
}

/** What a fault is about, as far as it concerns neighbours. */
export interface UpdateFault {
  id: number;
  replica: number;
  kind: VoteFaultKind;
  neighbor: number | undefined;
  /** Prefix ids; undefined: all. */
  prefixes: ReadonlySet<number> | undefined;
  nextHop: string | undefined;
  med: number | undefined;
}

export class UpdateFaults {
  private readonly parts: UpdateFaultsParts;
  /** By neighbour; undefined where nothing is injected. */
  private readonly filters: (VoteFaults | undefined)[];
  /** Attribute ids that faults hold for the routes that they make up: for each neighbour one of each family, 0 for none. */
  private readonly donors = new Map<number, number[]>();
  /** By fault and attribute id: what its alteration has made of it. */
  private altered = new Map<number, Map<number, number>>();

  constructor(parts: UpdateFaultsParts) {
    this.parts = parts;
    this.filters = [];
  }

  /** What votes about neighbour `n` go to: its voter, or the faults in front of it. */
  ballots(n: number, voter: UpdateVoter): UpdateVoter | VoteFaults {
    return this.filters[n] ?? voter;
  }

  /**
   * Begins a fault with the neighbours that it concerns. Throws an Error for the user when there is no route to make another one of.
   */
  begin(fault: UpdateFault, now: number): void {
    const { prefixes } = this.parts;
    const faults = this.concerned(fault.neighbor).map((n): [number, VoteFault] => [n, this.faultFor(fault, n)]);
    if (fault.kind === 'extra') this.checkDonors(fault);
    for (const [n, voteFault] of faults) this.filter(n).begin(voteFault, prefixes.limit, now);
  }

  end(id: number, now: number): void {
    this.filters.forEach((filter, n) => {
      filter?.end(id, now);
      if (filter?.idle) this.filters[n] = undefined;
    });
    this.donors.delete(id);
    this.altered.delete(id);
  }

  /** The voters have forgotten the replica. */
  forgotten(replica: number, now: number): void {
    for (const filter of this.filters) filter?.forget(replica, now);
  }

  /** Neighbour `n` has a voter that knows nothing yet. */
  voterMade(n: number, replicas: number, now: number): void {
    for (let r = 0; r < replicas; r++) this.filters[n]?.forget(r, now);
  }

  /** Some of the prefixes that the replica has routes for now, drawn by `random`; undefined for all, also those to come. O(all). */
  choose(
    choice: Exclude<PrefixChoice, { how: 'named' }>,
    replica: number,
    neighbor: number | undefined,
    random: () => number,
  ): number[] | undefined {
    if (choice.how === 'all') return undefined;
    const has = (visit: (prefix: number) => void): void => this.eachOf(replica, neighbor, visit);
    if (choice.how === 'count') return sample(choice.count, has, random);
    let total = 0;
    has(() => total++);
    return sample(Math.ceil(choice.share * total), has, random);
  }

  markPrefixes(used: Uint8Array): void {
    for (const filter of this.filters) filter?.markPrefixes(used);
  }

  markAttributes(used: Uint8Array): void {
    for (const filter of this.filters) filter?.markVotes(used);
    for (const ids of this.donors.values()) for (const id of ids) used[id] = 1;
    // Ids may mean something else after the sweep; what is voted for is marked by the voters.
    this.altered = new Map();
  }

  private concerned(neighbor: number | undefined): number[] {
    return neighbor === undefined ? Array.from({ length: this.parts.neighbors }, (_, n) => n) : [neighbor];
  }

  private filter(n: number): VoteFaults {
    const { voter } = this.parts;
    return (this.filters[n] ??= new VoteFaults({
      vote: (r, prefix, vote, now) => voter(n).vote(r, prefix, vote, now),
      currentVote: (r, prefix) => voter(n).currentVote(r, prefix),
    }));
  }

  private faultFor(fault: UpdateFault, n: number): VoteFault {
    const { id, replica, kind, prefixes } = fault;
    const donors = kind === 'extra' ? this.donorsFor(fault, n) : undefined;
    const alter =
      donors === undefined
        ? (vote: number) => this.alter(fault, vote)
        : (_: number, prefix: number) => donors[this.parts.prefixes.family(prefix)];
    return { id, replica, kind, prefixes, alter };
  }

  /** Of each family, the attributes of a route that the replica really announces to the neighbour: 0 where it has none. */
  private donorsFor({ id, replica }: UpdateFault, n: number): number[] {
    const { prefixes } = this.parts;
    const voter = this.parts.voter(n);
    const found = [0, 0];
    for (let prefix = 1; prefix < prefixes.limit && found.includes(0); prefix++) {
      const vote = voter.currentVote(replica, prefix);
      if (vote !== 0) found[prefixes.family(prefix)] ||= vote;
    }
    this.donors.set(id, [...(this.donors.get(id) ?? []), ...found]);
    return found;
  }

  private checkDonors({ id, prefixes = new Set() }: UpdateFault): void {
    const table = this.parts.prefixes;
    if ([...prefixes].every((prefix) => this.hasDonor(id, table.family(prefix)))) return;
    this.donors.delete(id);
    throw new Error('it announces no route whose attributes the made-up one could have');
  }

  private hasDonor(id: number, family: Family): boolean {
    return (this.donors.get(id) ?? []).some((vote, i) => vote !== 0 && i % FAMILIES.length === family);
  }

  private alter(fault: UpdateFault, vote: number): number {
    let altered = this.altered.get(fault.id);
    if (altered === undefined) this.altered.set(fault.id, (altered = new Map()));
    let id = altered.get(vote);
    if (id !== undefined) return id;
    const { attributes } = this.parts;
    const bytes =
      fault.kind === 'wrong-attribute'
        ? withMed(attributes.get(vote), fault.med)
        : withNextHop(attributes.get(vote), fault.nextHop === undefined ? undefined : parseAddress(fault.nextHop));
    id = attributes.intern(bytes, 0, bytes.length) || vote;
    altered.set(vote, id);
    return id;
  }

  private eachOf(replica: number, neighbor: number | undefined, visit: (prefix: number) => void): void {
    const { prefixes } = this.parts;
    const voters = this.concerned(neighbor).map((n) => this.parts.voter(n));
    for (let prefix = 1; prefix < prefixes.limit; prefix++) {
      if (voters.some((voter) => voter.currentVote(replica, prefix) !== 0)) visit(prefix);
    }
  }
}
