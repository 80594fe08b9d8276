// The voter against a slow reference that knows only the definitions: the same verdicts after every vote, and at rest.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../../voter/types.js';
import { Rig, T } from './helpers.js';

const PREFIXES = [1, 2, 3];

/** The value that more than half of the voters (and `minVotes`) say, undefined when there is none. */
function majority(votes: readonly number[], minVotes: number): number | undefined {
  return votes.find((v) => {
    const support = votes.filter((other) => other === v).length;
    return support * 2 > votes.length && support >= minVotes;
  });
}

class Reference {
  readonly votes = new Map<string, number>();
  readonly verdicts = new Map<number, number>();
  readonly members: Set<number>;
  readonly abstaining = new Set<string>();
  private readonly rig: Rig;
  private readonly strategy: Strategy;
  private readonly k: number;
  private readonly minVotes: number;

  constructor(rig: Rig, strategy: Strategy, replicas: number, k: number, minVotes: number) {
    this.rig = rig;
    this.strategy = strategy;
    this.k = k;
    this.minVotes = minVotes;
    this.members = new Set(Array.from({ length: replicas }, (_, r) => r));
  }

  voters(prefix: number): number[] {
    return [...this.members].filter((r) => !this.abstaining.has(`${r}/${prefix}`));
  }

  said(r: number, prefix: number): number {
    return this.votes.get(`${r}/${prefix}`) ?? 0;
  }

  verdict(prefix: number): number {
    return this.verdicts.get(prefix) ?? 0;
  }

  vote(r: number, prefix: number, value: number): void {
    if (this.said(r, prefix) === value) return;
    this.votes.set(`${r}/${prefix}`, value);
    const voters = this.voters(prefix);
    if (!voters.includes(r)) return;
    const all = voters.map((v) => this.said(v, prefix));
    const winner = majority(all, this.minVotes);
    if (this.strategy === 'master-slave') {
      // Who leads in place of a master that abstains is the electorate's business and tested there.
      if (this.rig.electorate.leader(voters.reduce((m, v) => m | (1 << v), 0)) === r) this.verdicts.set(prefix, value);
    } else if (winner !== undefined) {
      const support = all.filter((v) => v === winner).length;
      if (this.strategy === 'continuous-majority' || support >= Math.min(this.k, all.length))
        this.verdicts.set(prefix, winner);
    }
  }

  /** Everything is stable now. */
  rest(): void {
    for (const prefix of PREFIXES) {
      const winner = majority(
        this.voters(prefix).map((r) => this.said(r, prefix)),
        this.minVotes,
      );
      if (winner !== undefined) this.verdicts.set(prefix, winner);
    }
  }
}

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      r: fc.nat(4),
      prefix: fc.constantFrom(...PREFIXES),
      value: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('join' as const), r: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), r: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), r: fc.nat(4) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('abstain' as const), r: fc.nat(4), prefix: fc.constantFrom(...PREFIXES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('release' as const), r: fc.nat(4), prefix: fc.constantFrom(...PREFIXES) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('emit' as const), prefix: fc.constantFrom(...PREFIXES) }) },
);
const setting = fc.record({
  replicas: fc.integer({ min: 1, max: 5 }),
  k: fc.integer({ min: 1, max: 5 }),
  minVotes: fc.integer({ min: 1, max: 2 }),
});

describe.each(['continuous-majority', 'wait-for-consensus', 'master-slave'] as const)('%s', (strategy) => {
  test('has the verdicts of the definitions after every step and at rest', () => {
    fc.assert(
      fc.property(setting, fc.array(step, { maxLength: 80 }), ({ replicas, k, minVotes }, steps) => {
        const rig = new Rig(strategy, replicas, { k, minVotes });
        const reference = new Reference(rig, strategy, replicas, k, minVotes);
        const { voter, electorate } = rig;
        for (const s of steps) {
          const r = s.kind === 'emit' ? 0 : s.r % replicas;
          if (s.kind === 'vote') {
            rig.voter.vote(r, s.prefix, s.value, ++rig.now);
            reference.vote(r, s.prefix, s.value);
          } else if (s.kind === 'join') {
            electorate.join(r);
            reference.members.add(r);
          } else if (s.kind === 'leave') {
            electorate.leave(r);
            reference.members.delete(r);
          } else if (s.kind === 'forget') {
            voter.forget(r);
            for (const prefix of PREFIXES) {
              reference.votes.delete(`${r}/${prefix}`);
              reference.abstaining.delete(`${r}/${prefix}`);
            }
          } else if (s.kind === 'abstain') {
            voter.abstain(r, s.prefix, rig.now);
            reference.abstaining.add(`${r}/${s.prefix}`);
          } else if (s.kind === 'release') {
            voter.release(r, s.prefix, rig.now);
            reference.abstaining.delete(`${r}/${s.prefix}`);
          } else voter.markAdvertised(s.prefix, voter.verdict(s.prefix));
          for (const prefix of PREFIXES) expect(voter.verdict(prefix)).toBe(reference.verdict(prefix));
        }
        atRest(rig, reference, strategy, minVotes);
      }),
      { numRuns: 400 },
    );
  });
});

function atRest(rig: Rig, reference: Reference, strategy: Strategy, minVotes: number): void {
  const { voter } = rig;
  rig.pass(8 * T);
  if (rig.electorate.size > 0) reference.rest();
  expect(voter.unsettled === 0 || rig.electorate.size === 0).toBe(true);
  const dirty = new Set(rig.takeDirty());
  let contested = 0;
  for (const prefix of PREFIXES) {
    const voters = reference.voters(prefix);
    const said = voters.map((r) => reference.said(r, prefix));
    const winner = majority(said, minVotes);
    // After an overthrow a ballot without a majority follows the new master: the definitions leave it open which verdict stays.
    if (winner !== undefined || strategy !== 'master-slave')
      expect(voter.verdict(prefix)).toBe(reference.verdict(prefix));
    if (rig.electorate.size === 0) continue;
    const wrong = voters.filter((r) => winner !== undefined && reference.said(r, prefix) !== winner);
    expect(voter.dissenters(prefix)).toBe(wrong.reduce((mask, r) => mask | (1 << r), 0));
    const differs = said.some((v) => v !== voter.verdict(prefix));
    expect(voter.isContested(prefix)).toBe(differs);
    if (differs) contested++;
    expect(dirty.has(prefix)).toBe(voter.verdict(prefix) !== voter.advertised(prefix));
  }
  if (rig.electorate.size > 0) expect(voter.stats().contested).toBe(contested);
  expect(voter.stats().routes).toBe(PREFIXES.filter((prefix) => voter.verdict(prefix) !== 0).length);
}
