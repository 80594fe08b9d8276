// Properties of the session state machine under any sequence of events: it never throws, holds the contract at the head of
// session/fsm.ts, and its timers always run out.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { SessionFsm } from '../../../session/fsm.js';
import type { SessionConfig, SessionEffect, SessionEvent } from '../../../session/fsm.js';
import { makeCapabilities } from '../../../wire/bgp/capabilities.js';
import { bgpError } from '../../../wire/bgp/error.js';
import { encodeGracefulRestart } from '../../../wire/bgp/graceful-restart.js';
import { encodeMessage, KEEPALIVE } from '../../../wire/bgp/message.js';
import { encodeNotification } from '../../../wire/bgp/notification.js';
import { encodeOpen } from '../../../wire/bgp/open.js';

// Hundreds of runs each: on a busy machine they take longer than a test usually may.
vi.setConfig({ testTimeout: 60_000 });

const RESTART = { restarting: false, notification: false, restartTime: 120, families: 3, forwarding: 1 };

const OPENS = [
  { as: 65001, holdTime: 90, routerId: '10.0.0.2' },
  { as: 65001, holdTime: 0, routerId: '10.0.0.0' },
  { as: 65099, holdTime: 90, routerId: '10.0.0.2' },
].map((open) => {
  const capabilities = makeCapabilities({ families: 3, as: open.as, routeRefresh: true });
  if (open.holdTime === 0) capabilities.push(encodeGracefulRestart(RESTART));
  return encodeOpen({ version: 4, capabilities, ...open });
});

const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...OPENS.slice(0, 2)) },
  { weight: 6, arbitrary: fc.constant(KEEPALIVE) },
  fc.constant(OPENS[2]),
  fc.constant(encodeMessage(2, new Uint8Array(4))),
  fc.constant(encodeMessage(5, new Uint8Array(4))),
  fc.constant(encodeNotification({ code: 6, subcode: 2, data: new Uint8Array(0) })),
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 })).map(([t, b]) => encodeMessage(t, b)),
);

/** Which connection: the newest, the one before, or one that never was. */
const back = fc.constantFrom(0, 0, 0, 1, 1, 7);

type Step = { wait: number; make(newest: number): SessionEvent };
const make = (arbitrary: fc.Arbitrary<(newest: number) => SessionEvent>): fc.Arbitrary<Step> =>
  fc.record({ wait: fc.constantFrom(0, 0, 0, 1, 500, 3000, 31_000, 100_000, 1e7), make: arbitrary });

const plain = fc.constantFrom<SessionEvent>(
  { kind: 'start' },
  { kind: 'incoming' },
  { kind: 'incoming' },
  { kind: 'timer' },
  { kind: 'read-paused' },
  { kind: 'read-resumed' },
  { kind: 'send-blocked' },
  { kind: 'send-progress' },
  { kind: 'stop', subcode: 2, text: 'bye' },
  { kind: 'stop', subcode: 2, keepRoutes: true },
  { kind: 'reset', error: bgpError(3, 1, 'bad') },
);

const step = make(
  fc.oneof(
    { weight: 3, arbitrary: plain.map((event) => () => event) },
    {
      weight: 6,
      arbitrary: fc.tuple(bytes, back).map(([buffer, b]) => (newest: number): SessionEvent => {
        return { kind: 'message', connection: newest - b, type: buffer[18], buffer, start: 0, end: buffer.length };
      }),
    },
    { weight: 3, arbitrary: back.map((b) => (newest: number) => ({ kind: 'connected', connection: newest - b })) },
    fc.tuple(fc.constantFrom('closed', 'connect-failed'), back).map(([kind, b]) => (newest: number) => {
      return { kind: kind as 'closed', connection: newest - b, reason: 'gone' };
    }),
    back.map((b) => (newest: number) => {
      return { kind: 'header-error', connection: newest - b, error: bgpError(1, 1, 'marker') };
    }),
  ) as fc.Arbitrary<(newest: number) => SessionEvent>,
);

const config: fc.Arbitrary<SessionConfig> = fc
  .record({
    holdTime: fc.constantFrom(0, 3, 90),
    passive: fc.boolean(),
    waitForPeerOpen: fc.boolean(),
    restart: fc.boolean(),
    jitter: fc.constantFrom(0.75, 1),
    gracefulRestart: fc.constantFrom(undefined, () => RESTART),
  })
  .map(({ gracefulRestart, ...options }) => ({
    localAs: 65000,
    routerId: '10.0.0.1',
    peerAs: 65001,
    capabilities: makeCapabilities({ families: 3, as: 65000, routeRefresh: true }),
    ...options,
    ...(gracefulRestart ? { gracefulRestart } : {}),
  }));

/** An owner that believes only the effects, and checks them against each other. */
class Owner {
  readonly open = new Set<number>();
  newest = 0;
  established = 0;
  now = 0;
  readonly fsm: SessionFsm;
  readonly log: SessionEffect[][] = [];

