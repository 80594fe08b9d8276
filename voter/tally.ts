// Counting votes: the one value that can have more than half, and how many it has. Knows no strategy and no time.

/** Number of replicas in a bitmask (up to 16 bits). */
export function count(mask: number): number {
  let bits = mask - ((mask >>> 1) & 0x5555);
  bits = (bits & 0x3333) + ((bits >>> 2) & 0x3333);
  bits = (bits + (bits >>> 4)) & 0x0f0f;
  return (bits + (bits >>> 8)) & 0x1f;
}

/** Reused by its owner, so that counting allocates nothing. */
export class Tally {
  /** If any value has more than half of the votes counted last, this is the one. */
  value = 0;
  /** How many votes `value` has; 0 when nobody was counted. */
  support = 0;

  /** Counts the votes of the replicas in `mask`; votes[at + r] is the vote of replica r. (Boyer and Moore's majority vote.) */
  count(votes: Uint32Array, at: number, mask: number): void {
    let value = 0;
    let balance = 0;
    for (let r = 0, rest = mask; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      if (balance === 0) value = votes[at + r];
      balance += votes[at + r] === value ? 1 : -1;
    }
    let support = 0;
    for (let r = 0, rest = mask; rest !== 0; r++, rest >>>= 1) {
      if ((rest & 1) !== 0 && votes[at + r] === value) support++;
    }
    this.value = value;
    this.support = support;
  }
}

/** The replicas of `mask` that say `value`. */
export function supporters(votes: Uint32Array, at: number, mask: number, value: number): number {
  let agree = 0;
  for (let r = 0, rest = mask; rest !== 0; r++, rest >>>= 1) {
    if ((rest & 1) !== 0 && votes[at + r] === value) agree |= 1 << r;
  }
  return agree;
}
