import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectedTable } from '../../../traces/collector.js';
import { RouteFeed } from '../../../traces/route-feed.js';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import type { Family } from '../../../wire/family.js';

const NEXT_HOPS = {
  ipv4: Uint8Array.of(10, 0, 1, 2),
  ipv6: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
};
const CONTEXT = { as4: true, ebgp: true, families: 3 };

/** Attributes of a RIB entry: origin, the path 7 `tail`, MED `med`. */
function attributes(tail: number, med: number): Uint8Array {
  const path = [0x40, 2, 10, 2, 2, 0, 0, 0, 7, 0, 0, tail >> 8, tail & 255];
  return Uint8Array.from([0x40, 1, 1, 0, ...path, 0x80, 4, 4, 0, 0, 0, med]);
}

function play(feed: RouteFeed, table: CollectedTable, context = CONTEXT): number {
  const framer = new MessageFramer();
  framer.push(feed.out.take());
  let messages = 0;
  while (framer.next()) {
    messages++;
    expect(framer.end - framer.start).toBeLessThanOrEqual(4096);
    table.update(framer.buffer, framer.start, framer.end, context);
  }
  expect(framer.error).toBeUndefined();
  expect([...table.faults]).toEqual([]);
  return messages;
}

function addRoute(feed: RouteFeed, family: Family, nlri: Uint8Array, attrs: Uint8Array): void {
  feed.route({
    family,
    nlri,
    nlriStart: 0,
    nlriEnd: nlri.length,
    attributes: attrs,
    attributesStart: 0,
    attributesEnd: attrs.length,
  });
}

const route = fc.record({
  family: fc.constantFrom<Family>(0, 1),
  bytes: fc.uint8Array({ minLength: 3, maxLength: 3 }),
  tail: fc.integer({ min: 100, max: 104 }),
  med: fc.integer({ min: 0, max: 2 }),
});

describe('RouteFeed', () => {
  it('delivers every route of a RIB once, with its own attributes, whatever the window', () => {
    fc.assert(
      fc.property(fc.array(route, { maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (routes, window) => {
        const unique = new Map(routes.map((r) => [`${r.family} ${r.bytes}`, r]));
        const feed = new RouteFeed({ as: 7, nextHops: NEXT_HOPS, window });
        for (const r of unique.values())
          addRoute(feed, r.family, Uint8Array.of(24, ...r.bytes), attributes(r.tail, r.med));
        feed.endOfRib();
        const table = new CollectedTable();
        const messages = play(feed, table);
        expect(messages).toBe(feed.counts.messages);
        expect(table.size).toBe(unique.size);
        expect(table.announced).toBe(unique.size);
        expect(table.endOfRib).toBe(3);
        for (const r of unique.values()) {
          const [a, b, c] = r.bytes;
          const prefix =
            r.family === 0 ? `${a}.${b}.${c}.0/24` : table.prefixes.format(table.prefixes.find(1, r.bytes, 0, 24));
          const found = Buffer.from(table.get(prefix) ?? []);
          expect(found.includes(Buffer.from(attributes(r.tail, r.med).subarray(4, 17)))).toBe(true);
          expect(found.includes(Buffer.from(r.family === 0 ? NEXT_HOPS.ipv4 : NEXT_HOPS.ipv6))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('packs prefixes that share attributes, also when others lie between them', () => {
    const feed = new RouteFeed({ as: 7, nextHops: NEXT_HOPS });
    for (let i = 0; i < 4000; i++)
      addRoute(feed, 0, Uint8Array.of(24, 1, i >> 8, i & 255), attributes(100 + (i % 2), 0));
    feed.flush();
    const table = new CollectedTable();
    expect(play(feed, table)).toBe(4);
    expect(table.size).toBe(4000);
  });

  it('derives a second view of the same prefixes that differs for most, the same each time', () => {
    const tables = [undefined, 3, 3].map((derive) => {
      const feed = new RouteFeed({ as: 65001, nextHops: NEXT_HOPS, derive });
      for (let i = 0; i < 500; i++) addRoute(feed, 0, Uint8Array.of(24, 1, i >> 8, i & 255), attributes(100, 0));
      feed.flush();
      const table = new CollectedTable();
      play(feed, table);
      return table;
    });
    const [plain, derived, again] = tables;
    expect(derived.size).toBe(500);
    const different = derived.diff(plain, 1000);
    expect(different.every(({ kind }) => kind === 'different')).toBe(true);
    expect(different.length).toBeGreaterThan(250);
    expect(different.length).toBeLessThan(500);
    expect(again.diff(derived)).toEqual([]);
  });

  it('stops at the limit, and leaves out families without a next hop', () => {
    const feed = new RouteFeed({ as: 7, nextHops: { ipv4: NEXT_HOPS.ipv4 }, limit: 2 });
    addRoute(feed, 1, Uint8Array.of(24, 32, 1, 2), attributes(1, 1));
    for (let i = 0; i < 5; i++) addRoute(feed, 0, Uint8Array.of(24, 1, 2, i), attributes(1, 1));
    feed.flush();
    expect(feed.limitReached).toBe(true);
    expect(feed.counts).toMatchObject({ announced: 2, otherFamily: 1 });
  });

  it('counts routes whose attributes do not fit into a message', () => {
    const feed = new RouteFeed({ as: 7, nextHops: NEXT_HOPS });
    const big = new Uint8Array(4100);
    big.set([0xd0, 8, 4096 >> 8, 4096 & 255]);
    addRoute(feed, 0, Uint8Array.of(24, 1, 2, 3), big);
    feed.flush();
    expect(feed.counts).toMatchObject({ announced: 0, tooLong: 1, messages: 0 });
    expect(feed.out.length).toBe(0);
  });

  it('plays UPDATEs: withdrawals, both families, 2-byte paths', () => {
    const body = (withdrawn: number[], attrs: number[], nlri: number[]) => {
      const length = 23 + withdrawn.length + attrs.length + nlri.length;
      return Uint8Array.from([
        ...Array<number>(16).fill(255),
        ...[length >> 8, length & 255, 2],
        ...[0, withdrawn.length, ...withdrawn, 0, attrs.length, ...attrs, ...nlri],
      ]);
    };
    const nextHop = [0x40, 3, 4, 192, 0, 2, 1];
    const attrs = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 2, 0, 7, 0, 9, ...nextHop, 0x40, 5, 4, 0, 0, 0, 100];
    const feed = new RouteFeed({ as: 65001, nextHops: NEXT_HOPS });
    const table = new CollectedTable();
    const first = body([], attrs, [24, 1, 2, 3, 16, 5, 6]);
    feed.message(first, 0, first.length, false);
    play(feed, table);
    expect(table.size).toBe(2);
    expect(
      Buffer.from(table.get('5.6.0.0/16') ?? []).includes(Buffer.of(2, 3, 0, 0, 0xfd, 0xe9, 0, 0, 0, 7, 0, 0, 0, 9)),
    ).toBe(true);
    const second = body([24, 1, 2, 3], [], []);
    feed.message(second, 0, second.length, false);
    play(feed, table);
    expect(table.size).toBe(1);
    expect(feed.counts).toMatchObject({ announced: 2, withdrawn: 1, messages: 2 });
  });
});
