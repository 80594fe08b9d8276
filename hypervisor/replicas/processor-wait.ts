// How long processes have waited for a processor: a replica that is given none on an overloaded machine says nothing, and yet does not
// hang. Owns the reading of /proc/PID/task/TID/schedstat for that (kernels without CONFIG_SCHED_INFO: nobody has ever waited).
import { processTree, readText, threadsOf } from '../process-tree.js';

/** A daemon has a handful of threads; the main loop reads no more than this. */
export const MAX_THREADS = 64;

interface ThreadTimes {
  /** On a processor, ns. */
  ran: string;
  /** Ready to run without one, ms; what it is waiting for now is added only when it gets one. */
  waited: number;
  isReady: boolean;
}

/** What is known of threads at a time, ms. */
export interface Waits {
  at: number;
  threads: ReadonlyMap<string, ThreadTimes>;
}

/** Of these processes and of those that they have started. */
export function waitsOf(pids: readonly number[], at: number, root = '/proc'): Waits {
  const threads = new Map<string, ThreadTimes>();
  for (const directory of processTree(pids, root)) {
    for (const thread of threadsOf(directory)) {
      if (threads.size >= MAX_THREADS) return { at, threads };
      // Time on a processor, time waited for one (ns), time slices.
      const [ran, waited = ''] = readText(`${thread}/schedstat`).split(' ');
      const stat = readText(`${thread}/stat`);
      // The name in brackets may hold anything.
      const isReady = stat.charAt(stat.lastIndexOf(')') + 2) === 'R';
      if (waited !== '') threads.set(thread, { ran, waited: Number(waited) / 1e6, isReady });
    }
  }
  return { at, threads };
}

/** How long the thread that waited longest did so between these two times, ms. What several do at the same time must not be added up. */
export function longestWait(before: Waits, after: Waits): number {
  let longest = 0;
  for (const [thread, { ran, waited, isReady }] of after.threads) {
    const then = before.threads.get(thread);
    if (then === undefined) continue;
    // Ready, and has not run at all: it has waited since it became ready, at the latest since then, and the kernel has not counted it yet.
    const stillWaits = isReady && ran === then.ran;
    longest = Math.max(longest, stillWaits ? after.at - before.at : waited - then.waited);
  }
  return longest;
}
