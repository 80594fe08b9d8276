import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CANONICAL_RULES, Canonicaliser, pathContainsAs } from '../../../wire/bgp/canonical.js';
import type { CanonicalOptions, CanonicalRule } from '../../../wire/bgp/canonical.js';
import { sortRecords } from '../../../wire/bgp/record-sort.js';
import type { Family } from '../../../wire/family.js';
import { AS_PATH, attribute, concat, NEXT_HOP, NEXT_HOP_6, ORIGIN, sequence, set, toHex } from './build.js';

const LINK_LOCAL = [0xfe, 0x80, ...new Array<number>(13).fill(0), 1];

/** Canonical form in hex, or why there is none. */
function canonical(attrs: Uint8Array, options?: CanonicalOptions, family: Family = 0): string {
  const canonicaliser = new Canonicaliser(options);
  const out = new Uint8Array(attrs.length);
  // Behind other bytes, to see that offsets are respected.
  const length = canonicaliser.canonicalise(concat(Uint8Array.of(7, 7), attrs), 2, attrs.length + 2, family, out);
  return length < 0 ? canonicaliser.reason : toHex(out.subarray(0, length));
}

const path = (...segments: number[][]) => attribute(0x40, 2, segments.flat());
const base = [ORIGIN, AS_PATH, NEXT_HOP];

// Per rule two spellings of one route that are the same with it and different without it.
const SPELLINGS: Record<CanonicalRule, { a: Uint8Array; b: Uint8Array; family?: Family }> = {
  'sort-attributes': { a: concat(...base), b: concat(NEXT_HOP, AS_PATH, ORIGIN) },
  'flag-encoding': {
    a: concat(...base),
    b: concat(ORIGIN, attribute(0x4f, 2, sequence(65001, 65010), true), NEXT_HOP),
  },
  'merge-as-sequences': {
    a: path(sequence(1, 2), set(3), sequence(4)),
    b: path(sequence(1), sequence(2), set(3), sequence(4)),
  },
  'sort-as-sets': { a: path(sequence(1), set(300, 2)), b: path(sequence(1), set(2, 300, 300)) },
  'sort-communities': {
    a: attribute(0xc0, 8, [0, 2, 0, 1, 0, 1, 0, 9]),
    b: attribute(0xc0, 8, [0, 1, 0, 9, 0, 2, 0, 1, 0, 1, 0, 9]),
  },
  'sort-extended-communities': {
    a: attribute(0xc0, 16, [0, 2, 0, 1, 0, 0, 0, 2, 0, 2, 0, 1, 0, 0, 0, 1]),
    b: attribute(0xc0, 16, [0, 2, 0, 1, 0, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 2]),
  },
  'sort-large-communities': {
    a: attribute(0xc0, 32, [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]),
    b: attribute(0xc0, 32, [0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
  },
  'drop-link-local-next-hop': {
    a: attribute(0x80, 14, NEXT_HOP_6),
    b: attribute(0x80, 14, [...NEXT_HOP_6, ...LINK_LOCAL]),
    family: 1,
  },
  'drop-as4-attributes': {
    a: concat(...base),
    b: concat(...base, attribute(0xc0, 17, sequence(1)), attribute(0xc0, 18, [1])),
  },
};

describe('canonical rules', () => {
  it.each(CANONICAL_RULES)('%s makes two spellings one, and leaves them alone when it is off', (rule) => {
    const { a, b, family } = SPELLINGS[rule];
    expect(canonical(a, {}, family)).toBe(canonical(b, {}, family));
    const disable: CanonicalRule[] = [rule];
    expect(canonical(a, { disable }, family)).not.toBe(canonical(b, { disable }, family));
  });

  it('keeps what is meaning: partial bit, order of CLUSTER_LIST, unknown attributes, MED', () => {
    const differs = (a: Uint8Array, b: Uint8Array) => expect(canonical(a)).not.toBe(canonical(b));
    differs(attribute(0xe0, 99, [1]), attribute(0xc0, 99, [1]));
    differs(attribute(0x80, 10, [0, 0, 0, 2, 0, 0, 0, 1]), attribute(0x80, 10, [0, 0, 0, 1, 0, 0, 0, 2]));
    differs(attribute(0xc0, 99, [1, 2]), attribute(0xc0, 99, [2, 1]));
    differs(concat(ORIGIN, attribute(0x80, 4, [0, 0, 0, 0])), ORIGIN);
    differs(path(sequence(1, 2)), path(sequence(2, 1)));
    differs(path(sequence(1), set(2)), path(set(2), sequence(1)));
  });

  it('cuts merged sequences at 255', () => {
    const ases = Array.from({ length: 300 }, (_, i) => i + 1);
    const pieces = path(
      sequence(...ases.slice(0, 100)),
      sequence(...ases.slice(100, 260)),
      sequence(...ases.slice(260)),
    );
    expect(canonical(pieces)).toBe(toHex(path(sequence(...ases.slice(0, 255)), sequence(...ases.slice(255)))));
  });

  it('shortens the header of a value that got shorter', () => {
    const twice = Array.from({ length: 80 }, (_, i) => [0, 1, 0, i % 40]).flat();
    expect(canonical(attribute(0xc0, 8, twice))).toBe(toHex(attribute(0xc0, 8, twice.slice(0, 160))));
  });

  it('takes the link-local half where there is no global one, and ignores the next hop of the other family', () => {
    const none = new Array<number>(16).fill(0);
    expect(canonical(attribute(0x80, 14, [...none, ...LINK_LOCAL]), {}, 1)).toBe(
      toHex(attribute(0x80, 14, LINK_LOCAL)),
    );
    expect(canonical(concat(NEXT_HOP, attribute(0x80, 14, NEXT_HOP_6)), {}, 1)).toBe(
      toHex(attribute(0x80, 14, NEXT_HOP_6)),
    );
    expect(canonical(concat(NEXT_HOP, attribute(0x80, 14, NEXT_HOP_6)), {}, 0)).toBe(toHex(NEXT_HOP));
  });

  it('leaves out what a configuration ignores', () => {
    const attrs = concat(...base, attribute(0x80, 4, [0, 0, 0, 1]));
    expect(canonical(attrs, { ignoreAttributes: [4] })).toBe(canonical(concat(...base)));
  });

  it.each([
    ['twice', concat(...base, ORIGIN)],
    ['overruns', concat(...base, Uint8Array.of(0xc0, 99, 9))],
    ['malformed', concat(ORIGIN, attribute(0x40, 2, [2, 2, 0, 0, 0, 1]))],
    ['malformed', concat(...base, attribute(0xc0, 8, [0, 0, 1]))],
  ])('has no canonical form for attributes that are %s', (reason, attrs) => {
    expect(canonical(attrs)).toContain(reason);
    if (reason !== 'malformed') expect(canonical(attrs, { disable: ['sort-attributes'] })).toContain(reason);
  });
});

const u32s = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });
const value = {
  path: fc
    .array(fc.tuple(fc.constantFrom(sequence, set), u32s), { maxLength: 5 })
    .map((list) => list.flatMap(([make, ases]) => make(...ases.map((as) => as + 1)))),
  records: (width: number) =>
    fc
      .array(fc.array(fc.nat(2), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 60 })
      .map((list) => list.flat()),
};

