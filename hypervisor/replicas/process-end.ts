// Whether processes are ending at this moment, have ended and only wait to be buried, or were stopped: a daemon that dies closes its sessions
// a little before its end is reported, and the cause of its death is another than "closed a session"; one that is stopped seems to hang.
// Owns the reading of /proc/PID/stat for that.
import { readdirSync } from 'node:fs';
import { processTree, readText } from '../process-tree.js';

/** The kernel's flag of a task on its way out. */
const PF_EXITING = 0x4;
/** The state of the task, one letter. The name in brackets may hold anything. */
const stateOf = (stat: string): string => stat.charAt(stat.lastIndexOf(')') + 2);

/** Whether a task of which this is /proc/PID/stat is on its way out, or gone (''). The name in brackets may hold anything. */
export function isEnding(stat: string): boolean {
  const [state, , , , , , flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || state === 'Z' || state === 'X' || (Number(flags) & PF_EXITING) !== 0;
}

/** Whether one of these processes, or of those that they have started, is ending. */
export function anyEnding(pids: readonly number[], root = '/proc'): boolean {
  return any(pids, isEnding, root);
}

/** Whether one of these processes, or of those that they have started, was stopped: by a signal or a debugger, never by what it was fed. */
export function anyStopped(pids: readonly number[], root = '/proc'): boolean {
  return any(pids, (stat) => /^[Tt]$/.test(stateOf(stat)), root);
}

function any(pids: readonly number[], is: (stat: string) => boolean, root: string): boolean {
  for (const directory of processTree(pids, root)) if (is(readText(`${directory}/stat`))) return true;
  return false;
}

/** Whether any process of a group still runs: the children of a daemon that is dead stay as zombies until init looks after them. */
export function groupRuns(group: number, root = '/proc'): boolean {
  return readdirSync(root).some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const stat = readText(`${root}/${name}/stat`);
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(processGroup) === group && state !== 'Z' && state !== 'X';
  });
}
