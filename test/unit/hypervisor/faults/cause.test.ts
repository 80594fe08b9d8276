// What a closed session turns out to be once the end of the process is known, and how an ending process looks in /proc.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { causeOf } from '../../../../hypervisor/faults/fault-desk.js';
import { anyEnding, anyStopped, isEnding } from '../../../../hypervisor/replicas/process-end.js';
import type { SystemFault } from '../../../../voter/faults/types.js';

describe('the cause of a closed session', () => {
  const closed: SystemFault = { replica: 1, cause: 'session', reason: 'lost the session a', neighbor: 2, at: 5 };

  test.each([
    { what: 'we killed it for that', dying: false, signal: 'SIGKILL' as const, cause: 'session' },
    { what: 'somebody killed it', dying: true, signal: 'SIGKILL' as const, cause: 'killed' },
    { what: 'it crashed', dying: true, signal: 'SIGSEGV' as const, cause: 'crash' },
    { what: 'it crashed, a little later', dying: false, signal: 'SIGABRT' as const, cause: 'crash' },
    { what: 'it ended by itself', dying: true, signal: null, cause: 'crash' },
  ])('$what: $cause', ({ dying, signal, cause }) => {
    const fault = causeOf({ ...closed, dying }, signal, 'exited');
    expect(fault).toMatchObject({ replica: 1, cause, at: 5 });
    expect(fault.reason).toContain('lost the session a');
    // A process ends as a whole: no neighbour is to blame.
    expect(fault.neighbor).toBe(cause === 'session' ? 2 : undefined);
  });
});

describe('an ending process', () => {
  test('by its state, its flags, or its absence; the name may hold anything', () => {
    const stat = (state: string, flags: number): string => `12 (a) Z 9 (b) ${state} 1 12 12 0 -1 ${flags} 100 0`;
    expect(isEnding(stat('S', 4_194_560))).toBe(false);
    expect(isEnding(stat('R', 4_194_564))).toBe(true);
    expect(isEnding(stat('Z', 0))).toBe(true);
    expect(isEnding('')).toBe(true);
    expect(isEnding(readFileSync('/proc/self/stat', 'latin1'))).toBe(false);
  });

  test('of those that a process has started, too', async () => {
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 61'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    // While it is still the shell, it may take notice of the child's end.
    await expect.poll(() => readFileSync(`/proc/${parent.pid!}/comm`, 'latin1'), { timeout: 10_000 }).toBe('sleep\n');
    expect(anyEnding([parent.pid!])).toBe(false);
    process.kill(Number(text), 'SIGKILL');
    // Its parent does not wait for it, so it stays as a zombie.
    await expect.poll(() => anyEnding([parent.pid!]), { timeout: 10_000 }).toBe(true);
    const gone = once(parent, 'exit');
    parent.kill('SIGKILL');
    await gone;
    expect(anyEnding([parent.pid!])).toBe(true);
  });
});

test('a stopped process, or one that it has started, is seen; it runs on', async () => {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  try {
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    for (const pid of [Number(text), parent.pid!]) {
      expect(anyStopped([parent.pid!])).toBe(false);
      process.kill(pid, 'SIGSTOP');
      await expect.poll(() => anyStopped([parent.pid!]), { timeout: 10_000 }).toBe(true);
      process.kill(pid, 'SIGCONT');
      await expect.poll(() => anyStopped([parent.pid!]), { timeout: 10_000 }).toBe(false);
    }
  } finally {
    process.kill(-parent.pid!, 'SIGKILL');
  }
  await once(parent, 'exit');
  expect(anyStopped([parent.pid!])).toBe(false);
});
