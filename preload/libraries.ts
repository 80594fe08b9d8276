// Where the preloaded libraries lie, and giving a daemon's user a copy that it can read. Building them is the Makefile's.
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

export const SHIM_LIBRARIES = ['shim', 'poll-cap', 'fake-root', 'fake-privileges', 'ifaddrs'] as const;
export type ShimLibrary = (typeof SHIM_LIBRARIES)[number];

/** dist/preload/libraries.js and preload/libraries.ts both find the one place where make puts them. */
function shimDirectory(): string {
  const here = import.meta.dirname;
  const root = path.basename(path.dirname(here)) === 'dist' ? path.resolve(here, '../..') : path.dirname(here);
  return path.join(root, 'preload', 'shim');
}

/** Can any user read the file and reach it? */
function readableByAll(file: string): boolean {
  if ((statSync(file).mode & 0o004) === 0) return false;
  for (let at = path.dirname(file); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** Absolute path of a library. Throws when it is not built, or cannot be read. */
export function libraryFile(library: ShimLibrary, from = shimDirectory()): string {
  const file = path.join(from, `btr-${library}.so`);
  if (!existsSync(file)) throw new Error(`${file} is not built; run: npm run build (it needs gcc, make and libc6-dev)`);
  accessSync(file, constants.R_OK);
  return file;
}

/**
 * Absolute paths for LD_PRELOAD. The loader only warns when it cannot read one, and an unprivileged daemon often cannot
 * reach a checkout in somebody's home: then they are copied to `directory`. Throws when they are not built.
 */
export function preloadPaths(libraries: readonly ShimLibrary[], directory: string, from = shimDirectory()): string[] {
  return libraries.map((library) => {
    const file = libraryFile(library, from);
    if (readableByAll(file)) return file;
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
    const copy = path.join(directory, path.basename(file));
    // Never written in place: a replica that runs has the old one mapped.
    copyFileSync(file, `${copy}.${process.pid}`);
    chmodSync(`${copy}.${process.pid}`, 0o755);
    renameSync(`${copy}.${process.pid}`, copy);
    return copy;
  });
}
