// A model of the kernel's routing table as far as the installer depends on it: one route per destination at our metric, ours or somebody
// else's, with the answers that Linux gives to CREATE|EXCL, CREATE|REPLACE and a deletion by protocol; and every way of refusing.
import { OP_CREATE, OP_DELETE, OP_REPLACE } from '../../../fib/route-batch.js';

export const ESRCH = 3;
export const ENOMEM = 12;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ENOBUFS = 105;

/** What the kernel tells those who listen. */
export type KernelEvent =
  /** Somebody else changed a route of ours or removed it (0). */
  | { kind: 'own'; prefix: number; hops: number }
  /** Somebody else's route, perhaps in the place of one of ours. */
  | { kind: 'foreign-new'; prefix: number; replaced: boolean }
  | { kind: 'foreign-gone'; prefix: number }
  /** The link behind `hops`. Routes lost with it are not told of one by one. */
  | { kind: 'link'; hops: number; up: boolean };

export class ModelKernel {
  /** Our routes, by prefix. */
  readonly own = new Map<number, number>();
  /** Prefixes with somebody else's route at our metric. */
  readonly foreign = new Set<number>();
  /** Refused with this errno: next hops, and prefixes. */
  readonly refusedHops = new Map<number, number>();
  readonly refusedPrefixes = new Map<number, number>();
  /** Routes that there is room for. */
  capacity = Infinity;
  noBuffers = false;
  /** Told which prefixes somebody else's action concerns, and of the event. */
  listener: (prefixes: readonly number[], event: KernelEvent) => void = () => {};

  /** One of our writes. Returns its errno. */
  write(op: number, prefix: number, hops: number): number {
    if (this.noBuffers) return ENOBUFS;
    if (op === OP_DELETE) return this.own.delete(prefix) ? 0 : ESRCH;
    const errno = this.refusal(op, prefix, hops);
    if (errno !== 0) return errno;
    if (op === OP_REPLACE) this.foreign.delete(prefix);
    this.own.set(prefix, hops);
    return 0;
  }

  /** What a write of this kind would meet now: 0 when nothing is in its way. */
  refusal(op: number, prefix: number, hops: number): number {
    const reason = this.refusedPrefixes.get(prefix) ?? this.refusedHops.get(hops);
    if (reason !== undefined) return reason;
    if (op === OP_CREATE && (this.own.has(prefix) || this.foreign.has(prefix))) return EEXIST;
    const room = this.own.has(prefix) || this.foreign.has(prefix) || this.own.size + this.foreign.size < this.capacity;
    return room ? 0 : ENOMEM;
  }

  // --- what others do

  /** Puts a route of theirs there, in place of ours if need be. */
  foreignAdd(prefix: number): void {
    const replaced = this.own.delete(prefix);
    this.foreign.add(prefix);
    this.listener([prefix], { kind: 'foreign-new', prefix, replaced });
  }

  foreignRemove(prefix: number): void {
    if (this.foreign.delete(prefix)) this.listener([prefix], { kind: 'foreign-gone', prefix });
  }

  /** Changes our route (0: removes it). */
  disturb(prefix: number, hops: number): void {
    if (!this.own.has(prefix)) return;
    if (hops === 0) this.own.delete(prefix);
    else this.own.set(prefix, hops);
    this.listener([prefix], { kind: 'own', prefix, hops });
  }

  linkDown(hops: number): void {
    const lost = [...this.own.keys()].filter((prefix) => this.own.get(prefix) === hops);
    for (const prefix of lost) this.own.delete(prefix);
    this.refusedHops.set(hops, ENETDOWN);
    this.listener(lost, { kind: 'link', hops, up: false });
  }

  linkUp(hops: number): void {
    this.refusedHops.delete(hops);
    this.listener([], { kind: 'link', hops, up: true });
  }
}
