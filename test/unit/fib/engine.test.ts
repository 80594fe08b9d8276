// The forwarding engine as a whole: from what replicas write to what the kernel is told, and what happens to ids, votes and probes around it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetlinkWriter } from '../../../wire/netlink/message.js';
import * as nl from '../../../wire/netlink/constants.js';
import { connected, EngineRig, INTERNAL_LINK } from './engine-rig.js';
import { hop, linkMessage, neighborMessage, route, unicast } from './kernel-messages.js';

const NET = '203.0.113.0/24';
const RIGHT = '10.0.0.1';
const WRONG = '10.0.0.66';
const viaRight = `via ${RIGHT} dev if2`;
const viaWrong = `via ${WRONG} dev if2`;

describe('wrong writes of one replica of three', () => {
  it('never reach the kernel with wait-for-consensus, however late the others are', () => {
    const rig = new EngineRig({ strategy: 'wait-for-consensus' });
    rig.elect(0, 1, 2);
    rig.input(NET);
    rig.write(0, NET, WRONG);
    rig.run(5000);
    expect(rig.kernel.size).toBe(0);
    rig.caughtUp(0);
    rig.write(1, NET, RIGHT);
    rig.run(5000);
    expect(rig.kernel.size).toBe(0);
    rig.write(2, NET, RIGHT);
    rig.run(1500);
    rig.caughtUp(0, 1, 2);
    rig.run(3000);
    expect(rig.written).toEqual([`${NET}: ${viaRight}`]);
    expect(rig.engine.voter.dissenters(rig.engine.prefixes.findText(NET))).toBe(0b001);
  });

  it('are outvoted at once with continuous-majority', () => {
    const rig = new EngineRig({ strategy: 'continuous-majority' });
    rig.elect(0, 1, 2);
    rig.write(0, NET, WRONG);
    rig.run(25);
    expect(rig.kernel.size).toBe(0);
    rig.write(1, NET, RIGHT);
    rig.write(2, NET, RIGHT);
    rig.run(25);
    expect(rig.written).toEqual([`${NET}: ${viaRight}`]);
  });

  it('of the master are out for a moment with master/slave, and put right when the others are stable', () => {
    const rig = new EngineRig({ strategy: 'master-slave' });
    rig.elect(0, 1, 2);
    rig.input(NET);
    rig.write(0, NET, WRONG);
    rig.write(1, NET, RIGHT);
    rig.write(2, NET, RIGHT);
    rig.run(100);
    expect(rig.kernel.get(NET)).toBe(viaWrong);
    rig.now += 1000;
    rig.caughtUp(0, 1, 2);
    rig.run(3000);
    expect(rig.proposals).toEqual([[0, 0b110]]);
    expect(rig.kernel.get(NET)).toBe(viaRight);
  });

  it('converge to the right route in every strategy, whatever the order', () => {
    const strategies = ['wait-for-consensus', 'continuous-majority', 'master-slave'] as const;
    const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
    const pauses = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...strategies), fc.nat(2), order, pauses, (strategy, faulty, replicas, waits) => {
        const rig = new EngineRig({ strategy });
        rig.elect(0, 1, 2);
        rig.input(NET);
        replicas.forEach((r, i) => {
          rig.write(r, NET, r === faulty ? WRONG : RIGHT);
          rig.run(waits[i]!);
        });
        rig.caughtUp(0, 1, 2);
        rig.run(4000);
        expect([...rig.kernel]).toEqual([[NET, viaRight]]);
        if (strategy === 'wait-for-consensus') expect(rig.written).not.toContain(`${NET}: ${viaWrong}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('replicas that come and go', () => {
  it('a new start of the only voter takes no route from the kernel', () => {
    const rig = new EngineRig({ sources: ['netlink'], strategy: 'continuous-majority' });
    rig.elect(0);
    rig.write(0, NET, RIGHT);
    rig.run(100);
    expect(rig.kernel.get(NET)).toBe(viaRight);
    rig.restart(0);
    rig.electorate.leave(0);
    rig.follow();
    rig.run(10_000);
    expect([...rig.kernel]).toEqual([[NET, viaRight]]);
  });

  it.each(['continuous-majority', 'master-slave', 'wait-for-consensus'] as const)(
    'with %s, too, when the electorate is told later',
    (strategy) => {
      const rig = new EngineRig({ strategy });
      rig.elect(0, 1, 2);
      for (const r of [0, 1, 2]) rig.write(r, NET, RIGHT);
      rig.run(100);
      for (const r of [0, 1, 2]) rig.restart(r);
      rig.run(10_000);
      expect(rig.written).toEqual([`${NET}: ${viaRight}`]);
    },
  );

  it('when nobody is left, what is installed stays', () => {
    const rig = new EngineRig();
    rig.elect(0, 1, 2);
    for (const r of [0, 1, 2]) rig.write(r, NET, RIGHT);
    rig.run(100);
    for (const r of [0, 1, 2]) rig.electorate.leave(r);
    rig.follow();
    for (const r of [0, 1, 2]) rig.write(r, NET, undefined);
    rig.run(10_000);
    expect([...rig.kernel]).toEqual([[NET, viaRight]]);
  });

  it('a router of which nobody has a say writes nothing', () => {
    const rig = new EngineRig({ sources: ['none', 'none'] });
    rig.elect(0, 1);
    rig.run(3000);
    expect([rig.engine.electorate.members, rig.written.length]).toEqual([0, 0]);
  });

  it('a master without a say is stood in for, and the stand-in is judged here alone', () => {
    const rig = new EngineRig({ strategy: 'master-slave', sources: ['none', 'netlink', 'netlink', 'netlink'] });
    rig.elect(0, 1, 2, 3);
    rig.input(NET);
    rig.write(1, NET, WRONG);
    for (const r of [2, 3]) rig.write(r, NET, RIGHT);
    rig.run(100);
    expect(rig.kernel.get(NET)).toBe(viaWrong);
    rig.now += 1000;
    rig.caughtUp(1, 2, 3);
    rig.run(3000);
    expect([rig.kernel.get(NET), rig.proposals, rig.engine.electorate.master]).toEqual([viaRight, [], 2]);
    // Whatever else happens in the electorate, the stand-in that was found wrong does not lead again.
    rig.electorate.leave(3);
    rig.follow();
    expect(rig.engine.electorate.master).toBe(2);
  });

  it('tells who has no kernel, or too many sockets', () => {
    const { engine } = new EngineRig({ sources: ['netlink', 'tap'] });
    expect(engine.openSocket(1, 7, 7)).toBe(false);
    let opened = 0;
    while (opened < 1000 && engine.openSocket(0, 1000 + opened, 7)) opened++;
    expect(opened).toBeGreaterThan(0);
    expect(opened).toBeLessThan(1000);
  });
});

describe('the probe', () => {
  const probe = '198.18.255.1/32';

  it('comes out with its number, and is nobody’s route', () => {
    const rig = new EngineRig();
    rig.elect(0, 1, 2);
    for (const r of [0, 1, 2]) rig.write(r, probe, '198.18.254.8', INTERNAL_LINK);
    rig.run(1500);
    expect(rig.probes).toEqual([
      [0, 7],
      [1, 7],
      [2, 7],
    ]);
    expect(rig.written).toEqual([]);
  });

  it('routes that lead nowhere but to the hypervisor are none', () => {
    const rig = new EngineRig();
    rig.elect(0, 1, 2);
    for (const r of [0, 1, 2]) rig.write(r, NET, '198.18.254.8', INTERNAL_LINK);
    rig.run(1500);
    expect(rig.written).toEqual([]);
  });
});

describe('a tap', () => {
  const update = (body: number[]): Uint8Array => {
    const bytes = [...Array<number>(16).fill(255), 0, 19 + body.length, 2, ...body];
    return Uint8Array.from(bytes);
  };
  // Origin, empty AS path, next hop, local preference.
  const attributes = (gateway: number[]) => [64, 1, 1, 0, 64, 2, 0, 64, 3, 4, ...gateway, 64, 5, 4, 0, 0, 0, 100];
  const announcement = (gateway: number[]) => update([0, 0, 0, 21, ...attributes(gateway), 24, 203, 0, 113]);

  it('votes by its best routes, resolved against the kernel', () => {
    const rig = new EngineRig({ sources: ['tap'] });
    rig.elect(0);
    const message = announcement([10, 0, 0, 1]);
    rig.engine.tapUpdate(0, message, 0, message.length, rig.now);
    rig.run(25);
    expect([...rig.kernel]).toEqual([[NET, viaRight]]);
    expect(rig.faults).toEqual([]);
  });

  it('that says what cannot be read is a fault: its votes would not be what it believes', () => {
    const rig = new EngineRig({ sources: ['tap'] });
    const message = update([255, 255, 0, 0]);
    rig.engine.tapUpdate(0, message, 0, message.length, rig.now);
    expect(rig.faults).toHaveLength(1);
    expect(rig.faults[0]![0]).toBe(0);
  });
});

describe('hostile datagrams', () => {
  it('are survived', () => {
    const rig = new EngineRig();
    rig.elect(0, 1, 2);
    fc.assert(
      fc.property(fc.nat(2), fc.uint8Array({ maxLength: 200 }), (r, bytes) => {
        rig.datagram(r, bytes);
        rig.turn();
      }),
      { numRuns: 300 },
    );
  });
});

describe('news of what is gone', () => {
  const take = (rig: EngineRig): string[] => {
    const ids = new Uint32Array(100);
    return [...ids.subarray(0, rig.engine.takeWithdrawn(ids))].map((id) => rig.engine.prefixes.format(id));
  };

  it('names a prefix that is wanted again, but not there yet', () => {
    const rig = new EngineRig({ sources: ['netlink'], reportWithdrawn: true });
    rig.elect(0);
    rig.write(0, NET, RIGHT);
    rig.run(25);
    expect(take(rig)).toEqual([]);
    rig.write(0, NET, undefined);
    rig.turn();
    rig.refuse = () => 101;
    rig.write(0, NET, WRONG);
    rig.turn();
    expect(rig.kernel.size).toBe(0);
    expect(take(rig)).toEqual([NET]);
  });

  it('survives a sweep of the tables', () => {
    const rig = new EngineRig({ sources: ['netlink'], reportWithdrawn: true, limits: { maxPrefixes: 10 } });
    rig.elect(0);
    const nets = Array.from({ length: 6 }, (_, i) => `203.0.${i}.0/24`);
    for (const net of nets) rig.write(0, net, RIGHT);
    rig.run(25);
    for (const net of nets) rig.write(0, net, undefined);
    rig.run(3000);
    expect(rig.engine.sweepIfGrown(rig.now)).toBe(true);
    for (let i = 0; i < 3; i++) rig.write(0, `198.51.${i}.0/24`, RIGHT);
    rig.run(25);
    expect(take(rig)).toEqual(nets);
  });
});

describe('a sweep', () => {
  it('frees what is over, and nobody else’s routes change by it', () => {
    const rig = new EngineRig({ limits: { maxPrefixes: 40 } });
    rig.elect(0, 1, 2);
    const kept = ['192.0.2.0/24', '198.51.100.0/24'];
    for (const r of [0, 1, 2]) for (const net of kept) rig.write(r, net, RIGHT);
    for (let round = 0; round < 5; round++) {
      const nets = Array.from({ length: 30 }, (_, i) => `203.${round}.${i}.0/24`);
      for (const r of [0, 1, 2]) for (const net of nets) rig.write(r, net, WRONG);
      rig.run(100);
      expect(rig.kernel.size).toBe(32);
      for (const r of [0, 1, 2]) for (const net of nets) rig.write(r, net, undefined);
      rig.run(5000);
      rig.engine.sweepIfGrown(rig.now);
      expect([...rig.kernel]).toEqual(kept.map((net) => [net, viaRight]));
    }
    for (const r of [0, 1, 2]) rig.write(r, kept[0]!, WRONG);
    rig.run(100);
    expect(rig.kernel.get(kept[0]!)).toBe(viaWrong);
  });

  it('keeps the next hops of routes that an earlier life left: the one that is confirmed needs no write', () => {
    const rig = new EngineRig({ sources: ['netlink'], limits: { maxPrefixes: 10 } });
    rig.elect(0);
    const { engine } = rig;
    const left = unicast(hop(2, '10.0.0.77'));
    engine.installer.found(engine.prefixes.parse(NET), engine.hops.intern(left, 0, left.length));
    for (let i = 0; i < 6; i++) rig.write(0, `198.51.${i}.0/24`, RIGHT);
    rig.run(3000);
    expect(engine.sweepIfGrown(rig.now)).toBe(true);
    rig.write(0, '192.0.2.0/24', WRONG);
    rig.run(25);
    rig.written.length = 0;
    rig.write(0, NET, '10.0.0.77');
    rig.run(25);
    expect([rig.written, engine.installer.isInstalled(engine.prefixes.findText(NET))]).toEqual([[], true]);
  });

  it('of tables that stay full is not repeated all the time', () => {
    const rig = new EngineRig({ sources: ['netlink'], limits: { maxPrefixes: 10 } });
    rig.elect(0);
    for (let i = 0; i < 20; i++) rig.write(0, `203.0.${i}.0/24`, RIGHT);
    rig.run(25);
    let sweeps = 0;
    for (let i = 0; i < 400; i++) {
      if (rig.engine.sweepIfGrown(rig.now)) sweeps++;
      rig.run(25);
    }
    expect(sweeps).toBeGreaterThan(0);
    expect(sweeps).toBeLessThanOrEqual(6);
  });
});

describe('what is refused', () => {
  const setUp = () => {
    const rig = new EngineRig({ sources: ['netlink'] });
    rig.elect(0);
    let attempts = 0;
    rig.refuse = () => (attempts++, 101);
    rig.write(0, NET, RIGHT);
    rig.run(20_000);
    attempts = 0;
    return { rig, attempts: () => attempts };
  };

  it('is not tried again because a neighbour on some link changed', () => {
    const { rig, attempts } = setUp();
    for (let i = 0; i < 40; i++) {
      rig.hear(neighborMessage(2, `10.0.0.${i + 1}`, 2 + 2 * (i % 2), i));
      rig.run(25);
    }
    expect(attempts()).toBeLessThanOrEqual(1);
  });

  it('is not tried again because somebody else’s route comes and goes elsewhere', () => {
    const { rig, attempts } = setUp();
    const flapping = (type: number) => route('172.16.0.0/12', [hop(2, '10.0.0.9')], { protocol: 4, messageType: type });
    for (let i = 0; i < 40; i++) {
      rig.hear(flapping(i % 2 === 0 ? nl.RTM_NEWROUTE : nl.RTM_DELROUTE));
      rig.run(25);
    }
    expect(attempts()).toBeLessThanOrEqual(1);
  });

  it('is tried again when what was in the way is gone, or a network comes near', () => {
    const { rig, attempts } = setUp();
    const theirs = { protocol: 4, table: 254, metric: 179 };
    rig.hear(route(NET, [hop(2, '10.0.0.9')], theirs));
    rig.run(25);
    const before = attempts();
    rig.hear(route(NET, [hop(2, '10.0.0.9')], { ...theirs, messageType: nl.RTM_DELROUTE }));
    rig.run(25);
    expect(attempts()).toBe(before + 1);
    rig.hear(connected('10.7.0.0/16'));
    rig.run(1100);
    expect(attempts()).toBeGreaterThan(before + 1);
  });

  it('is tried again when a link changed', () => {
    const { rig, attempts } = setUp();
    rig.hear(linkMessage(3));
    rig.run(1100);
    expect(attempts()).toBeGreaterThan(0);
  });
});

it('messages of the kernel that are cut short change nothing', () => {
  const rig = new EngineRig();
  const whole = linkMessage(9);
  for (let end = 0; end < whole.length; end++) rig.engine.kernelMessage(whole, 0, end, rig.now);
  const writer = new NetlinkWriter();
  writer.begin(24, 0, 0, 0);
  writer.end();
  rig.hear(writer.take());
  rig.run(100);
  expect(rig.written).toEqual([]);
});
