// Reading a vote log: what is found, in which order, and what broken lines and broken files do.
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VoteLogReader } from '../../../votelog/reader.js';
import type { LogQuery, LogRecord } from '../../../votelog/types.js';

let directory: string;
const inLog = (name: string): string => path.join(directory, name);

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'btr-reader-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let clock = Date.parse('2026-03-14T15:09:26.000Z');
function line(fields: Record<string, unknown>): string {
  clock += 1000;
  return `${JSON.stringify({ v: 1, t: new Date(clock).toISOString(), m: clock % 1e9, kind: 'dissent-begins', ...fields })}\n`;
}

async function found(place: string, query: LogQuery): Promise<unknown[]> {
  const reader = await VoteLogReader.open(place);
  const ns: unknown[] = [];
  for await (const record of reader.query(query)) ns.push(record.n);
  await reader.close();
  return ns;
}

test('segments are read in their order, the active file last, and the other way round', async () => {
  writeFileSync(inLog('votes.00000002.20260314T160000Z.jsonl'), line({ n: 3 }) + line({ n: 4 }));
  writeFileSync(inLog('votes.00000001.20260314T150000Z.jsonl'), line({ n: 1 }) + line({ n: 2 }));
  writeFileSync(inLog('votes.jsonl'), line({ n: 5 }));
  writeFileSync(inLog('other.txt'), 'nothing\n');
  for (const place of [directory, inLog('votes.jsonl')]) {
    expect(await found(place, {})).toEqual([1, 2, 3, 4, 5]);
    expect(await found(place, { newestFirst: true, limit: 3 })).toEqual([5, 4, 3]);
  }
  expect(await found(inLog('votes.00000001.20260314T150000Z.jsonl'), {})).toEqual([1, 2]);
});

test('a prefix: exactly, what lies in it, what it lies in; spelled out or in a group', async () => {
  const nlri = { 'ipv4-unicast': '180a0102' + '100a01', 'ipv6-unicast': '2020010db8' };
  writeFileSync(
    inLog('votes.jsonl'),
    line({ n: 1, prefix: '10.1.2.0/24' }) +
      line({ n: 2, prefix: '10.1.0.0/16' }) +
      line({ n: 3, prefix: '10.1.2.128/25' }) +
      line({ n: 4, prefixes: 3, nlri }) +
      line({ n: 5, prefix: '0.0.0.0/0' }) +
      line({ n: 6, prefix: '10.1.3.0/24' }) +
      line({ n: 7, prefix: '::/0' }) +
      line({ n: 8, kind: 'fault-begins', samples: ['10.1.2.0/24'] }),
  );
  expect(await found(directory, { prefix: '10.1.2.0/24' })).toEqual([1, 4, 8]);
  expect(await found(directory, { prefix: '10.1.2.0/24', match: 'covered' })).toEqual([1, 3, 4, 8]);
  expect(await found(directory, { prefix: '10.1.2.0/24', match: 'covering' })).toEqual([1, 2, 4, 5, 8]);
  expect(await found(directory, { prefix: '2001:db8::/32' })).toEqual([4]);
  expect(await found(directory, { prefix: '2001:db8::/32', match: 'covering' })).toEqual([4, 7]);
  await expect(found(directory, { prefix: 'ten' })).rejects.toThrow('not a prefix: ten');
});

test('torn, broken and endless lines are passed over and counted', async () => {
  writeFileSync(
    inLog('votes.jsonl'),
    line({ n: 1 }) +
      '{"v":1,"t":"2026-0\n' +
      'null\n[1]\n{"kind":"verdict"}\n\n' +
      line({ n: 2 }) +
      '{"v":1,"kind":"di',
  );
  const reader = await VoteLogReader.open(directory);
  const ns: unknown[] = [];
  for await (const record of reader.query({})) ns.push(record.n);
  expect(ns).toEqual([1, 2]);
  expect(reader.skipped).toBe(5);
  writeFileSync(inLog('votes.jsonl'), `${line({ n: 1 })}${'x'.repeat(9 << 20)}\n${line({ n: 2 })}`);
  expect(await found(directory, {})).toEqual([1, 2]);
  expect(await found(directory, { newestFirst: true })).toEqual([2, 1]);
});

test('a log that grows is followed over rotations', async () => {
  const active = inLog('votes.jsonl');
  writeFileSync(active, line({ n: 1 }));
  const reader = await VoteLogReader.open(directory);
  const stop = new AbortController();
  const followed: LogRecord[] = [];
  const records = reader.follow({}, stop.signal);
  const next = records.next();
  const third = line({ n: 3 });
  appendFileSync(active, line({ n: 2 }) + third.slice(0, 20));
  followed.push((await next).value as LogRecord);
  appendFileSync(active, third.slice(20));
  renameSync(active, inLog('votes.00000001.20260314T150000Z.jsonl'));
  writeFileSync(inLog('votes.00000002.20260314T160000Z.jsonl'), line({ n: 4 }));
  writeFileSync(active, line({ n: 5 }));
  while (followed.length < 4) followed.push((await records.next()).value as LogRecord);
  expect(followed.map(({ n }) => n)).toEqual([2, 3, 4, 5]);
  stop.abort();
  expect((await records.next()).done).toBe(true);
});

test('what there is to say when there is nothing to read', async () => {
  await expect(VoteLogReader.open(inLog('nothing'))).rejects.toThrow('there is no vote log at');
  await expect(VoteLogReader.open(directory)).rejects.toThrow('there is no vote log in');
  writeFileSync(inLog('a.jsonl'), '');
  writeFileSync(inLog('b.jsonl'), '');
  await expect(VoteLogReader.open(directory)).rejects.toThrow('name one of');
  writeFileSync(inLog('votes.jsonl'), line({ n: 1 }));
  expect(await found(directory, {})).toEqual([1]);
});
