// What each strategy decides, and when (DESIGN section 6).
import { describe, expect, test } from 'vitest';
import { Rig, T } from './helpers.js';

const P = 1;

describe('continuous-majority', () => {
  test('decides with the second of three votes and follows the majority', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(P, 7);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.vote(P, undefined, 7);
    expect(rig.voter.verdict(P)).toBe(7);
    rig.vote(P, 8);
    expect(rig.voter.verdict(P)).toBe(7);
    rig.vote(P, undefined, undefined, 8);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.voter.rule(P)).toBe('majority');
    expect(rig.voter.agreement(P)).toBe(0b101);
  });

  test('min-votes: a majority of one is not enough', () => {
    const rig = new Rig('continuous-majority', 3, { minVotes: 2 }, 1);
    rig.vote(P, 7);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(0);
    expect(rig.log).toEqual(['no-majority']);
  });

  test('who abstains counts neither way', () => {
    const rig = new Rig('continuous-majority');
    rig.voter.abstain(0, P, rig.now);
    rig.vote(P, 9, 7);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.vote(P, undefined, undefined, 7);
    expect(rig.voter.verdict(P)).toBe(7);
    rig.pass(3 * T);
    expect(rig.log).toEqual([]);
    rig.voter.release(0, P, rig.now);
    rig.pass(3 * T);
    expect(rig.log).toEqual(['dissent-begins 0 different']);
  });

  test('where all abstain what is out stays for a time; then they vote, for want of others, and nobody is blamed for that', () => {
    const rig = new Rig('continuous-majority', 3, { silence: 5 * T });
    rig.vote(P, 7, 7, 7);
    rig.pass(3 * T);
    for (const r of [0, 1, 2]) rig.voter.abstain(r, P, rig.now);
    rig.vote(P, 0, 0, 9);
    rig.pass(4 * T);
    expect(rig.voter.verdict(P)).toBe(7);
    expect([0, 1, 2].map((r) => rig.voter.hasSay(r, P))).toEqual([false, false, false]);
    rig.pass(4 * T);
    expect(rig.voter.verdict(P)).toBe(0);
    expect([0, 1, 2].map((r) => rig.voter.hasSay(r, P))).toEqual([true, true, true]);
    expect(rig.voter.stats().dissents).toEqual([0, 0, 0]);
    rig.voter.release(2, P, rig.now);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(9);
    expect([0, 1, 2].map((r) => rig.voter.hasSay(r, P))).toEqual([false, false, true]);
  });

  test('when the last one leaves that does not abstain, the others decide after that time', () => {
    const rig = new Rig('continuous-majority', 3, { silence: 5 * T });
    for (const r of [0, 1]) rig.voter.abstain(r, P, rig.now);
    rig.vote(P, 7, 7, 9);
    rig.pass(8 * T);
    expect(rig.voter.verdict(P)).toBe(9);
    rig.electorate.leave(2);
    rig.pass(4 * T);
    expect(rig.voter.verdict(P)).toBe(9);
    rig.pass(4 * T);
    expect(rig.voter.verdict(P)).toBe(7);
  });
});

describe('wait-for-consensus', () => {
  test('waits for all of them', () => {
    const rig = new Rig('wait-for-consensus');
    rig.vote(P, 7, 7);
    rig.pass(T / 2);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.vote(P, undefined, undefined, 7);
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.voter.rule(P)).toBe('consensus');
  });

  test('a mute replica holds up a verdict for T and a little, not for ever', () => {
    const rig = new Rig('wait-for-consensus');
    rig.vote(P, 7, 7);
    rig.pass(T - 1);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.pass(T / 4 + 1);
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.voter.rule(P)).toBe('stable-majority');
    expect(rig.log).toEqual(['dissent-begins 2 missing', 'verdict 7 stable-majority']);
  });

  test('K of R decides with K votes, and never with less than a majority', () => {
    const two = new Rig('wait-for-consensus', 5, { k: 3 });
    two.vote(P, 7, 7);
    expect(two.voter.verdict(P)).toBe(0);
    two.vote(P, undefined, undefined, 7);
    expect(two.voter.verdict(P)).toBe(7);
    const one = new Rig('wait-for-consensus', 5, { k: 1 });
    one.vote(P, 7, 7);
    expect(one.voter.verdict(P)).toBe(0);
  });

  test('a replica that left is not waited for', () => {
    const rig = new Rig('wait-for-consensus', 3, {}, 2);
    rig.vote(P, 7, 7);
    expect(rig.voter.verdict(P)).toBe(7);
  });

  test('votes that keep changing settle nothing', () => {
    const rig = new Rig('wait-for-consensus');
    for (let i = 0; i < 24; i++) {
      rig.vote(P, 10 + i, 10 + i);
      rig.pass(T / 2);
    }
    expect(rig.voter.verdict(P)).toBe(0);
    expect(rig.log).toEqual(['oscillation-begins']);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(33);
    expect(rig.log.slice(1)).toEqual(['oscillation-ends', 'dissent-begins 2 missing', 'verdict 33 stable-majority']);
  });
});

