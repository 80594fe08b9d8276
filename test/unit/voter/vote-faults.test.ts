// Faults put into votes: what reaches the voter while they last, and that afterwards it holds what the replicas really say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VOTE_FAULT_KINDS, VoteFaults, type VoteFault, type VoteFaultKind } from '../../../voter/vote-faults.js';
import { Rig, T } from './helpers.js';

const LIMIT = 6;

/** Ballots that only remember. */
class Memory {
  readonly votes = new Map<string, number>();
  casts = 0;
  vote(r: number, prefix: number, vote: number): void {
    this.casts++;
    this.votes.set(`${r}/${prefix}`, vote);
  }
  currentVote(r: number, prefix: number): number {
    return this.votes.get(`${r}/${prefix}`) ?? 0;
  }
}

const fault = (id: number, kind: VoteFaultKind, replica: number, prefixes?: number[]): VoteFault => ({
  ...{ id, kind, replica, prefixes: prefixes && new Set(prefixes) },
  alter: (vote) => vote + 100,
});

function rig(): { memory: Memory; faults: VoteFaults } {
  const memory = new Memory();
  for (let p = 1; p < LIMIT; p++) memory.vote(0, p, p < 5 ? 10 + p : 0);
  return { memory, faults: new VoteFaults(memory) };
}

const told = (memory: Memory): number[] => [1, 2, 3, 4, 5].map((p) => memory.currentVote(0, p));

describe('one fault', () => {
  it.each<[VoteFaultKind, number[] | undefined, number[]]>([
    ['drop', [2], [11, 0, 13, 14, 0]],
    ['drop', undefined, [0, 0, 0, 0, 0]],
    ['wrong-nexthop', [1, 5], [111, 12, 13, 14, 0]],
    ['wrong-attribute', undefined, [111, 112, 113, 114, 0]],
    ['extra', [4, 5], [11, 12, 13, 14, 100]],
    ['stale', [1], [11, 12, 13, 14, 0]],
    ['mute', undefined, [11, 12, 13, 14, 0]],
  ])('%s on %s: begins with what was said before, and ends with it', (kind, prefixes, during) => {
    const { memory, faults } = rig();
    faults.begin(fault(1, kind, 0, prefixes), LIMIT, 0);
    expect(told(memory)).toEqual(during);
    faults.end(1, 0);
    expect(told(memory)).toEqual([11, 12, 13, 14, 0]);
    expect(faults.idle).toBe(true);
  });

  it('keeps old votes, and lets what is new by then through at the end', () => {
    const { memory, faults } = rig();
    faults.begin(fault(1, 'stale', 0, [1, 2]), LIMIT, 0);
    for (const p of [1, 2, 3]) faults.vote(0, p, 20 + p, 0);
    faults.vote(1, 1, 77, 0);
    expect(told(memory)).toEqual([11, 12, 23, 14, 0]);
    expect(memory.currentVote(1, 1)).toBe(77);
    faults.end(1, 0);
    expect(told(memory)).toEqual([21, 22, 23, 14, 0]);
  });

  it('lets nothing of a mute replica through, and all at the end', () => {
    const { memory, faults } = rig();
    faults.begin(fault(1, 'mute', 0), LIMIT, 0);
    const { casts } = memory;
    for (let p = 1; p < LIMIT; p++) faults.vote(0, p, 0, 0);
    expect(memory.casts).toBe(casts);
    faults.end(1, 0);
    expect(told(memory)).toEqual([0, 0, 0, 0, 0]);
  });

  it('changes what is said later, too; a made-up route gives way to a real one', () => {
    const { memory, faults } = rig();
    faults.begin(fault(1, 'extra', 0, [5]), LIMIT, 0);
    faults.vote(0, 5, 30, 0);
    expect(memory.currentVote(0, 5)).toBe(30);
    faults.vote(0, 5, 0, 0);
    expect(memory.currentVote(0, 5)).toBe(100);
  });

  it('of a replica that starts anew: nothing of its last life comes back, but what is made up', () => {
    const { memory, faults } = rig();
    faults.begin(fault(1, 'drop', 0, [1]), LIMIT, 0);
    faults.begin(fault(2, 'extra', 0, [5]), LIMIT, 0);
    memory.votes.clear();
    faults.forget(0, 0);
    expect(told(memory)).toEqual([0, 0, 0, 0, 100]);
    faults.end(1, 0);
    expect(told(memory)).toEqual([0, 0, 0, 0, 100]);
    faults.end(2, 0);
    expect(told(memory)).toEqual([0, 0, 0, 0, 0]);
  });

  it('marks what it holds', () => {
    const { faults } = rig();
    faults.begin(fault(1, 'drop', 0, [2]), LIMIT, 0);
    const [prefixes, votes] = [new Uint8Array(LIMIT), new Uint8Array(20)];
    faults.markPrefixes(prefixes);
    faults.markVotes(votes);
    expect([prefixes.indexOf(1), votes.indexOf(1, 1)]).toEqual([2, 12]);
  });
});

