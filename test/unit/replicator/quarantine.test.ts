// Suspects, quarantine, careful bootstrap and the forms of delivery, one rule at a time.
import { describe, expect, test } from 'vitest';
import { ALL_FAMILIES, IPV4_UNICAST, IPV6_UNICAST } from '../../../wire/family.js';
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';
import { attributesOf, Bench, emptyReach, hex, messagesOf, ModelRib, unreachIpv4, updateOf } from './helpers.js';

const V4 = 1 << IPV4_UNICAST;

function probed(bench: Bench, r = 0): boolean {
  bench.replicator.probeSent(r);
  return bench.replicator.probeReturned(r);
}

function hexes(items: readonly { bytes: Uint8Array }[]): string[] {
  return items.map(({ bytes }) => hex(bytes));
}

describe('suspects', () => {
  test('what was pulled before the last probe but one that came back is none', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    const messages = [1, 2, 3].map((i) => bench.announcement(attributesOf(i), `10.${i}.0.0/16`, `10.${i}.0.0/17`));
    const rounds = messages.map((message, i) => {
      bench.receive(0, message, 100 + i);
      bench.pull(feed);
      probed(bench);
      return bench.replicator.suspects(0);
    });
    expect(rounds.map(hexes)).toEqual([
      [hex(messages[0])],
      messages.slice(0, 2).slice(1).map(hex),
      messages.slice(2).map(hex),
    ]);
    expect(rounds[2][0]).toMatchObject({ neighbor: 0, time: 102, prefixes: 2, state: false });
    probed(bench);
    expect(bench.replicator.suspects(0)).toEqual([]);
  });

  test('a probe that another one overtook, and one that nothing was said of, prove no more than they may', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    bench.receive(0, bench.announcement(attributesOf(1), '10.1.0.0/16'));
    bench.pull(feed);
    bench.replicator.probeReturned(0);
    bench.replicator.probeReturned(0);
    expect(bench.replicator.suspects(0).length).toBe(1);
    bench.replicator.probeSent(0);
    bench.replicator.probeReturned(0);
    expect(bench.replicator.suspects(0).length).toBe(1);
    // A later probe that left while something of the feed was still queued.
    bench.replicator.probeSent(0, new Set());
    bench.replicator.probeReturned(0);
    expect(bench.replicator.suspects(0).length).toBe(0);
  });

  test('a session of which something has not left yet keeps its own suspects only', () => {
    const bench = new Bench();
    const feeds = [0, 1].map((n) => {
      bench.replicator.neighborUp(n, V4, 0);
      const feed = bench.replicator.openFeed(0, n, V4, 0);
      bench.receive(n, bench.announcement(attributesOf(n), `10.${n}.0.0/16`), 5);
      bench.pull(feed);
      return feed;
    });
    for (let i = 0; i < 2; i++) {
      bench.replicator.probeSent(0, new Set([feeds[1]]));
      bench.replicator.probeReturned(0);
    }
    expect(bench.replicator.suspects(0).map(({ neighbor }) => neighbor)).toEqual([0]);
  });

  test('what was in flight when the neighbour went is suspect until it has proven harmless, or the replica has ended', () => {
    const bench = new Bench();
    const { replicator } = bench;
    bench.replicator.neighborUp(1, V4, 0);
    bench.replicator.openFeed(0, 1, V4, 0);
    const poison = bench.announcement(attributesOf(1), '10.1.0.0/16');
    const giveAndLose = (): void => {
      replicator.neighborUp(0, V4, 0);
      const feed = replicator.openFeed(0, 0, V4, 0);
      bench.receive(0, poison, 5);
      bench.pull(feed);
      replicator.neighborDown(0, 10);
      // As sessions end in whatever order.
      replicator.closeFeed(feed);
    };
    giveAndLose();
    bench.sweep();
    expect(hexes(replicator.suspects(0))).toEqual([hex(poison)]);
    expect(hexes(replicator.suspects(0, 0))).toEqual([hex(poison)]);
    expect([replicator.suspects(0, 1), replicator.suspects(1)]).toEqual([[], []]);
    probed(bench);
    expect(replicator.suspects(0)).toHaveLength(1);
    probed(bench);
    expect(replicator.suspects(0)).toEqual([]);
    giveAndLose();
    replicator.withholding.quarantine(0, replicator.suspects(0), 'hangs', 20);
    replicator.replicaEnded(0);
    expect(replicator.suspects(0)).toEqual([]);
    // The neighbour comes back and says it again.
    replicator.neighborUp(0, V4, 30);
    const feed = replicator.openFeed(0, 0, V4, 30);
    bench.receive(0, poison, 31);
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect(rib.routes.size).toBe(0);
  });

  test('of sessions that come and go a bounded number is remembered', () => {
    const bench = new Bench();
    for (let i = 0; i < 100; i++) {
      bench.replicator.neighborUp(0, V4, i);
      const feed = bench.replicator.openFeed(0, 0, V4, i);
      bench.receive(0, bench.announcement(attributesOf(i), '10.1.0.0/16'), i);
      bench.pull(feed);
    }
    const kept = bench.replicator.suspects(0).map(({ time }) => time);
    expect(kept).toEqual(Array.from({ length: 33 }, (_, i) => 67 + i));
  });

  test('of many the last ones are listed, whatever session they went to', () => {
    const bench = new Bench();
    const messages = [0, 1].map((n) => {
      bench.replicator.neighborUp(n, V4, 0);
      bench.receive(n, bench.announcement(attributesOf(n), `10.${n}.0.0/16`), 5);
      const feed = bench.replicator.openFeed(0, n, V4, 10);
      bench.pull(feed);
      return [0, 1, 2].map((i) => {
        const message = bench.announcement(attributesOf(i), `20.${n}.${i}.0/24`);
        bench.receive(n, message, 100 + 10 * i + n);
        bench.pull(feed);
        return message;
      });
    });
    const last = (limit?: number): string[] => hexes(bench.replicator.suspects(0, undefined, limit));
    const inOrder = [0, 1, 2].flatMap((i) => messages.map((own) => hex(own[i])));
    expect(last(0)).toEqual([]);
    expect(last(3)).toEqual(inOrder.slice(3));
    expect(last(6)).toEqual(inOrder);
    expect(last(100)).toHaveLength(8);
    expect(last(100)).toEqual(last());
    expect(hexes(bench.replicator.suspects(0, 1, 2))).toEqual(messages[1].slice(1).map(hex));
  });

  test('more than suspectBytes are forgotten, oldest first, and that is counted', () => {
    const bench = new Bench({ suspectBytes: 500 });
    bench.replicator.neighborUp(0, V4, 0);
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    const messages = Array.from({ length: 40 }, (_, i) => bench.announcement(attributesOf(i), `10.${i}.0.0/16`));
    for (const message of messages) bench.receive(0, message);
    bench.pull(feed);
    const kept = Math.floor(500 / messages[0].length);
    expect(hexes(bench.replicator.suspects(0))).toEqual(messages.slice(-kept).map(hex));
    expect(bench.replicator.feedStats(feed)?.forgotten).toBe(40 - kept);
    // The same in the current state.
    const late = bench.replicator.openFeed(1, 0, V4, 0);
    bench.pull(late);
    expect(bench.replicator.suspects(1).length).toBeGreaterThan(0);
    expect(bench.replicator.feedStats(late)?.forgotten).toBeGreaterThan(0);
  });

  test('with suspectBytes 0 there are none, and nothing counts as forgotten', () => {
    const bench = new Bench({ suspectBytes: 0 });
    bench.replicator.neighborUp(0, V4, 0);
    bench.receive(0, bench.announcement(attributesOf(1), '10.1.0.0/16'));
    const feed = bench.replicator.openFeed(0, 0, V4, 0);
    bench.pull(feed);
    bench.receive(0, bench.announcement(attributesOf(2), '10.1.0.0/16'));
    bench.pull(feed);
    expect(bench.replicator.suspects(0)).toEqual([]);
    expect(bench.replicator.feedStats(feed)?.forgotten).toBe(0);
  });
});

