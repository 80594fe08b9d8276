import { describe, expect, it } from 'vitest';
import { Electorate } from '../../../voter/electorate.js';
import { FollowedElectorate } from '../../../voter/followed-electorate.js';

describe('Electorate', () => {
  it('knows whose votes can decide alone: the leader’s, and those of the last two', () => {
    const electorate = new Electorate(3, [1, 0, 2]);
    const deciding = (): number[] => [0, 1, 2].filter((r) => electorate.canDecideAlone(r));
    for (const r of [1, 0, 2]) electorate.join(r);
    expect(deciding()).toEqual([1]);
    electorate.leave(2);
    expect(deciding()).toEqual([0, 1]);
    electorate.leave(1);
    expect(deciding()).toEqual([0]);
  });
});

describe('FollowedElectorate', () => {
  const setUp = (voters: number) => {
    const owner = new Electorate(4, [2, 0, 1, 3]);
    for (const r of [2, 0, 1, 3]) owner.join(r);
    const proposals: [number, number][] = [];
    const follower = new FollowedElectorate(4, voters, (from, candidates) => proposals.push([from, candidates]));
    follower.follow(owner.state);
    return { owner, follower, proposals };
  };

  it('has the owner’s members, master and epoch, less those without a say', () => {
    const { owner, follower } = setUp(0b1110);
    expect(follower.members).toBe(0b1110);
    expect(follower.size).toBe(3);
    expect(follower.master).toBe(2);
    expect(follower.epoch).toBe(owner.epoch);
    owner.leave(2);
    follower.follow(owner.state);
    expect([follower.members, follower.master]).toEqual([0b1010, 1]);
  });

  it('only proposes to overthrow the owner’s master, once an epoch', () => {
    const { owner, follower, proposals } = setUp(0b1111);
    expect(follower.overthrow(2, 0b1001)).toBe(false);
    expect(follower.overthrow(2, 0b1001)).toBe(false);
    expect(proposals).toEqual([[2, 0b1001]]);
    expect(follower.master).toBe(2);
    owner.overthrow(2, 0b1001);
    follower.follow(owner.state);
    expect([follower.master, follower.overthrows]).toEqual([owner.master, 1]);
    follower.overthrow(owner.master, 0b1111);
    expect(proposals).toHaveLength(2);
  });

  it('overthrows by itself a stand-in for a master that has no say', () => {
    const { follower, proposals } = setUp(0b1011);
    expect(follower.master).toBe(0);
    expect(follower.overthrow(0, 0b1010)).toBe(true);
    expect(follower.master).toBe(1);
    expect(proposals).toEqual([]);
  });

  it('a stand-in that was overthrown stays so whatever the owner says next, until it starts anew', () => {
    const { owner, follower } = setUp(0b1011);
    const epochs = [follower.epoch];
    follower.overthrow(0, 0b1010);
    epochs.push(follower.epoch);
    owner.leave(3);
    follower.follow(owner.state);
    epochs.push(follower.epoch);
    // Every change is one that the voter notices, and none looks like another overthrow.
    expect(new Set(epochs).size).toBe(3);
    expect([follower.master, follower.overthrows]).toEqual([1, 1]);
    owner.leave(1);
    follower.follow(owner.state);
    expect(follower.master).toBe(0);
    owner.leave(0);
    owner.join(1);
    follower.follow(owner.state);
    owner.join(0);
    follower.follow(owner.state);
    expect(follower.master).toBe(1);
    expect(follower.ownersEpoch).toBe(owner.epoch);
  });

  it('follows the owner’s master as soon as that has a say', () => {
    const { owner, follower } = setUp(0b1011);
    expect(follower.master).toBe(0);
    owner.leave(2);
    owner.leave(0);
    owner.join(0);
    expect(owner.master).toBe(1);
    follower.follow(owner.state);
    expect(follower.master).toBe(1);
  });
});
