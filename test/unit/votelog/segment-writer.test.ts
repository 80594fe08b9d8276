// Writing a vote log: segments, their numbers and their budget, what a later life makes of what it finds, and what goes wrong with files.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VoteLogReader } from '../../../votelog/reader.js';
import { SegmentWriter } from '../../../votelog/segment-writer.js';
import { INDEX_SUFFIX } from '../../../votelog/segments.js';

let directory: string;
const warnings: string[] = [];
const inLog = (name: string): string => path.join(directory, name);

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-segments-'));
  warnings.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const START = Date.parse('2026-03-14T15:09:26.000Z');
/** A line of 1000 bytes. */
function line(n: number): Buffer {
  const fields = { v: 1, t: new Date(START + 1000 * n).toISOString(), m: n, kind: 'alarm', n, text: '' };
  const short = JSON.stringify(fields).length + 1;
  return Buffer.from(`${JSON.stringify({ ...fields, text: 'x'.repeat(1000 - short) })}\n`);
}

const open = (segmentSize = 10_000, sizeBudget = 1 << 20): Promise<SegmentWriter> =>
  SegmentWriter.open({ file: inLog('votes.jsonl'), segmentSize, sizeBudget, warn: (text) => warnings.push(text) });

async function write(from: number, to: number, segmentSize?: number, sizeBudget?: number): Promise<void> {
  const writer = await open(segmentSize, sizeBudget);
  for (let n = from; n < to; n++) writer.append(line(n));
  writer.close();
}

