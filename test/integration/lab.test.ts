// The lab leaves nothing behind: not when destroyed, not when its owner is interrupted, not after its owner was killed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Lab, labProblem } from '../../cli/lab/lab.js';
import { waitFor } from '../../cli/lab/wait.js';

const problem = labProblem();
if (problem) console.warn(`lab tests skipped: ${problem}`);

const namespaces = () => (existsSync('/run/netns') ? readdirSync('/run/netns') : []);
const alive = (pid: number) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(statusOf(pid));
const statusOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State: Z';
  }
};

describe.skipIf(problem)('Lab', () => {
  it('links namespaces by IPv4 and IPv6 at once, without duplicate address detection', async () => {
    const lab = Lab.create('link');
    try {
      lab.addNamespace('a');
      lab.addNamespace('b');
      lab.link(
        { namespace: 'a', addresses: ['10.0.1.1/24', '2001:db8:1::1/64'] },
        { namespace: 'b', addresses: ['10.0.1.2/24', '2001:db8:1::2/64'] },
      );
      // Addresses still under detection are listed as tentative, and nothing can bind to them.
      for (const name of ['a', 'b']) expect(lab.run(name, ['ip', '-6', 'addr', 'show'])).not.toMatch(/tentative/);
      const script = `const s=require('net').createServer(c=>c.end('seen '+c.remoteAddress)).listen(179,'2001:db8:1::1')`;
      await lab.spawn('a', ['node', '-e', script]);
      const client = `const c=require('net').connect(179,'2001:db8:1::1');c.on('error',()=>process.exit(1));c.pipe(process.stdout)`;
      const seen = await waitFor(() => lab.run('b', ['node', '-e', client]), {
        what: 'the server answers',
        deadlineMs: 20_000,
      });
      expect(seen).toBe('seen 2001:db8:1::2');
    } finally {
      await lab.destroy();
    }
  });

  it('removes namespaces, children and grandchildren that left their group', async () => {
    const lab = Lab.create('destroy');
    const full = lab.addNamespace('a');
    const child = await lab.spawn('a', ['sh', '-c', 'setsid sleep 1000 & echo $!; wait'], { stdout: 'log' });
    const grandchild = await waitFor(() => Number(child.logTail()) || undefined, {
      what: 'pid of the grandchild',
      deadlineMs: 10_000,
    });
    expect(alive(grandchild)).toBe(true);
    expect(namespaces()).toContain(full);
    await lab.destroy(200);
    expect(child.status).toBeDefined();
    await waitFor(() => !alive(grandchild), { what: 'grandchild ends', deadlineMs: 5000 });
    expect(namespaces()).not.toContain(full);
    expect(existsSync(lab.directory)).toBe(false);
  });

  it('kills a child that ignores SIGTERM', async () => {
    const lab = Lab.create('stubborn');
    lab.addNamespace('a');
    try {
      const child = await lab.spawn('a', ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done']);
      await waitFor(() => child.logTail() === 'ready', { what: 'trap set', deadlineMs: 10_000 });
      expect((await child.stop(300)).signal).toBe('SIGKILL');
    } finally {
      await lab.destroy();
    }
  });

  it('says which program cannot be started', async () => {
    const lab = Lab.create('missing');
    lab.addNamespace('a');
    try {
      const child = await lab.spawn('a', ['/nonexistent/bgpd']);
      expect((await child.exited).code).not.toBe(0);
      expect(child.logTail()).toMatch(/\/nonexistent\/bgpd/);
    } finally {
      await lab.destroy();
    }
  });

  it('sweeps what a dead owner left, and not what a living one has', async () => {
    const owner = spawn('sleep', ['1000']);
    const left = `btr-${owner.pid}-left-abcdef-a`;
    execFileSync('ip', ['netns', 'add', left]);
    const directory = `/tmp/btr-${owner.pid}-left-abcdef`;
    mkdirSync(directory);
    try {
      expect(Lab.sweepStale()).not.toContain(left);
      owner.kill('SIGKILL');
      await once(owner, 'exit');
      expect(Lab.sweepStale()).toEqual(expect.arrayContaining([left, directory]));
      expect(namespaces()).not.toContain(left);
      expect(existsSync(directory)).toBe(false);
    } finally {
      owner.kill('SIGKILL');
      if (namespaces().includes(left)) execFileSync('ip', ['netns', 'del', left]);
    }
  });
});