  constructor(settings: SessionConfig) {
    this.fsm = new SessionFsm(settings);
  }

  take(event: SessionEvent): SessionEffect[] {
    const before = this.fsm.state;
    const effects = this.fsm.handle(event, this.now);
    this.log.push(effects);
    const answers = effects.filter(({ kind }) => kind === 'accept' || kind === 'refuse');
    expect(answers).toHaveLength(event.kind === 'incoming' ? 1 : 0);
    for (const effect of effects) this.effect(effect);
    const changes = effects.filter(({ kind }) => kind === 'state');
    expect(changes).toEqual(before === this.fsm.state ? [] : [{ kind: 'state', from: before, to: this.fsm.state }]);
    expect(this.open.size).toBeLessThanOrEqual(2);
    expect(this.fsm.state === 'Established').toBe(this.established === 1);
    expect(this.fsm.negotiated !== undefined).toBe(this.established === 1);
    if (this.fsm.state === 'Idle') expect(this.open.size).toBe(0);
    return effects;
  }

  private effect(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'connect':
      case 'accept':
        expect(effect.connection).toBe(this.newest + 1);
        this.newest = effect.connection;
        this.open.add(effect.connection);
        break;
      case 'send':
        expect(this.open.has(effect.connection)).toBe(true);
        break;
      case 'close':
        expect(this.open.delete(effect.connection)).toBe(true);
        break;
      case 'established':
        expect(++this.established).toBe(1);
        expect(this.open).toEqual(new Set([effect.connection]));
        break;
      case 'down':
        expect(--this.established).toBe(0);
        break;
    }
  }
}

function play(settings: SessionConfig, steps: readonly Step[]): Owner {
  const owner = new Owner(settings);
  owner.take({ kind: 'start' });
  for (const { wait, make: event } of steps) {
    owner.now += wait;
    owner.take(event(owner.newest));
  }
  return owner;
}

const steps = fc.array(step, { maxLength: 40 });

test('any events: no throw, at most one established session, what is opened is closed or still held', () => {
  fc.assert(
    fc.property(config, steps, (settings, list) => {
      const owner = play(settings, list);
      owner.take({ kind: 'stop', subcode: 3 });
      expect(owner.open.size).toBe(0);
      expect(owner.fsm.deadline()).toBe(Infinity);
    }),
    { numRuns: 500 },
  );
});

test('stopped for the sake of the routes: a peer with graceful restart hears no NOTIFICATION, any other one does', () => {
  fc.assert(
    fc.property(config, steps, (settings, list) => {
      const owner = play(settings, list);
      const { negotiated } = owner.fsm;
      const effects = owner.take({ kind: 'stop', subcode: 2, keepRoutes: true });
      expect(owner.open.size).toBe(0);
      const spoke = effects.filter(({ kind }) => kind === 'send').length;
      if (negotiated !== undefined) expect(spoke).toBe(negotiated.gracefulRestart === undefined ? 1 : 0);
      if (settings.gracefulRestart === undefined) expect(negotiated?.gracefulRestart).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('the same events have the same effects', () => {
  fc.assert(
    fc.property(config, steps, (settings, list) => {
      expect(play(settings, list).log).toEqual(play(settings, list).log);
    }),
    { numRuns: 100 },
  );
});

test('timers: handling one at its deadline always moves the deadline on, and silence ends every session with a hold time', () => {
  fc.assert(
    fc.property(config, steps, (settings, list) => {
      const owner = play(settings, list);
      const end = owner.now + 3_000_000;
      const wasHolding = owner.fsm.negotiated !== undefined && owner.fsm.negotiated.holdTime > 0;
      while (owner.fsm.deadline() <= end) {
        owner.now = Math.max(owner.now, owner.fsm.deadline());
        owner.take({ kind: 'timer' });
        expect(owner.fsm.deadline()).toBeGreaterThan(owner.now);
      }
      if (wasHolding) expect(owner.established).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('noteMessage is true exactly where handling the message has no effect, and restarts the hold timer alike', () => {
  const isTimed = fc.constantFrom(2, 4, 5);
  fc.assert(
    fc.property(config, steps, isTimed, fc.nat(5000), (settings, list, type, later) => {
      const one = play(settings, list);
      const two = play(settings, list);
      const at = one.now + later;
      const buffer = encodeMessage(type, new Uint8Array(type === 4 ? 0 : 4));
      const noted = one.fsm.noteMessage(one.newest, type, at);
      two.now = at;
      const event = { kind: 'message', connection: two.newest, type, buffer, start: 0, end: buffer.length } as const;
      const effects = two.take(event);
      if (noted) {
        expect(effects).toEqual([]);
        expect(one.fsm.deadline()).toBe(two.fsm.deadline());
      } else {
        expect(one.fsm.state === 'Established' && one.open.has(one.newest)).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});
