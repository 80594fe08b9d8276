// What the tests make of `ip route`'s lines, which are as `ip -N -o` of iproute2 6.1 prints them.
import { describe, expect, it } from 'vitest';
import { parseRouteLine, routeDifferences } from '../../support/kernel-routes.js';

describe('parseRouteLine', () => {
  it.each([
    ['20.0.1.0/24 via 10.0.1.3 dev r1 proto 179 metric 179 ', '20.0.1.0/24', 'via 10.0.1.3 dev r1', 179],
    ['20.0.1.1 via 10.0.1.3 dev r1 metric 179', '20.0.1.1/32', 'via 10.0.1.3 dev r1', undefined],
    ['default via 10.0.1.3 dev r1 proto 179 metric 179', '0.0.0.0/0', 'via 10.0.1.3 dev r1', 179],
    ['default via fd00:1::2 dev r1 proto 179 metric 179 pref medium', '::/0', 'via fd00:1::2 dev r1', 179],
    ['6 20.0.8.0/24 proto 179 metric 179', '20.0.8.0/24', 'blackhole', 179],
    ['6 2a00::/24 dev lo proto 179 metric 179 pref medium', '2a00::/24', 'blackhole', 179],
    ['20.0.1.0/24 via inet6 fe80::1 dev r1 proto 179', '20.0.1.0/24', 'via fe80::1 dev r1', 179],
    ['10.0.1.0/24 dev r1 proto 2 scope 253 src 10.0.1.1', '10.0.1.0/24', 'dev r1', 2],
  ])('%s', (line, prefix, hops, protocol) => {
    expect(parseRouteLine(line)).toMatchObject({ prefix, hops, protocol });
  });

  it('reads several next hops, in whatever order', () => {
    const line =
      '20.0.9.0/24 proto 179 metric 179 \\\tnexthop via 10.0.2.2 dev r2 weight 1 \\\tnexthop via 10.0.1.2 dev r1 weight 2 ';
    expect(parseRouteLine(line)?.hops).toBe('via 10.0.1.2 dev r1; via 10.0.2.2 dev r2');
  });

  it.each(['2 10.0.1.1 dev r1 table 255', 'nonsense', ''])('leaves "%s" out', (line) => {
    expect(parseRouteLine(line)).toBeUndefined();
  });
});

describe('routeDifferences', () => {
  it('tells what is missing, different and too much', () => {
    const held = new Map([
      ['a', '1'],
      ['b', '2'],
      ['x', '4'],
    ]);
    const wanted = new Map([
      ['a', '1'],
      ['b', '3'],
      ['c', '1'],
    ]);
    expect(routeDifferences(held, wanted)).toEqual([
      'b: 2, should be 3',
      'c: missing, should be 1',
      'x: 4, should not be there',
    ]);
    expect(routeDifferences(wanted, new Map(wanted))).toEqual([]);
  });
});
