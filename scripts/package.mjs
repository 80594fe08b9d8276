// `npm run package [-- DIRECTORY]`: a Debian package of the built program, in DIRECTORY (default: dist-packages). Owns what goes where in the
// file system; needs dpkg-deb and a build (npm run build). Root is not needed.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { gzipSync } from 'node:zlib';

const root = path.resolve(import.meta.dirname, '..');
const output = path.resolve(process.argv[2] ?? path.join(root, 'dist-packages'));
const { version, description, engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const HOME = 'usr/lib/btr';
/** Built, and of no use to who runs it. */
const LEFT_OUT = ['test', 'bench'];

const run = (file, args) => execFileSync(file, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });

/** Paths of the packages that the program needs when it runs, below the checkout. */
function dependencies() {
  const all = run('npm', ['ls', '--omit=dev', '--all', '--parseable', '--silent']).split('\n');
  return all.map((line) => path.relative(root, line)).filter((line) => line.startsWith('node_modules'));
}

function put(tree, target, content, mode = 0o644) {
  const file = path.join(tree, target);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

function program(tree) {
  const home = path.join(tree, HOME);
  cpSync(path.join(root, 'dist'), path.join(home, 'dist'), {
    recursive: true,
    filter: (file) => !LEFT_OUT.includes(path.relative(path.join(root, 'dist'), file)),
  });
  cpSync(path.join(root, 'dashboard'), path.join(home, 'dashboard'), { recursive: true });
  cpSync(path.join(root, 'package.json'), path.join(home, 'package.json'));
  cpSync(path.join(root, 'preload/shim'), path.join(home, 'preload/shim'), {
    recursive: true,
    filter: (file) => !/\.[choad]$|Makefile$/.test(file),
  });
  for (const one of dependencies()) {
    // A package's own packages are in the list by themselves, as far as they are needed.
    const nested = (file) => path.relative(path.join(root, one), file).startsWith('node_modules');
    cpSync(path.join(root, one), path.join(home, one), { recursive: true, filter: (file) => !nested(file) });
  }
  put(tree, 'usr/bin/btr', `#!/bin/sh\nexec node /${HOME}/dist/cli/main.js "$@"\n`, 0o755);
}

async function surroundings(tree) {
  const cli = (file) => import(path.join(root, 'dist/cli', file));
  const [{ commands }, { definitionsOf }, { manualPage }, { SCRIPTS: completion }] = await Promise.all(
    ['commands/index.js', 'manual/definition.js', 'manual/page.js', 'completion/scripts.js'].map(cli),
  );
  const read = (file) => readFileSync(path.join(root, file));
  put(tree, 'lib/systemd/system/btr.service', read('packaging/systemd/btr.service'));
  put(tree, 'usr/share/man/man1/btr.1.gz', gzipSync(manualPage(definitionsOf(commands), version), { level: 9 }));
  put(tree, 'usr/share/bash-completion/completions/btr', completion.bash);
  put(tree, 'usr/share/zsh/vendor-completions/_btr', completion.zsh);
  put(tree, 'usr/share/fish/vendor_completions.d/btr.fish', completion.fish);
  put(tree, 'usr/share/doc/btr/examples/router.yaml', read('packaging/systemd/router.yaml'));
  put(tree, 'usr/share/doc/btr/copyright', read('LICENSE'));
  put(tree, 'usr/share/doc/btr/README.md', read('README.md'));
  cpSync(path.join(root, 'docs'), path.join(tree, 'usr/share/doc/btr/docs'), { recursive: true });
  cpSync(path.join(root, 'dashboards'), path.join(tree, 'usr/share/doc/btr/dashboards'), { recursive: true });
  mkdirSync(path.join(tree, 'etc/btr'), { recursive: true });
}

/** What systemd has to be told; where it does not run (a chroot, a container) there is nobody to tell. */
const SCRIPTS = {
  postinst: `#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = configure ] && [ -z "$2" ] && [ ! -e /etc/btr/router.yaml ]; then
  echo "btr: write /etc/btr/router.yaml (example: /usr/share/doc/btr/examples/router.yaml), then: btr doctor; systemctl enable --now btr"
fi
`,
  prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now btr.service || true; fi
`,
  postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then rm -rf /var/lib/btr /var/log/btr; fi
`,
};

function control(tree, architecture) {
  const size = Number(run('du', ['-sk', tree]).split('\t')[0]);
  const fields = [
    'Package: btr',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: The btr authors <btr@localhost>',
    `Installed-Size: ${size}`,
    `Depends: nodejs (>= ${engines.node.replace('>=', '')}), libc6`,
    'Recommends: frr, bird2, openbgpd',
    'Section: net',
    'Priority: optional',
    `Description: ${description}`,
    ' Runs FRR, BIRD and OpenBGPD behind one BGP session per neighbour and advertises and',
    ' installs what most of them say.',
  ];
  put(tree, 'DEBIAN/control', `${fields.join('\n')}\n`);
  for (const [name, text] of Object.entries(SCRIPTS)) put(tree, `DEBIAN/${name}`, text, 0o755);
}

async function main() {
  if (!existsSync(path.join(root, 'dist/cli/main.js'))) throw new Error('not built yet; run: npm run build');
  const architecture = run('dpkg', ['--print-architecture']).trim();
  const tree = mkdtempSync(path.join(os.tmpdir(), 'btr-package-'));
  try {
    chmodSync(tree, 0o755);
    program(tree);
    await surroundings(tree);
    control(tree, architecture);
    mkdirSync(output, { recursive: true });
    const file = path.join(output, `btr_${version}_${architecture}.deb`);
    run('chmod', ['-R', 'u+rwX,go+rX,go-w', tree]);
    run('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, file]);
    process.stdout.write(`${file}\n`);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`package: ${error.stderr || error.message}\n`);
  process.exit(1);
}
