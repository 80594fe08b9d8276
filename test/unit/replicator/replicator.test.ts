// The replicator against model replicas: byte-exact fan-out, the switch to current state and back, bootstrap, pausing, bounds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttributeTable } from '../../../wire/attribute-table.js';
import { ALL_FAMILIES, IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import { attributesOf, Bench, hex, ModelRib } from './helpers.js';

const V4 = 1 << IPV4_UNICAST;
const V6 = 1 << IPV6_UNICAST;

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** An IPv4 and an IPv6 announcement in one message. */
function mixedMessage(bench: Bench): Uint8Array {
  const v4 = bench.announcement(attributesOf(7), '10.1.0.0/16');
  const v6 = bench.announcement(attributesOf(7, true), '2001:db8:1::/48');
  const attributes4 = v4.subarray(23, 23 + v4[22]);
  const mpReach = v6.subarray(23, 23 + 4 + v6[26]);
  const message = concat(v4.subarray(0, 21), Uint8Array.of(0, 0), mpReach, attributes4, v4.subarray(23 + v4[22]));
  message[22] = mpReach.length + attributes4.length;
  message[17] = message.length & 0xff;
  message[16] = message.length >>> 8;
  return message;
}

describe('live fan-out', () => {
  test('every feed gets the bytes of the neighbour, unchanged and in order', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
    const feeds = [0, 1, 2].map((r) => bench.replicator.openFeed(r, 0, ALL_FAMILIES, 0));
    const messages = [
      bench.announcement(attributesOf(1), '10.0.0.0/8', '192.0.2.0/24'),
      mixedMessage(bench),
      bench.endOfRib(IPV6_UNICAST),
      bench.withdrawal('10.0.0.0/8'),
      // Treat-as-withdraw (ORIGIN 7): handed on as it is, absent in the history.
      bench.announcement(Uint8Array.from([0x40, 1, 1, 7, ...attributesOf(1).subarray(4)]), '192.0.2.0/24'),
    ];
    for (const message of messages) bench.receive(0, message);
    for (const feed of feeds) {
      expect(bench.replicator.isCaughtUp(feed)).toBe(false);
      expect(hex(bench.pull(feed))).toBe(hex(concat(...messages)));
      expect(bench.replicator.isCaughtUp(feed)).toBe(true);
    }
    expect(bench.replicator.routeCount(0)).toBe(2);
    expect(bench.replicator.route(0, bench.prefixes.findText('192.0.2.0/24'))).toBe(0);
  });

  test('a pull ends between two messages and gives at least one', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    const message = bench.announcement(attributesOf(1), '10.0.0.0/8');
    for (let i = 0; i < 5; i++) bench.receive(0, message);
    expect(bench.pull(feed, 1).length).toBe(message.length);
    expect(bench.pull(feed, 3 * message.length + 1).length).toBe(3 * message.length);
    expect(bench.replicator.backlog(feed)).toBe(message.length);
  });

  test('a session of one family gets a message with both split, everything else byte for byte', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
    const [f4, f6] = [bench.replicator.openFeed(0, 0, V4, 0), bench.replicator.openFeed(0, 0, V6, 0)];
    const only4 = bench.announcement(attributesOf(2), '10.2.0.0/16');
    const only6 = bench.announcement(attributesOf(2, true), '2001:db8:2::/48');
    for (const message of [only4, only6, bench.endOfRib(IPV4_UNICAST), mixedMessage(bench)]) bench.receive(0, message);
    const out4 = bench.pull(f4);
    const out6 = bench.pull(f6);
    expect(hex(out4).startsWith(hex(concat(only4, bench.endOfRib(IPV4_UNICAST))))).toBe(true);
    expect(hex(out6).startsWith(hex(only6))).toBe(true);
    const [rib4, rib6] = [new ModelRib(), new ModelRib()];
    rib4.apply(out4);
    rib6.apply(out6);
    expect([...rib4.routes.keys()]).toEqual(['10.2.0.0/16', '10.1.0.0/16']);
    expect([...rib6.routes.keys()]).toEqual(['2001:db8:2::/48', '2001:db8:1::/48']);
    expect(rib4.routes.get('10.1.0.0/16')).toBe(hex(attributesOf(7)));
  });

  test('deliver: repaired turns a broken announcement into a withdrawal', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0, { deliver: 'repaired' });
    bench.receive(
      0,
      bench.announcement(Uint8Array.from([0x40, 1, 1, 7, ...attributesOf(1).subarray(4)]), '192.0.2.0/24'),
    );
    expect(hex(bench.pull(feed))).toBe(hex(bench.withdrawal('192.0.2.0/24')));
  });
});

