import { describe, expect, it } from 'vitest';
import { FibProbes } from '../../../fib/fib-probes.js';
import { HopClasses, usesInterface } from '../../../fib/hop-classes.js';
import { AttributeTable } from '../../../wire/attribute-table.js';

/** Canonical next hops: gateways (IPv4) with their interfaces. */
function hops(...list: [ifindex: number, ...gateway: number[]][]): Uint8Array {
  const bytes = [1, list.length];
  for (const [ifindex, ...gateway] of list) {
    bytes.push(ifindex >>> 24, (ifindex >>> 16) & 255, (ifindex >>> 8) & 255, ifindex & 255, 0, 1, 0);
    bytes.push(gateway.length, ...gateway);
  }
  return Uint8Array.from(bytes);
}

describe('FibProbes', () => {
  const setUp = () => {
    const proven: [number, number][] = [];
    const probes = new FibProbes(2, '198.18.254.0/24', (r, n) => proven.push([r, n]));
    return { probes, proven };
  };

  it('counts a probe that nothing much came behind, by its next hop', () => {
    const { probes, proven } = setUp();
    probes.seen(1, hops([7, 198, 18, 254, 8]), 1000);
    probes.wrote(1);
    probes.tick(1149);
    expect(proven).toEqual([]);
    probes.tick(1150);
    probes.tick(1200);
    expect(proven).toEqual([[1, 7]]);
  });

  it('does not count one that a crowd of routes followed: they may stand for earlier input', () => {
    const { probes, proven } = setUp();
    probes.seen(0, hops([7, 198, 18, 254, 8]), 1000);
    for (let i = 0; i < 1001; i++) probes.wrote(0);
    probes.tick(2000);
    expect(proven).toEqual([]);
    probes.seen(0, hops([7, 198, 18, 254, 9]), 2100);
    probes.tick(2300);
    expect(proven).toEqual([[0, 8]]);
  });

  it('does not lose one that is over its time when the next one comes, before anybody looked', () => {
    const { probes, proven } = setUp();
    probes.seen(0, hops([7, 198, 18, 254, 8]), 1000);
    expect(probes.pending).toBe(true);
    probes.seen(0, hops([7, 198, 18, 254, 9]), 1160);
    expect(proven).toEqual([[0, 7]]);
    probes.tick(1400);
    expect([proven[1], probes.pending]).toEqual([[0, 8], false]);
  });

  it('takes nothing else for a probe, and forgets one of an earlier life', () => {
    const { probes, proven } = setUp();
    probes.seen(0, hops([7, 198, 18, 253, 8]), 0);
    probes.seen(0, hops([7, 198, 18, 254, 251]), 0);
    probes.seen(0, hops([7, 198, 18, 254, 0]), 0);
    probes.seen(0, hops([7, 198, 18, 254, 1], [8, 198, 18, 254, 1]), 0);
    probes.seen(1, hops([7, 198, 18, 254, 1]), 0);
    probes.reset(1);
    probes.tick(1000);
    expect(proven).toEqual([]);
  });
});

describe('HopClasses', () => {
  it('knows the sets that use the internal link, also after a sweep', () => {
    const table = new AttributeTable();
    const intern = (bytes: Uint8Array): number => table.intern(bytes, 0, bytes.length);
    const classes = new HopClasses(table, 0x40000000);
    const real = intern(hops([2, 10, 0, 0, 1], [3, 10, 0, 1, 1]));
    const mixed = intern(hops([2, 10, 0, 0, 1], [0x40000000, 198, 18, 0, 2]));
    expect([classes.isInternal(real), classes.isInternal(mixed)]).toEqual([false, true]);
    const used = new Uint8Array(table.limit);
    table.sweep(used);
    classes.forget();
    const again = intern(hops([0x40000000, 198, 18, 0, 2]));
    expect(classes.isInternal(again)).toBe(true);
  });

  it('reads no further than the set, whatever it says of itself', () => {
    expect(usesInterface(Uint8Array.of(1, 255, 0, 0), 0)).toBe(false);
    expect(usesInterface(hops([2, 10, 0, 0, 1]).subarray(0, 9), 2)).toBe(false);
    expect(usesInterface(Uint8Array.of(6, 0), 0)).toBe(false);
  });
});
