// CPU time and peak memory of a process and its descendants, from /proc. Owns the parsing; which processes are asked
// about, and when, is the caller's choice.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** USER_HZ: the unit of /proc/PID/stat, fixed at 100 on every Linux that Debian builds. */
const TICKS_PER_SECOND = 100;

export interface ProcessUsage {
  pid: number;
  /** Program name as the kernel knows it (15 characters at most). */
  name: string;
  /** Path of the program file: tells FRR's bgpd from OpenBGPD's. */
  program: string;
  parent: number;
  /** User and system time of this process, its threads and its children that have ended, in seconds. */
  cpuSeconds: number;
  /** Peak resident memory (VmHWM), bytes. */
  peakBytes: number;
}

/** Usage of one process; undefined when it is gone. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return stat && { ...stat, program: readlinkSync(`/proc/${pid}/exe`), peakBytes: Number(peak ?? 0) * 1024 };
  } catch {
    return undefined;
  }
}

/** Parses /proc/PID/stat. The name stands in parentheses and may itself hold blanks and parentheses. */
export function parseStat(text: string): Omit<ProcessUsage, 'peakBytes' | 'program'> | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  // Behind the name: state, ppid, …; utime, stime, cutime, cstime are the 12th to 15th of these.
  const fields = text.slice(close + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    parent: Number(fields[1]),
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

/** Usage of a process (first) and of all its living descendants. */
export function treeUsage(root: number): ProcessUsage[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = parseStat(readFileSync(`/proc/${entry}/stat`, 'utf8'))?.parent ?? 0;
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // Ended while we looked.
    }
  }
  const found: ProcessUsage[] = [];
  const visit = (pid: number): void => {
    const usage = processUsage(pid);
    if (usage) found.push(usage);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return found;
}
