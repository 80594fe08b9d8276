// When a restarted router knows its neighbours' routes again, and what its OPENs say until then.
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { RestartWatch } from '../../../hypervisor/restart-watch.js';
import type { GracefulRestart } from '../../../wire/bgp/graceful-restart.js';

const STALE = 180_000;
const QUIET = 5000;
const BOTH = 3;
const aware: GracefulRestart = { restarting: false, notification: false, restartTime: 120, families: 0, forwarding: 0 };
const knowing = { families: BOTH, gracefulRestart: aware };
const unaware = { families: BOTH, gracefulRestart: undefined };

describe('the restart watch', () => {
  let watch: RestartWatch;
  let asked: number[];
  const make = (neighbors = 2, restartTime = 120, rest = 0) =>
    new RestartWatch({ neighbors, restartTime, staleRoutes: STALE, quiet: QUIET, rest });
  const settled = (since: number): boolean => asked.push(since) > 0;
  const unsettled = (): boolean => false;

  beforeEach(() => {
    watch = make();
    asked = [];
  });

  test('waits for End-of-RIB of every family from every neighbour, and then for the replicas', () => {
    watch.begin(BOTH, 0);
    watch.up(0, knowing, 100);
    watch.up(1, knowing, 100);
    watch.endOfRib(0, 0, 200);
    watch.endOfRib(0, 1, 300);
    watch.endOfRib(1, 1, 400);
    expect(watch.missing).toEqual([1]);
    expect(watch.check(100_000, settled)).toBe(false);
    expect(asked).toEqual([]);
    watch.endOfRib(1, 0, 100_500);
    expect(watch.check(100_600, unsettled)).toBe(false);
    expect(watch.restarting).toBe(true);
    expect(watch.check(100_700, settled)).toBe(true);
    expect(asked).toEqual([100_500]);
    expect(watch.state).toBe('resynchronised');
    expect(watch.restarting).toBe(false);
    expect(watch.check(100_800, settled)).toBe(false);
  });

  test('lets contests be settled: all has to be worked off for a while, without a break', () => {
    watch = make(1, 120, 2000);
    watch.begin(1, 0);
    watch.up(0, { families: 1, gracefulRestart: aware }, 0);
    watch.endOfRib(0, 0, 10);
    expect(watch.check(100, settled)).toBe(false);
    expect(watch.check(1500, unsettled)).toBe(false);
    expect(watch.check(2000, settled)).toBe(false);
    expect(watch.check(3999, settled)).toBe(false);
    expect(watch.check(4000, settled)).toBe(true);
    expect(watch.state).toBe('resynchronised');
  });

  test('asks only for the families of the session', () => {
    watch = make(1);
    watch.begin(1, 0);
    watch.up(0, { families: 1, gracefulRestart: aware }, 0);
    watch.endOfRib(0, 0, 10);
    expect(watch.check(20, settled)).toBe(true);
  });

  test('what comes in after End-of-RIB is not waited for', () => {
    watch = make(1);
    watch.begin(BOTH, 0);
    watch.up(0, knowing, 0);
    watch.endOfRib(0, 0, 10);
    watch.endOfRib(0, 1, 11);
    for (let at = 20; at < 1000; at += 10) watch.size(0, at, at);
    watch.endOfRib(0, 1, 999);
    expect(watch.check(1000, settled)).toBe(true);
    expect(asked).toEqual([11]);
  });

  test.each([
    ['knows nothing of graceful restart', undefined],
    ['restarts itself, and may wait for us', { ...aware, restarting: true }],
  ])('a table that does not grow will do from a neighbour that %s', (_what, gracefulRestart) => {
    watch = make(1);
    watch.begin(BOTH, 0);
    watch.up(0, { families: BOTH, gracefulRestart }, 0);
    watch.size(0, 1, 3000);
    expect(watch.check(3000 + QUIET - 1, settled)).toBe(false);
    expect(watch.check(3000 + QUIET, settled)).toBe(true);
    expect(asked).toEqual([3000]);
  });

  test('on the Internet something always changes: a table that hardly grows is at its end, and a slow one is not', () => {
    watch = make(1);
    watch.begin(BOTH, 0);
    watch.up(0, unaware, 0);
    for (let at = 0, routes = 0; at <= 60_000; at += 1000) {
      watch.size(0, (routes += 2000), at);
      expect(watch.check(at, settled)).toBe(false);
    }
    for (let at = 61_000, routes = 122_000; at < 60_000 + QUIET; at += 100) {
      watch.size(0, (routes += 1), at);
      watch.size(0, routes - 50, at);
      expect(watch.check(at, settled)).toBe(false);
    }
    expect(watch.check(60_000 + QUIET, settled)).toBe(true);
    expect(asked).toEqual([60_000]);
  });

  test('while nothing is read from a neighbour, that nothing comes means nothing', () => {
    watch = make(1);
    watch.begin(BOTH, 0);
    watch.up(0, unaware, 0);
    watch.size(0, 1000, 10);
    for (let at = 20; at < 20_000; at += 25) {
      watch.unread(0, at);
      expect(watch.check(at, settled)).toBe(false);
    }
    expect(watch.check(19_995 + QUIET, settled)).toBe(true);
  });

  test('size will not do from one that sends End-of-RIB, and End-of-RIB will from one of which nobody knew', () => {
    watch.begin(BOTH, 0);
    watch.up(0, knowing, 0);
    watch.up(1, unaware, 0);
    watch.endOfRib(1, 0, 5);
    watch.endOfRib(1, 1, 5);
    expect(watch.missing).toEqual([0]);
    expect(watch.check(STALE - 1, settled)).toBe(false);
  });

  test('a neighbour that goes down has to tell everything again', () => {
    watch = make(1);
    watch.begin(BOTH, 0);
    watch.up(0, unaware, 0);
    watch.endOfRib(0, 0, 5);
    watch.endOfRib(0, 1, 5);
    watch.down(0);
    expect(watch.check(QUIET * 2, settled)).toBe(false);
    watch.up(0, unaware, QUIET * 2);
    expect(watch.check(QUIET * 3 - 1, settled)).toBe(false);
    expect(watch.check(QUIET * 3, settled)).toBe(true);
  });

  test('gives up on a neighbour that does not come back', () => {
    watch.begin(BOTH, 1000);
    watch.up(0, knowing, 2000);
    watch.endOfRib(0, 0, 2000);
    watch.endOfRib(0, 1, 2000);
    expect(watch.check(1000 + STALE - 1, settled)).toBe(false);
    expect(watch.check(1000 + STALE, settled)).toBe(true);
    expect(watch.state).toBe('expired');
    expect(watch.restarting).toBe(false);
  });

  test('and on replicas that never come to an end', () => {
    watch = make(0);
    watch.begin(BOTH, 0);
    expect(watch.check(STALE - 1, unsettled)).toBe(false);
    expect(watch.check(STALE, unsettled)).toBe(true);
    expect(watch.state).toBe('expired');
  });

  test('decides nothing before it has begun', () => {
    watch = make(0);
    expect(watch.check(1e9, settled)).toBe(false);
    expect(watch.restarting).toBe(false);
  });

  test('offers: R while it restarts, F for what was preserved; both families once all is known', () => {
    const offer = (families = BOTH) => watch.offer(families);
    const base = { notification: false, restartTime: 120 };
    expect(offer()).toEqual({ ...base, restarting: false, families: 3, forwarding: 0 });
    watch.begin(1, 0);
    expect(offer()).toEqual({ ...base, restarting: true, families: 3, forwarding: 1 });
    expect(offer(2)).toEqual({ ...base, restarting: true, families: 2, forwarding: 0 });
    watch.check(STALE, settled);
    expect(offer()).toEqual({ ...base, restarting: false, families: 3, forwarding: 3 });
    expect(make(1, 0).offer(BOTH)).toBeUndefined();
  });

  test('a first start is no restart, but ends like one', () => {
    watch = make(1);
    watch.begin(0, 0);
    expect(watch.restarting).toBe(false);
    expect(watch.offer(BOTH)).toMatchObject({ restarting: false, forwarding: 0 });
    watch.up(0, unaware, 0);
    expect(watch.check(QUIET, settled)).toBe(true);
    expect(watch.offer(BOTH)).toMatchObject({ restarting: false, forwarding: 3 });
  });

  test('whatever happens, it ends once and in time, and never resynchronised while somebody is missing', () => {
    const n = fc.nat(2);
    const event = fc.oneof(
      fc.record({ kind: fc.constant('up' as const), n, told: fc.boolean() }),
      fc.record({ kind: fc.constant('down' as const), n }),
      fc.record({ kind: fc.constant('size' as const), n, routes: fc.nat(3000) }),
      fc.record({ kind: fc.constant('eor' as const), n, family: fc.constantFrom(0 as const, 1 as const) }),
    );
    const steps = fc.array(fc.record({ wait: fc.nat(4000), event, settles: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.nat(3), (list, preserved) => {
        const under = make(3);
        under.begin(preserved, 0);
        let [now, ends] = [0, 0];
        for (const { wait, event: e, settles } of list) {
          now += wait;
          if (e.kind === 'up') under.up(e.n, e.told ? knowing : unaware, now);
          else if (e.kind === 'down') under.down(e.n);
          else if (e.kind === 'size') under.size(e.n, e.routes, now);
          else under.endOfRib(e.n, e.family, now);
          if (under.check(now, () => settles)) {
            ends++;
            if (under.state === 'resynchronised') expect(under.missing).toEqual([]);
            else expect(now).toBeGreaterThanOrEqual(STALE);
          }
        }
        if (under.check(Math.max(now, STALE), () => true)) ends++;
        expect(ends).toBe(1);
      }),
    );
  });
});
