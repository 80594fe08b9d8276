// A replica that hears of links, addresses and routes late: what it is shown and what it is told never differ, and in the end it knows the
// present.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DelayedMirror } from '../../../fib/delayed-mirror.js';
import { KernelMirror } from '../../../fib/kernel-mirror.js';
import type { MirrorChange, MirrorKind } from '../../../fib/kernel-mirror.js';
import * as nl from '../../../wire/netlink/constants.js';
import { connected, EngineRig } from './engine-rig.js';
import { addressMessage, hop, linkMessage, route } from './kernel-messages.js';

const PROTOCOL = 179;
const KINDS: readonly MirrorKind[] = ['link', 'address', 'route'];

const foreign = (prefix: string, type?: number): Uint8Array =>
  route(prefix, [hop(2, '10.0.0.9')], { protocol: 4, metric: 5, ...(type === undefined ? {} : { messageType: type }) });

class Bench {
  readonly real = new KernelMirror({ protocol: PROTOCOL });
  readonly delayed: DelayedMirror;

  constructor(random = 0.5) {
    const delay = { from: 100, to: 300 };
    this.delayed = new DelayedMirror({ real: this.real, delay, random: () => random, mirror: { protocol: PROTOCOL } });
  }

  hear(message: Uint8Array, now: number): void {
    if (this.real.apply(message, 0, message.length) !== undefined) this.delayed.changed(now);
  }
}

const contents = (mirror: Pick<KernelMirror, 'forEach'>): string[] => {
  const all: string[] = [];
  for (const kind of KINDS) mirror.forEach(kind, undefined, (message) => all.push(text(kind, message)));
  return all.sort();
};

/** Without its header, which says only who was told. */
const text = (kind: MirrorKind, message: Uint8Array): string =>
  `${kind} ${Buffer.from(message.subarray(16)).toString('hex')}`;

const told = (changes: readonly MirrorChange[]): string[] => changes.map(({ kind, action }) => `${action} ${kind}`);

describe('kernel events that come late', () => {
  it('are told together when the time of the first has come, what hangs on others after them', () => {
    const bench = new Bench();
    const { real, delayed } = bench;
    bench.hear(foreign('192.0.2.0/24'), 1000);
    bench.hear(addressMessage(2, '10.0.0.1/24'), 1100);
    bench.hear(linkMessage(2), 1150);
    expect([delayed.take(1199), contents(delayed.shown)]).toEqual([[], []]);
    expect(told(delayed.take(1200))).toEqual(['new link', 'new address', 'new route']);
    expect([delayed.waiting, contents(delayed.shown)]).toEqual([false, contents(real)]);
    expect(delayed.take(5000)).toEqual([]);
  });

  it('are not told when they are undone meanwhile', () => {
    const bench = new Bench();
    bench.hear(linkMessage(2), 0);
    bench.delayed.catchUp();
    bench.hear(linkMessage(2, { flags: 0 }), 1000);
    bench.hear(foreign('192.0.2.0/24'), 1010);
    bench.hear(foreign('192.0.2.0/24', nl.RTM_DELROUTE), 1020);
    bench.hear(linkMessage(2), 1030);
    expect(bench.delayed.waiting).toBe(true);
    expect(bench.delayed.take(2000)).toEqual([]);
  });

  it('wait as long as the range says', () => {
    for (const [random, wait] of [
      [0, 100],
      [1, 300],
    ] as const) {
      const bench = new Bench(random);
      bench.hear(linkMessage(2), 1000);
      expect(bench.delayed.take(1000 + wait - 1)).toEqual([]);
      expect(bench.delayed.take(1000 + wait)).toHaveLength(1);
    }
  });

  it('lead whoever knows what was shown to what is shown now, and at last to the present', () => {
    const link = fc.record({ index: fc.integer({ min: 2, max: 3 }), up: fc.boolean() });
    const event = fc.oneof(
      link.map(({ index, up }) => linkMessage(index, up ? {} : { flags: 0 })),
      fc.integer({ min: 2, max: 3 }).map((index) => linkMessage(index, {}, nl.RTM_DELLINK)),
      fc.nat(3).map((n) => addressMessage(2 + (n & 1), `10.0.${n}.1/24`, n > 1 ? nl.RTM_DELADDR : nl.RTM_NEWADDR)),
      fc.tuple(fc.nat(3), fc.boolean()).map(([n, on]) => foreign(`192.0.${n}.0/24`, on ? undefined : nl.RTM_DELROUTE)),
    );
    const step = fc.record({ message: event, wait: fc.nat(200) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bench = new Bench();
        // Another mirror that hears only what the replica is told.
        const listener = new KernelMirror({ protocol: PROTOCOL });
        const listen = (changes: readonly MirrorChange[]): void => {
          for (const { message } of changes) listener.apply(message, 0, message.length);
          expect(contents(listener)).toEqual(contents(bench.delayed.shown));
        };
        let now = 0;
        for (const { message, wait } of steps) {
          // No kernel has a route over a link that is down.
          if (message[4] !== nl.RTM_NEWROUTE || bench.real.isUp(2)) bench.hear(message, now);
          listen(bench.delayed.take((now += wait)));
        }
        listen(bench.delayed.take(now + 300));
        expect(contents(bench.delayed.shown)).toEqual(contents(bench.real));
      }),
    );
  });
});

describe('in the engine', () => {
  it('one replica loses its route with the link later than the others, and knows the present after a new start', () => {
    const rig = new EngineRig({ eventDelays: [undefined, { from: 200, to: 200 }, undefined] });
    rig.elect(0, 1, 2);
    rig.run(300);
    for (const r of [0, 1, 2]) rig.write(r, '203.0.113.0/24', '10.0.0.1');
    const has = (): boolean[] => rig.engine.voter.stats().present.map((count) => count === 1);
    expect(has()).toEqual([true, true, true]);
    rig.hear(linkMessage(2, { flags: 0 }));
    expect(rig.engine.isAtRest).toBe(false);
    rig.run(150);
    expect(has()).toEqual([false, true, false]);
    rig.run(100);
    expect(has()).toEqual([false, false, false]);
    rig.hear(linkMessage(2));
    rig.hear(connected('10.0.0.0/24'));
    rig.restart(1);
    rig.write(1, '203.0.113.0/24', '10.0.0.1');
    rig.run(300);
    expect(has()).toEqual([false, true, false]);
  });
});