describe('quarantine', () => {
  /** Two replicas that were given one message; the first died of it and is up again. */
  function killed(...prefixes: string[]) {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, V4, 0);
    const feeds = [0, 1].map((r) => replicator.openFeed(r, 0, V4, 0));
    const poison = bench.announcement(attributesOf(9), ...prefixes);
    bench.receive(0, poison, 10);
    for (const feed of feeds) bench.pull(feed);
    const [id] = replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 20);
    replicator.closeFeed(feeds[0]);
    feeds[0] = replicator.openFeed(0, 0, V4, 30);
    return { bench, replicator, feeds, poison, id };
  }

  test('its prefixes are kept from the replica that died, from nobody else, until the neighbour replaces or withdraws them', () => {
    const { bench, replicator, feeds, id } = killed('10.1.0.0/16', '10.2.0.0/16');
    const [first, second] = ['10.1.0.0/16', '10.2.0.0/16'].map((text) => bench.prefixes.findText(text));
    expect(bench.pull(feeds[0]).length).toBe(0);
    expect(replicator.withholding.prefixesOf(id)).toEqual([first, second]);
    expect(replicator.withholding.drainHolds()).toEqual(
      [first, second].map((prefix) => ({ replica: 0, prefix, hold: true })),
    );
    expect(replicator.withholding.stats(0)).toEqual({ entries: 1, withheld: 2, evicted: 0 });
    const better = bench.announcement(attributesOf(3), '10.1.0.0/16');
    bench.receive(0, better, 40);
    bench.receive(0, bench.withdrawal('10.2.0.0/16'), 41);
    expect(replicator.withholding.drainHolds()).toEqual(
      [first, second].map((prefix) => ({ replica: 0, prefix, hold: false })),
    );
    const rib = new ModelRib();
    rib.apply(bench.pull(feeds[0]));
    expect([...rib.routes.keys()]).toEqual(['10.1.0.0/16']);
  });

  test('the same message again, or the same attributes with another prefix, reach the others only', () => {
    const { bench, replicator, feeds, poison } = killed('10.1.0.0/16');
    bench.pull(feeds[0]);
    const variation = bench.announcement(attributesOf(9), '10.7.0.0/16');
    const good = bench.announcement(attributesOf(2), '10.8.0.0/16');
    for (const message of [poison, variation, good]) bench.receive(0, message, 50);
    const rib = new ModelRib();
    rib.apply(bench.pull(feeds[0]));
    expect([...rib.routes.keys()]).toEqual(['10.8.0.0/16']);
    expect(hex(bench.pull(feeds[1]))).toBe([poison, variation, good].map(hex).join(''));
    expect(replicator.withholding.drainHolds().map(({ prefix }) => bench.prefixes.format(prefix))).toEqual([
      '10.1.0.0/16',
      '10.7.0.0/16',
    ]);
  });

  test('what waits for the replica already is not given either, even where it has been replaced', () => {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, V4, 0);
    const feed = replicator.openFeed(0, 0, V4, 0);
    bench.receive(0, bench.announcement(attributesOf(9), '10.1.0.0/16'));
    bench.pull(feed);
    bench.receive(0, bench.announcement(attributesOf(9), '10.2.0.0/16'));
    bench.receive(0, bench.announcement(attributesOf(1), '10.2.0.0/16'));
    replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 20);
    const stream = bench.pull(feed);
    expect(hex(stream)).not.toContain(hex(attributesOf(9)));
    const rib = new ModelRib();
    rib.apply(stream);
    expect([...rib.routes]).toEqual([['10.2.0.0/16', hex(attributesOf(1))]]);
  });

  test("it outlives the neighbour's session", () => {
    const { bench, replicator, poison } = killed('10.1.0.0/16');
    replicator.withholding.drainHolds();
    replicator.neighborDown(0, 60);
    expect(replicator.withholding.drainHolds()).toMatchObject([{ replica: 0, hold: false }]);
    replicator.neighborUp(0, V4, 70);
    const feed = replicator.openFeed(0, 0, V4, 70);
    bench.receive(0, poison, 80);
    const rib = new ModelRib();
    rib.apply(bench.pull(feed));
    expect(rib.routes.size).toBe(0);
    expect(replicator.withholding.drainHolds()).toMatchObject([{ replica: 0, hold: true }]);
  });

  test('what is released is given, and no opinion counts until it was worked off', () => {
    const { bench, replicator, feeds, id } = killed('10.1.0.0/16');
    const prefix = bench.prefixes.findText('10.1.0.0/16');
    bench.pull(feeds[0]);
    expect(replicator.inputTime(prefix)).toBe(10);
    expect(replicator.withholding.release(id, 90)).toBe(true);
    expect(replicator.withholding.release(id, 90)).toBe(false);
    expect(replicator.inputTime(prefix)).toBe(90);
    expect(replicator.deliveredUntil(feeds[0], 95)).toBeLessThanOrEqual(90);
    const rib = new ModelRib();
    rib.apply(bench.pull(feeds[0]));
    expect([...rib.routes.keys()]).toEqual(['10.1.0.0/16']);
    expect(replicator.withholding.entries()).toEqual([]);
  });

  test('a message without prefixes is known by its bytes', () => {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, ALL_FAMILIES, 0);
    let feed = replicator.openFeed(0, 0, ALL_FAMILIES, 0);
    for (const message of [emptyReach(), unreachIpv4(bench, '10.1.0.0/16')]) {
      bench.receive(0, message, 10);
      expect(hex(bench.pull(feed))).toBe(hex(message));
      expect(replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 20)).not.toContain(0);
      replicator.replicaEnded(0);
      feed = replicator.openFeed(0, 0, ALL_FAMILIES, 30);
      bench.receive(0, message, 40);
      expect(bench.pull(feed).length).toBe(0);
    }
    // Any other IPv4 withdrawal in MP_UNREACH_NLRI is as odd: the replica gets a plain one.
    bench.receive(0, bench.announcement(attributesOf(1), '10.2.0.0/16'), 50);
    bench.pull(feed);
    bench.receive(0, unreachIpv4(bench, '10.2.0.0/16'), 60);
    expect(hex(bench.pull(feed))).toBe(hex(bench.withdrawal('10.2.0.0/16')));
  });

  test('a plain withdrawal and End-of-RIB are let be', () => {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, ALL_FAMILIES, 0);
    const feed = replicator.openFeed(0, 0, ALL_FAMILIES, 0);
    const messages = [
      bench.withdrawal('10.1.0.0/16'),
      bench.withdrawal('2001:db8::/32'),
      bench.endOfRib(IPV4_UNICAST),
      bench.endOfRib(IPV6_UNICAST),
    ];
    for (const message of messages) bench.receive(0, message);
    bench.pull(feed);
    expect(replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 0)).toEqual([0, 0, 0, 0]);
    expect(replicator.withholding.entries()).toEqual([]);
  });

  test('attributes that the history does not have (RFC 7606) are known all the same', () => {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, V4, 0);
    let feed = replicator.openFeed(0, 0, V4, 0);
    const broken = bench.announcement(Uint8Array.from([0x40, 1, 1, 7, ...attributesOf(1).subarray(4)]), '10.1.0.0/16');
    bench.receive(0, broken);
    bench.pull(feed);
    expect(replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGABRT', 0)).not.toContain(0);
    replicator.replicaEnded(0);
    feed = replicator.openFeed(0, 0, V4, 0);
    bench.receive(0, bench.announcement(attributesOf(2), '10.1.0.0/16'));
    bench.pull(feed);
    bench.receive(0, broken);
    expect(hex(bench.pull(feed))).toBe(hex(bench.withdrawal('10.1.0.0/16')));
  });

  test.each<[string, number[]]>([
    ['nothing at all', []],
    ['the end of another family', [0x80, 15, 3, 0, 2, 1]],
  ])('routes without attributes are no plain withdrawal: %s beside them', (_, attributes) => {
    const bench = new Bench();
    const { replicator } = bench;
    replicator.neighborUp(0, ALL_FAMILIES, 0);
    let feed = replicator.openFeed(0, 0, ALL_FAMILIES, 0);
    const body = [0, 0, 0, attributes.length, ...attributes, 24, 20, 66, 0];
    const broken = encodeMessage(MessageType.UPDATE, Uint8Array.from(body));
    bench.receive(0, broken);
    expect(hex(bench.pull(feed))).toBe(hex(broken));
    expect(replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 0)).not.toContain(0);
    replicator.replicaEnded(0);
    feed = replicator.openFeed(0, 0, ALL_FAMILIES, 0);
    bench.receive(0, broken);
    expect(hex(bench.pull(feed))).not.toContain(hex(broken));
  });

  test('the oldest give way, convicted ones last; what does not fit makes the next bootstrap careful', () => {
    const bench = new Bench({ maxQuarantined: 3 });
    const { replicator } = bench;
    replicator.neighborUp(0, V4, 0);
    const feed = replicator.openFeed(0, 0, V4, 0);
    const die = (...origins: number[]): number[] => {
      for (const i of origins) bench.receive(0, bench.announcement(attributesOf(i), `10.${i}.0.0/16`));
      bench.pull(feed);
      const ids = replicator.withholding.quarantine(0, replicator.suspects(0).slice(-origins.length), 'SIGSEGV', 0);
      return ids;
    };
    const first = die(1);
    expect(replicator.withholding.convict(first[0])).toBe(true);
    const others = [...die(2), ...die(3)];
    const last = die(4);
    expect(replicator.withholding.entries(0).map(({ id }) => id)).toEqual([first[0], others[1], last[0]]);
    expect(replicator.withholding.stats(0).evicted).toBe(1);
    expect(replicator.withholding.isWithheld(0, 0, bench.prefixes.findText('10.2.0.0/16'))).toBe(false);
    expect(replicator.withholding.isCareful(0)).toBe(false);
    expect(die(5, 6, 7, 8)[0]).toBe(0);
    expect(replicator.withholding.isCareful(0)).toBe(true);
    // All three that were there, and the one that found no room.
    expect(replicator.withholding.stats(0).evicted).toBe(1 + 3 + 1);
  });

  test('convicted ones that withhold nothing any more give way to suspects that do', () => {
    const bench = new Bench({ maxQuarantined: 2 });
    const { replicator } = bench;
    replicator.neighborUp(0, V4, 0);
    const feed = replicator.openFeed(0, 0, V4, 0);
    const die = (origin: number): number => {
      bench.receive(0, bench.announcement(attributesOf(origin), `10.${origin}.0.0/16`), origin);
      bench.pull(feed);
      return replicator.withholding.quarantine(0, replicator.suspects(0).slice(-1), 'SIGSEGV', origin)[0];
    };
    const convicted = [die(1), die(2)];
    for (const id of convicted) replicator.withholding.convict(id);
    bench.receive(0, bench.withdrawal('10.1.0.0/16'), 2);
    const last = die(3);
    expect(replicator.withholding.entries(0).map(({ id }) => id)).toEqual([convicted[1], last]);
    expect(replicator.withholding.isWithheld(0, 0, bench.prefixes.findText('10.3.0.0/16'))).toBe(true);
    // All that is left withholds something: now the convicted one is the last to give way.
    expect([die(4), ...replicator.withholding.entries(0).map(({ id }) => id)]).toEqual([
      last + 1,
      convicted[1],
      last + 1,
    ]);
  });

  test('ids of what is quarantined or in flight survive a sweep', () => {
    const { bench, replicator, feeds, poison } = killed('10.1.0.0/16');
    bench.receive(0, bench.announcement(attributesOf(5), '10.5.0.0/16'));
    bench.pull(feeds[0]);
    bench.receive(0, bench.withdrawal('10.1.0.0/16', '10.5.0.0/16'));
    bench.pull(feeds[1]);
    bench.sweep();
    for (let i = 20; i < 40; i++) bench.receive(0, bench.announcement(attributesOf(i), '10.9.0.0/16'));
    bench.pull(feeds[0]);
    bench.receive(0, poison);
    const [entry] = replicator.withholding.entries();
    expect(replicator.withholding.prefixesOf(entry.id).map((id) => bench.prefixes.format(id))).toEqual(['10.1.0.0/16']);
    const five = replicator.suspects(0).find(({ bytes }) => hex(bytes).endsWith('100a05'));
    expect(hex(bench.attributes.get(five!.routes[0]))).toBe(hex(attributesOf(5)));
  });
});

