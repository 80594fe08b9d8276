// Pulling only what came in before a time: the rest stays, in order, and counts as backlog that has not been delivered.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALL_FAMILIES } from '../../../wire/family.js';
import { attributesOf, Bench, hex } from './helpers.js';

/** Times around which 2^32 ms (of which the log keeps the remainder) come round. */
const TURN = 2 ** 32;

test('a message that came in after the limit waits, whatever the clock says', () => {
  const time = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: TURN - 250, max: TURN + 250 }));
  fc.assert(
    fc.property(time, fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 }), (begin, gaps) => {
      const bench = new Bench();
      bench.replicator.neighborUp(0, ALL_FAMILIES, begin);
      const feed = bench.replicator.openFeed(0, 0, ALL_FAMILIES, begin);
      let at = begin;
      const sent = gaps.map((gap, i) => {
        const message = bench.announcement(attributesOf(i), `10.${i}.0.0/16`);
        bench.receive(0, message, (at += gap) + 0.5);
        return { at, message };
      });
      let pulled = '';
      for (let limit = begin - 1; limit <= at; limit++) {
        bench.out.reset();
        bench.replicator.pull(feed, bench.out, Infinity, limit + 0.25);
        pulled += hex(bench.out.take());
        const due = sent.filter((one) => one.at <= limit);
        expect(pulled).toBe(due.map(({ message }) => hex(message)).join(''));
        const next = sent[due.length];
        expect(bench.replicator.deliveredUntil(feed, at + 1)).toBe(next?.at ?? at + 1);
        expect(bench.replicator.isCaughtUp(feed)).toBe(next === undefined);
      }
    }),
  );
});

test('-Infinity lets nothing through, Infinity everything', () => {
  const bench = new Bench();
  bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
  const feed = bench.replicator.openFeed(0, 0, ALL_FAMILIES, 0);
  const message = bench.announcement(attributesOf(1), '10.0.0.0/8');
  bench.receive(0, message, 5);
  bench.out.reset();
  expect(bench.replicator.pull(feed, bench.out, Infinity, -Infinity)).toBe(0);
  expect(bench.replicator.pull(feed, bench.out, Infinity)).toBe(message.length);
});

test('the current state does not wait', () => {
  const bench = new Bench();
  bench.replicator.neighborUp(0, ALL_FAMILIES, 0);
  bench.receive(0, bench.announcement(attributesOf(1), '10.0.0.0/8'), 5);
  const feed = bench.replicator.openFeed(0, 0, ALL_FAMILIES, 6);
  bench.out.reset();
  expect(bench.replicator.pull(feed, bench.out, Infinity, -Infinity)).toBeGreaterThan(0);
});
