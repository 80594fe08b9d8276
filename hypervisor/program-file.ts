// Files that Node runs in threads and processes of their own. Owns finding them: tests run modules as they are written, but Node runs only
// what is built.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The program `name` (`worker.js`) beside the module with this `import.meta.url`, or what the build made of it when that is TypeScript. */
export function programFile(moduleUrl: string, name: string): string {
  const directory = path.dirname(fileURLToPath(moduleUrl));
  if (!moduleUrl.endsWith('.ts')) return path.join(directory, name);
  const root = path.resolve(import.meta.dirname, '..');
  return path.join(root, 'dist', path.relative(root, directory), name);
}
