// The installer against a model of the kernel, whatever verdicts, refusals and other people do: when that is over, the kernel holds what is
// wanted. The order of things in time, with a voter before it, is test/unit/simulation/fib.test.ts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Installer } from '../../../fib/installer.js';
import { createRouteBatch } from '../../../fib/route-batch.js';
import { EINVAL, ENOMEM, ModelKernel } from '../../simulation/fib/model-kernel.js';

const PREFIXES = 5;
const FIRST = 100;
const prefix = fc.integer({ min: 1, max: PREFIXES });
const hops = fc.integer({ min: 0, max: 3 });

class System {
  readonly kernel = new ModelKernel();
  readonly installer = new Installer({ retry: { firstMs: FIRST, maxMs: 4 * FIRST } });
  readonly wanted = new Map<number, number>();
  readonly batch = createRouteBatch(3);
  now = 0;

  constructor(found: readonly number[]) {
    for (const id of found) {
      this.kernel.own.set(id, 1);
      this.installer.found(id, 1);
    }
  }

  want(id: number, next: number): void {
    this.wanted.set(id, next);
    this.installer.want(id, next, this.now);
  }

  write(): void {
    const { installer, kernel, batch } = this;
    for (let rounds = 0; installer.next(batch, this.now) > 0; rounds++) {
      expect(rounds).toBeLessThan(4 * PREFIXES);
      expect(new Set(batch.prefix.subarray(0, batch.count)).size).toBe(batch.count);
      for (let i = 0; i < batch.count; i++) {
        batch.errors[i] = kernel.write(batch.op[i], batch.prefix[i], batch.hops[i]);
      }
      installer.settle(batch, this.now);
    }
  }

  audit(): void {
    this.installer.beginAudit();
    for (const [id, held] of this.kernel.own) this.installer.auditSeen(id, held, this.now);
    this.installer.endAudit(this.now);
  }

  pass(time: number): void {
    for (const end = this.now + time; this.now < end; this.now += FIRST / 8) this.write();
  }
}

type Step = (system: System) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(prefix, hops).map<Step>(
    ([id, next]) =>
      (system) =>
        system.want(id, next),
  ),
  fc.constant<Step>((system) => system.write()),
  fc.integer({ min: 1, max: 500 }).map<Step>((time) => (system) => system.pass(time)),
  fc.constant<Step>((system) => system.audit()),
  fc.constant<Step>((system) => system.installer.retryAll(system.now)),
  // Others, seen or unseen.
  fc.tuple(prefix, hops, fc.boolean()).map<Step>(([id, next, seen]) => (system) => {
    system.kernel.listener = (_, event) => {
      if (seen && event?.kind === 'own') system.installer.external(event.prefix, event.hops, system.now);
    };
    system.kernel.disturb(id, next);
  }),
  fc.tuple(prefix, hops).map<Step>(
    ([id, next]) =>
      (system) =>
        system.installer.external(id, next, system.now),
  ),
  prefix.map<Step>((id) => (system) => system.installer.lost(id, system.now)),
  // Refusals that come and go.
  prefix.map<Step>(
    (id) =>
      ({ kernel }) =>
        kernel.refusedPrefixes.set(id, EINVAL),
  ),
  prefix.map<Step>(
    (id) =>
      ({ kernel }) =>
        kernel.refusedPrefixes.delete(id),
  ),
  prefix.map<Step>(
    (id) =>
      ({ kernel }) =>
        kernel.foreignAdd(id),
  ),
  prefix.map<Step>(
    (id) =>
      ({ kernel }) =>
        kernel.foreignRemove(id),
  ),
  fc.integer({ min: 0, max: PREFIXES }).map<Step>(
    (room) =>
      ({ kernel }) =>
        (kernel.capacity = room),
  ),
);

function check(system: System, refused: ReadonlySet<number>): void {
  const { installer, kernel, wanted } = system;
  let [wantedCount, installedCount] = [0, 0];
  for (let id = 1; id <= PREFIXES; id++) {
    const want = wanted.get(id) ?? 0;
    const expected = refused.has(id) ? 0 : want;
    expect(kernel.own.get(id) ?? 0, `prefix ${id} in the kernel`).toBe(expected);
    expect(installer.installedHops(id)).toBe(expected);
    expect(installer.isInstalled(id)).toBe(expected !== 0);
    if (want !== 0) wantedCount++;
    if (expected !== 0) installedCount++;
  }
  expect([installer.wantedCount, installer.installedCount]).toEqual([wantedCount, installedCount]);
  expect(installer.failing).toBe(wantedCount - installedCount);
  expect(installer.listFailures()).toHaveLength(wantedCount - installedCount);
  expect([installer.staleCount, installer.pending]).toEqual([0, 0]);
}

test('whatever happens, in the end the kernel holds what is wanted and does not refuse', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(prefix),
      fc.array(step, { maxLength: 60 }),
      fc.uniqueArray(prefix),
      fc.uniqueArray(prefix),
      (found, steps, refused, blocked) => {
        const system = new System(found);
        const { kernel, installer } = system;
        for (const run of steps) run(system);
        kernel.capacity = Infinity;
        for (let id = 1; id <= PREFIXES; id++) {
          kernel.refusedPrefixes.delete(id);
          kernel.foreignRemove(id);
        }
        for (const id of refused) {
          kernel.refusedPrefixes.set(id, EINVAL);
          kernel.disturb(id, 0);
        }
        for (const id of blocked) kernel.foreignAdd(id);
        installer.sweepStale();
        system.audit();
        system.pass(40 * FIRST);
        check(system, new Set([...refused, ...blocked].filter((id) => system.wanted.get(id))));
        expect(kernel.foreign).toEqual(new Set(blocked));
      },
    ),
    { numRuns: 400 },
  );
});

test('removeAll leaves nothing of ours and everything of others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(prefix), fc.array(step, { maxLength: 30 }), (found, steps) => {
      const system = new System(found);
      for (const run of steps) run(system);
      system.audit();
      const foreign = new Set(system.kernel.foreign);
      system.installer.removeAll(system.now);
      system.pass(10 * FIRST);
      expect(system.kernel.own.size).toBe(0);
      expect(system.kernel.foreign).toEqual(foreign);
      expect([system.installer.failing, system.installer.wantedCount, system.installer.pending]).toEqual([0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});

test('a full table fills up as room comes, and all that fits is there', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: PREFIXES }), fc.integer({ min: 0, max: PREFIXES }), (room, more) => {
      const system = new System([]);
      system.kernel.capacity = room;
      for (let id = 1; id <= PREFIXES; id++) system.want(id, 1);
      system.pass(FIRST);
      expect(system.kernel.own.size).toBe(room);
      expect(system.installer.listFailures().map(({ errno }) => errno)).toEqual(Array(PREFIXES - room).fill(ENOMEM));
      system.kernel.capacity = room + more;
      system.pass(10 * FIRST);
      expect(system.kernel.own.size).toBe(Math.min(room + more, PREFIXES));
    }),
    { numRuns: 50 },
  );
});
