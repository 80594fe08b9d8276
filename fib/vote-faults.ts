// Faults put on purpose between what one replica says and its votes: the daemon goes on believing, the ballots see something else. Owns what
// the replica really says while any fault holds, so that its votes are right again afterwards; how faults are spelled and when they begin
// and end is decided outside. (Unlike those of voter/vote-faults.ts, these add up, can hold votes and probes back for a time, and keep the words of one
// replica for a whole table.)
import type { AttributeTable } from '../wire/attribute-table.js';
import { HopCursor } from '../wire/netlink/next-hop-set.js';

/** `prefixes`: ids; undefined = all. */
export type VoteFault =
  /** It seems to have no route. */
  | { kind: 'drop'; prefixes?: ReadonlySet<number> }
  /** Its votes stay as they are. */
  | { kind: 'stale'; prefixes?: ReadonlySet<number> }
  /** Its routes go by another gateway: `address` where that is of the family; without it, the address next to the real one. */
  | { kind: 'gateway'; address?: Uint8Array; prefixes?: ReadonlySet<number> }
  /** It seems to have a route where it has none; `hops` is an id of the hop table. */
  | { kind: 'extra'; hops: number; prefixes: ReadonlySet<number> }
  /** What it says counts only after `ms`. */
  | { kind: 'delay'; ms: number };

export interface VoteFaultsParts {
  hops: AttributeTable;
  /** Ids of prefixes that this replica has votes for are below this. */
  limit(): number;
  /** What the replica's vote is now. */
  current(prefix: number): number;
  cast(prefix: number, hops: number, now: number): void;
  /** A probe has come through. */
  probe(n: number): void;
}

export class VoteFaults {
  private readonly parts: VoteFaultsParts;
  private readonly faults = new Map<number, VoteFault>();
  /** By prefix: what the replica says. */
  private truth: Uint32Array;
  /** Votes that are held back, by prefix, in the order in which they are due; what the replica says by then is what counts. */
  private readonly late = new Map<number, number>();
  private lateProbes: { due: number; n: number }[] = [];
  /** Hop sets by another gateway, by fault and set. */
  private readonly altered = new Map<VoteFault, Map<number, number>>();
  private readonly cursor = new HopCursor();

  constructor(parts: VoteFaultsParts) {
    this.parts = parts;
    this.truth = new Uint32Array(parts.limit());
    for (let prefix = 1; prefix < this.truth.length; prefix++) this.truth[prefix] = parts.current(prefix);
  }

  /** Whether any fault holds; when none does, this object has put everything right and is not needed any more. */
  get active(): boolean {
    return this.faults.size > 0;
  }

  /** Something is to be done at a time of its own. */
  get waiting(): boolean {
    return this.late.size > 0 || this.lateProbes.length > 0;
  }

  /** Begins a fault, in place of the one with that id, or (undefined) ends it. The votes follow at once. */
  set(id: number, fault: VoteFault | undefined, now: number): void {
    const before = this.faults.get(id);
    this.faults.delete(id);
    if (before !== undefined) {
      this.altered.delete(before);
      this.castAll(before, now);
    }
    if (fault === undefined) return;
    this.faults.set(id, fault);
    this.castAll(fault, now);
  }

  /** What the replica says now. */
  vote(prefix: number, hops: number, now: number): void {
    if (prefix >= this.truth.length) {
      const grown = new Uint32Array(Math.max(prefix + 1, this.truth.length * 2));
      grown.set(this.truth);
      this.truth = grown;
    }
    this.truth[prefix] = hops;
    const delay = this.delay;
    if (delay === 0) this.cast(prefix, now);
    else if (!this.late.has(prefix)) this.late.set(prefix, now + delay);
  }

  /** A probe has come through, as far as the replica is concerned. */
  probe(n: number, now: number): void {
    const delay = this.delay;
    if (delay === 0) this.parts.probe(n);
    else this.lateProbes.push({ due: now + delay, n });
  }

