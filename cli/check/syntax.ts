// Asks each daemon whether it accepts its generated file: its own syntax check, in a temporary directory, without
// starting it. What the answers mean is known here; where daemons live is hypervisor/replicas/.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { generate } from '../../configs/generate/index.js';
import type { ReplicaConfig, ReplicaKind, RouterConfig } from '../../configs/model.js';
import { findExecutable, ReplicaError } from '../../hypervisor/replicas/driver.js';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';

/** What one daemon said. `skipped`: it is not installed; `messages` then says what to install. */
export interface SyntaxResult {
  replica: string;
  kind: ReplicaKind;
  outcome: 'ok' | 'refused' | 'skipped';
  executable?: string;
  messages: string[];
}

/** A daemon that only reads a file needs milliseconds; this is for a machine that is very busy. */
const TIMEOUT_MS = 20_000;

function commandLine(kind: ReplicaKind, file: string, dir: string): string[] {
  if (kind === 'bird') return ['-p', '-c', file];
  if (kind === 'openbgpd') return ['-n', '-f', file];
  const inside = ['--vty_socket', dir, '--pid_file', path.join(dir, 'bgpd.pid'), '--vty_port', '0', '--bgp_port', '0'];
  return ['--dryrun', '--skip_runas', '--no_zebra', '--no_kernel', '--config_file', file, ...inside];
}

/** The lines that speak of mistakes; bgpd ends with status 0 even when it knows a line not. */
function complaints(kind: ReplicaKind, output: string, exitCode: number | undefined): string[] {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const bad = kind === 'frr' ? lines.filter((line) => / on config line \d+/.test(line)) : [];
  if (bad.length > 0) return bad.map((line) => line.replace(/^.*?\[EC \d+\] /, ''));
  if (exitCode === 0) return [];
  return lines.length > 0 ? lines : [`ended with status ${exitCode ?? 'unknown'} and said nothing`];
}

async function checkReplica(config: RouterConfig, replica: ReplicaConfig): Promise<SyntaxResult> {
  const result = { replica: replica.name, kind: replica.kind };
  const dir = mkdtempSync(path.join(tmpdir(), 'btr-check-'));
  try {
    const executable = findExecutable(DRIVERS[replica.kind], replica.name, replica.binary);
    const paths = { dir, controlSocket: path.join(dir, `${replica.kind}.sock`) };
    const files = generate(config, replica, paths);
    for (const { name, contents, mode } of files) writeFileSync(path.join(dir, name), contents, { mode });
    const args = commandLine(replica.kind, path.join(dir, files[0].name), dir);
    const run = await execa(executable, args, { reject: false, all: true, timeout: TIMEOUT_MS, stdin: 'ignore' });
    const said = run.timedOut ? ['did not answer in time'] : complaints(replica.kind, run.all ?? '', run.exitCode);
    const messages = said.map((line) => line.replaceAll(`${dir}/`, ''));
    return { ...result, executable, outcome: messages.length === 0 ? 'ok' : 'refused', messages };
  } catch (error) {
    if (error instanceof ReplicaError) return { ...result, outcome: 'skipped', messages: [error.message] };
    const message = error instanceof Error ? error.message : String(error);
    return { ...result, outcome: 'refused', messages: [message] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One result for each replica, in the order of the configuration. */
export async function checkSyntax(config: RouterConfig): Promise<SyntaxResult[]> {
  return Promise.all(config.replicas.map((replica) => checkReplica(config, replica)));
}
