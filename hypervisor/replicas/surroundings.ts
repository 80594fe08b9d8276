// Diversity of a replica's processes (DESIGN section 8): environment variables, layout of memory, processors, priority. What cannot be had
// is told and left out, for a replica without it is better than none. Owns which process gets what; the system calls are preload/.
import type { DiversityConfig } from '../../configs/model.js';
import { onProcessors, setGroupPriority, withoutRandomisation } from '../../preload/surroundings.js';

/** What diversity adds to the environment; variables that the configuration names by itself go before. */
export function diversityEnvironment(diversity: DiversityConfig): Record<string, string> {
  const { mallocPerturb, mallocArenas, locale, timeZone } = diversity;
  return {
    ...(mallocPerturb === undefined ? {} : { MALLOC_PERTURB_: String(mallocPerturb) }),
    ...(mallocArenas === undefined ? {} : { MALLOC_ARENA_MAX: String(mallocArenas) }),
    ...(locale === undefined ? {} : { LC_ALL: locale }),
    ...(timeZone === undefined ? {} : { TZ: timeZone }),
  };
}

/**
 * Calls `start`, which must start a process before it returns, so that the process has what the configuration asks for from its first
 * instruction on: both are inherited from this thread. `warn` is told what could not be had.
 */
export function startDiverse<T>(diversity: DiversityConfig, start: () => T, warn: (text: string) => void): T {
  const undo: (() => void)[] = [];
  const attempt = (what: string, change: () => () => void): void => {
    try {
      undo.push(change());
    } catch (error) {
      warn(`${what}: ${(error as Error).message}`);
    }
  };
  const { addressSpaceRandomisation, cpus } = diversity;
  if (!addressSpaceRandomisation) attempt('its memory is laid out at random all the same', withoutRandomisation);
  if (cpus !== undefined) {
    attempt(`it cannot be kept to processors ${cpus.join(', ')}`, () => onProcessors(cpus));
  }
  try {
    return start();
  } finally {
    for (const back of undo) back();
  }
}

/** The nice value, for all that the group has and will have. Not inherited like the rest: this process could not take it back. */
export function setNice(group: number, { nice }: DiversityConfig, warn: (text: string) => void): void {
  if (nice === undefined) return;
  try {
    setGroupPriority(group, nice);
  } catch (error) {
    warn(`its nice value cannot be set to ${nice}: ${(error as Error).message}`);
  }
}
