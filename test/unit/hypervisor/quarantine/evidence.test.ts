// Messages on disk: what is written can be read back with the project's own MRT reader, and the directory stays within its bounds.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Evidence } from '../../../../hypervisor/quarantine/evidence.js';
import type { Logger } from '../../../../hypervisor/logging.js';
import { TraceDecoder } from '../../../../traces/decoder.js';
import { readTrace } from '../../../../traces/reader.js';

const ends = {
  peerAs: 65001,
  localAs: 65000,
  peerAddress: Uint8Array.of(10, 0, 1, 2),
  localAddress: Uint8Array.of(10, 0, 1, 1),
};
const message = (i: number): Uint8Array => Uint8Array.from([...new Array<number>(16).fill(255), 0, 23, 2, 0, 0, 0, i]);
const death = (replica = 'frr') => ({
  replica,
  cause: 'crash',
  reason: 'killed by SIGSEGV',
  at: '2026-01-02T03:04:05.678Z',
});

let directory: string;
const warnings = vi.fn();
const log = { warn: warnings, error: warnings } as unknown as Logger;

beforeEach(() => {
  directory = path.join(mkdtempSync(path.join(os.tmpdir(), 'btr-evidence-')), 'deeper', 'quarantine');
  warnings.mockClear();
});
afterEach(() => rmSync(path.dirname(path.dirname(directory)), { recursive: true, force: true }));

const files = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.mrt'));
const index = (): Record<string, unknown>[] =>
  readFileSync(path.join(directory, 'index.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a death is a file of BGP4MP_ET messages and a line in the index', async () => {
  const evidence = new Evidence(directory, log);
  const time = Date.parse('2026-01-02T03:04:05.250Z');
  const file = evidence.keep(
    death(),
    [1, 2, 3].map((i) => ({ id: i, ends, time: time + i, bytes: message(i), prefixes: i })),
  );
  evidence.note('convicted', '2026-01-02T03:05:00.000Z', { ids: [2] });
  await evidence.flush();
  expect(path.basename(file)).toBe('frr-20260102T030405678Z-1.mrt');
  const seen: Uint8Array[] = [];
  const decoder = new TraceDecoder({
    wants: ({ as }) => as === 65001,
    route: () => undefined,
    message: (_, buffer, start, end, as4) => void (as4 && seen.push(buffer.slice(start, end))),
  });
  await readTrace(file, (record) => void decoder.visit(record));
  expect(seen).toEqual([message(1), message(2), message(3)]);
  expect(index()).toEqual([
    expect.objectContaining({
      event: 'quarantined',
      reason: 'killed by SIGSEGV',
      file: path.basename(file),
      messages: [1, 2, 3].map((i) => ({ id: i, length: 23, prefixes: i })),
    }),
    { event: 'convicted', t: '2026-01-02T03:05:00.000Z', ids: [2] },
  ]);
  expect(warnings).not.toHaveBeenCalled();
});

test('the oldest files give way, by number and by bytes, whoever wrote them', async () => {
  const one = { id: 1, ends, time: 0, bytes: message(1), prefixes: 1 };
  const first = new Evidence(directory, log, { maxFiles: 3 });
  for (let i = 0; i < 5; i++) first.keep(death(), [one]);
  await first.flush();
  expect(files().sort()).toEqual([3, 4, 5].map((i) => `frr-20260102T030405678Z-${i}.mrt`));
  const second = new Evidence(directory, log, { maxBytes: 150 });
  second.keep(death('bird'), [one]);
  await second.flush();
  expect(files()).toHaveLength(2);
  expect(files()).toContain('bird-20260102T030405678Z-1.mrt');
});

test('the index begins anew when it is long, and one older is kept', async () => {
  const evidence = new Evidence(directory, log, { maxIndex: 500 });
  for (let i = 0; i < 16; i++) evidence.note('released', 't', { ids: [i] });
  await evidence.flush();
  expect(readdirSync(directory).sort()).toEqual(['index.jsonl', 'index.jsonl.1']);
  expect(index().length).toBeLessThan(12);
});

test('a directory that cannot be made costs an error in the log and nothing else', async () => {
  const evidence = new Evidence('/proc/nowhere/quarantine', log);
  evidence.keep(death(), []);
  await evidence.flush();
  expect(warnings).toHaveBeenCalledOnce();
});

test('a disk that does not keep up is not waited for', async () => {
  const evidence = new Evidence(directory, log, { maxWaiting: 2 });
  for (let i = 0; i < 4; i++) evidence.note('released', 't', { ids: [i] });
  await evidence.flush();
  expect(index()).toHaveLength(2);
  expect(warnings).toHaveBeenCalledTimes(2);
});
