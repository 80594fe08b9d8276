// The vote log's file: order, rotation, bounds, and what happens when the disk refuses.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Logger } from '../../../hypervisor/logging.js';
import { VoteLog } from '../../../hypervisor/vote-log.js';

let directory: string;
let file: string;
const errors: string[] = [];
const log = { error: (text: string) => void errors.push(text) } as unknown as Logger;

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-votelog-'));
  file = path.join(directory, 'votes.jsonl');
  errors.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const lines = (name = file): string[] => readFileSync(name, 'utf8').split('\n').slice(0, -1);

test('every line is there, in order, after the file that was there before', async () => {
  writeFileSync(file, 'before\n');
  const votes = new VoteLog({ path: file }, log);
  for (let i = 0; i < 5000; i++) {
    votes.append(`{"n":${i}}`);
    if (i % 700 === 0) votes.flush();
  }
  await votes.close();
  expect(lines()).toEqual(['before', ...Array.from({ length: 5000 }, (_, i) => `{"n":${i}}`)]);
  expect(votes.dropped).toBe(0);
});

test('is rotated by size, keeps so many files, and loses no line that they have room for', async () => {
  const votes = new VoteLog({ path: file, maxBytes: 1000, keep: 2 }, log);
  for (let i = 0; i < 40; i++) {
    votes.append(`line ${i} ${'x'.repeat(100)}`);
    votes.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await votes.close();
  expect(existsSync(`${file}.1`)).toBe(true);
  expect(existsSync(`${file}.3`)).toBe(false);
  const kept = [`${file}.2`, `${file}.1`, file].filter((name) => existsSync(name)).flatMap((name) => lines(name));
  const numbers = kept.map((line) => Number(line.split(' ')[1]));
  // The newest ones, without a gap.
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 40 - numbers.length + i));
});

test('what the disk cannot keep up with is counted and dropped, not kept', async () => {
  const votes = new VoteLog({ path: file, maxPending: 1000 }, log);
  for (let i = 0; i < 100; i++) votes.append('x'.repeat(99));
  expect(votes.dropped).toBeGreaterThan(80);
  await votes.close();
  expect(lines().length + votes.dropped).toBe(100);
});

test.skipIf(!existsSync('/dev/full'))('a full disk costs lines, not the router', async () => {
  const votes = new VoteLog({ path: '/dev/full' }, log);
  votes.append('one');
  votes.append('two');
  await votes.close();
  expect(votes.dropped).toBe(2);
  expect(errors).toEqual([expect.stringContaining('ENOSPC')]);
});
