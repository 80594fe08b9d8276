// A group of which only zombies are left has ended, however long init takes to bury them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { groupRuns } from '../../../hypervisor/replicas/process-end.js';
import { waitFor } from '../../../cli/lab/wait.js';

it('a group runs as long as one of its processes does; zombies do not count', async () => {
  // The shell turns into a program that never waits for its child: a zombie as long as that program runs, in a group of its own.
  const script = 'const { spawn } = require("child_process"); const c = spawn("sleep", ["0"], { detached: true });';
  const keep = `${script} console.log(c.pid); process.on("SIGCHLD", () => {}); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  const parent = spawn(process.execPath, ['-e', keep], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const group = Number(line.toString());
    await waitFor(() => !groupRuns(group), { what: 'only a zombie is left', deadlineMs: 10_000 });
    expect(process.kill(-group, 0), 'the group still exists').toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
  expect(groupRuns(0x7ffffffe)).toBe(false);
});
