// The sections recovery:, quarantine: and early-warning: of the configuration file: what happens to replicas that fail.
import path from 'node:path';
import type { EarlyWarningConfig, QuarantineConfig, RecoveryConfig } from '../model.js';
import { filePath } from '../parsers.js';
import type { MapReader } from '../yaml-reader.js';

const DAY_MS = 86_400_000;

export function readRecovery(root: MapReader): RecoveryConfig {
  const reader = root.map('recovery');
  const recovery: RecoveryConfig = {
    restartDelay: reader.duration('restart-delay', 100),
    longestRestartDelay: reader.duration('longest-restart-delay', 60_000),
    forgiveAfter: reader.duration('forgive-after', 60_000),
    maxRestarts: reader.integer('max-restarts', { min: 0, max: 10_000 }, 10),
    restartWindow: reader.duration('restart-window', 600_000),
    retireFor: reader.duration('retire-for', 900_000, { min: 0, max: DAY_MS }),
    fewPrefixes: reader.integer('few-prefixes', { min: 0, max: 1_000_000 }, 100),
    muteFew: reader.boolean('mute-few', false),
    failBack: reader.boolean('fail-back', true),
  };
  if (recovery.longestRestartDelay < recovery.restartDelay) {
    reader.error('longest-restart-delay', 'expected at least restart-delay');
  }
  reader.finish();
  return recovery;
}

export function readQuarantine(root: MapReader, directory: string, runDirectory: string): QuarantineConfig {
  const reader = root.map('quarantine');
  const quarantine: QuarantineConfig = {
    enabled: reader.boolean('enabled', true),
    directory: reader.text('directory', filePath(directory)) ?? path.join(runDirectory, 'quarantine'),
    suspectBytes: reader.integer('suspect-bytes', { min: 4096, max: 2 ** 30 }, 4 * 2 ** 20),
    maxMessages: reader.integer('max-messages', { min: 1, max: 1_000_000 }, 10_000),
    narrow: reader.boolean('narrow', true),
  };
  reader.finish();
  return quarantine;
}

export function readEarlyWarning(root: MapReader): EarlyWarningConfig {
  const reader = root.map('early-warning');
  const warning: EarlyWarningConfig = {
    enabled: reader.boolean('enabled', true),
    interval: reader.duration('interval', 1000, { min: 100, max: 3_600_000 }),
    restart: reader.boolean('restart', false),
  };
  reader.finish();
  return warning;
}
