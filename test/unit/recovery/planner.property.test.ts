// Whatever happens in whatever order: the rig checks every effect and what must hold after it; in the end, left in peace, all is well again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OperatorAction } from '../../../recovery/planner.js';
import type { StandbyKind } from '../../../recovery/types.js';
import { PlannerRig } from './planner-rig.js';

const MAX = 6;
const kinds = fc.constantFrom<StandbyKind>('no', 'no', 'warm', 'cold');
const replicas = fc
  .tuple(fc.constant<StandbyKind>('no'), fc.array(kinds, { maxLength: MAX - 1 }))
  .map(([a, b]) => [a, ...b]);
const index = fc.nat(MAX - 1);

type Step = (rig: PlannerRig, r: number) => void;
const steps: fc.Arbitrary<{ r: number; name: string; run: Step }> = fc.record({ r: index }).chain(({ r }) =>
  fc.oneof(
    ...Object.entries({
      fault: (rig, n) => rig.fault(n),
      end: (rig, n) => rig.end(n),
      comeUp: (rig, n) => rig.comeUp(n),
      unsynchronised: (rig, n) => rig.follow(rig.planner.unsynchronised(n, 'lags', rig.now)),
      few: (rig, n) => rig.dissent(n, 1),
      many: (rig, n) => rig.dissent(n, 1000),
      none: (rig, n) => rig.dissent(n, 0),
      warning: (rig, n) => rig.follow(rig.planner.earlyWarning(n, 'grows', rig.now)),
      second: (rig) => rig.pass(1000),
      minute: (rig) => rig.pass(60_000, 5000),
      tick: (rig) => {
        rig.now += 100;
        rig.follow(rig.planner.tick(rig.now));
      },
    } satisfies Record<string, Step>).map(([name, run]) => fc.constant({ r, name, run: run as Step })),
    fc.constantFrom<OperatorAction>('restart', 'retire', 'enable').map((action) => ({
      r,
      name: action,
      run: (rig: PlannerRig, n: number): void => {
        try {
          rig.follow(rig.planner.operator(action, n, false, rig.now));
        } catch (error) {
          expect((error as Error).message).toMatch(/--force|cold standby/);
        }
      },
    })),
  ),
);

test('every effect is allowed when it comes, and peace brings everybody back', () => {
  fc.assert(
    fc.property(
      replicas,
      fc.array(steps, { maxLength: 60 }),
      fc.record({ failBack: fc.boolean(), muteFew: fc.boolean(), maxRestarts: fc.constantFrom(0, 1, 5) }),
      (standbys, script, options) => {
        const rig = new PlannerRig(standbys, options).begin();
        for (const { r, run } of script) {
          run(rig, r % standbys.length);
        }
        for (const r of standbys.keys()) rig.follow(rig.planner.operator('enable', r, false, rig.now));
        rig.pass(180_000, 5000);
        expect(rig.voters).toHaveLength(rig.seats);
        const idle = rig.phases().filter((phase) => phase !== 'voting');
        for (const phase of idle) expect(['standby', 'off']).toContain(phase);
        if (options.failBack) expect(rig.voters.every((r) => standbys[r] === 'no')).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('dissent takes the vote of nobody unless two others have one', () => {
  fc.assert(
    fc.property(
      replicas,
      fc.array(fc.tuple(index, fc.constantFrom(1, 1000), fc.boolean()), { maxLength: 40 }),
      (standbys, script) => {
        const rig = new PlannerRig(standbys).begin().allWell();
        for (const [r, count, rest] of script) {
          const before = rig.voters;
          rig.dissent(r % standbys.length, count);
          const gone = before.filter((v) => !rig.voting[v]);
          if (before.length < 3) expect(gone).toEqual([]);
          if (rest) rig.pass(1000);
        }
      },
    ),
  );
});
