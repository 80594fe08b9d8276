// What a dying replica deletes is kept back; what a living one does counts, at the latest after a while.
import { beforeEach, describe, expect, test } from 'vitest';
import { LastWords } from '../../../../hypervisor/fib/last-words.js';
import { RTM_DELROUTE, RTM_NEWROUTE } from '../../../../wire/netlink/constants.js';

const HOLD_MS = 1000;

/** Netlink messages of these types, in one datagram, without contents. */
function datagram(...types: number[]): Uint8Array {
  const bytes = new Uint8Array(types.length * 16);
  types.forEach((type, i) => bytes.set([16, 0, 0, 0, type, 0], i * 16));
  return bytes;
}

describe('the last words of a replica', () => {
  let ending: number[], heard: [number, number][], faults: string[], decides: boolean, looks: number;
  let words: LastWords;
  let portion = 0;
  const says = (bytes: Uint8Array, now = 0, fd = 7): boolean =>
    words.keeps(0, fd, bytes, 0, bytes.length, ++portion, now);

  beforeEach(() => {
    [ending, heard, faults, decides, looks] = [[], [], [], true, 0];
    words = new LastWords(2, {
      decides: () => decides,
      hear: (_, fd, buf) => heard.push([fd, buf[4]]),
      fault: (_, reason) => faults.push(reason),
      anyEnding: (pids) => {
        looks++;
        return pids.some((pid) => ending.includes(pid));
      },
    });
    words.runs(0, [11, 12]);
  });

  test('are deletions while one of its processes ends, and all that follows', () => {
    ending = [12];
    expect(says(datagram(RTM_NEWROUTE))).toBe(false);
    expect(says(datagram(RTM_NEWROUTE, RTM_DELROUTE))).toBe(true);
    expect(says(datagram(RTM_NEWROUTE))).toBe(true);
    words.forget(0);
    words.tick(HOLD_MS);
    expect(heard).toEqual([]);
  });

  test('are not the deletions of one that lives, or whose word decides nothing', () => {
    expect(says(datagram(RTM_DELROUTE))).toBe(false);
    ending = [12];
    decides = false;
    expect(says(datagram(RTM_DELROUTE))).toBe(false);
    expect(looks).toBe(1);
  });

  test('are looked for once in what was read at once', () => {
    const bytes = datagram(RTM_DELROUTE);
    for (let i = 0; i < 10; i++) words.keeps(0, 7, bytes, 0, bytes.length, 1, 0);
    expect(looks).toBe(1);
  });

  test('count when nobody has found it dead, and then it is trusted', () => {
    ending = [12];
    says(datagram(RTM_DELROUTE), 0);
    says(datagram(RTM_NEWROUTE), 10, 8);
    says(datagram(RTM_NEWROUTE), 10, 9);
    words.closed(0, 9);
    words.tick(HOLD_MS - 1);
    expect(heard).toEqual([]);
    words.tick(HOLD_MS);
    expect(heard).toEqual([
      [7, RTM_DELROUTE],
      [8, RTM_NEWROUTE],
    ]);
    expect(says(datagram(RTM_DELROUTE), HOLD_MS)).toBe(false);
  });

  test('that are too many end it, also when the socket of the first ones is closed by then', () => {
    ending = [12];
    says(datagram(RTM_DELROUTE), 0, 7);
    const much = new Uint8Array(1 << 20);
    for (let i = 0; i < 15; i++) says(much, 1, 7);
    words.closed(0, 7);
    for (let i = 0; i < 5; i++) says(much, 1, 8);
    expect(faults).toHaveLength(1);
  });

  test('that are too many end it', () => {
    ending = [12];
    says(datagram(RTM_DELROUTE), 0);
    const much = new Uint8Array(1 << 20);
    for (let i = 0; i < 20; i++) expect(says(much, 1)).toBe(true);
    expect(faults).toHaveLength(1);
    words.tick(HOLD_MS);
    expect(heard, 'a part of them would be worse than none').toEqual([]);
  });
});
