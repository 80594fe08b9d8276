// What a probe proves, on which way, and when it counts.
import { describe, expect, test } from 'vitest';
import type { VotingConfig } from '../../../configs/model.js';
import { PROBE_NEXT_HOPS, ProbeMessages } from '../../../hypervisor/probe-messages.js';
import { ReplicaProgress } from '../../../hypervisor/replica-progress.js';
import type { FibPath } from '../../../hypervisor/replica-progress.js';

const PROOF_MS = 150;
const BULK = 20_000;

function setUp(path: FibPath) {
  const settings = { probeAddress: '198.18.0.2', probeAs: 4200000001, probePrefix: '198.18.255.0/24' };
  const probes = new ProbeMessages({ ...settings, nextHops: '198.18.254.0/24' });
  const progress = new ReplicaProgress({ probeInterval: 200, hangThreshold: 10_000 } as VotingConfig, probes, path);
  progress.restart(0);
  let now = 1000;
  /** Sends a probe; what came in before `delivered` has been handed over. Returns its number and its echo. */
  const send = (delivered: number): { n: number; echo: Uint8Array } => {
    now += 2000;
    const echo = progress.next(now, true, () => delivered)!.slice();
    return { n: progress.tracker.current % PROBE_NEXT_HOPS, echo };
  };
  const comesBack = (echo: Uint8Array): boolean => progress.onTap(echo, 0, echo.length, (now += 10));
  const later = (ms: number): void => progress.tick((now += ms));
  const proven = (): [number, number] => [progress.advertisedUntil, progress.forwardedUntil];
  return { progress, send, comesBack, later, proven };
}

describe('a probe', () => {
  test('proves what was delivered before it, once it is back and nothing came behind it', () => {
    const { progress, send, comesBack, later, proven } = setUp('tap');
    const { echo } = send(900);
    comesBack(echo);
    later(PROOF_MS - 1);
    expect(proven()).toEqual([-Infinity, -Infinity]);
    later(1);
    expect(proven()).toEqual([900, 900]);
    expect(progress.digestedUntil).toBe(900);
  });

  test('proves nothing for a replica that still sends earlier results', () => {
    const { progress, send, comesBack, later, proven } = setUp('tap');
    const { echo } = send(900);
    comesBack(echo);
    progress.sent(BULK);
    later(PROOF_MS);
    expect(proven()).toEqual([-Infinity, -Infinity]);
    const next = send(950);
    comesBack(next.echo);
    later(PROOF_MS);
    expect(proven()).toEqual([950, 950]);
  });

  test('the next one waits until the last one counts', () => {
    const { progress, send, comesBack, later } = setUp('tap');
    comesBack(send(900).echo);
    expect(progress.next(1e9, true, () => 0)).toBeUndefined();
    later(PROOF_MS);
    expect(progress.next(1e9, true, () => 0)).toBeDefined();
  });
});

describe('a replica that never stops sending', () => {
  const WHILE_MS = 30_000;
  const busyProbe = ({ progress, send, comesBack, later }: ReturnType<typeof setUp>, delivered: number): void => {
    comesBack(send(delivered).echo);
    progress.sent(BULK);
    later(PROOF_MS);
  };

  test('follows its input when its probes have come back for a while, though nothing is proven', () => {
    const set = setUp('tap');
    busyProbe(set, 2000);
    expect(set.progress.isFollowing(1500, 1500 + WHILE_MS - 1)).toBe(false);
    expect(set.progress.isFollowing(1500, 1500 + WHILE_MS)).toBe(true);
    expect(set.progress.isFollowing(2001, 1e9)).toBe(false);
    expect(set.proven()).toEqual([-Infinity, -Infinity]);
  });

  test('follows nothing without an answer, or after a new start', () => {
    const set = setUp('tap');
    set.send(2000);
    set.later(WHILE_MS);
    expect(set.progress.isFollowing(1500, 1e9)).toBe(false);
    const other = setUp('tap');
    busyProbe(other, 2000);
    other.progress.restart(9000);
    expect(other.progress.isFollowing(1500, 1e9)).toBe(false);
  });

  test('follows at once when it pauses', () => {
    const { progress, send, comesBack, later } = setUp('tap');
    comesBack(send(2000).echo);
    later(PROOF_MS);
    expect(progress.isFollowing(1500, 3000)).toBe(true);
  });
});

describe('a probe that is out', () => {
  test('means a hang when the main loop could have seen a sign of life all the time', () => {
    const { progress, send } = setUp('tap');
    send(900);
    for (let now = 3000; now <= 13_000; now += 100) progress.tick(now);
    expect(progress.tracker.isHung(13_000)).toBe(false);
    progress.tick(13_100);
    expect(progress.tracker.isHung(13_100)).toBe(true);
  });

  test('means none when the main loop itself stood still', () => {
    const { progress, send } = setUp('tap');
    send(900);
    progress.tick(3000);
    progress.tick(20_000);
    expect(progress.tracker.isHung(20_000)).toBe(false);
    for (let now = 20_100; now <= 30_100; now += 100) progress.tick(now);
    expect(progress.tracker.isHung(30_100)).toBe(true);
  });
});

describe('a replica that writes its routes', () => {
  test('has come so far when the probe came out of both ways', () => {
    const { progress, send, comesBack, later, proven } = setUp('netlink');
    const { n, echo } = send(900);
    comesBack(echo);
    later(PROOF_MS);
    expect(proven()).toEqual([900, -Infinity]);
    progress.onForwarding(n);
    expect(proven()).toEqual([900, 900]);
  });

  test('each number proves what went ahead of that probe, in whatever order they come out', () => {
    const { progress, send, comesBack, later, proven } = setUp('netlink');
    const numbers = [900, 950, 1000].map((delivered) => {
      const { n, echo } = send(delivered);
      comesBack(echo);
      later(PROOF_MS);
      return n;
    });
    progress.onForwarding(numbers[1]!);
    expect(proven()[1]).toBe(950);
    progress.onForwarding(numbers[0]!);
    expect(proven()[1]).toBe(950);
    progress.onForwarding((numbers[2]! + 7) % PROBE_NEXT_HOPS);
    expect(proven()[1]).toBe(950);
  });

  test('a new start proves nothing by what an earlier life wrote', () => {
    const { progress, send, comesBack, later, proven } = setUp('netlink');
    const { n, echo } = send(900);
    comesBack(echo);
    later(PROOF_MS);
    progress.restart(9000);
    progress.onForwarding(n);
    comesBack(echo);
    later(PROOF_MS);
    expect(proven()).toEqual([-Infinity, -Infinity]);
  });
});

test('a replica without a say in the table keeps nobody waiting there', () => {
  const { progress, send, comesBack, later, proven } = setUp('none');
  expect(proven()[1]).toBe(Infinity);
  const { n, echo } = send(900);
  progress.onForwarding(n);
  comesBack(echo);
  later(PROOF_MS);
  expect(progress.digestedUntil).toBe(900);
  progress.restart(9000);
  expect(proven()).toEqual([-Infinity, Infinity]);
});
