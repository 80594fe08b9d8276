// A configuration file that is to take the place of what runs: read once, checked, with its places and a digest of what was read. Owns the
// reading; what it means is configs/load.ts.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { formatDiagnostic } from '../../configs/diagnostics.js';
import { Places } from '../../configs/diff/places.js';
import { parseConfig, type LoadResult } from '../../configs/load.js';
import type { RouterConfig } from '../../configs/model.js';

/** Reads text as `parseConfig`; what the command line says in place of the file is in it. */
export type LoadConfig = (text: string, file: string) => LoadResult;

export interface Candidate {
  /** Absolute path. */
  file: string;
  /** Of what was read. */
  digest: string;
  /** One line for each mistake: file, line, key. */
  errors: string[];
  /** Undefined with mistakes. */
  config?: RouterConfig;
  places?: Places;
}

const MAX_FILE_BYTES = 4 * 2 ** 20;

export function readCandidate(given: string, load: LoadConfig = parseConfig): Candidate {
  const file = path.resolve(given);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { file, digest: '', errors: [`${file}: cannot be read: ${(error as Error).message}`] };
  }
  const digest = createHash('sha256').update(text).digest('hex');
  if (text.length > MAX_FILE_BYTES)
    return { file, digest, errors: [`${file}: is larger than ${MAX_FILE_BYTES} bytes`] };
  const { config, diagnostics } = load(text, file);
  if (config === undefined) return { file, digest, errors: diagnostics.map(formatDiagnostic) };
  return { file, digest, errors: [], config, places: new Places(file, text) };
}
