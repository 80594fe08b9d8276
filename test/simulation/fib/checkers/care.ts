// What a writer must not do on the way: harm routes of others, take a route away that is wanted, write what is there already, empty the table
// after a restart, or besiege a kernel that refuses.
import { OP_DELETE } from '../../../../fib/route-batch.js';
import type { FibChecker } from '../checker.js';
import { ESRCH } from '../model-kernel.js';
import { RETRY_FIRST } from '../scenario.js';

/** Refused writes after which the installer may give up the old route. */
const REPLACE_ATTEMPTS = 3;
/** A general retry is carried out up to one delay after its reason, and then when the writer gets round to it, ms. */
const REASON_HOLDS = RETRY_FIRST + 300;

/** Others' routes are never touched. (Not even the kernel knows better when somebody took our place and nobody has told us.) */
export const foreign: FibChecker = {
  name: 'foreign',
  onWrite(world, { prefix, harmed }) {
    return harmed && !world.notes.untold.has(prefix)
      ? `prefix ${prefix}: somebody else's route is overwritten`
      : undefined;
  },
};

/** A route gives way to its successor, never to nothing: unless the kernel refuses the successor again and again. */
export function newContinuity(): FibChecker {
  const refused = new Map<number, number>();
  return {
    name: 'continuity',
    onWrite(world, { op, prefix, errno, before }) {
      if (errno !== 0) refused.set(prefix, (refused.get(prefix) ?? 0) + 1);
      const verdict = world.voter.verdict(prefix);
      const patience = (refused.get(prefix) ?? 0) >= REPLACE_ATTEMPTS;
      if (errno === 0 && op !== OP_DELETE) refused.delete(prefix);
      if (op !== OP_DELETE || errno !== 0 || before === 0 || verdict === 0 || patience) return undefined;
      return `prefix ${prefix}: the route is removed although the verdict is ${verdict}`;
    },
  };
}

/** Where nobody interfered, what is right is not written again: least of all after a restart. */
export const economy: FibChecker = {
  name: 'economy',
  onWrite(world, { op, prefix, hops, before }) {
    if (op === OP_DELETE || before !== hops || world.notes.disturbed.has(prefix)) return undefined;
    return `prefix ${prefix}: ${hops} is written although the kernel has it`;
  },
};

/** After a restart a route stays until a verdict says otherwise, or until all verdicts are in. */
export const restarts: FibChecker = {
  name: 'restarts',
  onWrite(world, { op, prefix, before }) {
    if (op !== OP_DELETE || before === 0 || world.resynced || world.notes.wanted.has(prefix)) return undefined;
    return `prefix ${prefix}: a route is swept before all verdicts are in`;
  },
};

/** Between two writes that the kernel refuses there is a pause, apart from those for which there was a new reason to try. */
export function newPacing(): FibChecker {
  const last = new Map<number, number>();
  return {
    name: 'pacing',
    onWrite(world, { prefix, errno }) {
      const { now } = world.queue;
      const before = last.get(prefix);
      const reason = (world.notes.nudged.get(prefix) ?? -Infinity) + REASON_HOLDS >= now;
      if (errno === 0 || errno === ESRCH) last.delete(prefix);
      else if (before === undefined || !reason) last.set(prefix, now);
      if (before === undefined || reason || now - before >= RETRY_FIRST) return undefined;
      return `prefix ${prefix}: a refused write is repeated after ${(now - before).toFixed(0)} ms`;
    },
  };
}