describe('current state', () => {
  test('a late feed gets one announcement per attribute set, then End-of-RIB, then the live bytes', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
    for (let i = 0; i < 300; i++)
      bench.receive(0, bench.announcement(attributesOf(i % 3), `10.${i >> 4}.${i & 15}.0/24`));
    bench.receive(0, bench.withdrawal('10.0.0.0/24'));
    bench.receive(0, bench.endOfRib(IPV4_UNICAST));
    const feed = bench.replicator.openFeed(1, 0, ALL_FAMILIES, 5);
    expect(bench.replicator.isCaughtUp(feed)).toBe(false);
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect(rib.messages).toBe(3 + 1);
    expect(rib.endOfRibs).toBe(1);
    expect(rib.routes.size).toBe(299);
    const live = bench.withdrawal('10.0.1.0/24');
    bench.receive(0, live);
    expect(hex(bench.pull(feed))).toBe(hex(live));
  });

  test('a feed that falls behind skips what was undone meanwhile, and the others do not notice', () => {
    const bench = new Bench({ maxQueueBytes: 5000 });
    bench.replicator.neighborUp(0, V4, 0);
    const [slow, fast] = [bench.replicator.openFeed(0, 0, V4, 0), bench.replicator.openFeed(1, 0, V4, 0)];
    let live = '';
    let sent = '';
    for (let i = 0; i < 2000; i++) {
      const message = bench.announcement(attributesOf(i), '10.0.0.0/8');
      bench.receive(0, message);
      sent += hex(message);
      live += hex(bench.pull(fast));
      expect(bench.replicator.backlog(slow)).toBeLessThanOrEqual(5000);
    }
    expect(live).toBe(sent);
    expect(bench.replicator.feedStats(slow)).toMatchObject({ live: false, overflows: 1 });
    expect(hex(bench.pull(slow))).toBe(hex(bench.announcement(attributesOf(1999), '10.0.0.0/8')));
  });

  test('End-of-RIB that was in the lost queue still comes', () => {
    const bench = new Bench({ maxQueueBytes: 200 });
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    for (let i = 0; i < 9; i++) bench.receive(0, bench.announcement(attributesOf(i), '10.0.0.0/8'));
    bench.receive(0, bench.endOfRib(IPV4_UNICAST));
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect(rib.endOfRibs).toBe(1);
  });

  test('attributes too long for the replica are withdrawn from it and counted', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const long = attributesOf(1, false, [0xd0, 99, 4080 >> 8, 4080 & 0xff, ...new Array<number>(4080).fill(1)]);
    const short = bench.announcement(attributesOf(2), '10.0.0.0/8');
    const message = concat(
      short.subarray(0, 21),
      Uint8Array.of(long.length >> 8, long.length & 0xff),
      long,
      Uint8Array.of(8, 10),
    );
    message[16] = message.length >> 8;
    message[17] = message.length & 0xff;
    bench.receive(0, message);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect(rib.routes.size).toBe(0);
    expect(bench.replicator.feedStats(feed)?.tooLong).toBe(1);
  });

  test('ROUTE-REFRESH sends one family again', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
    const feed = bench.replicator.openFeed(0, 0, ALL_FAMILIES, 0);
    bench.receive(0, mixedMessage(bench));
    bench.pull(feed);
    bench.replicator.refresh(feed, IPV6_UNICAST, 0);
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect([...rib.routes.keys()]).toEqual(['2001:db8:1::/48']);
    expect(bench.replicator.isCaughtUp(feed)).toBe(true);
  });
});