describe('careful bootstrap', () => {
  test('after a death with a whole table in flight it comes in parts, and the part with the culprit is found', () => {
    const bench = new Bench();
    const { replicator } = bench;
    const count = 6000;
    replicator.neighborUp(0, V4, 0);
    for (let i = 0; i < count; i++) {
      bench.receive(0, bench.announcement(attributesOf(i), `10.${i >> 8}.${i & 255}.0/24`));
    }
    const culprit = hex(attributesOf(4200));
    /** Up to the end, or until the replica is given the culprit. */
    const bootstrap = (): { dead: boolean; largest: number; rib: ModelRib } => {
      const feed = replicator.openFeed(0, 0, V4, 0);
      const rib = new ModelRib();
      let largest = 0;
      while (!replicator.isCaughtUp(feed)) {
        const stream = bench.pull(feed, 16384);
        rib.apply(stream);
        if (hex(stream).includes(culprit)) return { dead: true, largest, rib };
        if (stream.length > 0) continue;
        const inFlight = replicator.suspects(0).reduce((sum, { prefixes }) => sum + prefixes, 0);
        largest = Math.max(largest, inFlight);
        probed(bench);
      }
      return { dead: false, largest, rib };
    };
    const die = (): number[] => {
      const ids = replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 0);
      replicator.replicaEnded(0);
      return ids.filter((id) => id !== 0);
    };
    const first = bootstrap();
    expect(first.dead).toBe(true);
    expect(die()).toEqual([]);
    expect(replicator.withholding.isCareful(0)).toBe(true);
    const second = bootstrap();
    expect(second).toMatchObject({ dead: true });
    expect(second.largest).toBeLessThanOrEqual(4096);
    const ids = die();
    expect(ids.length).toBeGreaterThan(0);
    const third = bootstrap();
    expect(third).toMatchObject({ dead: false });
    expect(third.rib.routes.size).toBe(count - ids.length);
    for (let i = 0; i < 2; i++) probed(bench);
    expect(replicator.withholding.isCareful(0)).toBe(false);
  });

  test('probes that return before the replica has taken its sessions end no care', () => {
    const bench = new Bench({ maxQuarantined: 1 });
    const { replicator } = bench;
    for (const n of [0, 1]) replicator.neighborUp(n, V4, 0);
    for (let i = 0; i < 3; i++) bench.receive(0, bench.announcement(attributesOf(i), `10.${i}.0.0/16`));
    const feed = replicator.openFeed(0, 0, V4, 0);
    bench.pull(feed);
    replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 0);
    replicator.replicaEnded(0);
    for (let i = 0; i < 3; i++) probed(bench);
    expect(replicator.withholding.isCareful(0)).toBe(true);
    bench.pull(replicator.openFeed(0, 1, V4, 0));
    for (let i = 0; i < 3; i++) probed(bench);
    expect(replicator.withholding.isCareful(0)).toBe(true);
  });

  test('no more is under way on all feeds together than finds room in the quarantine', () => {
    const bench = new Bench({ maxQuarantined: 4 });
    const { replicator } = bench;
    for (const n of [0, 1]) {
      replicator.neighborUp(n, V4, 0);
      for (let i = 0; i < 8; i++) bench.receive(n, bench.announcement(attributesOf(8 * n + i), `10.${i}.0.0/16`));
    }
    const bootstrap = (): void =>
      [0, 1].map((n) => replicator.openFeed(0, n, V4, 0)).forEach((feed) => bench.pull(feed));
    bootstrap();
    replicator.withholding.quarantine(0, replicator.suspects(0), 'SIGSEGV', 0);
    replicator.replicaEnded(0);
    replicator.neighborDown(0, 0);
    replicator.neighborDown(1, 0);
    for (const n of [0, 1]) {
      replicator.neighborUp(n, V4, 0);
      for (let i = 0; i < 8; i++) bench.receive(n, bench.announcement(attributesOf(8 * n + i), `10.${i}.0.0/16`));
    }
    bootstrap();
    expect(replicator.withholding.isCareful(0)).toBe(true);
    expect(replicator.suspects(0)).toHaveLength(4);
  });

  test('whoever waits for a probe is said to go on when it returns', () => {
    const bench = new Bench();
    bench.replicator.neighborUp(0, V4, 0);
    for (let i = 0; i < 5; i++) bench.receive(0, bench.announcement(attributesOf(i), `10.${i}.0.0/16`));
    const feed = bench.replicator.openFeed(0, 0, V4, 0, { window: 2 });
    const sizes = [messagesOf(bench.pull(feed)).length, bench.pull(feed).length];
    expect(sizes).toEqual([2, 0]);
    expect(probed(bench)).toBe(false);
    expect(bench.pull(feed).length).toBe(0);
    expect(probed(bench)).toBe(true);
    expect(messagesOf(bench.pull(feed)).length).toBe(2);
  });
});

