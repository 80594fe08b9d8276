// The Debian package: made, looked into, unpacked, and what is in it runs on its own, away from the checkout.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../cli/doctor/finding.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Puts what is written to the file system into memory, under /tmp's mount of a namespace of its own, and runs a script as if in the real root. */
const IN_A_COPY = `set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
cp "$2" "$1/root/root/btr.deb"
exec chroot "$1/root" /bin/sh -e -c "$3"`;
/** Everything in one script, since nothing of it is left afterwards. */
const LIFE_OF_A_PACKAGE = `
dpkg -i --force-depends /root/btr.deb
btr --version
man -w btr
cp /usr/share/doc/btr/examples/router.yaml /etc/btr/router.yaml
btr check --no-syntax /etc/btr/router.yaml
dpkg --verify btr
dpkg -r btr
test ! -e /usr/lib/btr && test -e /etc/btr/router.yaml
mkdir -p /var/lib/btr /var/log/btr
dpkg -P btr
test ! -e /var/lib/btr && test ! -e /var/log/btr
echo gone without a trace
`;
const overlayProblem = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'needs root';
  return readFileSync('/proc/filesystems', 'utf8').includes('overlay') ? undefined : 'needs overlayfs';
};

const problem = existsSync('/usr/bin/dpkg-deb') ? undefined : 'needs dpkg-deb';
if (problem) console.warn(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)('the Debian package', () => {
  let directory: string;
  let file: string;
  const at = (name: string): string => path.join(directory, 'tree', name);
  const program = (...args: string[]): ReturnType<typeof execa> =>
    execa(process.execPath, [at('usr/lib/btr/dist/cli/main.js'), ...args], { cwd: directory, reject: false });

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'btr-package-test-'));
    const made = await execa(process.execPath, [path.join(ROOT, 'scripts/package.mjs'), directory]);
    file = made.stdout.trim();
    execFileSync('dpkg-deb', ['-x', file, path.join(directory, 'tree')]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('says what it is and what it needs', () => {
    const fields = execFileSync('dpkg-deb', ['-f', file], { encoding: 'utf8' });
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(fields).toMatch(/^Package: btr$/m);
    expect(fields).toContain(`Version: ${version}\n`);
    expect(fields).toMatch(/^Depends: nodejs \(>= 20\.19\.0\), libc6$/m);
    expect(fields).toMatch(/^Recommends: frr, bird2, openbgpd$/m);
  });

  test('has things where Debian has them, for root to own, and no tests', () => {
    for (const name of [
      'usr/bin/btr',
      'lib/systemd/system/btr.service',
      'usr/share/doc/btr/examples/router.yaml',
      'etc/btr',
    ]) {
      expect(existsSync(at(name)), name).toBe(true);
    }
    expect(gunzipSync(readFileSync(at('usr/share/man/man1/btr.1.gz'))).toString()).toContain('.TH BTR 1');
    expect(readFileSync(at('usr/share/bash-completion/completions/btr'), 'utf8')).toContain('complete -F _btr btr');
    expect(readdirSync(at('usr/lib/btr/dist'))).not.toContain('test');
    expect(readdirSync(at('usr/lib/btr/node_modules'))).not.toContain('vitest');
    const list = execFileSync('dpkg-deb', ['-c', file], { encoding: 'utf8' });
    expect(list.split('\n').filter((line) => line !== '' && !line.includes(' root/root '))).toEqual([]);
    expect(statSync(at('usr/bin/btr')).mode & 0o777).toBe(0o755);
    expect(readFileSync(at('usr/bin/btr'), 'utf8')).toContain('exec node /usr/lib/btr/dist/cli/main.js "$@"');
  });

  test('runs away from the checkout, with its own libraries', async () => {
    const checked = await program('check', at('usr/share/doc/btr/examples/router.yaml'), '--no-syntax');
    expect(checked.exitCode, String(checked.stderr)).toBe(0);
    const { stdout } = await program('doctor', '--json');
    const { findings } = JSON.parse(String(stdout)) as { findings: Finding[] };
    expect(findings).toContainEqual(expect.objectContaining({ area: 'program', name: 'shim', level: 'ok' }));
    expect(findings).toContainEqual(expect.objectContaining({ area: 'program', name: 'node', level: 'ok' }));
  });

  test('is installed, runs, is removed and purged by dpkg, in a copy of this system', async ({ skip }) => {
    const missing = overlayProblem();
    if (missing !== undefined) skip(missing);
    const copy = path.join(directory, 'copy');
    mkdirSync(copy);
    const script = ['-c', IN_A_COPY, 'sh', copy, file, LIFE_OF_A_PACKAGE];
    const { exitCode, all } = await execa('unshare', ['--mount', 'sh', ...script], { all: true, reject: false });
    expect(exitCode, all).toBe(0);
    expect(all).toContain('btr: write /etc/btr/router.yaml');
    expect(all).toContain('/usr/share/man/man1/btr.1.gz');
    expect(all).toContain('1 neighbour, 3 replicas, continuous-majority');
    expect(all).toContain('gone without a trace');
    // None of it has reached the real one.
    expect(existsSync('/root/btr.deb')).toBe(false);
  });
});
