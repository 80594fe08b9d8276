// The replica's votes: what its routes say. Owns what was last reported for each prefix, so that every report is a change; which route counts
// is own-routes.ts.
const INITIAL = 1024;

export class Votes {
  private readonly report: (prefix: number, hops: number) => void;
  private cast = new Uint32Array(INITIAL);

  constructor(report: (prefix: number, hops: number) => void) {
    this.report = report;
  }

  /** The replica's route to the prefix goes by `hops` now (0: there is none). */
  set(prefix: number, hops: number): void {
    if (prefix >= this.cast.length) {
      if (hops === 0) return;
      this.grow(prefix);
    }
    if (this.cast[prefix] === hops) return;
    this.cast[prefix] = hops;
    this.report(prefix, hops);
  }

  /** Takes back every vote. */
  revoke(): void {
    for (let prefix = 1; prefix < this.cast.length; prefix++) if (this.cast[prefix] !== 0) this.set(prefix, 0);
  }

  /** Sets used[id] for prefixes and next-hop sets that were voted for. */
  mark(prefixes: Uint8Array | undefined, hops: Uint8Array | undefined): void {
    for (let prefix = 1; prefix < this.cast.length; prefix++) {
      const vote = this.cast[prefix];
      if (vote === 0) continue;
      if (prefixes !== undefined) prefixes[prefix] = 1;
      if (hops !== undefined) hops[vote] = 1;
    }
  }

  private grow(prefix: number): void {
    const grown = new Uint32Array(Math.max(prefix + 1, this.cast.length * 2));
    grown.set(this.cast);
    this.cast = grown;
  }
}
