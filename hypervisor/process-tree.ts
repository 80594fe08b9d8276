// The processes of a replica as /proc shows them: those given and all that they have started. Owns the walk and its bound; what is read of
// each belongs to those who ask.
import { readdirSync, readFileSync } from 'node:fs';

/** A daemon has a handful of processes; more is one gone mad, and reading them all would cost us. */
export const MAX_PROCESSES = 64;

/**
 * The directories of these processes and of what their first threads have started. Kernels without the lists of children
 * (CONFIG_PROC_CHILDREN) show the given processes only.
 */
export function* processTree(pids: readonly number[], root = '/proc'): Generator<string> {
  const queue = [...pids];
  for (let i = 0; i < queue.length && i < MAX_PROCESSES; i++) {
    const directory = `${root}/${queue[i]}`;
    yield directory;
    for (const child of readText(`${directory}/task/${queue[i]}/children`).split(' ')) {
      if (child !== '') queue.push(Number(child));
    }
  }
}

/** The directories of a process's threads; none when it is gone. */
export function threadsOf(directory: string): string[] {
  try {
    return readdirSync(`${directory}/task`).map((thread) => `${directory}/task/${thread}`);
  } catch {
    return [];
  }
}

/** '' for a process that is gone. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
