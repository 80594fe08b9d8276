// Stability, lag, dissent and the other findings; what is to be advertised; bounds and bookkeeping.
import { describe, expect, test } from 'vitest';
import { UNKNOWN } from '../../../voter/ballots.js';
import { Rig, T } from './helpers.js';

const P = 1;

describe('dissent', () => {
  test.each([
    { kind: 'missing', votes: [7, 7, 0] },
    { kind: 'extra', votes: [0, 0, 7] },
    { kind: 'different', votes: [7, 7, 8] },
  ])('$kind: begins when stable, ends with the vote that agrees', ({ kind, votes }) => {
    const rig = new Rig('continuous-majority');
    rig.vote(P, ...votes);
    const since = rig.now;
    rig.pass(T - 1);
    expect(rig.log).toEqual([]);
    rig.pass(T);
    expect(rig.log).toEqual([`dissent-begins 2 ${kind}`]);
    expect(rig.voter.dissenters(P)).toBe(0b100);
    if (kind !== 'missing') expect(rig.events[0]).toMatchObject({ since, vote: votes[2], majority: votes[0] });
    rig.vote(P, undefined, undefined, votes[0]);
    rig.pass(T);
    expect(rig.log).toHaveLength(2);
    expect(rig.log[1]).toMatch('dissent-ends 2');
    expect(rig.voter.stats()).toMatchObject({ contested: 0, dissents: [0, 0, 0] });
  });

  test('is not found while the replica lags, nor within T of the input', () => {
    const rig = new Rig('continuous-majority');
    rig.caughtUp[2] = rig.now - 1;
    rig.inputs.set(P, rig.now);
    rig.vote(P, 7, 7);
    rig.pass(20 * T);
    expect(rig.log).toEqual([]);
    expect(rig.voter.unsettled).toBe(1);
    rig.inputs.set(P, rig.now);
    rig.caughtUp[2] = rig.now + 1;
    rig.pass(T / 2);
    expect(rig.log).toEqual([]);
    rig.pass(2 * T);
    expect(rig.log).toEqual(['dissent-begins 2 missing']);
    expect(rig.voter.unsettled).toBe(0);
  });

  test('an input for everything (a session opened) makes no vote stable until it is worked off', () => {
    const rig = new Rig('continuous-majority');
    rig.caughtUp[2] = rig.now;
    rig.voter.noteInput(rig.now);
    rig.vote(P, 7, 7);
    rig.pass(5 * T);
    expect(rig.log).toEqual([]);
  });

  test('no majority is reported once, and a verdict that comes of it too', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(P, 7, 8, 9);
    rig.pass(10 * T);
    expect(rig.log).toEqual(['no-majority']);
    expect(rig.voter.stats()).toMatchObject({ withoutMajority: 1, contested: 1 });
    rig.vote(P, 8);
    rig.pass(2 * T);
    expect(rig.log).toEqual(['no-majority', 'verdict 8 majority', 'dissent-begins 2 different']);
    expect(rig.voter.stats().withoutMajority).toBe(0);
  });

  test('one replica that flaps is reported as restless and does not unsettle the others', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(P, 7, 7, 7);
    for (let i = 0; i < 60; i++) {
      rig.vote(P, undefined, undefined, 8 + (i & 1));
      rig.pass(T / 4);
    }
    expect(rig.voter.verdict(P)).toBe(7);
    expect(rig.log).toEqual(['oscillation-begins']);
    expect(rig.events[0]).toMatchObject({ replicas: 0b100 });
    rig.vote(P, undefined, undefined, 7);
    rig.pass(3 * T);
    expect(rig.log).toEqual(['oscillation-begins', 'oscillation-ends']);
    expect(rig.voter.stats().oscillating).toBe(0);
  });

  test('votes from before the 49-day wrap of stored times are as stable as others', () => {
    const rig = new Rig('wait-for-consensus');
    rig.now = 2 ** 32 - 300;
    rig.vote(P, 7, 7);
    rig.pass(T - 100);
    expect(rig.voter.verdict(P)).toBe(0);
    rig.pass(T / 2);
    expect(rig.voter.verdict(P)).toBe(7);
  });
});

describe('what is to be advertised', () => {
  test('is the verdict at the time of taking, each prefix once, in the order it became dirty', () => {
    const rig = new Rig('continuous-majority', 1);
    rig.vote(3, 7);
    rig.vote(1, 7);
    rig.vote(3, 8);
    rig.vote(2, 7);
    rig.vote(2, 0);
    expect(rig.takeDirty()).toEqual([3, 1]);
    expect(rig.takeDirty()).toEqual([]);
    rig.voter.markAdvertised(3, 8);
    expect(rig.voter.advertised(3)).toBe(8);
    rig.vote(3, 9);
    rig.voter.markAdvertised(3, 8);
    expect(rig.takeDirty()).toEqual([3]);
  });

  test('a refresh gets what the neighbour may have lost, withdrawals too', () => {
    const rig = new Rig('continuous-majority', 1);
    for (const prefix of [1, 2, 3]) rig.vote(prefix, 7);
    for (const prefix of rig.takeDirty()) rig.voter.markAdvertised(prefix, 7);
    rig.voter.redirty((prefix) => prefix !== 3);
    rig.vote(2, 0);
    expect(rig.voter.advertised(2)).toBe(UNKNOWN);
    expect(rig.takeDirty()).toEqual([1, 2]);
  });
});

describe('bookkeeping', () => {
  test('events are bounded, and what is lost is counted', () => {
    const rig = new Rig('continuous-majority', 3, { maxEvents: 5 });
    for (let prefix = 1; prefix <= 20; prefix++) rig.vote(prefix, 7, 7);
    rig.now += 3 * T;
    while (rig.voter.tick(rig.now, 7));
    expect(rig.voter.drainEvents()).toHaveLength(5);
    expect(rig.voter.stats()).toMatchObject({ eventsDropped: 15, dissents: [0, 0, 20], present: [20, 20, 0] });
  });

  test('ids in use are marked, others are not', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(1, 7, 7, 8);
    rig.vote(3, 9);
    rig.vote(3, 0);
    rig.voter.markAdvertised(1, 6);
    const attributes = new Uint8Array(12);
    rig.voter.markAttributes(attributes);
    expect([...attributes.keys()].filter((id) => attributes[id])).toEqual([6, 7, 8]);
    rig.takeDirty();
    rig.pass(3 * T);
    const prefixes = new Uint8Array(6);
    rig.voter.markPrefixes(prefixes);
    expect([...prefixes.keys()].filter((id) => prefixes[id])).toEqual([1]);
  });

  test('contested ballots can be listed', () => {
    const rig = new Rig('continuous-majority');
    rig.vote(1, 7, 7, 7);
    rig.vote(2, 7, 7);
    expect([rig.voter.nextContested(1), rig.voter.nextContested(3)]).toEqual([2, 0]);
    expect(rig.voter.isContested(2)).toBe(true);
    expect(rig.voter.currentVote(0, 2)).toBe(7);
  });
});
