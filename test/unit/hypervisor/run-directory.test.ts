// The run directory: claimed by one hypervisor, made with its parents, and refused where the kernel makes none.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { RunDirectory, RunDirectoryError } from '../../../hypervisor/run-directory.js';

test('is made with its parents and can be claimed again by the same process', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'btr-run-'));
  try {
    const run = RunDirectory.claim(path.join(root, 'a', 'b'));
    expect(statSync(run.path).isDirectory()).toBe(true);
    expect(RunDirectory.claim(run.path).path).toBe(run.path);
    run.release();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('is refused, not tried for ever, where no directory can be made', () => {
  expect(() => RunDirectory.claim('/proc/btr/run')).toThrow(RunDirectoryError);
  expect(() => RunDirectory.claim('/proc/btr/run')).toThrow(/cannot make the run directory \/proc\/btr\/run/);
});
