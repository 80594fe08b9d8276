// Loads a configuration file: reads, validates everything, fills in defaults. Says every mistake at once, with its place.
// Owns the order of the sections and the rules between them; each section's own rules are in configs/schema/.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from './diagnostics.js';
import type { RouterConfig } from './model.js';
import { readAcceptance } from './schema/acceptance.js';
import { readFib } from './schema/fib.js';
import { readBmp, readHttp, readRecord, readVoteLog } from './schema/inspection.js';
import { readNeighbors } from './schema/neighbors.js';
import { readPolicy } from './schema/policy.js';
import { readEarlyWarning, readQuarantine, readRecovery } from './schema/recovery.js';
import { readReplicas, readVoting } from './schema/replicas.js';
import { readInternal, readLimits, readLogging, readRouter } from './schema/router.js';
import { ConfigSource } from './yaml-reader.js';

/**
 * Either a configuration that is right, or at least one diagnostic, sorted by place. `keys`: every key that there can be, without indexes
 * (`neighbors[].hold-time`), as far as the lists of the file have entries.
 */
export type LoadResult =
  | { config: RouterConfig; keys: readonly string[]; diagnostics?: undefined }
  | { config?: undefined; diagnostics: Diagnostic[] };

const MAX_FILE_BYTES = 4 * 2 ** 20;

/** Loads `file`. An unreadable file is a diagnostic too. */
export function loadConfig(file: string): LoadResult {
  const failure = (message: string): LoadResult => ({ diagnostics: [{ file, line: 1, column: 1, key: '', message }] });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return failure(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text.length > MAX_FILE_BYTES) return failure(`is larger than ${MAX_FILE_BYTES} bytes`);
  return parseConfig(text, file);
}

/** The same from text; relative paths in it count from `file`'s directory. */
export function parseConfig(text: string, file: string): LoadResult {
  const source = new ConfigSource(file, text);
  // After a syntax error the tree is a guess; mistakes found in it would only distract.
  if (source.diagnostics.length > 0) return { diagnostics: source.diagnostics };
  const directory = path.dirname(path.resolve(file));
  const root = source.root();
  const router = readRouter(root, directory);
  const internal = readInternal(root);
  const policy = readPolicy(root);
  const { acceptance, defaults } = readAcceptance(root);
  const neighbors = readNeighbors(root, { router, internal, defaults, definitions: policy.definitions });
  const fib = readFib(root);
  const replicas = readReplicas(root, directory, fib);
  const voting = readVoting(root, replicas);
  const recovery = readRecovery(root);
  const quarantine = readQuarantine(root, directory, router.runDirectory);
  const earlyWarning = readEarlyWarning(root);
  const limits = readLimits(root);
  const logging = readLogging(root, directory);
  const inspection = {
    voteLog: readVoteLog(root, directory, router.runDirectory),
    record: readRecord(root, directory, router.runDirectory),
    http: readHttp(root),
    bmp: readBmp(root),
  };
  root.finish();
  if (source.diagnostics.length > 0) {
    return { diagnostics: source.diagnostics.sort((a, b) => a.line - b.line || a.column - b.column) };
  }
  const parts = { router, neighbors, policy, acceptance, replicas, voting, recovery, quarantine, earlyWarning, fib };
  const config = { file, ...parts, internal, limits, logging, ...inspection };
  return { config, keys: [...source.asked] };
}
