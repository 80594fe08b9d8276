// The virtual kernels of all replicas that have one: made alike, told what happens in the real kernel, each at its own time. Owns who sees
// what when; what a replica is answered is virtual-kernel/.
import type { AttributeTable } from '../wire/attribute-table.js';
import type { PrefixTable } from '../wire/prefix-table.js';
import { DelayedMirror } from './delayed-mirror.js';
import type { EventDelay } from './delayed-mirror.js';
import type { KernelMirror, MirrorChange } from './kernel-mirror.js';
import type { InternalLink, KernelSink } from './virtual-kernel/types.js';
import { VirtualKernel } from './virtual-kernel/virtual-kernel.js';

export interface ReplicaKernelsParts {
  /** By replica index: whether it has a kernel. */
  wanted: readonly boolean[];
  /** By replica index: how late events of the real kernel reach it; without, at once. */
  eventDelays: readonly (EventDelay | undefined)[];
  mirror: KernelMirror;
  /** rtm_protocol of our own routes, which no replica sees. */
  protocol: number;
  prefixes: PrefixTable;
  hops: AttributeTable;
  bodies: AttributeTable;
  internal: InternalLink;
  sink(r: number): KernelSink;
  /** 0..1. */
  random(): number;
}

export class ReplicaKernels {
  /** By replica index; undefined where the votes come from elsewhere. */
  readonly list: readonly (VirtualKernel | undefined)[];
  private readonly parts: ReplicaKernelsParts;
  /** By replica index: what it sees of the real kernel, where that is not the present. */
  private readonly delayed: readonly (DelayedMirror | undefined)[];

  constructor(parts: ReplicaKernelsParts) {
    this.parts = parts;
    this.delayed = parts.wanted.map((wanted, r) => (wanted ? this.makeDelayed(parts.eventDelays[r]) : undefined));
    this.list = parts.wanted.map((wanted, r) => (wanted ? this.makeKernel(r) : undefined));
  }

  /** False: it has no kernel, or too many sockets; nobody will answer on this one. */
  open(r: number, socket: number, portId: number): boolean {
    const kernel = this.list[r];
    if (kernel === undefined) return false;
    // A daemon that begins sees the present.
    const delayed = this.delayed[r];
    if (delayed !== undefined && kernel.socketCount === 0) this.tell(kernel, delayed.catchUp());
    return kernel.open(socket, portId);
  }

  /** Something changed in the real kernel. Call it after the mirror has changed. */
  changed(change: MirrorChange, now: number): void {
    for (let r = 0; r < this.list.length; r++) {
      const delayed = this.delayed[r];
      if (delayed === undefined) this.list[r]?.changed(change);
      else delayed.changed(now);
    }
  }

  tick(now: number): void {
    for (let r = 0; r < this.list.length; r++) {
      const delayed = this.delayed[r];
      if (delayed?.waiting) this.tell(this.list[r]!, delayed.take(now));
    }
  }

  /** Something is to be told at a time of its own. */
  get waiting(): boolean {
    return this.delayed.some((delayed) => delayed?.waiting);
  }

  /** Sets used[id] for every id in use here. */
  mark(prefixes: Uint8Array, hops: Uint8Array, bodies: Uint8Array): void {
    for (const kernel of this.list) {
      kernel?.markPrefixes(prefixes);
      kernel?.markAttributes(hops, bodies);
    }
  }

  private tell(kernel: VirtualKernel, changes: readonly MirrorChange[]): void {
    for (const change of changes) kernel.changed(change);
  }

  private makeDelayed(delay: EventDelay | undefined): DelayedMirror | undefined {
    const { mirror, protocol, random } = this.parts;
    return delay === undefined ? undefined : new DelayedMirror({ real: mirror, delay, random, mirror: { protocol } });
  }

  private makeKernel(r: number): VirtualKernel {
    const { mirror, prefixes, hops, bodies, internal } = this.parts;
    return new VirtualKernel({
      mirror: this.delayed[r]?.shown ?? mirror,
      prefixes,
      hops,
      bodies,
      internal,
      sink: this.parts.sink(r),
    });
  }
}
