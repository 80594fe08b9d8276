// The pure pieces of supervision: what a probe proves, when a replica hangs, when a neighbour has to wait.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HIGH_WATER, LOW_WATER, Pacer } from '../../../hypervisor/pacing.js';
import { ProbeTracker } from '../../../hypervisor/probe-tracker.js';

describe('probes', () => {
  const make = () => new ProbeTracker({ busyIntervalMs: 200, idleIntervalMs: 1000, hangMs: 5000 });

  test('one is out at a time; the next follows soon when busy, later when idle', () => {
    const tracker = make();
    expect(tracker.nextAt(false)).toBe(-Infinity);
    const first = tracker.send(100);
    expect(tracker.nextAt(true)).toBe(Infinity);
    expect(tracker.lag(350)).toBe(250);
    expect(tracker.returned(first, 400)).toBe(true);
    expect(tracker.lag(500)).toBe(0);
    expect(tracker.nextAt(true)).toBe(300);
    expect(tracker.nextAt(false)).toBe(1100);
  });

  test('only the one that is out proves anything, and that once', () => {
    const tracker = make();
    const first = tracker.send(100);
    tracker.returned(first, 150);
    const second = tracker.send(300);
    expect(second).not.toBe(first);
    expect(tracker.returned(first, 310)).toBe(false);
    expect(tracker.digestedUntil).toBe(100);
    expect(tracker.returned(second, 320)).toBe(true);
    expect(tracker.returned(second, 330)).toBe(false);
    expect(tracker.digestedUntil).toBe(300);
  });

  test('an echo from an earlier life proves nothing in the next', () => {
    const tracker = make();
    const old = tracker.send(100);
    tracker.restart(200);
    expect(tracker.returned(old, 210)).toBe(false);
    expect(tracker.digestedUntil).toBe(-Infinity);
    const next = tracker.send(300);
    expect(next).not.toBe(old);
    expect(tracker.returned(old, 310)).toBe(false);
    expect(tracker.current).toBe(next);
  });

  test('it hangs when a probe is out and no sign of life came for long enough', () => {
    const tracker = make();
    tracker.restart(0);
    expect(tracker.isHung(1e9)).toBe(false);
    tracker.send(1000);
    expect(tracker.isHung(6000)).toBe(false);
    expect(tracker.isHung(6001)).toBe(true);
    tracker.life(4000);
    expect(tracker.isHung(9000)).toBe(false);
    expect(tracker.isHung(9001)).toBe(true);
  });

  test('time without a processor does not count, up to five times the threshold; a sign of life begins anew', () => {
    const tracker = make();
    tracker.restart(0);
    tracker.send(1000);
    expect(tracker.silence(6500)).toBe(5500);
    tracker.excuse(4000);
    expect(tracker.isHung(10_000)).toBe(false);
    expect(tracker.isHung(10_001)).toBe(true);
    tracker.excuse(1e9);
    expect(tracker.isHung(31_000)).toBe(false);
    expect(tracker.isHung(31_001)).toBe(true);
    tracker.life(31_001);
    expect(tracker.isHung(36_001)).toBe(false);
    expect(tracker.isHung(36_002)).toBe(true);
    tracker.excuse(1e9);
    tracker.returned(tracker.current, 40_000);
    expect(tracker.silence(50_000)).toBe(0);
    tracker.send(50_000);
    expect(tracker.isHung(55_001)).toBe(true);
  });
});

describe('pacing', () => {
  const MAX_PAUSE = 10_000;

  test('waits while fewer than a majority have room, with hysteresis', () => {
    const pacer = new Pacer(MAX_PAUSE);
    expect(pacer.decide([0, HIGH_WATER + 1, Infinity], 0)).toBe(true);
    expect(pacer.decide([0, HIGH_WATER, Infinity], 1)).toBe(true);
    expect(pacer.decide([0, LOW_WATER, Infinity], 2)).toBe(false);
    expect(pacer.decide([0, HIGH_WATER, Infinity], 3)).toBe(false);
  });

  test('one replica of three, however far behind, holds nobody up', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(LOW_WATER), { minLength: 2, maxLength: 2 }), fc.nat(1e9), (free, behind) => {
        expect(new Pacer(MAX_PAUSE).decide([...free, behind], 0)).toBe(false);
      }),
    );
  });

  test('no pause is longer than allowed, and without replicas there is none', () => {
    const pacer = new Pacer(MAX_PAUSE);
    expect(pacer.decide([], 0)).toBe(false);
    expect(pacer.decide([Infinity], 0)).toBe(true);
    expect(pacer.decide([Infinity], MAX_PAUSE)).toBe(true);
    expect(pacer.decide([Infinity], MAX_PAUSE + 1)).toBe(false);
  });
});
