// BIRD 1.6 for tests. Debian packages it so that it cannot be installed beside BIRD 2, but it runs from the unpacked package;
// it is fetched from the machine's own package source once and kept in a directory for temporary files.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const KEPT = path.join(os.tmpdir(), `btr-bird16-${process.getuid?.() ?? 0}`);
const FETCH_LIMIT_MS = 60_000;

export interface Bird16 {
  bird: string;
  birdc: string;
}

/** The programs, or why there are none. */
export function findBird16(): Bird16 | string {
  const found = { bird: path.join(KEPT, 'usr/sbin/bird'), birdc: path.join(KEPT, 'usr/sbin/birdc') };
  // Anybody may write to the directory for temporary files; what is run must be ours.
  if (existsSync(found.bird) && statSync(KEPT).uid === process.getuid?.()) return found;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'btr-fetch-'));
  try {
    const run = (file: string, ...args: string[]): void =>
      void execFileSync(file, args, { cwd: directory, timeout: FETCH_LIMIT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
    run('apt-get', 'download', '-qq', 'bird');
    const file = readdirSync(directory).find((name) => /^bird_1\.6.*\.deb$/.test(name));
    if (file === undefined) return 'the package source has no bird 1.6';
    mkdirSync(path.join(directory, 'x'));
    run('dpkg-deb', '-x', file, 'x');
    chmodSync(path.join(directory, 'x'), 0o755);
    renameSync(path.join(directory, 'x'), KEPT);
    return found;
  } catch (error) {
    return `bird 1.6 cannot be fetched (apt-get download bird): ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
