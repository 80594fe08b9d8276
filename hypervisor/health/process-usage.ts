// What the processes of a replica use, as /proc tells it: processor time and resident memory of given processes and all their descendants.
// Owns reading and its limits; a process that ends meanwhile counts for nothing.
import { readFileSync } from 'node:fs';

export interface Usage {
  /** Processor seconds since their start, user and system, all threads. */
  cpuSeconds: number;
  /** Resident bytes; pages that processes share count once for each. */
  memory: number;
  processes: number;
}

/** A daemon has a handful of processes; more is one gone mad, and reading them all would cost us. */
export const MAX_PROCESSES = 64;
/** USER_HZ, which is 100 on every Linux that user space can see. */
const TICKS_PER_SECOND = 100;

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** User and system time out of /proc/PID/stat; 0 when there is none. The name in brackets may hold anything. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.length < 13 ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** VmRSS out of /proc/PID/status, bytes; 0 when there is none (a zombie has none). */
export function residentBytesOf(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/**
 * Sums up these processes and what their first threads have started. Kernels without the lists of children (CONFIG_PROC_CHILDREN) show the
 * given processes only.
 */
export function usageOf(pids: readonly number[], root = '/proc'): Usage {
  const usage = { cpuSeconds: 0, memory: 0, processes: 0 };
  const queue = [...pids];
  for (let i = 0; i < queue.length && i < MAX_PROCESSES; i++) {
    const directory = `${root}/${queue[i]}`;
    const stat = read(`${directory}/stat`);
    if (stat === '') continue;
    usage.processes++;
    usage.cpuSeconds += cpuSecondsOf(stat);
    usage.memory += residentBytesOf(read(`${directory}/status`));
    for (const child of read(`${directory}/task/${queue[i]}/children`).split(' ')) {
      if (child !== '') queue.push(Number(child));
    }
  }
  return usage;
}
