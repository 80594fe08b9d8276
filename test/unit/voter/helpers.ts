// A voter under test with a clock, input times and digestion that the test sets.
import { Electorate } from '../../../voter/electorate.js';
import type { Strategy, VoterEvent, VoterOptions } from '../../../voter/types.js';
import { UpdateVoter } from '../../../voter/update-voter.js';

export const T = 1000;

export class Rig {
  readonly electorate: Electorate;
  readonly voter: UpdateVoter;
  readonly caughtUp: Float64Array;
  readonly inputs = new Map<number, number>();
  readonly events: VoterEvent[] = [];
  now = 5_000_000;

  constructor(strategy: Strategy, replicas = 3, options: VoterOptions = {}, members = replicas) {
    this.electorate = new Electorate(replicas);
    for (let r = 0; r < members; r++) this.electorate.join(r);
    this.caughtUp = new Float64Array(replicas).fill(Infinity);
    this.voter = new UpdateVoter({
      replicas,
      electorate: this.electorate,
      strategy,
      options: { stabilityThreshold: T, ...options },
      inputTime: (prefix) => this.inputs.get(prefix) ?? -Infinity,
      caughtUp: this.caughtUp,
    });
  }

  /** Replica r says votes[r] on the prefix; undefined: it says nothing new. */
  vote(prefix: number, ...votes: (number | undefined)[]): void {
    votes.forEach((attributes, r) => {
      if (attributes !== undefined) this.voter.vote(r, prefix, attributes, this.now);
    });
  }

  /** Lets time pass, with a tick every T/8. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + T / 8);
      while (this.voter.tick(this.now, 7));
      this.events.push(...this.voter.drainEvents());
    }
  }

  /** What happened so far, as `type` or `dissent-begins 2 missing`. */
  get log(): string[] {
    return this.events.map((e) => {
      if (e.type === 'dissent-begins' || e.type === 'dissent-ends') return `${e.type} ${e.replica} ${e.kind}`;
      return e.type === 'verdict' ? `verdict ${e.to} ${e.rule}` : e.type;
    });
  }

  takeDirty(): number[] {
    const out = new Uint32Array(64);
    return [...out.subarray(0, this.voter.takeDirty(out))];
  }
}
