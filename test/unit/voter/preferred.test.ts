// No majority left: what is out stays, or one replica's word counts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../../voter/types.js';
import { Rig, T } from './helpers.js';

const P = 1;
const STRATEGIES: Strategy[] = ['continuous-majority', 'wait-for-consensus', 'master-slave'];

/** All three agreed on 7; then each says something else. */
function split(strategy: Strategy, preferred?: number, replicas = 3): Rig {
  const rig = new Rig(strategy, replicas, preferred === undefined ? {} : { preferred });
  rig.vote(P, ...new Array<number>(replicas).fill(7));
  rig.pass(2 * T);
  rig.vote(P, 10, 11, 12);
  return rig;
}

describe.each(STRATEGIES)('%s without a majority', (strategy) => {
  test('what is out stays when nobody is preferred', () => {
    const rig = split(strategy);
    const before = rig.voter.verdict(P);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(before);
    expect(rig.log).toEqual(['no-majority']);
  });

  test('the preferred replica settles it once all votes are stable, and follows its own later votes', () => {
    const rig = split(strategy, 1);
    rig.pass(T / 2);
    expect(rig.voter.verdict(P)).not.toBe(11);
    rig.pass(2 * T);
    expect([rig.voter.verdict(P), rig.voter.rule(P)]).toEqual([11, 'preferred']);
    expect(rig.log).toEqual(['no-majority', 'verdict 11 preferred']);
    expect(rig.voter.stats()).toMatchObject({ withoutMajority: 1, contested: 1, dissents: [0, 0, 0] });
    rig.vote(P, undefined, 0);
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(0);
  });

  test('a majority that comes about goes before', () => {
    const rig = split(strategy, 1);
    rig.pass(2 * T);
    rig.vote(P, 12);
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(12);
    expect(rig.voter.stats()).toMatchObject({ withoutMajority: 0, dissents: [0, 1, 0] });
  });

  test('nobody’s word counts while the preferred one has no say; with its return it does', () => {
    const rig = split(strategy, 3, 4);
    rig.electorate.leave(3);
    const before = rig.voter.verdict(P);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(before);
    rig.electorate.join(3);
    rig.voter.abstain(3, P, rig.now);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(before);
    rig.vote(P, undefined, undefined, undefined, 13);
    rig.voter.release(3, P, rig.now);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(13);
  });
});

test('fewer voters than min-votes: the preferred one decides alone, anybody else does not', () => {
  const rig = new Rig('continuous-majority', 2, { preferred: 0, minVotes: 2 });
  rig.vote(P, 7, 7);
  rig.pass(2 * T);
  rig.electorate.leave(0);
  rig.vote(P, undefined, 9);
  rig.pass(2 * T);
  expect(rig.voter.verdict(P)).toBe(7);
  rig.electorate.join(0);
  rig.electorate.leave(1);
  rig.vote(P, 8);
  rig.pass(2 * T);
  expect(rig.voter.verdict(P)).toBe(8);
});

test('it never matters while there is a majority', () => {
  const votes = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { maxLength: 30 });
  fc.assert(
    fc.property(votes, fc.nat(2), fc.constantFrom(...STRATEGIES), (said, preferred, strategy) => {
      const [with_, without] = [new Rig(strategy, 3, { preferred }), new Rig(strategy, 3)];
      const last = [0, 0, 0];
      for (const [r, value] of said) {
        last[r] = value;
        for (const rig of [with_, without]) rig.voter.vote(r, P, value, rig.now);
        for (const rig of [with_, without]) rig.pass(T / 4);
      }
      for (const rig of [with_, without]) rig.pass(3 * T);
      if (new Set(last).size < 3) expect(with_.voter.verdict(P)).toBe(without.voter.verdict(P));
      else expect(with_.voter.verdict(P)).toBe(last[preferred]);
    }),
  );
});