describe('any faults', () => {
  type Step =
    | { do: 'vote'; replica: number; prefix: number; vote: number }
    | { do: 'begin'; kind: VoteFaultKind; replica: number; prefixes: number[] | undefined }
    | { do: 'end'; nth: number };
  const replica = fc.nat(1);
  const prefix = fc.integer({ min: 1, max: LIMIT - 1 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant('vote' as const), replica, prefix, vote: fc.nat(3) }),
    fc.record({
      do: fc.constant('begin' as const),
      kind: fc.constantFrom(...VOTE_FAULT_KINDS),
      replica,
      prefixes: fc.option(fc.array(prefix, { minLength: 1 }), { nil: undefined }),
    }),
    fc.record({ do: fc.constant('end' as const), nth: fc.nat(3) }),
  );

  it('leave no trace when they are over, and touch nothing that they do not cover', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = new Memory();
        const truth = new Memory();
        const faults = new VoteFaults(memory);
        let open: VoteFault[] = [];
        let next = 1;
        for (const one of steps) {
          if (one.do === 'vote') {
            truth.vote(one.replica, one.prefix, one.vote);
            faults.vote(one.replica, one.prefix, one.vote, 0);
          } else if (one.do === 'begin') {
            const begun = fault(next++, one.kind, one.replica, one.prefixes);
            open.push(begun);
            faults.begin(begun, LIMIT, 0);
          } else if (open.length > 0) {
            const [ended] = open.splice(one.nth % open.length, 1);
            faults.end(ended.id, 0);
          }
          for (let r = 0; r < 2; r++) {
            for (let p = 1; p < LIMIT; p++) {
              const covered = open.some(({ replica: of, prefixes }) => of === r && (prefixes?.has(p) ?? true));
              if (!covered) expect(memory.currentVote(r, p)).toBe(truth.currentVote(r, p));
            }
          }
        }
        for (const { id } of open) faults.end(id, 0);
        open = [];
        expect(faults.idle).toBe(true);
        for (let r = 0; r < 2; r++) {
          for (let p = 1; p < LIMIT; p++) expect(memory.currentVote(r, p)).toBe(truth.currentVote(r, p));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('in front of a voter', () => {
  it.each(['wait-for-consensus', 'continuous-majority'] as const)(
    '%s: one liar of three changes nothing',
    (strategy) => {
      const three = new Rig(strategy);
      const { voter } = three;
      const faults = new VoteFaults(voter);
      faults.begin(fault(1, 'wrong-nexthop', 2), LIMIT, three.now);
      for (const r of [0, 1, 2]) faults.vote(r, 1, 7, three.now);
      three.pass(3 * T);
      expect(voter.currentVote(2, 1)).toBe(107);
      expect([voter.verdict(1), voter.dissenters(1)]).toEqual([7, 4]);
    },
  );
});