  /** Lets through what was held back for long enough: votes before the probes that came behind them. */
  tick(now: number): void {
    for (const [prefix, due] of this.late) {
      if (due > now) break;
      this.late.delete(prefix);
      this.cast(prefix, now);
    }
    while (this.lateProbes.length > 0 && this.lateProbes[0].due <= now) this.parts.probe(this.lateProbes.shift()!.n);
  }

  /** The replica starts anew and has said nothing; the faults stay. To be called when its votes are forgotten. */
  reset(now: number): void {
    this.truth.fill(0);
    this.late.clear();
    this.lateProbes = [];
    for (const fault of this.faults.values()) if (fault.kind === 'extra') this.castAll(fault, now);
  }

  /** Sets used[id] for prefixes and hop sets that are remembered here. */
  mark(prefixes: Uint8Array, hops: Uint8Array): void {
    const { truth } = this;
    for (let prefix = 1; prefix < truth.length; prefix++) {
      if (truth[prefix] === 0) continue;
      prefixes[prefix] = 1;
      hops[truth[prefix]] = 1;
    }
    for (const prefix of this.late.keys()) prefixes[prefix] = 1;
    for (const fault of this.faults.values()) {
      if (fault.kind === 'extra') hops[fault.hops] = 1;
      if (fault.kind !== 'delay') for (const prefix of fault.prefixes ?? []) prefixes[prefix] = 1;
    }
    this.altered.clear();
  }

  private get delay(): number {
    let longest = 0;
    for (const fault of this.faults.values()) if (fault.kind === 'delay') longest = Math.max(longest, fault.ms);
    return longest;
  }

  /** Casts the votes that a fault, which has just begun or ended, concerns. */
  private castAll(fault: VoteFault, now: number): void {
    if (fault.kind === 'delay') {
      // What waits was said under a fault that is over, or that now holds for longer: it is let through rather than lost.
      for (const prefix of this.late.keys()) this.cast(prefix, now);
      this.late.clear();
      for (const { n } of this.lateProbes.splice(0)) this.parts.probe(n);
    } else if (fault.prefixes !== undefined) {
      for (const prefix of fault.prefixes) this.cast(prefix, now);
    } else {
      for (let prefix = 1; prefix < this.truth.length; prefix++) this.cast(prefix, now);
    }
  }

  private cast(prefix: number, now: number): void {
    let hops = prefix < this.truth.length ? this.truth[prefix] : 0;
    for (const fault of this.faults.values()) hops = this.alter(fault, prefix, hops);
    this.parts.cast(prefix, hops, now);
  }

  private alter(fault: VoteFault, prefix: number, hops: number): number {
    if (fault.kind === 'delay' || fault.prefixes?.has(prefix) === false) return hops;
    switch (fault.kind) {
      case 'drop':
        return 0;
      case 'stale':
        return this.parts.current(prefix);
      case 'extra':
        return hops === 0 ? fault.hops : hops;
      case 'gateway':
        return hops === 0 ? 0 : this.otherGateway(fault, hops);
    }
  }

  private otherGateway(fault: VoteFault & { kind: 'gateway' }, hops: number): number {
    let known = this.altered.get(fault);
    if (known === undefined) this.altered.set(fault, (known = new Map()));
    let other = known.get(hops);
    if (other !== undefined) return other;
    const bytes = this.parts.hops.get(hops).slice();
    const { cursor } = this;
    cursor.reset(bytes);
    while (cursor.next()) {
      const { gateway, gatewayLength } = cursor;
      if (fault.address === undefined && gatewayLength > 0) bytes[gateway + gatewayLength - 1] ^= 1;
      else if (fault.address?.length === gatewayLength) bytes.set(fault.address, gateway);
    }
    other = this.parts.hops.intern(bytes, 0, bytes.length) || hops;
    known.set(hops, other);
    return other;
  }
}
