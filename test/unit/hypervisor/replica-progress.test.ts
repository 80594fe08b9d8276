// What a probe proves, on which way, and when it counts.
import { describe, expect, test } from 'vitest';
import type { VotingConfig } from '../../../configs/model.js';
import { PROBE_NEXT_HOPS, ProbeMessages } from '../../../hypervisor/probe-messages.js';
import { ReplicaProgress } from '../../../hypervisor/replica-progress.js';
import { UpdatePacker } from '../../../wire/bgp/pack.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import { IPV4_UNICAST } from '../../../wire/family.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import { countMessages } from '../../../wire/bgp/message.js';
import { describeUpdate } from '../../../wire/bgp/describe-message.js';
import { MAX_ESCORT } from '../../../hypervisor/probe-escort.js';
import type { FibPath } from '../../../hypervisor/replica-progress.js';

const PROOF_MS = 150;
const BULK = 20_000;

function setUp(path: FibPath) {
  const settings = { probeAddress: '198.18.0.2', probeAs: 4200000001, probePrefix: '198.18.255.0/24' };
  const probes = new ProbeMessages({ ...settings, nextHops: '198.18.254.0/24' });
  const progress = new ReplicaProgress({ probeInterval: 200, hangThreshold: 10_000 } as VotingConfig, probes, path);
  progress.restart(0);
  let now = 1000;
  const queues: { handed: number }[] = [];
  let written = 0;
  /** Sends a probe; what came in before `delivered` has been handed over. Returns its number and its echo. */
  const send = (delivered: number): { n: number; echo: Uint8Array } => {
    now += 2000;
    let echo = new Uint8Array();
    progress.send(now, true, { deliveredUntil: () => delivered, queues }, (messages) => {
      written += countMessages(messages, 0, messages.length);
      echo = messages.slice();
    });
    return { n: progress.tracker.current % PROBE_NEXT_HOPS, echo };
  };
  /** Messages that were written to the replica since the last call. */
  const messages = (): number => written - (written = 0);
  const comesBack = (echo: Uint8Array): boolean => progress.onTap(echo, 0, echo.length, (now += 10));
  const later = (ms: number): void => progress.tick((now += ms));
  const proven = (): [number, number] => [progress.advertisedUntil, progress.forwardedUntil];
  return { progress, queues, messages, send, comesBack, later, proven };
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

  test('proves nothing for one that still tells the tap what it would write', () => {
    const routes = new ByteWriter();
    const table = new PrefixTable();
    const ids = Uint32Array.from({ length: 5000 }, (_, i) => table.parse(`10.${i >> 8}.${i & 255}.0/24`));
    new UpdatePacker(65_535).withdraw(IPV4_UNICAST, table, ids, 0, ids.length, routes);
    for (const [path, isProven] of [
      ['tap', false],
      ['netlink', true],
    ] as const) {
      const { progress, send, comesBack, later } = setUp(path);
      const { echo } = send(900);
      comesBack(echo);
      progress.onTap(routes.buffer, 0, routes.length, 1);
      later(PROOF_MS);
      expect(progress.advertisedUntil === 900, path).toBe(isProven);
    }
  });

  test('the next one waits until the last one counts', () => {
    const { progress, send, comesBack, later } = setUp('tap');
    comesBack(send(900).echo);
    const deliveries = { deliveredUntil: () => 0, queues: [] };
    expect(progress.send(1e9, true, deliveries, () => expect.unreachable())).toBe(false);
    later(PROOF_MS);
    expect(progress.send(1e9, true, deliveries, () => undefined)).toBe(true);
  });
});

describe('the escort of a probe', () => {
  test('is as long as the longest queue may be', () => {
    const { queues, messages, send, comesBack, later } = setUp('tap');
    queues.push({ handed: 7 }, { handed: 5000 });
    const first = send(900);
    expect(messages()).toBe(5001);
    comesBack(first.echo);
    later(PROOF_MS);
    queues[0].handed = 10;
    queues[1].handed = 5002;
    send(950);
    expect(messages(), 'only what was handed over since').toBe(4);
  });

  test('changes nothing: withdrawals of what lies in the probe prefix, or of what that lies in', () => {
    for (const [probePrefix, never] of [
      ['198.18.255.0/24', '198.18.255.0/32'],
      ['198.18.255.1/32', '0.0.0.0/0'],
    ]) {
      const probes = new ProbeMessages({ probeAddress: '198.18.0.2', probeAs: 4200000001, probePrefix });
      probes.escort(2, (messages) => {
        expect(countMessages(messages, 0, messages.length)).toBe(2);
        expect(describeUpdate(messages.subarray(0, messages.length / 2))).toMatchObject({
          verdict: 'sound',
          withdrawn: [never],
          announced: [],
          attributes: [],
        });
      });
    }
  });

  test('too long for one, it goes ahead of several probes, of which the last proves something', () => {
    const { queues, messages, send, comesBack, later, proven } = setUp('tap');
    queues.push({ handed: MAX_ESCORT + 10 });
    comesBack(send(900).echo);
    later(PROOF_MS);
    expect(messages()).toBe(MAX_ESCORT + 1);
    expect(proven()).toEqual([-Infinity, -Infinity]);
    comesBack(send(950).echo);
    later(PROOF_MS);
    expect(messages()).toBe(11);
    expect(proven()).toEqual([950, 950]);
  });

  test('too long for one, it keeps what comes out of the forwarding path from proving anything', () => {
    const { progress, queues, send } = setUp('netlink');
    queues.push({ handed: MAX_ESCORT + 10 });
    progress.onForwarding(send(900).n);
    expect(progress.forwardedUntil).toBe(-Infinity);
  });

  test('a probe that is not back proves nothing of what it was sent behind', () => {
    const { progress, queues, messages, send } = setUp('tap');
    queues.push({ handed: 10 });
    send(900);
    progress.restart(0);
    queues[0] = { handed: 3 };
    messages();
    send(950);
    expect(messages(), 'of the new life').toBe(4);
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
