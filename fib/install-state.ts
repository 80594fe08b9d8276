// The installer's memory: for every prefix the next hops that are wanted, the next hops that the kernel holds of ours, and some flags.
// Typed arrays indexed by prefix id, 9 bytes each, and the counts that follow from them. What to do about it is decided in installer.ts.

/** The kernel holds a route that no verdict asked for since the start; it stays until the sweep. */
export const STALE = 1;
/** During an audit: the dump had it; or it changed meanwhile, so that the dump says nothing about it. */
export const SEEN = 2;
export const TOUCHED = 4;
/** In the batch that is being written. */
export const IN_FLIGHT = 8;
/** Lost or repaired not long ago: it is written again at the pace of the retries. */
export const DAMPED = 16;

const INITIAL_CAPACITY = 256;

export class InstallState {
  /** Ids below this may have been used. */
  limit = 1;
  /** Next-hop sets by prefix id, 0 for none; changed by `set` only. */
  wanted = new Uint32Array(INITIAL_CAPACITY);
  held = new Uint32Array(INITIAL_CAPACITY);
  flags = new Uint8Array(INITIAL_CAPACITY);
  stale = 0;
  /** Prefixes for which a route is wanted, and those of them for which the kernel holds it. */
  wantedCount = 0;
  installedCount = 0;

  set(prefix: number, wanted: number, held: number): void {
    if (this.isInstalled(prefix)) this.installedCount--;
    if (this.wanted[prefix] !== 0) this.wantedCount--;
    this.wanted[prefix] = wanted;
    this.held[prefix] = held;
    if (wanted !== 0) this.wantedCount++;
    if (this.isInstalled(prefix)) this.installedCount++;
  }

  /** Whether a route is wanted and the kernel holds just that. */
  isInstalled(prefix: number): boolean {
    return prefix < this.limit && this.wanted[prefix] !== 0 && this.wanted[prefix] === this.held[prefix];
  }

  /** Whether the kernel should be told something. */
  differs(prefix: number): boolean {
    return this.wanted[prefix] !== this.held[prefix] && (this.flags[prefix] & STALE) === 0;
  }

  has(prefix: number, flags: number): boolean {
    return (this.flags[prefix] & flags) !== 0;
  }

  markStale(prefix: number): void {
    if (!this.has(prefix, STALE)) this.stale++;
    this.flags[prefix] |= STALE;
  }

  clearStale(prefix: number): void {
    if (this.has(prefix, STALE)) this.stale--;
    this.flags[prefix] &= ~STALE;
  }

  /** Marks used[id] for every next-hop set held here; ids beyond the array are left out. */
  markHops(used: Uint8Array): void {
    for (const ids of [this.wanted, this.held]) {
      for (let prefix = 1; prefix < this.limit; prefix++) if (ids[prefix] < used.length) used[ids[prefix]] = 1;
    }
  }

  /** Whether an id must not be given to another prefix. */
  inUse(prefix: number): boolean {
    return this.wanted[prefix] !== 0 || this.held[prefix] !== 0 || this.has(prefix, IN_FLIGHT);
  }

  /** Makes room for a prefix id. To be called before anything is written for it. */
  reach(prefix: number): void {
    if (prefix < this.limit) return;
    this.limit = prefix + 1;
    let capacity = this.flags.length;
    if (prefix < capacity) return;
    while (capacity <= prefix) capacity *= 2;
    const [wanted, held, flags] = [new Uint32Array(capacity), new Uint32Array(capacity), new Uint8Array(capacity)];
    wanted.set(this.wanted);
    held.set(this.held);
    flags.set(this.flags);
    this.wanted = wanted;
    this.held = held;
    this.flags = flags;
  }
}
