// The memory of one voter: what every replica says on every prefix, the verdict, what was advertised, and a few flags. Typed arrays
// indexed by prefix id, no object per prefix (about 23 + 8 R bytes a ballot). Counting is in tally.ts, deciding in update-voter.ts.
import { RULES } from './types.js';
import type { Rule } from './types.js';

export const CONTESTED = 1;
export const NO_MAJORITY = 2;
export const OSCILLATING = 4;
const FLAGS = 7;
const RULE_SHIFT = 4;

/** In place of what was advertised: the neighbour may hold anything, so that every verdict is news. */
export const UNKNOWN = 0xffffffff;

const INITIAL_CAPACITY = 256;

export class Ballots {
  readonly replicas: number;
  /** Ids below this have memory. */
  capacity = INITIAL_CAPACITY;
  /** Ids below this may have been used. */
  limit = 1;
  /** Vote of replica r on prefix p at [p * replicas + r]: attribute id, 0 = absent. */
  votes: Uint32Array;
  /** When that vote changed last: ms modulo 2^32, see `age`. */
  changed: Uint32Array;
  verdict = new Uint32Array(INITIAL_CAPACITY);
  /** Attribute id that the neighbour holds, 0 for none, UNKNOWN. */
  advertised = new Uint32Array(INITIAL_CAPACITY);
  /** Since when the ballot has found no rest; means something only while it is under observation. Ms modulo 2^32. */
  restless = new Uint32Array(INITIAL_CAPACITY);
  /** Replicas whose stable vote differs from the stable majority. */
  dissent = new Uint16Array(INITIAL_CAPACITY);
  /** Replicas without a say on this ballot, for a reason outside the voter. */
  abstaining = new Uint16Array(INITIAL_CAPACITY);
  private state = new Uint8Array(INITIAL_CAPACITY);

  constructor(replicas: number) {
    this.replicas = replicas;
    this.votes = new Uint32Array(INITIAL_CAPACITY * replicas);
    this.changed = new Uint32Array(INITIAL_CAPACITY * replicas);
  }

  /** Makes room for a prefix id. To be called before anything is written for it. */
  reach(prefix: number): void {
    if (prefix < this.limit) return;
    this.limit = prefix + 1;
    if (prefix < this.capacity) return;
    let capacity = this.capacity;
    while (capacity <= prefix) capacity *= 2;
    this.capacity = capacity;
    this.votes = grown(this.votes, capacity * this.replicas);
    this.changed = grown(this.changed, capacity * this.replicas);
    this.verdict = grown(this.verdict, capacity);
    this.advertised = grown(this.advertised, capacity);
    this.restless = grown(this.restless, capacity);
    this.dissent = grown(this.dissent, capacity);
    this.abstaining = grown(this.abstaining, capacity);
    this.state = grown(this.state, capacity);
  }

  has(prefix: number, flag: number): boolean {
    return (this.state[prefix] & flag) !== 0;
  }

  /** Sets or clears a flag. Returns +1, -1 or 0, by how much the number of ballots with that flag changed. */
  mark(prefix: number, flag: number, on: boolean): number {
    const was = (this.state[prefix] & flag) !== 0;
    if (was === on) return 0;
    this.state[prefix] ^= flag;
    return on ? 1 : -1;
  }

  rule(prefix: number): Rule {
    return RULES[this.state[prefix] >>> RULE_SHIFT];
  }

  setRule(prefix: number, rule: Rule): void {
    this.state[prefix] = (this.state[prefix] & FLAGS) | (RULES.indexOf(rule) << RULE_SHIFT);
  }

  /** How long ago, in ms; `then` is a stored time. Wraps after 49 days, when an old vote looks young for a moment: it waits once more. */
  age(then: number, now: number): number {
    return ((now >>> 0) - then) >>> 0;
  }

  /** Marks used[id] for every attribute id that is held here; ids beyond the array are left out. */
  markAttributes(used: Uint8Array): void {
    for (const ids of [this.votes, this.verdict, this.advertised]) {
      for (let i = 0; i < ids.length; i++) if (ids[i] !== 0 && ids[i] < used.length) used[ids[i]] = 1;
    }
  }

  /** Whether anything at all is known of a prefix, so that its id must not be given to another. */
  inUse(prefix: number): boolean {
    if (this.verdict[prefix] !== 0 || this.advertised[prefix] !== 0 || this.abstaining[prefix] !== 0) return true;
    for (let at = prefix * this.replicas, r = 0; r < this.replicas; r++) if (this.votes[at + r] !== 0) return true;
    return false;
  }
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array>(array: T, length: number): T {
  const copy = new (array.constructor as new (length: number) => T)(length);
  copy.set(array);
  return copy;
}
