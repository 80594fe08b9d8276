// What every judgement of a played trace has to show, whatever its size.
import { expect } from 'vitest';
import { describe, unexplainedRefusals, type Judgement } from './trace-judge.js';

/** The part of the ballots that must be unanimous where nothing but a RIB was played. */
const UNANIMOUS = 0.999;

/** No replica fell over, the customer holds what the majority says, and every disagreement and refusal is one that is understood. */
export function expectSound(judgement: Judgement): void {
  const { router, alone, againstMajority, undecided, unexplained, againstBird } = judgement;
  const text = describe(judgement);
  expect(router.routes.size, text).toBeGreaterThan(100);
  expect(
    router.status!.replicas.map(({ restarts }) => restarts),
    text,
  ).toEqual([0, 0, 0]);
  expect(
    router.status!.neighbors.every(({ flaps }) => flaps === 0),
    text,
  ).toBe(true);
  expect(againstMajority, text).toEqual([]);
  expect(undecided, text).toEqual([]);
  expect(unexplained, text).toEqual([]);
  expect(unexplainedRefusals(judgement), text).toEqual([]);
  // Where the customer holds something else than BIRD alone says, the two others outvoted BIRD.
  const others = alone.filter(({ system }) => system !== 'bird').map(({ routes }) => routes);
  const outvoted = againstBird.filter(({ prefix, found }) =>
    others.every((table) => (table.get(prefix) ?? '') === found),
  );
  expect(againstBird.length, text).toBe(outvoted.length);
}

/** All but one in a thousand ballots are unanimous. */
export function expectUnanimous(judgement: Judgement): void {
  expect(judgement.unanimous, describe(judgement)).toBeGreaterThanOrEqual(UNANIMOUS);
}
