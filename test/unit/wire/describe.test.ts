import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeAttributes, diffAttributes, formatRoute } from '../../../wire/bgp/describe.js';
import { AS_PATH, attribute, concat, NEXT_HOP, NEXT_HOP_6, ORIGIN, sequence, set, u32 } from './build.js';

const text = (attr: Uint8Array) => describeAttributes(attr).map((entry) => `${entry.name} ${entry.text}`.trim());

describe('describeAttributes', () => {
  it.each([
    [attribute(0x40, 1, [2]), 'ORIGIN incomplete'],
    [attribute(0x40, 2, [...sequence(65001, 64500), ...set(1, 2)]), 'AS_PATH 65001 64500 {1,2}'],
    [attribute(0x40, 2, [3, 1, ...u32(5), 4, 2, ...u32(6), ...u32(7)]), 'AS_PATH (5) [6,7]'],
    [NEXT_HOP, 'NEXT_HOP 10.0.1.2'],
    [attribute(0x80, 14, NEXT_HOP_6), 'NEXT_HOP 2001:db8:1::2'],
    [attribute(0x80, 4, u32(4294967295)), 'MED 4294967295'],
    [attribute(0x40, 6, []), 'ATOMIC_AGGREGATE'],
    [attribute(0xc0, 7, [...u32(70000), 10, 0, 0, 1]), 'AGGREGATOR 70000 10.0.0.1'],
    [
      attribute(0xc0, 8, [...u32(0xfde80001), ...u32(0xffffff01), ...u32(0xffff029a)]),
      'COMMUNITIES 65000:1 no-export blackhole',
    ],
    [attribute(0x80, 10, [1, 1, 1, 1, 2, 2, 2, 2]), 'CLUSTER_LIST 1.1.1.1 2.2.2.2'],
    [attribute(0xc0, 16, [0, 2, 0xfd, 0xe8, ...u32(7)]), 'EXTENDED_COMMUNITIES rt:65000:7'],
    [attribute(0xc0, 16, [1, 3, 10, 0, 0, 1, 0, 7]), 'EXTENDED_COMMUNITIES soo:10.0.0.1:7'],
    [attribute(0xc0, 16, [0x43, 1, 2, 3, 4, 5, 6, 7]), 'EXTENDED_COMMUNITIES 0x4301020304050607'],
    [attribute(0xc0, 32, [...u32(70000), ...u32(1), ...u32(2)]), 'LARGE_COMMUNITIES 70000:1:2'],
    [attribute(0xe0, 99, [1, 0xab]), 'attr 99 [optional transitive partial] 0x01ab'],
    [attribute(0x40, 2, [9, 9]), 'AS_PATH [well-known transitive] 0x0909'],
    [Uint8Array.of(0x40, 1, 5, 0), 'malformed 0x40010500'],
  ])('case %#: %s', (attr, expected) => expect(text(attr)).toEqual([expected]));

  it('writes a route as a line', () => {
    const attrs = concat(ORIGIN, AS_PATH, NEXT_HOP, attribute(0x40, 6, []));
    expect(formatRoute('10.0.0.0/8', attrs)).toBe(
      '10.0.0.0/8 ORIGIN IGP, AS_PATH 65001 65010, NEXT_HOP 10.0.1.2, ATOMIC_AGGREGATE',
    );
  });
});

describe('diffAttributes', () => {
  it('lists what differs and nothing else', () => {
    const left = concat(ORIGIN, AS_PATH, NEXT_HOP, attribute(0x80, 4, u32(1)));
    const right = concat(ORIGIN, attribute(0x40, 2, sequence(65002)), NEXT_HOP, attribute(0xc0, 8, u32(1)));
    expect(diffAttributes(left, right)).toEqual([
      { attribute: 'AS_PATH', left: '65001 65010', right: '65002' },
      { attribute: 'MED', left: '1', right: undefined },
      { attribute: 'COMMUNITIES', left: undefined, right: '0:1' },
    ]);
  });

  it('shows the bytes where the text is the same', () => {
    const [difference] = diffAttributes(attribute(0x40, 1, [0]), attribute(0x60, 1, [0]));
    expect(difference).toEqual({ attribute: 'ORIGIN', left: 'IGP (0x40010100)', right: 'IGP (0x60010100)' });
  });

  it('is empty exactly for equal sets, and never throws', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(diffAttributes(a, a)).toEqual([]);
        diffAttributes(a, b);
        const single = (value: Uint8Array) => attribute(0xc0, 8, value);
        expect(diffAttributes(single(a), single(b)).length > 0).toBe(Buffer.compare(a, b) !== 0);
      }),
    );
  });
});
