// On which prefixes a replica can have no opinion, because a route that others get is withheld from it. Owns what was told of that, and what
// has to be looked at again; which routes are withheld is quarantine.ts.
import { PrefixSet } from './prefix-set.js';
import type { HoldChange } from './types.js';

const BATCH = 256;

const batch = new Uint32Array(BATCH);

export class Holds {
  private readonly changed = new PrefixSet();
  /** By replica: prefixes that are held, as far as was told. */
  private readonly held: Set<number>[] = [];

  /** Something about this prefix may have changed. */
  note(prefix: number): void {
    this.changed.add(prefix);
  }

  count(r: number): number {
    return this.held[r]?.size ?? 0;
  }

  /** What has changed since the last call for one of `replicas` replicas: `limit` changes, or a few more, at most. */
  drain(replicas: number, limit: number, isHeld: (r: number, prefix: number) => boolean): HoldChange[] {
    while (this.held.length < replicas) this.held.push(new Set());
    const changes: HoldChange[] = [];
    while (this.changed.size > 0 && changes.length < limit) {
      const count = this.changed.take(batch);
      for (let i = 0; i < count; i++) this.look(batch[i], isHeld, changes);
    }
    return changes;
  }

  markPrefixes(used: Uint8Array): void {
    this.changed.mark(used);
    for (const held of this.held) for (const prefix of held) used[prefix] = 1;
  }

  private look(prefix: number, isHeld: (r: number, prefix: number) => boolean, changes: HoldChange[]): void {
    this.held.forEach((held, replica) => {
      const hold = isHeld(replica, prefix);
      if (hold === held.has(prefix)) return;
      if (hold) held.add(prefix);
      else held.delete(prefix);
      changes.push({ replica, prefix, hold });
    });
  }
}
