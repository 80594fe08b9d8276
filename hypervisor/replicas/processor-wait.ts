// How long processes have waited for a processor: a replica that is given none on an overloaded machine says nothing, and yet does not
// hang. Owns the reading of /proc/PID/task/TID/schedstat for that (kernels without CONFIG_SCHED_INFO: nobody has ever waited).
import { processTree, readText, threadsOf } from '../process-tree.js';

/** Per thread, how long it has been ready to run and did not, ms since its start. */
export type Waits = ReadonlyMap<string, number>;

/** Of these processes and of those that they have started. */
export function waitsOf(pids: readonly number[], root = '/proc'): Waits {
  const waits = new Map<string, number>();
  for (const directory of processTree(pids, root)) {
    for (const thread of threadsOf(directory)) {
      // Time on a processor, time waited for one (ns), time slices.
      const [, waited = ''] = readText(`${thread}/schedstat`).split(' ');
      if (waited !== '') waits.set(thread, Number(waited) / 1e6);
    }
  }
  return waits;
}

/** By how much the wait of the thread that waited longest has grown, ms. What several do at the same time must not be added up. */
export function longestWait(before: Waits, after: Waits): number {
  let longest = 0;
  for (const [thread, waited] of after) longest = Math.max(longest, waited - (before.get(thread) ?? waited));
  return longest;
}
