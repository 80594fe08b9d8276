// Sends the verdicts of one neighbour's voter to that neighbour: takes dirty ballots in batches, groups those that share attributes,
// packs them into as few UPDATEs as possible. Level-triggered: what goes out is the verdict at the time of writing.
// Owns packing and grouping; when to pump, and the socket, belong to neighbor-port.ts, and what may be announced yet to install-gate.ts.
import { DirtyQueue } from '../voter/dirty-queue.js';
import type { AttributeTable } from '../wire/attribute-table.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { routeAttributesToAs2 } from '../wire/bgp/as4.js';
import { UpdatePacker } from '../wire/bgp/pack.js';
import { FAMILY_COUNT, IPV4_UNICAST, IPV6_UNICAST, type Family } from '../wire/family.js';
import type { PrefixTable } from '../wire/prefix-table.js';

/** Ballots taken from the voter at once: enough to group well, small enough not to hold up the loop. */
const BATCH = 4096;

export interface EmitterVoter {
  takeDirty(out: Uint32Array): number;
  verdict(prefix: number): number;
  advertised(prefix: number): number;
  markAdvertised(prefix: number, attributes: number): void;
  agreement(prefix: number): number;
}

/** Says which prefixes may be announced (install-gate.ts); one that may not is requeued in the voter when it may. */
export interface EmitterGate {
  admits(prefix: number): boolean;
}

/** Told of every group of prefixes that goes out, for the vote log: ids[from..to) now have `attributes` (0: withdrawn). */
export type DecisionSink = (
  family: Family,
  attributes: number,
  agree: number,
  ids: Uint32Array,
  from: number,
  to: number,
) => void;

export class Emitter {
  /** Prefixes whose attributes do not fit into one message of this session; they are withdrawn, not sent. */
  oversized = 0;
  /** Prefixes that the neighbour holds now, all and by family. */
  held = 0;
  readonly heldOf = new Float64Array(FAMILY_COUNT);
  private isHeld = new Uint8Array(1 << 16);
  /** Prefixes that were not admitted, and possibly still are not. */
  private readonly heldBack = new DirtyQueue();
  private readonly voter: EmitterVoter;
  private readonly prefixes: PrefixTable;
  private readonly attributes: AttributeTable;
  private readonly packer: UpdatePacker;
  private readonly as4: boolean;
  private readonly families: number;
  private readonly decided: DecisionSink;
  private readonly gate: EmitterGate | undefined;
  private readonly out = new ByteWriter(1 << 16);
  private readonly old = new ByteWriter(4096);
  private readonly dirty = new Uint32Array(BATCH);
  private readonly keys = new Float64Array(BATCH);
  private readonly ids = new Uint32Array(BATCH);

  constructor(
    voter: EmitterVoter,
    tables: { prefixes: PrefixTable; attributes: AttributeTable },
    session: { as4: boolean; families: number; maxMessage: number },
    decided: DecisionSink,
    gate?: EmitterGate,
  ) {
    this.voter = voter;
    this.prefixes = tables.prefixes;
    this.attributes = tables.attributes;
    this.packer = new UpdatePacker(session.maxMessage);
    this.as4 = session.as4;
    this.families = session.families;
    this.decided = decided;
    this.gate = gate;
  }

  /** The next batch of verdicts as UPDATE messages, valid until the next call; undefined when nothing is dirty. */
  next(): Uint8Array | undefined {
    const count = this.voter.takeDirty(this.dirty);
    if (count === 0) return undefined;
    this.out.reset();
    const taken = this.sort(count);
    // Withdrawals (attributes 0) sort first, so a full neighbour table has room before it gets new routes.
    for (let from = 0; from < taken;) {
      const attributes = this.groupOf(from);
      let to = from + 1;
      while (to < taken && this.groupOf(to) === attributes) to++;
      this.emitGroup(attributes, from, to);
      from = to;
    }
    return this.out.buffer.subarray(0, this.out.length);
  }

