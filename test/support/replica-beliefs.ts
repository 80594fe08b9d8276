// What a replica's own tools say about its forwarding table: how many BGP routes it has, and how many of them it believes to be installed.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { REPLICA_TABLE } from '../../fib/replica-table.js';
import type { RunningRouter } from './router-lab.js';

const execute = promisify(execFile);
const OUTPUT_BYTES = 1 << 28;
/** The probe's, which comes and goes. */
const PROBE_PREFIX = '198.18.255.0/24';

export interface Belief {
  /** BGP routes that it wants in the kernel, both families together, the probe's included. */
  wanted: number;
  installed: number;
}

async function ask(program: string, args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { maxBuffer: OUTPUT_BYTES });
  return stdout;
}

async function birdKernels(router: RunningRouter, name: string): Promise<string[]> {
  const control = path.join(router.directory, name, 'control.sock');
  const text = await ask('birdc', ['-s', control, 'show', 'protocols', 'all']);
  return text.split(/\n(?=\S)/).filter((block) => /^\S+\s+Kernel\s/.test(block));
}

/** A BIRD replica: what its kernel protocols have exported. */
export async function birdBelief(router: RunningRouter, name: string): Promise<Belief> {
  let wanted = 0;
  for (const block of await birdKernels(router, name)) {
    wanted += Number(/Routes:\s+\d+ imported,(?: \d+ filtered,)? (\d+) exported/.exec(block)?.[1] ?? 0);
  }
  return { wanted, installed: wanted };
}

/** An FRR replica: zebra's summary of both families. */
export async function frrBelief(router: RunningRouter, name: string): Promise<Belief> {
  const belief: Belief = { wanted: 0, installed: 0 };
  for (const family of ['ip', 'ipv6']) {
    const directory = path.join(router.directory, name);
    const question = `show ${family} route summary table ${REPLICA_TABLE} json`;
    const words = ['--vty_socket', directory, '-d', 'zebra', '-c', question];
    // Nothing at all is said of a table that has no route.
    const { routes } = JSON.parse((await ask('vtysh', words)).trim() || '{ "routes": [] }') as {
      routes: { type: string; rib: number; fib: number }[];
    };
    for (const { type, rib, fib } of routes) {
      if (type !== 'ebgp') continue;
      belief.wanted += rib;
      belief.installed += fib;
    }
  }
  return belief;
}

/** A BIRD replica's BGP routes, one by one, and how many of them it marks as not in the kernel ("!"). */
export async function birdLines(
  router: RunningRouter,
  name: string,
): Promise<{ routes: number; unsynchronised: number }> {
  const control = path.join(router.directory, name, 'control.sock');
  const where = ['source', '=', 'RTS_BGP', '&&', 'net', '!=', PROBE_PREFIX];
  const text = await ask('birdc', ['-s', control, 'show', 'route', 'primary', 'where', ...where]);
  const lines = text.match(/^\S+\/\d+\s.*$/gm) ?? [];
  return { routes: lines.length, unsynchronised: lines.filter((line) => / ! /.test(line)).length };
}

/** The routes in the table that an FRR replica writes, one by one, and how many it takes for selected and in the kernel. */
export async function frrLines(router: RunningRouter, name: string): Promise<{ routes: number; installed: number }> {
  const directory = path.join(router.directory, name);
  const question = `show ip route table ${REPLICA_TABLE}`;
  const text = await ask('vtysh', ['--vty_socket', directory, '-d', 'zebra', '-c', question]);
  const lines = (text.match(/^B.*$/gm) ?? []).filter((line) => !line.includes(` ${PROBE_PREFIX} `));
  return { routes: lines.length, installed: lines.filter((line) => line.startsWith('B>* ')).length };
}
