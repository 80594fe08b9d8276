// `btr demo` as a user runs it: it succeeds with each strategy and leaves nothing behind, however it is ended.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { labProblem } from '../../cli/lab/lab.js';
import { missingDaemons } from '../../cli/lab/plain-daemons.js';
import { waitFor } from '../../cli/lab/wait.js';

const execute = promisify(execFile);
const btr = path.resolve(import.meta.dirname, '../../dist/cli/main.js');
const problem =
  labProblem() ??
  missingDaemons(['bird', 'frr', 'openbgpd'])[0] ??
  (existsSync(btr) ? undefined : `${btr} is not built (npm run setup)`);
if (problem) console.warn(`demo tests skipped: ${problem}`);

interface Run {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<number | null>;
}

/** Without the shared folder, so that every machine plays the same generated table. */
function demo(argv: readonly string[], command: readonly string[] = []): Run {
  const [program, ...args] = [...command, process.execPath, btr, 'demo', ...argv];
  const child = spawn(program!, args, { env: { ...process.env, BTR_SHARED: '/nonexistent' } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return { child, output, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}

/** Namespaces, directories and processes that a demo of this pid has left. */
function leftovers(pid: number): string[] {
  const own = `btr-${pid}-`;
  const folders = ['/run/netns', '/tmp'].flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.startsWith(own)),
  );
  const processes = readdirSync('/proc').filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(own);
    } catch {
      return false;
    }
  });
  return [...folders, ...processes.map((entry) => `process ${entry}`)];
}

interface Pattern {
  replica: string;
  kind: string;
  open: boolean;
  first: string;
  changes: { attribute: string }[];
}
interface Ballot {
  prefix: string;
}
interface Solution {
  replica: string;
  kind: string;
  prefixes: string[];
  since: string;
}
/** In what a lie of each kind differs. */
const ATTRIBUTES: Record<string, string[]> = { 'wrong-attribute': ['MED'], 'wrong-nexthop': ['NEXT_HOP'], drop: [] };

/** What a verb prints, as JSON. */
async function ask<T>(socket: string, ...argv: string[]): Promise<T> {
  const { stdout } = await execute(process.execPath, [btr, ...argv, '--json', '--socket', socket]);
  return JSON.parse(stdout) as T;
}

// Each demo has a network of its own and waits more than it works: side by side they take hardly longer than one.
describe.skipIf(problem).concurrent('btr demo', () => {
  it.each(['continuous-majority', 'wait-for-consensus', 'master-slave'])(
    'shows that everything holds with %s',
    async (strategy) => {
      const { child, output, ended } = demo(['--prefixes', '3000', '--strategy', strategy, '--json']);
      expect(await ended, output.stderr + output.stdout).toBe(0);
      const findings = JSON.parse(output.stdout) as {
        ok: boolean;
        checks: { what: string; ok: boolean }[];
        table: { held: number; compared: number };
        killing: { replica: string };
        lie: { replica: string; prefixes: number; outvoted: number };
      };
      expect(findings.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(findings.table).toMatchObject({ held: 3000, compared: 3000 });
      expect(findings.lie).toMatchObject({ prefixes: 20, outvoted: 20 });
      expect(findings.lie.replica).not.toBe(findings.killing.replica);
      expect(leftovers(child.pid!)).toEqual([]);
    },
  );

  it('lets one lie, and the verbs and the dashboard tell which, about what, how and since when', async () => {
    const { child, output, ended } = demo(['--prefixes', '3000', '--liar', '--json']);
    const said = (pattern: RegExp) => pattern.exec(output.stderr)?.[1];
    const socket = await waitFor(() => said(/BTR_SOCKET=(\S+)/), {
      what: 'it is told where to look',
      deadlineMs: 120_000,
    });
    const open = await waitFor(
      async () => (await ask<{ patterns: Pattern[] }>(socket, 'faults', '--open')).patterns[0],
      { what: 'the liar is found', deadlineMs: 60_000 },
    );
    // It is restarted once; then it is left alone with its few prefixes.
    const contested = await waitFor(
      async () => {
        const ballots = await ask<Ballot[]>(socket, 'votes', '--replica', open.replica);
        return ballots.length > 0 && ballots;
      },
      { what: 'the liar votes', deadlineMs: 60_000 },
    );
    const dashboard = said(/(http:\S+)/)!;
    const headers = { authorization: `Bearer ${said(/token (\S+)/)!}` };
    const shown = await waitFor(
      async () => {
        const answer = await fetch(new URL('api/v1/faults', dashboard), { headers });
        const found = ((await answer.json()) as { patterns: Pattern[] }).patterns.filter((pattern) => pattern.open);
        return found.length > 0 && found;
      },
      { what: 'the dashboard shows the liar', deadlineMs: 60_000 },
    );
    child.kill('SIGINT');
    expect(await ended, output.stderr).toBe(0);
    const { solution } = JSON.parse(output.stdout.split('\n')[1]!) as { solution: Solution };
    expect(open.replica).toBe(solution.replica);
    expect([...new Set(contested.map(({ prefix }) => prefix))].sort()).toEqual(solution.prefixes);
    expect(open.kind).toBe(solution.kind === 'drop' ? 'missing' : 'different');
    expect(open.changes.map(({ attribute }) => attribute)).toEqual(ATTRIBUTES[solution.kind]);
    expect(Date.parse(open.first)).toBeGreaterThanOrEqual(Date.parse(solution.since));
    expect(shown.map(({ replica }) => replica)).toEqual(shown.map(() => solution.replica));
    expect(leftovers(child.pid!)).toEqual([]);
  });

  // The lines after which the user loses patience.
  it.each(['starting the router', 'SIGKILL to', 'lies from now on'])(
    'leaves nothing behind when interrupted after "%s"',
    async (line) => {
      const { child, output, ended } = demo(['--prefixes', '3000']);
      await waitFor(() => output.stdout.includes(line), { what: `the demo says "${line}"`, deadlineMs: 60_000 });
      child.kill('SIGINT');
      expect(await ended, output.stderr).toBe(130);
      expect(output.stderr).toBe('');
      expect(leftovers(child.pid!)).toEqual([]);
    },
  );

  it('leaves no process behind when it is killed itself', async () => {
    const { child, output, ended } = demo(['--prefixes', '3000']);
    await waitFor(() => output.stdout.includes('two upstreams play'), {
      what: 'the upstreams play',
      deadlineMs: 60_000,
    });
    child.kill('SIGKILL');
    await ended;
    const processes = () => leftovers(child.pid!).filter((name) => name.startsWith('process'));
    await waitFor(() => processes().length === 0, { what: 'all of its processes end', deadlineMs: 20_000 });
    // The rest is for the next one to sweep.
    const next = demo(['--rib', '/nonexistent']);
    expect(await next.ended).toBe(66);
    expect(leftovers(child.pid!)).toEqual([]);
  });

  it('says what is missing to a user without privileges', async () => {
    const { output, ended } = demo([], ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']);
    expect(await ended).toBe(69);
    expect(output.stderr).toMatch(/need root/);
  });
});
