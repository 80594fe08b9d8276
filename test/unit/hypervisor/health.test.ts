// What is measured of replicas' processes, and how a warning travels to the log, the vote log, the status and recovery.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { describe, expect, test } from 'vitest';
import { HealthDesk, type Vitals } from '../../../hypervisor/health/health-desk.js';
import { cpuSecondsOf, residentBytesOf, usageOf } from '../../../hypervisor/health/process-usage.js';
import { MAX_PROCESSES } from '../../../hypervisor/process-tree.js';
import { PERSIST, WARM_UP } from '../../../recovery/early-warning.js';

describe('usage of processes', () => {
  test('a process and what it started are summed up, one that is gone counts for nothing', async () => {
    const script = "setInterval(() => {}, 1e4); process.stdout.write('up')";
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    try {
      const alone = usageOf([child.pid!]);
      expect(alone.processes).toBe(1);
      expect(alone.memory).toBeGreaterThan(10 * 2 ** 20);
      const both = usageOf([process.pid]);
      expect(both.processes).toBeGreaterThanOrEqual(2);
      expect(both.memory).toBeGreaterThan(alone.memory);
      expect(both.cpuSeconds).toBeGreaterThan(alone.cpuSeconds);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(usageOf([child.pid!])).toEqual({ cpuSeconds: 0, memory: 0, processes: 0 });
  });

  test('processor time grows with work', () => {
    const before = usageOf([process.pid]).cpuSeconds;
    const until = process.cpuUsage().user + 60_000;
    while (process.cpuUsage().user < until);
    const used = usageOf([process.pid]).cpuSeconds - before;
    expect(used).toBeGreaterThanOrEqual(0.03);
  });

  test('names with brackets, zombies and what is no process at all', () => {
    expect(cpuSecondsOf('7 (a) b) (c) S 1 7 7 0 -1 4194560 90 0 0 0 123 77 0 0 20 0 1 0 1 2 3')).toBe(2);
    expect(cpuSecondsOf('')).toBe(0);
    expect(cpuSecondsOf('7 (x)')).toBe(0);
    expect(residentBytesOf('Name:\tx\nVmHWM:\t  99 kB\nVmRSS:\t   12 kB\nThreads:\t1\n')).toBe(12288);
    expect(residentBytesOf('Name:\tx\nState:\tZ (zombie)\n')).toBe(0);
  });

  test('a replica with countless processes is read up to a limit', () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'btr-proc-'));
    try {
      for (let pid = 1; pid <= 3; pid++) {
        mkdirSync(path.join(root, `${pid}/task/${pid}`), { recursive: true });
        writeFileSync(path.join(root, `${pid}/stat`), `${pid} (x) S 1 1 1 0 -1 0 0 0 0 0 50 50 0 0`);
        // Each is a child of every other one: the kernel would not say so, but nothing here may go on for ever.
        writeFileSync(path.join(root, `${pid}/task/${pid}/children`), '1 2 3 ');
      }
      expect(usageOf([1], root)).toEqual({ cpuSeconds: MAX_PROCESSES, memory: 0, processes: MAX_PROCESSES });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('the health of replicas', () => {
  /** Two replicas; the test says what they are like. */
  class Ward {
    readonly log: string[] = [];
    readonly votes: Record<string, unknown>[] = [];
    readonly told: string[] = [];
    readonly vitals: (Vitals | undefined)[] = [1, 2].map((pid) => {
      return { pids: [pid], settled: true, latencyMs: 5, updates: 0 };
    });
    cpuPerSecond = [0.1, 0.1];
    private readonly cpu = [0, 0];
    private at = 0;
    readonly desk: HealthDesk;

    constructor(enabled = true) {
      const note = (level: string) => (text: string) => void this.log.push(`${level} ${text}`);
      const context = {
        config: { replicas: [{ name: 'a' }, { name: 'b' }], earlyWarning: { enabled, interval: 1000, restart: true } },
        log: { warn: note('warn'), info: note('info') },
        voteLog: { append: (line: string) => void this.votes.push(JSON.parse(line) as Record<string, unknown>) },
        recovery: { earlyWarning: (r: number, reason: string) => void this.told.push(`${r} ${reason}`) },
      };
      this.desk = new HealthDesk(context as unknown as ConstructorParameters<typeof HealthDesk>[0], {
        vitals: (r) => this.vitals[r],
        updatesIn: () => 0,
        usage: ([pid]) => ({ cpuSeconds: this.cpu[(pid % 10) - 1], memory: 2 ** 20, processes: 1 }),
      });
    }

    run(seconds: number): void {
      for (let tick = 0; tick < seconds * 40; tick++) {
        this.at += 25;
        this.cpuPerSecond.forEach((rate, r) => (this.cpu[r] += rate / 40));
        for (const vitals of this.vitals) if (vitals !== undefined) vitals.updates += 1;
        this.desk.tick(this.at);
      }
    }
  }

  test('rates are measured between two samples', () => {
    const ward = new Ward();
    expect(ward.desk.status(0)).toBeNull();
    ward.cpuPerSecond = [0.25, 0];
    ward.run(3);
    expect(ward.desk.status(0)).toEqual({
      ...{ cpu: 0.25, memory: 2 ** 20, latencyMs: 5, messagesPerSecond: 40, warnings: [] },
    });
    expect(ward.desk.status(1)).toMatchObject({ cpu: 0 });
    ward.vitals[1] = undefined;
    ward.run(1);
    expect(ward.desk.status(1)).toBeNull();
  });

  test('a warning is told once, shown while it lasts, and passed on to recovery as long as it does', () => {
    const ward = new Ward();
    ward.run(WARM_UP + 2);
    ward.cpuPerSecond[1] = 1;
    ward.run(PERSIST + 5);
    expect(ward.log).toEqual(['warn replica b: early warning: it uses 1.00 processors, usually 0.10']);
    expect(ward.desk.status(1)!.warnings).toMatchObject([{ kind: 'cpu', text: 'uses 1.00 processors, usually 0.10' }]);
    expect(ward.desk.status(0)!.warnings).toEqual([]);
    expect(ward.told.length).toBeGreaterThanOrEqual(5);
    expect(new Set(ward.told)).toEqual(new Set(['1 early warning: it uses 1.00 processors, usually 0.10']));
    ward.cpuPerSecond[1] = 0.1;
    ward.run(PERSIST + 1);
    expect(ward.log.slice(1)).toEqual(['info replica b: the early warning about its cpu is over']);
    expect(ward.votes).toMatchObject([
      { kind: 'warning', replica: 'b', state: 'begins', what: 'cpu' },
      { kind: 'warning', replica: 'b', state: 'ends', what: 'cpu' },
    ]);
  });

  test('a new process has no past, and one that is not synchronised is not judged', () => {
    const ward = new Ward();
    ward.run(WARM_UP + 2);
    ward.vitals[1] = { pids: [12], settled: false, latencyMs: 9000, updates: 0 };
    ward.run(1);
    expect(ward.desk.status(1)).toMatchObject({ cpu: 0, messagesPerSecond: 0 });
    ward.cpuPerSecond[1] = 1;
    ward.run(PERSIST * 3);
    expect(ward.desk.status(1)).toMatchObject({ cpu: 1, warnings: [] });
    expect(ward.log).toEqual([]);
  });

  test('nothing is measured when it is switched off', () => {
    const ward = new Ward(false);
    ward.run(3);
    expect(ward.desk.status(0)).toBeNull();
  });
});
