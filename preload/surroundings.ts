// What a process inherits from the thread that starts it, or has set from outside, and Node cannot set: the layout of its memory, the
// processors it may run on, its priority. System calls only (Linux); what a replica is to get is hypervisor/replicas/surroundings.ts.
import koffi from 'koffi';
import { SystemCallError } from './native.js';

const ADDR_NO_RANDOMIZE = 0x0040000;
const READ_PERSONALITY = 0xffffffff;
const PRIO_PGRP = 1;
/** Bytes of a cpu_set_t: processors 0 to 1023. */
const CPU_SET_BYTES = 128;

const libc = koffi.load(null);
const c = {
  personality: libc.func('int personality(unsigned long persona)'),
  getAffinity: libc.func('int sched_getaffinity(int pid, size_t size, void *mask)'),
  setAffinity: libc.func('int sched_setaffinity(int pid, size_t size, void *mask)'),
  setpriority: libc.func('int setpriority(int which, uint32_t who, int priority)'),
};

function checked(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, koffi.errno());
  return result;
}

/**
 * Programs that the calling thread executes from now on have their memory laid out the same way every time. Returns what undoes that.
 * Throws SystemCallError (a container's filter may refuse it).
 */
export function withoutRandomisation(): () => void {
  const before = checked('personality', c.personality(READ_PERSONALITY));
  checked('personality', c.personality(before | ADDR_NO_RANDOMIZE));
  return () => void c.personality(before);
}

/**
 * The calling thread, and what it starts from now on, runs on these processors (0 to 1023) only. Returns what undoes that for the thread.
 * Throws SystemCallError (EINVAL when it may run on none of them).
 */
export function onProcessors(cpus: readonly number[]): () => void {
  const before = new Uint8Array(CPU_SET_BYTES);
  checked('sched_getaffinity', c.getAffinity(0, CPU_SET_BYTES, before));
  const mask = new Uint8Array(CPU_SET_BYTES);
  for (const cpu of cpus) mask[cpu >>> 3] |= 1 << (cpu & 7);
  checked('sched_setaffinity', c.setAffinity(0, CPU_SET_BYTES, mask));
  return () => void c.setAffinity(0, CPU_SET_BYTES, before);
}

/** Sets the nice value (-20 to 19) of all processes and threads of a process group. Throws SystemCallError (EACCES, ESRCH). */
export function setGroupPriority(group: number, nice: number): void {
  checked('setpriority', c.setpriority(PRIO_PGRP, group, nice));
}
