// The vote log as the router uses it: order, levels, listeners, and what happens when the disk does not keep up or refuses.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Logger } from '../../../hypervisor/logging.js';
import { VoteLog } from '../../../hypervisor/vote-log.js';
import { plainRecord } from '../../../hypervisor/vote-records.js';

let directory: string;
let file: string;
const errors: string[] = [];
const warnings: string[] = [];
const log = {
  error: (text: string) => void errors.push(text),
  warn: (text: string) => void warnings.push(text),
} as unknown as Logger;

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-votelog-'));
  file = path.join(directory, 'votes.jsonl');
  errors.length = 0;
  warnings.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const lines = (name = file): string[] => readFileSync(name, 'utf8').split('\n').slice(0, -1);
const kinds = (): string[] => lines().map((line) => (JSON.parse(line) as { kind: string }).kind);

test('every line is there, in order, after the file that was there before', async () => {
  writeFileSync(file, 'before\n');
  const votes = new VoteLog({ file }, log);
  for (let i = 0; i < 5000; i++) {
    votes.append(`{"n":${i}}`);
    if (i % 700 === 0) votes.flush();
  }
  await votes.close();
  expect(lines()).toEqual(['before', ...Array.from({ length: 5000 }, (_, i) => `{"n":${i}}`)]);
  expect(votes.dropped).toBe(0);
});

test('each level has what the one below it has, and can be changed at any time', async () => {
  const votes = new VoteLog({ file, level: 'faults' }, log);
  const levels: string[] = [];
  votes.onLevel((level) => levels.push(level));
  const tellAll = (): void => {
    for (const kind of ['decision', 'dissent-begins', 'session']) votes.append(plainRecord(1, kind, {}));
  };
  tellAll();
  votes.level = 'dissent';
  tellAll();
  votes.level = 'all';
  tellAll();
  expect([votes.wants('decision'), votes.level, levels]).toEqual([true, 'all', ['dissent', 'all']]);
  await votes.close();
  expect(kinds()).toEqual([
    ...['session', 'level', 'dissent-begins', 'session'],
    ...['level', 'decision', 'dissent-begins', 'session'],
  ]);
});

test('a listener is told of every line that is written, until it has enough', async () => {
  const votes = new VoteLog({ file }, log);
  const heard: string[] = [];
  const stop = votes.watch((line, kind) => heard.push(`${kind} ${(JSON.parse(line) as { n: number }).n}`));
  votes.append(plainRecord(1, 'session', { n: 1 }));
  votes.append(plainRecord(1, 'decision', { n: 2 }));
  votes.append(plainRecord(1, 'alarm', { n: 3 }));
  stop();
  votes.append(plainRecord(1, 'session', { n: 4 }));
  expect(heard).toEqual(['session 1', 'alarm 3']);
  await votes.close();
});

test('what the disk cannot keep up with is counted and dropped, and the log says so afterwards', async () => {
  const votes = new VoteLog({ file, maxPending: 1000 }, log);
  const written = new Promise<void>((resolve) => votes.watch((_, kind) => kind === 'dropped' && resolve()));
  for (let i = 0; i < 100; i++) votes.append('x'.repeat(99));
  expect(votes.dropped).toBeGreaterThan(80);
  votes.flush();
  await written;
  await votes.close();
  const last = JSON.parse(lines().at(-1)!) as Record<string, unknown>;
  expect(last).toMatchObject({ v: 1, kind: 'dropped', lines: votes.dropped });
  expect(lines().length - 1 + votes.dropped).toBe(100);
  expect(errors).toEqual([expect.stringContaining('the disk does not keep up')]);
  expect(warnings).toEqual([expect.stringContaining(`${votes.dropped} lines were left out`)]);
});

test.skipIf(!existsSync('/dev/full'))('a full disk costs lines, not the router', async () => {
  const votes = new VoteLog({ file: '/dev/full' }, log);
  for (let i = 0; i < 5; i++) {
    votes.append('one');
    votes.append('two');
    votes.flush();
  }
  await votes.close();
  expect(votes.dropped).toBe(10);
  // Once, not for each piece.
  expect(errors).toEqual([expect.stringContaining('ENOSPC')]);
});

test('a file that cannot be opened is said at once', () => {
  expect(() => new VoteLog({ file: path.join(directory, 'no', 'such.jsonl') }, log)).toThrow('ENOENT');
});

test('what others say cannot break a line', async () => {
  const votes = new VoteLog({ file }, log);
  const reason = 'a\nb\r\u2028"\u0000\ud800\x1b[2J';
  votes.append(plainRecord(1, 'session', { reason }));
  await votes.close();
  expect(lines()).toHaveLength(1);
  expect((JSON.parse(lines()[0]) as { reason: string }).reason).toBe(reason);
});
