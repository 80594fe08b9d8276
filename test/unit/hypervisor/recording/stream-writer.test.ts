// Files of a recording: when one ends and the next begins, what they are called, which give way, and that what a killed writer has left
// can be read.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WriterSetup } from '../../../../hypervisor/recording/protocol.js';
import { SegmentStore } from '../../../../hypervisor/recording/segment-store.js';
import { StreamWriter } from '../../../../hypervisor/recording/stream-writer.js';
import { readTrace } from '../../../../traces/reader.js';
import { encodeMessageEt } from '../../../../wire/mrt/encode.js';

const NOON = Date.UTC(2026, 2, 14, 12, 0, 0);
const MINUTE = 60_000;
let directory: string;

beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'recording-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function open(more: Partial<WriterSetup> = {}): { store: SegmentStore; writer: StreamWriter; other: StreamWriter } {
  const streams = ['received', 'replicas/frr'];
  const limits = { rotateAfter: 15 * MINUTE, segmentSize: 1e6, sizeBudget: 1e9, compress: true };
  const setup = { directory, streams, ...limits, ...more };
  const store = new SegmentStore(directory, setup.sizeBudget, streams);
  const [writer, other] = streams.map((name) => new StreamWriter(name, setup, store));
  return { store, writer, other };
}

/** The oldest first; `.2` is behind none. */
const names = (stream = 'received'): string[] =>
  readdirSync(path.join(directory, stream)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
const read = (name: string): Buffer => readFileSync(path.join(directory, 'received', name));
const some = (size: number): Buffer => randomBytes(size);

describe('one stream', () => {
  test('a file for each rotation window, named after the minute of its first record; windows follow the wall clock', () => {
    const { writer } = open();
    writer.append(Buffer.from('a'), NOON + 14 * MINUTE);
    writer.append(Buffer.from('b'), NOON + 15 * MINUTE - 1);
    expect(writer.file).toBe('received/updates.20260314.1214.gz');
    writer.append(Buffer.from('c'), NOON + 15 * MINUTE);
    writer.close();
    expect(names()).toEqual(['updates.20260314.1214.gz', 'updates.20260314.1215.gz']);
    expect(names().map((name) => gunzipSync(read(name)).toString())).toEqual(['ab', 'c']);
  });

  test('a file that is full is followed by another of the same minute', () => {
    const { writer } = open({ segmentSize: 100, compress: false });
    for (let i = 0; i < 3; i++) writer.append(some(100), NOON);
    expect(names()).toEqual(['updates.20260314.1200', 'updates.20260314.1200.2', 'updates.20260314.1200.3']);
    expect(names().map((name) => read(name).length)).toEqual([100, 100, 100]);
  });

  test('what an earlier run has written is not touched, and is counted', () => {
    const first = open();
    first.writer.append(Buffer.from('first'), NOON);
    first.writer.close();
    const second = open();
    second.writer.append(Buffer.from('second'), NOON);
    expect(names().map((name) => gunzipSync(read(name)).toString())).toEqual(['first', 'second']);
    const bytes = names().reduce((sum, name) => sum + read(name).length, 0);
    expect([second.store.count, second.store.bytes]).toEqual([2, bytes]);
  });

  test('files end early when open ones would take more than half of the budget', () => {
    const { writer } = open({ sizeBudget: 4000, compress: false });
    for (let i = 0; i < 4; i++) writer.append(some(600), NOON);
    expect(names().map((name) => read(name).length)).toEqual([1200, 1200]);
  });

  test('a writer that was killed: records of all whole batches can be read, and the reader says that more is missing', async () => {
    const ends = {
      peerAs: 1,
      localAs: 2,
      peerAddress: Uint8Array.of(10, 0, 0, 1),
      localAddress: Uint8Array.of(10, 0, 0, 2),
    };
    const record = encodeMessageEt(NOON, ends, Buffer.alloc(19, 0xff));
    const { writer } = open();
    for (let i = 0; i < 2; i++) writer.append(Buffer.concat([record, record]), NOON);
    writer.close();
    const file = path.join(directory, 'received', names()[0]);
    truncateSync(file, statSync(file).size - 10);
    let found = 0;
    await expect(readTrace(file, () => void found++)).rejects.toMatchObject({ cut: true });
    expect(found).toBeGreaterThanOrEqual(2);
  });
});

describe('the directory', () => {
  test('the oldest files of all streams give way, those being written do not', () => {
    const { store, writer, other } = open({ sizeBudget: 1000, segmentSize: 1, compress: false });
    other.append(some(240), NOON);
    for (let minute = 1; minute <= 3; minute++) writer.append(some(240), NOON + minute * MINUTE);
    expect([store.bytes, store.removed]).toEqual([960, 0]);
    writer.append(some(240), NOON + 4 * MINUTE);
    expect([store.bytes, store.removed]).toEqual([960, 1]);
    // The oldest of all is being written still.
    expect(names('replicas/frr')).toEqual(['updates.20260314.1200']);
    expect(names()).toEqual([2, 3, 4].map((minute) => `updates.20260314.120${minute}`));
  });

  test('with a smaller budget than before old files give way at once; other files are left alone', () => {
    const { writer } = open({ segmentSize: 1, compress: false });
    for (let minute = 0; minute < 3; minute++) writer.append(some(100), NOON + minute * MINUTE);
    writer.close();
    const notes = path.join(directory, 'received', 'notes.txt');
    writeFileSync(notes, 'mine');
    const { store } = open({ sizeBudget: 100 });
    expect([store.count, store.bytes, store.removed]).toEqual([1, 100, 2]);
    expect(names()).toEqual(['notes.txt', 'updates.20260314.1202']);
  });

  test('a directory that somebody removed is made again', () => {
    const { writer } = open();
    writer.append(Buffer.from('a'), NOON);
    rmSync(path.join(directory, 'received'), { recursive: true });
    writer.append(Buffer.from('b'), NOON + 15 * MINUTE);
    expect(names()).toEqual(['updates.20260314.1215.gz']);
  });
});