/** A plausible set of attributes, each type once, in any order, with any header form. */
const attributeSet = fc
  .record({
    2: value.path,
    8: value.records(4),
    16: value.records(8),
    32: value.records(12),
    14: fc.constantFrom<number[]>(NEXT_HOP_6, [...NEXT_HOP_6, ...LINK_LOCAL]),
    10: value.records(4),
    99: fc.uint8Array({ maxLength: 300 }).map((bytes) => Array.from(bytes)),
    200: fc.uint8Array({ maxLength: 5 }).map((bytes) => Array.from(bytes)),
  })
  .map((values) => Object.entries<number[]>(values));

const spelled = attributeSet.chain((entries) =>
  fc.tuple(
    fc.constant(entries),
    fc.shuffledSubarray(entries, { minLength: entries.length }),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  ),
);

const encode = (entries: [string, number[]][], extended: boolean[]) =>
  concat(...entries.map(([type, bytes], i) => attribute(0xc0, Number(type), bytes, bytes.length > 255 || extended[i])));

describe('canonical form', () => {
  it('is the same for any order and header form, is no longer than the input, and is its own canonical form', () => {
    fc.assert(
      fc.property(spelled, ([entries, shuffled, extended]) => {
        const straight = encode(entries, []);
        const form = canonical(straight, {}, 1);
        expect(canonical(encode(shuffled, extended), {}, 1)).toBe(form);
        expect(form.length / 2).toBeLessThanOrEqual(straight.length);
        expect(canonical(Uint8Array.from(Buffer.from(form, 'hex')), {}, 1)).toBe(form);
      }),
    );
  });

  it('never throws on any bytes', () => {
    const canonicaliser = new Canonicaliser();
    const out = new Uint8Array(400);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom<Family>(0, 1), (bytes, family) => {
        const length = canonicaliser.canonicalise(bytes, 0, bytes.length, family, out);
        expect(length).toBeLessThanOrEqual(bytes.length);
        pathContainsAs(bytes, 1);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('sortRecords', () => {
  it('sorts and removes duplicates as a set would, small and large', () => {
    const lists = fc
      .integer({ min: 1, max: 12 })
      .chain((width) =>
        fc.tuple(
          fc.constant(width),
          fc.array(fc.array(fc.nat(3), { minLength: width, maxLength: width }), { maxLength: 120 }),
        ),
      );
    fc.assert(
      fc.property(lists, ([width, list]) => {
        const buf = Uint8Array.from([9, ...list.flat(), 9]);
        const kept = sortRecords(buf, 1, list.length, width);
        const expected = [...new Set(list.map((record) => toHex(Uint8Array.from(record))))].sort();
        expect(toHex(buf.subarray(1, 1 + kept * width))).toBe(expected.join(''));
        expect([buf[0], buf[buf.length - 1]]).toEqual([9, 9]);
      }),
    );
  });
});

describe('pathContainsAs', () => {
  it('looks into sequences and sets, and at whole numbers only', () => {
    const attrs = concat(ORIGIN, path(sequence(65001, 0x00010002), set(7, 8)), NEXT_HOP);
    expect([65001, 0x00010002, 8].map((as) => pathContainsAs(attrs, as))).toEqual([true, true, true]);
    expect([1, 2, 0x00020201, 0x0a000102].map((as) => pathContainsAs(attrs, as))).toEqual([false, false, false, false]);
    expect(pathContainsAs(ORIGIN, 0)).toBe(false);
  });
});