describe('bookkeeping', () => {
  test('input time: changes count, repetitions do not, broken messages and a lost neighbour do', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const message = bench.announcement(attributesOf(1), '10.0.0.0/8');
    const id = bench.prefixes.findText('10.0.0.0/8');
    expect(bench.replicator.inputTime(id)).toBe(-Infinity);
    bench.receive(0, message, 10);
    bench.receive(0, message, 20);
    expect(bench.replicator.inputTime(id)).toBe(10);
    bench.receive(
      0,
      bench.announcement(Uint8Array.from([0x40, 1, 1, 7, ...attributesOf(1).subarray(4)]), '10.0.0.0/8'),
      30,
    );
    expect(bench.replicator.inputTime(id)).toBe(30);
    bench.receive(0, message, 40);
    bench.replicator.neighborDown(0, 50);
    expect(bench.replicator.inputTime(id)).toBe(50);
    expect(bench.replicator.routeCount(0)).toBe(0);
  });

  test('deliveredUntil never claims more than was pulled', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    const message = bench.announcement(attributesOf(1), '10.0.0.0/8');
    bench.receive(0, message, 1.7);
    bench.receive(0, message, 5.2);
    expect(bench.replicator.deliveredUntil(feed, 9)).toBe(1);
    bench.pull(feed, 1);
    expect(bench.replicator.deliveredUntil(feed, 9)).toBe(5);
    bench.pull(feed);
    expect(bench.replicator.deliveredUntil(feed, 9)).toBe(9);
  });

  test('deliveredUntil of a feed that is opened late claims nothing of what came in before that', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 10);
    bench.receive(0, bench.announcement(attributesOf(1), '10.0.0.0/8'), 20);
    const feed = bench.replicator.openFeed(0, 0, V4, 30);
    expect(bench.replicator.deliveredUntil(feed, 40)).toBe(10);
    bench.pull(feed);
    expect(bench.replicator.deliveredUntil(feed, 40)).toBe(40);
  });

  test('full tables: replicas get the message, the history and its gap are counted', () => {
    const bench = new Bench();
    const message = bench.announcement(attributesOf(1), '10.0.0.0/8');
    const small = new Bench({
      attributes: new AttributeTable({ maxEntries: 0 }),
    });
    small.replicator.neighborUp(0, V4, 0);
    const feed = small.replicator.openFeed(0, 0, V4, 0);
    small.receive(0, message);
    expect(small.replicator.tableFull).toBe(1);
    expect(small.pull(feed).length).toBe(message.length);
  });
});

test('any interleaving of input, pulls, overflows, reopening and refreshes ends in the history', () => {
  const prefix = fc.integer({ min: 0, max: 11 }).map((i) => (i < 8 ? `10.${i}.0.0/16` : `2001:db8:${i}::/48`));
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('announce' as const), prefix, origin: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), prefix }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pull' as const), feed: fc.nat(2), bytes: fc.nat(300) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('eor' as const), family: fc.constantFrom(0 as const, 1 as const) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refresh' as const), feed: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), feed: fc.nat(2) }) },
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 120, size: 'max' }),
      fc.constantFrom(120, 400, 100_000),
      (steps, maxQueueBytes) => {
        const bench = new Bench({ maxQueueBytes });
        bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
        const masks = [ALL_FAMILIES, V4, V6];
        const feeds = masks.map((mask, r) => bench.replicator.openFeed(r, 0, mask, 0));
        const ribs = masks.map(() => new ModelRib());
        const expected = new Map<string, string>();
        for (const s of steps) {
          if (s.kind === 'announce') {
            const attrs = attributesOf(s.origin, s.prefix.includes(':'));
            bench.receive(0, bench.announcement(attrs, s.prefix));
            expected.set(s.prefix, hex(attrs));
          } else if (s.kind === 'withdraw') {
            bench.receive(0, bench.withdrawal(s.prefix));
            expected.delete(s.prefix);
          } else if (s.kind === 'eor') bench.receive(0, bench.endOfRib(s.family));
          else if (s.kind === 'pull') ribs[s.feed].apply(bench.pull(feeds[s.feed], s.bytes));
          else if (s.kind === 'refresh') bench.replicator.refresh(feeds[s.feed], s.feed === 2 ? 1 : 0, 0);
          else {
            bench.replicator.closeFeed(feeds[s.feed]);
            feeds[s.feed] = bench.replicator.openFeed(s.feed, 0, masks[s.feed], 0);
            ribs[s.feed] = new ModelRib();
          }
          for (const feed of feeds) {
            const stats = bench.replicator.feedStats(feed);
            expect(!stats?.live || stats.backlog <= maxQueueBytes).toBe(true);
          }
        }
        ribs.forEach((rib, r) => {
          while (!bench.replicator.isCaughtUp(feeds[r])) rib.apply(bench.pull(feeds[r], 50));
          const wanted = [...expected].filter(([p]) => (masks[r] >> (p.includes(':') ? 1 : 0)) & 1);
          expect([...rib.routes].sort()).toEqual(wanted.sort());
        });
        expect(bench.replicator.routeCount(0)).toBe(expected.size);
      },
    ),
    { numRuns: 100 },
  );
}, 30_000);