async function numbers(): Promise<{ found: unknown[]; skipped: number }> {
  const reader = await VoteLogReader.open(directory);
  const found: unknown[] = [];
  for await (const record of reader.query({})) found.push(record.n);
  const { skipped } = reader;
  await reader.close();
  return { found, skipped };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const segments = (): string[] => readdirSync(directory).filter((name) => /^votes\.\d{8}\..*\.jsonl$/.test(name));
const bytesInUse = (): number => readdirSync(directory).reduce((sum, name) => sum + statSync(inLog(name)).size, 0);

test('a full segment gets a number and the time of its beginning; each has an index', async () => {
  await write(0, 25);
  const [first, second, ...more] = segments();
  expect(more).toEqual([]);
  expect(first).toMatch(/^votes\.00000001\.\d{8}T\d{6}Z\.jsonl$/);
  expect(second).toMatch(/^votes\.00000002\./);
  expect([first, second, 'votes.jsonl'].map((name) => statSync(inLog(name)).size)).toEqual([10_000, 10_000, 5000]);
  for (const name of [first, second, 'votes.jsonl'])
    expect(statSync(inLog(name + INDEX_SUFFIX)).size).toBeGreaterThan(0);
  expect(await numbers()).toEqual({ found: range(0, 25), skipped: 0 });
});

test('a later life goes on in the active file and with the numbers, and dates segments by their first line', async () => {
  await write(0, 15);
  await write(15, 25);
  expect(segments()).toHaveLength(2);
  // Begun by the first life with record 10.
  expect(segments()[1]).toBe('votes.00000002.20260314T150936Z.jsonl');
  expect(await numbers()).toEqual({ found: range(0, 25), skipped: 0 });
});

test('the oldest go when all together, indexes included, outgrow the budget', async () => {
  const budget = 60_000;
  const writer = await open(10_000, budget);
  for (let n = 0; n < 200; n++) {
    writer.append(line(n));
    expect(bytesInUse()).toBeLessThanOrEqual(budget);
  }
  writer.close();
  const { found } = await numbers();
  expect(found.at(-1)).toBe(199);
  expect(found).toEqual(range(found[0] as number, 200));
  expect(found.length).toBeGreaterThan(30);
  // No index stays without its segment.
  for (const name of readdirSync(directory)) expect(existsSync(inLog(name.replace(INDEX_SUFFIX, '')))).toBe(true);
  // A smaller budget holds for what is found, too.
  await write(200, 201, 5000, 20_000);
  expect(bytesInUse()).toBeLessThanOrEqual(20_000);
});

test('whoever died in the middle of a line leaves it alone on its line', async () => {
  await write(0, 3);
  appendFileSync(inLog('votes.jsonl'), line(3).subarray(0, 400));
  expect(await numbers()).toEqual({ found: [0, 1, 2], skipped: 1 });
  await write(4, 6);
  expect(await numbers()).toEqual({ found: [0, 1, 2, 4, 5], skipped: 1 });
});

test('indexes that are missing or broken are made anew, one at a time', async () => {
  await write(0, 35);
  const [first, second] = segments();
  rmSync(inLog(first + INDEX_SUFFIX));
  writeFileSync(inLog(second + INDEX_SUFFIX), 'nonsense');
  const writer = await open();
  let steps = 0;
  while (await writer.catchUp()) steps++;
  writer.close();
  expect(steps).toBe(3);
  for (const name of segments()) {
    const magic = readFileSync(inLog(name + INDEX_SUFFIX)).subarray(0, 8);
    expect(magic.toString()).toBe('BTRVLIX1');
  }
  expect(warnings).toEqual([]);
});

test('a log that was deleted while it is written begins anew', async () => {
  const writer = await open();
  writer.append(line(0));
  for (const name of readdirSync(directory)) rmSync(inLog(name));
  writer.append(line(1));
  expect(warnings).toEqual([expect.stringContaining('was deleted')]);
  rmSync(directory, { recursive: true });
  expect(() => writer.append(line(2))).toThrow('ENOENT');
  mkdirSync(directory);
  writer.append(line(3));
  writer.close();
  expect(await numbers()).toEqual({ found: [3], skipped: 0 });
});

test('a segment that cannot be finished goes on, but not beyond the budget', async () => {
  writeFileSync(inLog('votes.jsonl'), line(0));
  const writer = await open(4000, 16_000);
  // In the way of the name that the segment is to have.
  mkdirSync(inLog('votes.00000001.20260314T150926Z.jsonl/x'), { recursive: true });
  for (let n = 1; n < 16; n++) writer.append(line(n));
  expect(warnings[0]).toContain('cannot begin a new segment');
  expect(() => writer.append(line(16))).toThrow();
  expect(statSync(inLog('votes.jsonl')).size).toBe(16_000);
  rmSync(inLog('votes.00000001.20260314T150926Z.jsonl'), { recursive: true });
  writer.append(line(17));
  writer.close();
  // The big one was more than the budget has room for.
  expect((await numbers()).found).toEqual([17]);
});

test('a pipe is written to and nothing else', async () => {
  const pipe = inLog('votes.jsonl');
  execFileSync('mkfifo', [pipe]);
  const copying = spawn('sh', ['-c', `exec cat ${pipe} > ${inLog('copy')}`], { stdio: 'ignore' });
  const copied = once(copying, 'exit');
  await write(0, 20, 4000, 16_000);
  await copied;
  expect(statSync(inLog('copy')).size).toBe(20_000);
  expect(readdirSync(directory).sort()).toEqual(['copy', 'votes.jsonl']);
});

test.skipIf(process.getuid!() !== 0)('a full disk: what was lost is lost, what comes later is whole', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
  try {
    const writer = await open(1 << 20, 1 << 30);
    const ballast = inLog('ballast');
    writeFileSync(ballast, Buffer.alloc(50_000));
    let written = 0;
    expect(() => {
      for (; written < 100; written++) writer.append(line(written));
    }).toThrow('ENOSPC');
    expect(() => writer.append(line(100))).toThrow('ENOSPC');
    rmSync(ballast);
    writer.append(line(101));
    writer.close();
    const { found, skipped } = await numbers();
    expect(found).toEqual([...range(0, written), 101]);
    expect(skipped).toBeLessThanOrEqual(1);
  } finally {
    execFileSync('umount', [directory]);
  }
});
