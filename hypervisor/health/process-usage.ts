// What the processes of a replica use, as /proc tells it: processor time and resident memory of given processes and all their descendants.
// Owns reading and its limits; a process that ends meanwhile counts for nothing.
import { processTree, readText } from '../process-tree.js';

export interface Usage {
  /** Processor seconds since their start, user and system, all threads. */
  cpuSeconds: number;
  /** Resident bytes; pages that processes share count once for each. */
  memory: number;
  processes: number;
}

/** USER_HZ, which is 100 on every Linux that user space can see. */
const TICKS_PER_SECOND = 100;

/** User and system time out of /proc/PID/stat; 0 when there is none. The name in brackets may hold anything. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** VmRSS out of /proc/PID/status, bytes; 0 when there is none (a zombie has none). */
export function residentBytesOf(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Sums up these processes and what they have started. */
export function usageOf(pids: readonly number[], root = '/proc'): Usage {
  const usage = { cpuSeconds: 0, memory: 0, processes: 0 };
  for (const directory of processTree(pids, root)) {
    const stat = readText(`${directory}/stat`);
    if (stat === '') continue;
    usage.processes++;
    usage.cpuSeconds += cpuSecondsOf(stat);
    usage.memory += residentBytesOf(readText(`${directory}/status`));
  }
  return usage;
}
