// Picks the generator of a replica kind, or passes a replica's own native file through.
import { readFileSync } from 'node:fs';
import type { ReplicaConfig, ReplicaKind, RouterConfig } from '../model.js';
import { generateBird } from './bird.js';
import { generateFrr } from './frr.js';
import { generateOpenbgpd } from './openbgpd.js';
import type { GeneratedFile, Generator, ReplicaPaths } from './types.js';
import { zebraFile } from './zebra.js';

const GENERATORS: Record<ReplicaKind, Generator> = {
  frr: generateFrr,
  bird: generateBird,
  openbgpd: generateOpenbgpd,
};

/** Main configuration file of each kind, as its driver expects it. */
export const MAIN_FILE: Record<ReplicaKind, { name: string; mode: number }> = {
  frr: { name: 'frr.conf', mode: 0o640 },
  bird: { name: 'bird.conf', mode: 0o640 },
  openbgpd: { name: 'openbgpd.conf', mode: 0o600 },
};

/**
 * The native files of a replica, the main one first. With `config-file` set that file's contents are used as they are; the
 * zebra of a bgpd has a generated file even then. Throws the file system's error when that file cannot be read.
 */
export function generate(config: RouterConfig, replica: ReplicaConfig, paths: ReplicaPaths): GeneratedFile[] {
  if (replica.configFile === undefined) return GENERATORS[replica.kind](config, replica, paths);
  const main = { ...MAIN_FILE[replica.kind], contents: readFileSync(replica.configFile, 'utf8') };
  return replica.kind === 'frr' && replica.fib === 'netlink' ? [main, zebraFile(config, replica)] : [main];
}