describe('deliver: normalised', () => {
  const NEXT_HOP = [0x40, 3, 4, 10, 0, 0, 1];
  const ORIGIN = [0x40, 1, 1, 0];
  const PATH = [0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 3, 0xe9];

  function delivered(message: Uint8Array): string[] {
    const bench = new Bench();
    bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
    const feed = bench.replicator.openFeed(0, 0, ALL_FAMILIES, 0, { deliver: 'normalised' });
    bench.receive(0, message);
    const live = messagesOf(bench.pull(feed)).map(hex);
    const late = bench.replicator.openFeed(1, 0, ALL_FAMILIES, 0, { deliver: 'normalised' });
    const announced = live.filter((text) => text.includes(hex(Uint8Array.from(PATH))));
    // Whoever comes later gets the very same.
    expect(
      messagesOf(bench.pull(late))
        .map(hex)
        .filter((text) => text.includes(hex(Uint8Array.from(PATH)))),
    ).toEqual(announced);
    return live;
  }

  test('IPv4 in MP_REACH_NLRI, attributes in disorder, idle flags: as plain as can be', () => {
    const odd = updateOf([
      ...[0x50, 2, 0, 10, ...PATH.slice(3)],
      ...[0x90, 14, 0, 12, 0, 1, 1, 4, 10, 0, 0, 1, 0, 16, 10, 1],
      ...[0x5f, 1, 0, 1, 0],
    ]);
    const plain = updateOf([...ORIGIN, ...PATH, ...NEXT_HOP]);
    const expected = Uint8Array.from([...plain, 16, 10, 1]);
    expected[17] += 3;
    expect(delivered(odd)).toEqual([hex(expected)]);
  });

  test('two families are two messages, withdrawals in MP_UNREACH_NLRI classic ones, End-of-RIB stays', () => {
    const bench = new Bench();
    expect(delivered(unreachIpv4(bench, '10.1.0.0/16'))).toEqual([hex(bench.withdrawal('10.1.0.0/16'))]);
    for (const family of [IPV4_UNICAST, IPV6_UNICAST]) {
      expect(delivered(bench.endOfRib(family))).toEqual([hex(bench.endOfRib(family))]);
    }
    const both = updateOf([
      ...emptyReach().subarray(23, 23 + 24),
      32,
      0x20,
      1,
      0xd,
      0xb8,
      ...ORIGIN,
      ...PATH,
      ...NEXT_HOP,
    ]);
    both[25] += 5;
    const message = Uint8Array.from([...both, 16, 10, 1]);
    message[17] += 3;
    const rib = new ModelRib();
    const live = delivered(message);
    expect(live.length).toBe(2);
    for (const text of live) rib.apply(Buffer.from(text, 'hex'));
    expect([...rib.routes.keys()].sort()).toEqual(['10.1.0.0/16', '2001:db8::/32']);
  });

  test('a message that says nothing is nothing', () => {
    expect(delivered(emptyReach())).toEqual([]);
  });
});
