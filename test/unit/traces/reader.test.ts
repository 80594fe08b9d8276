import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace } from '../../../traces/reader.js';
import { TraceError } from '../../../traces/source.js';
import { syntheticTable } from '../../../traces/synthetic.js';

let folder = '';
beforeAll(() => (folder = mkdtempSync(path.join(tmpdir(), 'btr-reader-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PLAIN = Buffer.concat([...syntheticTable({ prefixes: 20_000, seed: 3 })]);

function file(name: string, contents: Uint8Array): string {
  const full = path.join(folder, name);
  writeFileSync(full, contents);
  return full;
}

/** Records that came out, and the error behind them. */
async function read(name: string, maxRecord?: number): Promise<{ records: number; error?: TraceError }> {
  let records = 0;
  try {
    await readTrace(name, () => void records++, { maxRecord });
    return { records };
  } catch (error) {
    expect(error).toBeInstanceOf(TraceError);
    return { records, error: error as TraceError };
  }
}

describe('readTrace', () => {
  it('reads plain and gzip files, also of several gzip members', async () => {
    expect(await read(file('plain', PLAIN))).toEqual({ records: 20_001 });
    expect(await read(file('one.gz', zlib.gzipSync(PLAIN)))).toEqual({ records: 20_001 });
    const half = zlib.gzipSync(PLAIN.subarray(0, 100_000));
    const rest = zlib.gzipSync(PLAIN.subarray(100_000));
    expect(await read(file('two.gz', Buffer.concat([half, rest])))).toEqual({ records: 20_001 });
  });

  it('delivers what is whole of a truncated file, then says where it ends', async () => {
    const cut = await read(file('cut', PLAIN.subarray(0, PLAIN.length - 5)));
    expect(cut.records).toBe(20_000);
    expect(cut.error?.message).toMatch(/cut: the last record, at byte \d+ \(uncompressed\), is cut short/);
    const gzip = zlib.gzipSync(PLAIN);
    const cutGzip = await read(file('cut.gz', gzip.subarray(0, gzip.length >> 1)));
    expect(cutGzip.records).toBeGreaterThan(5000);
    expect(cutGzip.error?.message).toMatch(/cut\.gz: damaged gzip data after byte \d+: unexpected end of file/);
  });

  it('delivers what comes before damage', async () => {
    const gzip = zlib.gzipSync(PLAIN);
    gzip.fill(0xff, gzip.length >> 1, (gzip.length >> 1) + 50);
    const damaged = await read(file('damaged.gz', gzip));
    expect(damaged.records).toBeGreaterThan(5000);
    // Deflate decodes some nonsense too: then it is the records that give it away.
    expect(damaged.error?.message).toMatch(/damaged gzip data|at byte \d+ .uncompressed./);
  });

  it('names files that are missing, no files, or not traces', async () => {
    expect((await read(path.join(folder, 'none'))).error?.message).toMatch(/none: cannot be opened \(ENOENT\)/);
    expect((await read(folder)).error?.message).toContain('is not a file');
    const garbage = await read(file('garbage', Buffer.alloc(100, 0xee)));
    expect(garbage.error?.message).toMatch(/at byte 0 .*longer than the limit/);
    expect(await read(file('empty', new Uint8Array(0)))).toEqual({ records: 0 });
  });

  it('refuses records beyond the limit', async () => {
    expect((await read(file('limit', PLAIN), 60)).error?.message).toContain('limit of 60');
  });

  it('waits for the visitor and stops when told', async () => {
    let inside = 0;
    let records = 0;
    await readTrace(file('slow', PLAIN.subarray(0, 20_000)), async () => {
      expect(inside++).toBe(0);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      return ++records === 20 ? 'stop' : undefined;
    });
    expect(records).toBe(20);
  });
});
