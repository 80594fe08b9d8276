// What machine and what programs: versions of the kernel, the distribution, Node, the router and the packages of the daemons.
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';
import { execa } from 'execa';
import { DRIVERS } from '../../hypervisor/replicas/drivers.js';

/** The installed versions of the daemons' Debian packages; null where there is no package manager that knows. */
async function packages(): Promise<Record<string, string> | null> {
  const names = Object.values(DRIVERS).map(({ debianPackage }) => debianPackage);
  const format = '${Package} ${Version}\\n';
  const result = await execa('dpkg-query', ['-W', '-f', format, ...names], { reject: false, timeout: 10_000 });
  const lines = result.stdout?.split('\n').filter((line) => line.includes(' ')) ?? [];
  return lines.length === 0 ? null : Object.fromEntries(lines.map((line) => line.split(' ')));
}

export async function systemFacts(): Promise<Record<string, unknown>> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return {
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? os.type(),
    kernel: `${os.type()} ${os.release()} ${os.version()}`,
    machine: os.machine(),
    processors: os.cpus().length,
    memory: os.totalmem(),
    node: process.version,
    packages: await packages(),
  };
}
