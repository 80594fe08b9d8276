// What a writer must do: carry out verdicts soon where nothing is in the way, tell truly what is installed, and at rest hold exactly the
// verdicts, with everything that cannot be held on the list of failures.
import { OP_CREATE } from '../../../../fib/route-batch.js';
import type { FibChecker } from '../checker.js';
import type { FibWorld } from '../world.js';

/** Longer than any wait for the writer, shorter than the first retry. */
const SOON = 500;
/** After trouble on a prefix nothing is expected of it for so long (the longest retry and then some), ms. */
const CONVALESCENCE = 10_000;

/** Trouble on one prefix does not keep others waiting. */
export function newPromptness(): FibChecker {
  const since = new Map<number, number>();
  return {
    name: 'promptness',
    onVerdict(_world, prefix) {
      since.delete(prefix);
      return undefined;
    },
    onTick(world) {
      const { now } = world.queue;
      for (const prefix of world.ids) {
        const verdict = world.voter.verdict(prefix);
        const trouble =
          now - (world.notes.troubled.get(prefix) ?? -Infinity) < CONVALESCENCE || world.notes.untold.has(prefix);
        const held = world.kernel.own.get(prefix) ?? 0;
        if (verdict === held || trouble || !world.notes.wanted.has(prefix)) since.delete(prefix);
        else if (!since.has(prefix)) since.set(prefix, now);
        // A hypervisor that has just started does not know yet what its predecessor knew.
        if (now - (since.get(prefix) ?? now) > SOON)
          return `prefix ${prefix}: ${verdict} is not written, ${held} is there`;
      }
      return undefined;
    },
  };
}

/** What is reported as installed is in the kernel; at rest everything that is there has been reported. */
export const reports: FibChecker = {
  name: 'reports',
  onReport(world, prefix) {
    const held = world.kernel.own.get(prefix) ?? 0;
    const reported = world.notes.reported.get(prefix);
    if (held === reported || world.notes.disturbed.has(prefix)) return undefined;
    return `prefix ${prefix}: ${reported} is reported as installed, the kernel has ${held}`;
  },
  atRest(world) {
    const missing = world.ids.find((prefix) => {
      const held = world.kernel.own.get(prefix);
      return held !== undefined && world.notes.reported.get(prefix) !== held;
    });
    return missing === undefined ? undefined : `prefix ${missing}: is installed and was not reported`;
  },
};

export const quiet: FibChecker = {
  name: 'quiet',
  atRest(world) {
    const { installer } = world;
    for (const prefix of world.ids) {
      const problem = routeProblem(world, prefix);
      if (problem !== undefined) return `prefix ${prefix}: ${problem}`;
    }
    if (!world.resynced) return 'the restart is not over';
    if (installer.staleCount > 0) return `${installer.staleCount} stale routes`;
    return installer.pending > 0 ? `${installer.pending} writes wait` : undefined;
  },
};

function routeProblem({ kernel, voter, installer, truth }: FibWorld, prefix: number): string | undefined {
  const verdict = voter.verdict(prefix);
  const held = kernel.own.get(prefix) ?? 0;
  if (verdict !== truth.get(prefix)) return `the verdict is ${verdict}, the truth ${truth.get(prefix)}`;
  if (installer.installedHops(prefix) !== held) {
    return `the kernel has ${held}, the installer believes ${installer.installedHops(prefix)}`;
  }
  const failure = installer.listFailures().find((each) => each.prefix === prefix);
  if (held === verdict) return failure && `is listed as failing (${failure.errno})`;
  const errno = verdict === 0 ? 0 : kernel.refusal(OP_CREATE, prefix, verdict);
  if (errno === 0) return `the kernel has ${held}, the verdict is ${verdict}`;
  if (held !== 0) return `the kernel refuses ${verdict} and still has ${held}`;
  return failure?.errno === errno ? undefined : `the kernel refuses it (${errno}), the list says ${failure?.errno}`;
}
