// Directories that the router writes to: can be made or written, have room, and replicas' users can reach theirs.
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { bytes } from '../output/table.js';
import { ok, problem, reason, warning, type Finding } from './finding.js';
import type { Wants } from './wants.js';

/** Less than that is trouble whatever the budgets are, bytes. */
const LEAST_FREE = 256 * 2 ** 20;

export function directories({ directories: wanted, runDirectory }: Wants): Finding[] {
  return wanted.flatMap(({ key, path: directory, bytes: budget }) => {
    const trouble = [...writable(key, directory), ...(directory === runDirectory ? reachable(key, directory) : [])];
    const room = trouble.length > 0 ? [] : space(key, directory, budget);
    const findings = [...trouble, ...room];
    return findings.length > 0 ? findings : [ok('directories', key, directory)];
  });
}

/** The directory, or the nearest one above it that is there. */
function existing(directory: string): string {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    try {
      statSync(at);
      return at;
    } catch {
      if (at === path.dirname(at)) return at;
    }
  }
}

function writable(key: string, directory: string): Finding[] {
  const at = existing(directory);
  try {
    if (!statSync(at).isDirectory()) {
      return [problem('directories', key, `${at} is not a directory`, 'move it away, or choose another place')];
    }
    accessSync(at, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const text = at === directory ? reason(error) : `${directory} is not there and cannot be made: ${reason(error)}`;
    return [
      problem(
        'directories',
        key,
        text,
        `install -d -o ${process.getuid?.() ?? 0} ${directory}, or choose another place`,
      ),
    ];
  }
}

/** Replicas run as other users: every directory above theirs has to let them through. */
function reachable(key: string, directory: string): Finding[] {
  if (process.getuid?.() !== 0) return [];
  for (let at = existing(directory); ; at = path.dirname(at)) {
    // The run directory's own mode is set at the start.
    if (at !== path.resolve(directory) && (statSync(at).mode & 0o001) === 0) {
      return [
        problem(
          'directories',
          key,
          `replicas' users cannot pass ${at}`,
          `chmod o+x ${at}, or choose another run-directory`,
        ),
      ];
    }
    if (at === path.dirname(at)) return [];
  }
}

function space(key: string, directory: string, budget: number): Finding[] {
  const { bavail, bsize } = statfsSync(existing(directory));
  const free = bavail * bsize;
  const advice = 'make room, or lower size-budget';
  if (budget > free) {
    return [
      warning('directories', key, `${directory}: ${bytes(free)} are free, and it may take ${bytes(budget)}`, advice),
    ];
  }
  if (free < LEAST_FREE)
    return [warning('directories', key, `${directory}: only ${bytes(free)} are free`, 'make room')];
  return [];
}
