// Walks over the kernel's table: the check that repairs, and the one that only reports.
import { describe, expect, test } from 'vitest';
import { Audit } from '../../../../hypervisor/fib/audit.js';
import { FibReports } from '../../../../hypervisor/fib/reports.js';
import type { FibVerification } from '../../../../hypervisor/fib/status.js';
import { Verification } from '../../../../hypervisor/fib/verification.js';
import { EngineRig, OWN } from '../../fib/engine-rig.js';
import { hop, unicast } from '../../fib/kernel-messages.js';
import { FakeBackend } from './fake-backend.js';

const INTERVAL = 60_000;
const NETS = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'];
const right = unicast(hop(2, '10.0.0.1'));
const wrong = unicast(hop(2, '10.0.0.66'));

function setUp() {
  const rig = new EngineRig({ sources: ['netlink'] });
  rig.elect(0);
  for (const net of NETS) rig.write(0, net, '10.0.0.1');
  rig.run(3000);
  rig.engine.installer.sweepStale();
  const backend = new FakeBackend();
  for (const net of NETS) backend.routes.set(net, right);
  return { rig, backend, installer: rig.engine.installer };
}

describe('the audit', () => {
  const open = () => {
    const parts = setUp();
    const said: string[] = [];
    const audit = new Audit(parts.rig.engine, parts.backend, INTERVAL, parts.rig.now, (text) => said.push(text));
    const walk = (): void => {
      do audit.step(parts.rig.now);
      while (audit.running);
    };
    return { ...parts, audit, said, walk };
  };

  test('comes at its interval, and finds nothing where all is well', () => {
    const { rig, backend, audit, walk } = open();
    rig.now += INTERVAL - 1;
    walk();
    expect(backend.walks).toBe(0);
    rig.now += 1;
    walk();
    walk();
    expect([backend.walks, audit.count, audit.differences]).toEqual([1, 1, 0]);
  });

  test('repairs what is missing, different or one too many', () => {
    const { rig, backend, audit, walk } = open();
    backend.routes.delete(NETS[0]!);
    backend.routes.set(NETS[1]!, wrong);
    backend.routes.set('192.0.3.0/24', right);
    backend.routes.set('192.0.4.0/24', new Uint8Array(0));
    rig.written.length = 0;
    rig.now += INTERVAL;
    walk();
    rig.run(25);
    expect(audit.differences).toBe(4);
    expect(rig.written.sort()).toEqual(
      [
        ...[`${NETS[0]}: via 10.0.0.1 dev if2`, '192.0.3.0/24: none', '192.0.4.0/24: none'],
        `${NETS[1]}: via 10.0.0.1 dev if2`,
      ].sort(),
    );
  });

  test('comes soon when something happened, but not again and again', () => {
    const { rig, backend, audit, walk } = open();
    for (let i = 0; i < 100; i++, rig.now += 100) {
      audit.hurry(rig.now);
      walk();
    }
    expect(backend.walks).toBe(2);
  });

  test('concludes nothing from a walk that broke off or was given up, and walks again', () => {
    const { rig, backend, audit, said, walk, installer } = open();
    backend.error = 'no memory';
    backend.routes.clear();
    rig.now += INTERVAL;
    walk();
    expect(said).toEqual(['the check of the forwarding table broke off: no memory']);
    backend.error = undefined;
    for (const net of NETS) backend.routes.set(net, right);
    rig.now += INTERVAL;
    audit.step(rig.now);
    expect(audit.running).toBe(true);
    audit.abandon(rig.now);
    expect([audit.running, installer.counters.interfered, audit.count]).toEqual([false, 0, 0]);
    rig.now += 300;
    walk();
    expect([audit.count, audit.differences]).toEqual([1, 0]);
  });
});

describe('the verification', () => {
  const verify = (
    { rig, backend }: Pick<ReturnType<typeof setUp>, 'rig' | 'backend'>,
    advertised: readonly [number[], number[]] = [[], []],
    between: () => void = () => undefined,
  ): { result?: FibVerification; error?: string } => {
    const reports = new FibReports(rig.engine, { sources: ['netlink'], own: OWN } as never, ['frr']);
    const nlri = [Uint8Array.from(advertised[0]), Uint8Array.from(advertised[1])] as const;
    const verification = new Verification(9, rig.engine, backend, reports, nlri);
    for (;;) {
      const outcome = verification.step();
      if (outcome !== undefined) return outcome;
      between();
    }
  };

  test('agrees where all is well', () => {
    const parts = setUp();
    expect(verify(parts, [[24, 192, 0, 2, 24, 203, 0, 113], []]).result).toEqual({
      ...{ ok: true, quiet: true, verdicts: 3, kernelRoutes: 3, advertised: 2, total: 0, differences: [] },
    });
  });

  test('names every difference, and changes nothing', () => {
    const parts = setUp();
    const { rig, backend } = parts;
    backend.routes.delete(NETS[0]!);
    backend.routes.set(NETS[1]!, wrong);
    backend.routes.set('192.0.3.0/24', right);
    rig.written.length = 0;
    const { result } = verify(parts, [
      [24, 203, 0, 113, 25, 203, 0, 114, 128, 8, 10],
      [48, 0x20, 1, 0xd, 0xb8, 0, 1],
    ]);
    const kinds = Object.fromEntries(result!.differences.map(({ prefix, kind }) => [prefix, kind]));
    expect(kinds).toEqual({
      [NETS[0]!]: 'missing',
      [NETS[1]!]: 'different',
      '192.0.3.0/24': 'extra',
      '203.0.114.128/25': 'advertised-without-route',
      '10.0.0.0/8': 'advertised-without-route',
      '2001:db8:1::/48': 'advertised-without-route',
    });
    expect([result!.ok, result!.total, result!.advertised]).toEqual([false, 6, 4]);
    rig.run(100);
    expect(rig.written).toEqual([]);
  });

  test('says when things were changing', () => {
    const parts = setUp();
    expect(verify(parts, [[], []], () => parts.rig.write(0, '192.0.9.0/24', '10.0.0.1')).result).toMatchObject({
      quiet: false,
    });
  });

  test('a table that cannot be read is an error', () => {
    const parts = setUp();
    parts.backend.error = 'given up for another one';
    expect(verify(parts)).toEqual({ id: 9, error: "the kernel's table cannot be read: given up for another one" });
  });
});
