// Is the program itself complete? Node's version, and the preloaded libraries: built, readable by replicas, and taken by the loader.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { libraryFile, SHIM_LIBRARIES, type ShimLibrary } from '../../preload/libraries.js';
import { ok, problem, reason, type Finding } from './finding.js';

const LOADER_MS = 5000;
const REBUILD = 'build it again on this machine: npm run build (it needs gcc, make and libc6-dev)';

/** `engines` of package.json, as two numbers. */
export function leastNode(packageFile: string): [number, number] {
  const { engines } = JSON.parse(readFileSync(packageFile, 'utf8')) as { engines: { node: string } };
  const [major, minor] = engines.node.replace(/^>=/, '').split('.').map(Number);
  return [major, minor];
}

export function nodeVersion(version: string, [major, minor]: [number, number]): Finding {
  const [a, b] = version.split('.').map(Number);
  if (a > major || (a === major && b >= minor)) return ok('program', 'node', version);
  return problem(
    'program',
    'node',
    `${version}, which is older than ${major}.${minor}`,
    `install Node.js ${major}.${minor} or newer`,
  );
}

/** package.json lies above cli/doctor/, and above dist/cli/doctor/. */
function packageFile(): string {
  const above = path.resolve(import.meta.dirname, '../..');
  return path.join(path.basename(above) === 'dist' ? path.dirname(above) : above, 'package.json');
}

export async function program(libraryDirectory?: string): Promise<Finding[]> {
  const shims = await Promise.all(SHIM_LIBRARIES.map((library) => shim(library, libraryDirectory)));
  const bad = shims.filter(({ level }) => level !== 'ok');
  const good = ok('program', 'shim', `${SHIM_LIBRARIES.length} libraries are built, and the loader takes them`);
  return [nodeVersion(process.versions.node, leastNode(packageFile())), ...(bad.length > 0 ? bad : [good])];
}

/** Loads it into a program that does nothing: the loader only warns of what it cannot load. */
async function shim(library: ShimLibrary, directory?: string): Promise<Finding> {
  const name = `shim ${library}`;
  try {
    const file = libraryFile(library, directory);
    const run = await execa('/bin/true', [], {
      all: true,
      reject: false,
      timeout: LOADER_MS,
      extendEnv: false,
      env: { LD_PRELOAD: file, LC_ALL: 'C' },
    });
    if (run.exitCode === 0 && (run.all ?? '') === '') return ok('program', name, file);
    return problem('program', name, `${file} cannot be loaded: ${run.all || run.shortMessage || 'it failed'}`, REBUILD);
  } catch (error) {
    return problem('program', name, reason(error), REBUILD);
  }
}
