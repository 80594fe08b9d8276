import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RouteRewriter, variantOf } from '../../../traces/rewrite.js';
import { describeAttributes } from '../../../wire/bgp/describe.js';

const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const ORIGIN = [0x40, 1, 1, 0];
const sequence = (...path: number[]) => [2, path.length, ...path.flatMap(u32)];
const asPath = (...segments: number[][]) => [0x50, 2, 0, segments.flat().length, ...segments.flat()];

function rewritten(as: number, attributes: number[], variant = 0): Map<string, string> {
  const rewriter = new RouteRewriter(as);
  expect(rewriter.rewrite(Uint8Array.from(attributes), 0, attributes.length, variant)).toBe(true);
  const described = describeAttributes(rewriter.buffer.slice(0, rewriter.length));
  return new Map(described.map(({ name, text }) => [name, text]));
}

describe('RouteRewriter', () => {
  it('puts the neighbour in front unless the path starts with it', () => {
    expect(rewritten(65001, [...ORIGIN, ...asPath(sequence(30844, 3356))]).get('AS_PATH')).toBe('65001 30844 3356');
    expect(rewritten(30844, [...ORIGIN, ...asPath(sequence(30844, 3356))]).get('AS_PATH')).toBe('30844 3356');
    expect(rewritten(65001, [...ORIGIN, ...asPath()]).get('AS_PATH')).toBe('65001');
    expect(rewritten(65001, [...ORIGIN, ...asPath([1, 1, ...u32(7)])]).get('AS_PATH')).toMatch(/^65001 .7.$/);
  });

  it('starts another segment where one has no room left', () => {
    const long = Array.from({ length: 255 }, (_, i) => 1000 + i);
    const text = rewritten(65001, [...ORIGIN, ...asPathLong(long)]).get('AS_PATH') ?? '';
    expect(text.split(' ').map(Number)).toEqual([65001, ...long]);
  });

  it('drops what stays inside an AS, and next hops; keeps everything else', () => {
    const attributes = [
      ...ORIGIN,
      ...asPath(sequence(1)),
      ...[0x40, 3, 4, 10, 0, 0, 1],
      ...[0x80, 4, 4, ...u32(77)],
      ...[0x40, 5, 4, ...u32(100)],
      ...[0x80, 9, 4, 1, 1, 1, 1],
      ...[0x80, 10, 4, 1, 1, 1, 1],
      ...[0x80, 14, 1, 0],
      ...[0xe0, 255, 3, 1, 2, 3],
    ];
    const rewriter = new RouteRewriter(2);
    rewriter.rewrite(Uint8Array.from(attributes), 0, attributes.length);
    const types = [];
    for (let at = 0; at < rewriter.length;) {
      types.push(rewriter.buffer[at + 1]);
      const extended = (rewriter.buffer[at] & 0x10) !== 0;
      at += extended ? 4 + rewriter.buffer[at + 3] : 3 + rewriter.buffer[at + 2];
    }
    expect(types).toEqual([1, 2, 4, 255]);
  });

  it('says so when attributes overrun their field', () => {
    const rewriter = new RouteRewriter(2);
    expect(rewriter.rewrite(Uint8Array.of(0x40, 1, 9, 0), 0, 4)).toBe(false);
  });

  it('derives paths that are longer, shorter and equal, and never loses the origin', () => {
    const attributes = [...ORIGIN, ...asPath(sequence(1, 2, 3, 4))];
    const lengths = new Set<number>();
    for (let variant = 0; variant <= 10; variant++) {
      const path = rewritten(9, attributes, variant).get('AS_PATH')!.split(' ');
      expect(path[0]).toBe('9');
      expect(path.at(-1)).toBe('4');
      lengths.add(path.length);
      const short = rewritten(9, [...ORIGIN, ...asPath(sequence(1))], variant)
        .get('AS_PATH')!
        .split(' ');
      expect(short.at(-1)).toBe('1');
    }
    expect(lengths).toEqual(new Set([3, 4, 5, 6, 7, 8]));
    expect(rewritten(9, attributes, 6).get('MULTI_EXIT_DISC') ?? rewritten(9, attributes, 6).get('MED')).toBe('10');
  });

  it('draws the same variant for the same prefix and seed, and all of them over many', () => {
    const drawn = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const nlri = Uint8Array.of(24, 1, i >> 8, i & 255);
      expect(variantOf(5, nlri, 0, 4)).toBe(variantOf(5, nlri, 0, 4));
      drawn.add(variantOf(5, nlri, 0, 4));
    }
    expect([...drawn].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('never throws on any bytes and stays inside its buffer', () => {
    const rewriter = new RouteRewriter(65001);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 0, max: 10 }), (bytes, variant) => {
        rewriter.rewrite(bytes, 0, bytes.length, variant);
        expect(rewriter.length).toBeLessThanOrEqual(bytes.length + 40);
      }),
    );
  });
});

function asPathLong(path: number[]): number[] {
  const value = sequence(...path);
  return [0x50, 2, value.length >> 8, value.length & 255, ...value];
}
