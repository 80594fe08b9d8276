// npm packages and the build. Decides by the files' times whether there is anything to do.
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { LAYERS } from '../lint/import-layers.mjs';
import { root, run, say, which } from './run.mjs';

const STAMP = path.join(root, 'dist', '.built');
const SOURCES = [...LAYERS, ...['test/simulation', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']];
const LIBRARIES = ['btr-shim.so', 'btr-poll-cap.so', 'btr-fake-root.so', 'btr-ifaddrs.so'];

const time = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/** Newest modification below `file`; a directory's own time counts too, so that a removed file is noticed. */
function newest(file) {
  const entry = statSync(file, { throwIfNoEntry: false });
  if (entry === undefined) return 0;
  if (!entry.isDirectory()) return /\.(so|o|new)$/.test(file) ? 0 : entry.mtimeMs;
  // Building writes libraries into preload/shim, which must not make it look newer than the build.
  const own = file.endsWith('shim') ? 0 : entry.mtimeMs;
  return readdirSync(file).reduce((latest, name) => Math.max(latest, newest(path.join(file, name))), own);
}

export function setUpPackages() {
  const lock = path.join(root, 'package-lock.json');
  if (time(path.join(root, 'node_modules', '.package-lock.json')) >= time(lock)) return;
  say('installing npm packages');
  run('npm', ['ci', '--no-fund', '--no-audit']);
  // npm keeps the time of the lock file it unpacked from, which may be older.
  const now = new Date();
  utimesSync(path.join(root, 'node_modules', '.package-lock.json'), now, now);
}

/** What the build needs besides npm packages, as the names of missing programs. */
export function missingCompiler() {
  return ['make', process.env.CC ?? 'cc'].filter((program) => which(program) === undefined);
}

export function build() {
  const missing = missingCompiler();
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(' and ')} missing, so the preloaded libraries cannot be built; ` +
        'on Debian: apt-get install --no-install-recommends gcc make libc6-dev; then: npm run build',
    );
  }
  run('npm', ['run', '--silent', 'build']);
  writeFileSync(STAMP, '');
}

export function setUpBuild() {
  const stamp = time(STAMP);
  const built = LIBRARIES.every((library) => existsSync(path.join(root, 'preload/shim', library)));
  if (built && stamp > Math.max(...SOURCES.map((source) => newest(path.join(root, source))))) return;
  say('building');
  build();
}
