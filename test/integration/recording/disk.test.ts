// A recording whose disk is full, or too slow: messages are dropped, counted and complained of, nobody waits, and it goes on when there is
// room again. On a small file system of its own.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../cli/lab/wait.js';
import type { RouterConfig } from '../../../configs/model.js';
import type { Logger } from '../../../hypervisor/logging.js';
import { Recorder } from '../../../hypervisor/recording/recorder.js';
import type { Negotiated } from '../../../session/types.js';
import { encodeMessage, MessageType } from '../../../wire/bgp/message.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: a small file system can be mounted by root only');
const MESSAGE = 4000;

describe.skipIf(!isRoot)('a recording', () => {
  let disk: string;
  let lines: string[];
  let recorder: Recorder | undefined;

  const log = {
    warn: (text: string) => void lines.push(text),
    error: (text: string) => void lines.push(text),
  } as unknown as Logger;

  function record(compress = true): Recorder {
    const limits = { rotateAfter: 900_000, segmentSize: 2 ** 28, sizeBudget: 2 ** 32, compress };
    const record = { enabled: true, directory: path.join(disk, 'r'), received: true, replicas: true, advertised: true };
    const config = {
      router: { as: 65_000 },
      neighbors: [{ peerAs: 65_001, address: '10.0.1.2', localAddress: '10.0.1.1' }],
      replicas: [],
      record: { ...record, ...limits },
    } as unknown as RouterConfig;
    recorder = new Recorder(config, log);
    recorder.neighborUp(0, { as4: true } as Negotiated, 0);
    return recorder;
  }

  function receive(count: number, random: (size: number) => Uint8Array): void {
    for (let i = 0; i < count; i++) {
      const message = encodeMessage(MessageType.UPDATE, random(MESSAGE - 19));
      recorder!.received(0, message, 0, message.length, i);
    }
  }

  beforeEach(() => {
    lines = [];
    disk = mkdtempSync(path.join(os.tmpdir(), 'small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', disk]);
  });
  afterEach(async () => {
    await recorder?.close();
    recorder = undefined;
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  test('on a full disk drops, counts and says so, and goes on when there is room', async () => {
    const other = path.join(disk, 'other');
    writeFileSync(other, Buffer.alloc(3 * 2 ** 20));
    record();
    // No compression makes them smaller.
    receive(500, randomBytes);
    await recorder!.flush();
    const full = recorder!.stats();
    expect(full.dropped).toBeGreaterThan(200);
    // What was written is whole, and what is counted is what was written.
    const [file] = readdirSync(path.join(disk, 'r', 'received'));
    const kept = (): number => gunzipSync(readFileSync(path.join(disk, 'r', 'received', file))).length;
    const { bytes, records } = full.streams[0];
    expect([kept(), records + full.streams[0].dropped]).toEqual([bytes, 501]);
    await waitFor(() => lines.length > 0, { what: 'the log says so', deadlineMs: 5000 });
    expect(lines[0]).toMatch(/^recording: \d+ messages were not recorded: ENOSPC/);

    rmSync(other);
    receive(100, randomBytes);
    await recorder!.flush();
    const after = recorder!.stats();
    expect(after).toMatchObject({ error: null, dropped: full.dropped, records: full.records + 100 });
    expect(kept()).toBe(after.streams[0].bytes);
    expect(lines).toHaveLength(1);
  });

  test('under overload drops what finds no buffer, at once, and counts it', async () => {
    record(false);
    // The recording thread gets no turn to say that it is done: as if the disk had stopped.
    const { maxQueued } = recorder!.stats();
    const many = Math.ceil((1.2 * maxQueued) / MESSAGE);
    receive(many, (size) => new Uint8Array(size));
    const { queued, dropped } = recorder!.stats();
    expect(queued).toBe(maxQueued);
    expect(dropped).toBeGreaterThan(many / 10);
    await recorder!.flush();
    const { records, dropped: lost } = recorder!.stats();
    expect(records + lost).toBe(many + 2);
    expect(recorder!.stats().queued).toBe(0);
  });

  test('whose directory is none is refused at the start', () => {
    writeFileSync(path.join(disk, 'r'), 'a file');
    expect(() => record()).toThrow();
  });
});