describe('master-slave', () => {
  test('says what the master says, at once; the slaves alone say nothing', () => {
    const rig = new Rig('master-slave');
    rig.vote(P, undefined, 8, 8);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.vote(P, 7);
    expect(rig.voter.verdict(P)).toBe(7);
  });

  test('a master that stably differs from the stable majority is overthrown, and all its word with it', () => {
    const rig = new Rig('master-slave');
    rig.vote(P, 7, 8, 8);
    rig.vote(2, 5, 5, 5);
    // A tie that only the new master's word changes: no stable majority against the old one.
    rig.vote(3, 5, 6, 4);
    rig.pass(2 * T);
    expect(rig.electorate.master).toBe(1);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.voter.verdict(2)).toBe(5);
    expect(rig.voter.verdict(3)).toBe(6);
    expect(rig.events.find((e) => e.type === 'overthrow')).toMatchObject({ from: 0, to: 1, prefix: P, changed: 1 });
  });

  test('a master that is outvoted before its own vote is stable is overthrown when it is', () => {
    const rig = new Rig('master-slave');
    rig.vote(P, 8, 8, 8);
    rig.pass(2 * T);
    // A slave that changes its mind for a moment: the ballot is looked at when that slave is stable again.
    rig.vote(P, undefined, 9);
    rig.vote(P, undefined, 8);
    rig.pass((3 * T) / 4);
    rig.vote(P, 7);
    rig.pass(T / 2);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.electorate.master).toBe(0);
    rig.pass(2 * T);
    expect(rig.electorate.master).toBe(1);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.log).toEqual(['verdict 8 stable-majority', 'dissent-begins 0 different', 'overthrow']);
  });

  test('a lagging master is outvoted on the ballot, not overthrown', () => {
    const rig = new Rig('master-slave');
    rig.caughtUp[0] = 0;
    rig.inputs.set(P, rig.now);
    rig.vote(P, undefined, 8, 8);
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.electorate.master).toBe(0);
    expect(rig.log).toEqual(['verdict 8 stable-majority']);
  });

  test('three replicas that are each wrong somewhere do not overthrow each other for ever', () => {
    const rig = new Rig('master-slave');
    rig.vote(1, 9, 8, 8);
    rig.vote(2, 8, 9, 8);
    rig.vote(3, 8, 8, 9);
    rig.pass(20 * T);
    for (const prefix of [1, 2, 3]) expect(rig.voter.verdict(prefix)).toBe(8);
    expect(rig.electorate.overthrows).toBeLessThanOrEqual(3);
  });

  test('an overthrow is followed by every voter that shares the electorate', () => {
    const rig = new Rig('master-slave');
    const before = rig.electorate.epoch;
    rig.vote(P, 7, 8, 9);
    rig.electorate.overthrow(0);
    expect(rig.electorate.epoch).toBe(before + 1);
    rig.pass(T / 8);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.voter.rule(P)).toBe('overthrow');
  });
});

describe.each(['continuous-majority', 'wait-for-consensus', 'master-slave'] as const)('%s', (strategy) => {
  test('joining and leaving change no verdict at once; contested ballots are settled by those that remain', () => {
    const rig = new Rig(strategy);
    rig.vote(P, 7, 7, 7);
    rig.vote(2, 7, 7, 7);
    rig.vote(2, undefined, undefined, 8);
    rig.electorate.leave(0);
    rig.electorate.leave(1);
    expect(rig.voter.verdict(2)).toBe(7);
    rig.pass(T / 2);
    expect(rig.voter.verdict(2)).toBe(7);
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.voter.verdict(2)).toBe(8);
  });

  test('with an empty electorate nothing changes', () => {
    const rig = new Rig(strategy);
    rig.vote(P, 7, 7, 7);
    for (const r of [0, 1, 2]) rig.electorate.leave(r);
    for (const r of [0, 1, 2]) rig.voter.forget(r);
    rig.vote(P, 9, 9, 9);
    rig.vote(P, 0, 0, 0);
    rig.pass(5 * T);
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.voter.stats().routes).toBe(1);
  });

  test('a replica that comes back with a stale table is found out', () => {
    const rig = new Rig(strategy);
    rig.vote(P, 7, 7, 7);
    rig.electorate.leave(2);
    rig.voter.forget(2);
    rig.vote(P, undefined, undefined, 6);
    rig.pass(3 * T);
    expect(rig.voter.stats().contested).toBe(0);
    rig.electorate.join(2);
    rig.pass(3 * T);
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.log).toEqual(['dissent-begins 2 different']);
    expect(rig.voter.stats().dissents).toEqual([0, 0, 1]);
  });
});

describe('another strategy while it runs', () => {
  test('changes no verdict by itself; the next vote is decided by it', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(P, 7, 7, 7);
    rig.vote(2, 5, 6, 6);
    rig.pass(2 * T);
    rig.voter.configure({ stabilityThreshold: T }, 'master-slave');
    rig.pass(2 * T);
    // The master is in dissent there already: it is neither followed nor overthrown for that.
    expect([rig.voter.verdict(P), rig.voter.verdict(2)]).toEqual([7, 6]);
    expect(rig.electorate.master).toBe(0);
    rig.vote(P, 8);
    expect([rig.voter.verdict(P), rig.voter.rule(P)]).toEqual([8, 'master']);
    rig.voter.configure({ stabilityThreshold: T }, 'wait-for-consensus');
    rig.vote(P, undefined, 8);
    rig.vote(3, 4, 4);
    expect(rig.voter.verdict(3)).toBe(0);
    rig.vote(3, undefined, undefined, 4);
    expect(rig.voter.verdict(3)).toBe(4);
  });

  test('what waited for the last vote is settled by the stable majority', () => {
    const rig = new Rig('wait-for-consensus');
    rig.vote(P, 7, 7);
    rig.voter.configure({ stabilityThreshold: T }, 'continuous-majority');
    expect(rig.voter.verdict(P)).toBe(0);
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(7);
  });

  test('where the master’s word stood against the others, the stable majority has it', () => {
    const rig = new Rig('master-slave');
    rig.vote(P, 7, 8, 8);
    expect(rig.voter.verdict(P)).toBe(7);
    rig.voter.configure({ stabilityThreshold: T }, 'continuous-majority');
    rig.pass(2 * T);
    expect(rig.voter.verdict(P)).toBe(8);
    expect(rig.electorate.master).toBe(0);
  });
});
