// What surrounds the planner: how many faults are tolerated, alarms that begin and end, prefixes that are muted and let go.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Abstentions, MUTED } from '../../../hypervisor/abstentions.js';
import { Alarms } from '../../../hypervisor/recovery/alarms.js';
import { MUTED_MS, Mutes } from '../../../hypervisor/recovery/mutes.js';
import { tolerates } from '../../../recovery/tolerance.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { Rig } from '../voter/helpers.js';

describe('tolerance', () => {
  test('k of 2k + 1, less where more votes are demanded', () => {
    expect([0, 1, 2, 3, 4, 5, 7].map((voters) => tolerates(voters, 1))).toEqual([0, 0, 0, 1, 1, 2, 3]);
    expect([2, 3, 4].map((minVotes) => tolerates(5, minVotes))).toEqual([2, 2, 1]);
    expect(tolerates(2, 3)).toBe(0);
  });

  test('so many that err alike change nothing of what is settled, and one more can', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (voters, minVotes) => {
        fc.pre(minVotes <= voters);
        const wins = (votes: number): boolean => votes * 2 > voters && votes >= minVotes;
        const k = tolerates(voters, minVotes);
        expect(wins(voters - k)).toBe(true);
        expect(wins(voters - k - 1)).toBe(false);
      }),
    );
  });
});

describe('alarms', () => {
  const changes = (alarms: Alarms, voters: number, contested = 0, at = 0): string[] =>
    alarms
      .check(voters, { towards: contested, fib: 0 }, at)
      .map(({ kind, raised }) => `${kind} ${raised ? 'begins' : 'ends'}`);

  test('none while the router starts; then each begins and ends once', () => {
    const alarms = new Alarms({ seats: 3, quorum: 2, minVotes: 1 });
    expect([0, 1, 2, 3].flatMap((voters) => changes(alarms, voters))).toEqual([]);
    expect(changes(alarms, 2)).toEqual(['tolerance begins']);
    expect(changes(alarms, 2)).toEqual([]);
    expect(changes(alarms, 1)).toEqual(['quorum begins', 'tolerance ends']);
    expect(changes(alarms, 1, 5)).toEqual(['no-majority begins']);
    expect(alarms.list.map(({ kind }) => kind).sort()).toEqual(['no-majority', 'quorum']);
    expect(changes(alarms, 3)).toEqual(['quorum ends', 'no-majority ends']);
    expect(alarms.list).toEqual([]);
  });

  test('ballots without a majority are told of wherever they are, and the text follows them', () => {
    const alarms = new Alarms({ seats: 3, quorum: 2, minVotes: 1 });
    const told = (towards: number, fib: number): (string | undefined)[] => {
      alarms.check(3, { towards, fib }, 0);
      return alarms.list.map(({ text }) => text);
    };
    expect(told(0, 0)).toEqual([]);
    expect(told(0, 2)).toEqual(['2 ballots have no majority (2 of the forwarding table)']);
    expect(told(5, 2)).toEqual(['7 ballots have no majority (5 towards neighbours, 2 of the forwarding table)']);
    expect(told(5, 0)).toEqual(['5 ballots have no majority (5 towards neighbours)']);
    expect(told(0, 0)).toEqual([]);
  });

  test('a router that is never complete is told of after a minute', () => {
    const alarms = new Alarms({ seats: 3, quorum: 2, minVotes: 1 });
    expect(changes(alarms, 2, 0, 59_000)).toEqual([]);
    expect(changes(alarms, 2, 0, 61_000)).toEqual(['tolerance begins']);
  });

  test('two replicas never tolerated anything: that they do not now is no news', () => {
    const alarms = new Alarms({ seats: 2, quorum: 2, minVotes: 1 });
    expect([2, 2].flatMap((voters) => changes(alarms, voters))).toEqual([]);
    expect(changes(alarms, 1)).toEqual(['quorum begins']);
  });
});

describe('mutes', () => {
  function muted(): { rig: Rig; abstentions: Abstentions; mutes: Mutes; prefix: number } {
    const rig = new Rig('continuous-majority');
    const prefixes = new PrefixTable();
    const prefix = prefixes.parse('10.0.0.0/24');
    const voters = () => [rig.voter];
    const abstentions = new Abstentions(3, { prefixes, fib: undefined, voters });
    const mutes = new Mutes(3, abstentions, voters);
    rig.vote(prefix, 7, 7, 8);
    mutes.hold(2, [prefix], 0);
    return { rig, abstentions, mutes, prefix };
  }

  test('last until the replica agrees again, and ten minutes at least', () => {
    const { rig, abstentions, mutes, prefix } = muted();
    mutes.tick(MUTED_MS + 1);
    expect(abstentions.has(2, prefix, MUTED)).toBe(true);
    rig.vote(prefix, undefined, undefined, 7);
    mutes.tick(MUTED_MS + 2);
    expect(mutes.count(2)).toBe(1);
    mutes.tick(MUTED_MS + 20_000);
    expect([mutes.count(2), abstentions.count(2)]).toEqual([0, 0]);
  });

  test('not before, though it agrees; and all at once when it is told', () => {
    const { rig, abstentions, mutes, prefix } = muted();
    rig.vote(prefix, undefined, undefined, 7);
    mutes.tick(MUTED_MS - 1);
    expect(abstentions.count(2)).toBe(1);
    mutes.release(2, MUTED_MS);
    expect([mutes.count(2), abstentions.count(2)]).toEqual([0, 0]);
  });
});