  /** Some verdict was not admitted, and has not been sent since. Costs nothing per prefix in the long run. */
  get waits(): boolean {
    const { heldBack, voter } = this;
    while (heldBack.size > 0) {
      const prefix = heldBack.shift();
      const verdict = voter.verdict(prefix);
      if (verdict === 0 || verdict === voter.advertised(prefix)) continue;
      heldBack.add(prefix);
      return true;
    }
    return false;
  }

  /** Whether the neighbour holds a route of ours for the prefix. */
  holds(prefix: number): boolean {
    return prefix < this.isHeld.length && this.isHeld[prefix] === 1;
  }

  endOfRib(): Uint8Array {
    this.out.reset();
    for (const family of [IPV4_UNICAST, IPV6_UNICAST] as Family[]) {
      if ((this.families & (1 << family)) !== 0) this.packer.endOfRib(family, this.out);
    }
    return this.out.buffer.subarray(0, this.out.length);
  }

  /** Orders the batch by (attributes, family, who agrees); a key is an exact integer below 2^53. */
  private sort(count: number): number {
    const { dirty, keys, voter, gate } = this;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      const prefix = dirty[i];
      const verdict = voter.verdict(prefix);
      const family = this.prefixes.family(prefix);
      if ((this.families & (1 << family)) === 0) {
        // Not negotiated with this neighbour: there is nothing to send, now or later.
        voter.markAdvertised(prefix, verdict);
        continue;
      }
      if (verdict !== 0 && gate !== undefined && !gate.admits(prefix)) {
        this.heldBack.add(prefix);
        continue;
      }
      keys[taken++] = ((verdict * 2 + family) * 65536 + voter.agreement(prefix)) * BATCH + i;
    }
    keys.subarray(0, taken).sort();
    for (let k = 0; k < taken; k++) this.ids[k] = dirty[keys[k] % BATCH];
    return taken;
  }

  /** verdict × 2 + family of the k-th sorted ballot. */
  private groupOf(k: number): number {
    return Math.floor(this.keys[k] / (65536 * BATCH));
  }

  private agreementOf(k: number): number {
    return Math.floor(this.keys[k] / BATCH) % 65536;
  }

  private emitGroup(group: number, from: number, to: number): void {
    const family = (group % 2) as Family;
    let attributes = Math.floor(group / 2);
    if (attributes === 0 || !this.announce(family, attributes, from, to)) {
      this.packer.withdraw(family, this.prefixes, this.ids, from, to, this.out);
      attributes = 0;
    }
    const verdict = Math.floor(group / 2);
    const before = this.held;
    for (let k = from; k < to; k++) {
      this.voter.markAdvertised(this.ids[k], verdict);
      this.hold(this.ids[k], attributes === 0 ? 0 : 1);
    }
    this.heldOf[family] += this.held - before;
    this.report(family, attributes, from, to);
  }

  private hold(prefix: number, held: 0 | 1): void {
    if (prefix >= this.isHeld.length) {
      const bigger = new Uint8Array(Math.max(prefix + 1, this.isHeld.length * 2));
      bigger.set(this.isHeld);
      this.isHeld = bigger;
    }
    this.held += held - this.isHeld[prefix];
    this.isHeld[prefix] = held;
  }

  private announce(family: Family, attributes: number, from: number, to: number): boolean {
    let bytes = this.attributes.get(attributes);
    if (!this.as4) {
      this.old.reset();
      routeAttributesToAs2(bytes, this.old);
      bytes = this.old.buffer.subarray(0, this.old.length);
    }
    if (this.packer.announce(family, bytes, this.prefixes, this.ids, from, to, this.out)) return true;
    this.oversized += to - from;
    return false;
  }

  private report(family: Family, attributes: number, from: number, to: number): void {
    for (let k = from; k < to;) {
      const agree = this.agreementOf(k);
      let end = k + 1;
      while (end < to && this.agreementOf(end) === agree) end++;
      this.decided(family, attributes, agree, this.ids, k, end);
      k = end;
    }
  }
}
