// Where the optional folder of traces and inputs is. Owns nothing else; tests that need a file of it skip when it is missing.
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const root = process.env.BTR_SHARED ?? path.resolve(import.meta.dirname, '../../../shared');

/** Absolute path of a file in the shared folder, or undefined when the folder or the file is not there. */
export function sharedFile(name: string): string | undefined {
  const file = path.join(root, name);
  return existsSync(file) ? file : undefined;
}

/** The reason to print with a skipped test. */
export function missing(name: string): string {
  return `${name} is not here (looked in ${root}; BTR_SHARED names another folder)`;
}
