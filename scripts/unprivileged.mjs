// `npm run test:unprivileged`: the part of the suite that an ordinary user can run. Started by root, it becomes the user nobody first, so
// that it shows what it is meant to show; where nobody cannot read the checkout, it works on a copy.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, chownSync, chmodSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const NOBODY = 65534;
const root = path.resolve(import.meta.dirname, '..');
/** Not needed to run the tests, or large. */
const LEFT_OUT = new Set(['.git', 'coverage']);

const drop = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--inh-caps=-all',
  '--no-new-privs',
];

function run(argv, options) {
  const { status, error } = spawnSync(argv[0], argv.slice(1), { stdio: 'inherit', ...options });
  if (error) throw error;
  return status ?? 1;
}

/** vitest without its cache on disk, which is not ours to write. */
const vitest = (folder) => [
  process.execPath,
  path.join(folder, 'node_modules/vitest/vitest.mjs'),
  ...['run', '--project', 'unprivileged', '--configLoader', 'runner', ...process.argv.slice(2)],
];

function readableByNobody() {
  const probe = [
    ...drop,
    process.execPath,
    '-e',
    `require('fs').readFileSync(${JSON.stringify(path.join(root, 'package.json'))})`,
  ];
  return run(probe, { stdio: 'ignore' }) === 0;
}

function asNobody() {
  const home = mkdtempSync(path.join(os.tmpdir(), 'btr-nobody-'));
  try {
    chmodSync(home, 0o755);
    let folder = root;
    if (!readableByNobody()) {
      folder = path.join(home, 'checkout');
      const wanted = readdirSync(root).filter((name) => !LEFT_OUT.has(name));
      for (const name of wanted) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    }
    chownSync(home, NOBODY, NOBODY);
    const env = { ...process.env, HOME: home, TMPDIR: home };
    return run([...drop, ...vitest(folder)], { cwd: folder, env });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

process.exit(process.getuid() === 0 ? asNobody() : run(vitest(root), { cwd: root }));
