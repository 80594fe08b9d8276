// The index against reading everything: for random logs and random questions both must give the same records, whatever happened to the
// side files.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Matcher } from '../../../votelog/matcher.js';
import { parseRecord } from '../../../votelog/record-text.js';
import { VoteLogReader } from '../../../votelog/reader.js';
import { SegmentWriter } from '../../../votelog/segment-writer.js';
import { INDEX_SUFFIX } from '../../../votelog/segments.js';
import { Summary } from '../../../votelog/summary.js';
import type { LogQuery, LogRecord, SummaryKey } from '../../../votelog/types.js';

const root = mkdtempSync(path.join(os.tmpdir(), 'btr-index-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let logs = 0;

const v4 = fc
  .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 8, 14, 15, 16, 23, 24, 32))
  .map(([a, b, bits]) => {
    const word = ((10 << 24) | (a << 16) | (b << 8) | (bits === 32 ? 1 : 0)) & (bits === 0 ? 0 : -1 << (32 - bits));
    return `${(word >>> 24) & 255}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}/${bits}`;
  });
const v6 = fc.constantFrom(
  '2001:db8::/32',
  '2001:db8:1::/48',
  '2001:db8:1:2::/64',
  '2001:db8::1/128',
  '2a00::/12',
  '::/0',
);
const prefix = fc.oneof({ weight: 3, arbitrary: v4 }, { weight: 1, arbitrary: v6 });
const as = fc.constantFrom(0, 1, 23456, 64500, 64501, 4_200_000_000);
const replica = fc.constantFrom('frr', 'bird', 'openbgpd');
const neighbor = fc.constantFrom('10.0.0.1', '10.0.0.2', '2001:db8::9');
const kind = fc.constantFrom('verdict', 'dissent-begins', 'dissent-ends', 'session', 'fib-refused', 'decision');
const route = fc.option(as.map((number) => ({ ORIGIN: 'IGP', AS_PATH: `65000 {${number},7} 65001` })));
const vote = fc.record({ replica, counts: fc.boolean(), agrees: fc.boolean(), attributes: route });
const time = fc.integer({ min: 0, max: 3_600_000 }).map((ms) => new Date(1_773_500_000_000 + ms).toISOString());
const nlri = fc.record(
  {
    'ipv4-unicast': fc.constantFrom('180a0001', '100a01180a0203', '00', 'zz', '21ffff'),
    'ipv6-unicast': fc.constantFrom('2020010db8', '3020010db80001', ''),
  },
  { requiredKeys: [] },
);
const record = fc.record(
  {
    t: time,
    kind,
    neighbor,
    replica,
    prefix: fc.oneof(prefix, fc.string()),
    verdict: route,
    vote: route,
    votes: fc.array(vote, { maxLength: 3 }),
    nlri,
    prefixes: fc.oneof(fc.nat({ max: 100 }), fc.array(prefix, { maxLength: 2 })),
    samples: fc.array(prefix, { maxLength: 3 }),
    example: fc.record({ prefix, verdict: route, votes: fc.array(vote, { maxLength: 2 }) }),
    raw: fc.constantFrom('40020a02020000fbf40000fbf5', '4002', '', 'hello'),
    fib: fc.boolean(),
    reason: fc.string({ unit: 'binary' }),
  },
  { requiredKeys: ['t', 'kind'] },
);
const broken = fc.constantFrom(
  '',
  '{',
  'null',
  '{"v":1,"t":"2026',
  '{"kind":"verdict","t":"when"}',
  '\u0000',
  '[]',
  '"\ud800"',
);
const line = fc.oneof(
  { weight: 9, arbitrary: record.map((fields) => JSON.stringify({ v: 1, ...fields })) },
  { weight: 1, arbitrary: broken },
);
const query: fc.Arbitrary<LogQuery> = fc.record(
  {
    prefix,
    match: fc.constantFrom('exact', 'covered', 'covering'),
    replica: fc.oneof(replica, fc.constant('nobody')),
    neighbor: fc.oneof(neighbor, fc.constantFrom('fib', '10.9.9.9')),
    as,
    kinds: fc.array(fc.oneof(kind, fc.constant('alarm')), { maxLength: 2 }),
    from: fc.integer({ min: 1_773_500_000_000, max: 1_773_503_600_000 }),
    to: fc.integer({ min: 1_773_500_000_000, max: 1_773_503_600_000 }),
    newestFirst: fc.boolean(),
    limit: fc.integer({ min: 1, max: 5 }),
  },
  { requiredKeys: [] },
);

async function write(
  lines: readonly string[],
  segmentSize: number,
  warn = (text: string): void => void text,
): Promise<string> {
  const directory = path.join(root, String(logs++));
  const file = path.join(directory, 'votes.jsonl');
  mkdirSync(directory);
  const writer = await SegmentWriter.open({ file, segmentSize, sizeBudget: 1 << 30, warn });
  for (const text of lines) writer.append(Buffer.from(`${text}\n`));
  writer.close();
  return directory;
}

/** What reading every line gives. */
function scanned(lines: readonly string[], { limit = Infinity, newestFirst, ...filter }: LogQuery): LogRecord[] {
  const matcher = new Matcher(filter);
  const records = lines
    .map((text) => parseRecord(Buffer.from(text).toString()))
    .filter((found): found is LogRecord => found !== undefined && matcher.matches(found));
  return (newestFirst ? records.reverse() : records).slice(0, limit);
}

async function asked(reader: VoteLogReader, what: LogQuery): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const found of reader.query(what)) records.push(found);
  return records;
}

const KEYS: readonly SummaryKey[] = ['replica', 'prefix', 'neighbor', 'attribute', 'hour', 'kind'];

/** Both the records and every way to count them. */
async function expectSame(reader: VoteLogReader, lines: readonly string[], what: LogQuery): Promise<void> {
  expect(await asked(reader, what)).toEqual(scanned(lines, what));
  const filter = { ...what };
  delete filter.limit;
  delete filter.newestFirst;
  for (const by of KEYS) {
    const summary = new Summary(by);
    for (const record of scanned(lines, filter)) summary.add(record);
    expect(await reader.summary(filter, by)).toEqual(summary.result());
  }
}

const indexesIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(INDEX_SUFFIX))
    .map((name) => path.join(directory, name));

const cases = fc.record({
  lines: fc.array(line, { minLength: 1, maxLength: 60 }),
  queries: fc.array(query, { minLength: 1, maxLength: 8 }),
  segmentSize: fc.constantFrom(500, 4000, 1 << 20),
});

test('the index finds what reading everything finds', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ lines, queries, segmentSize }) => {
      const directory = await write(lines, segmentSize);
      expect(indexesIn(directory).some((file) => statSync(file).size > 0)).toBe(true);
      const reader = await VoteLogReader.open(directory);
      for (const what of queries) await expectSame(reader, lines, what);
      await reader.close();
    }),
    { numRuns: 50 },
  );
}, 60_000);

test('whatever is done to side files, answers stay right', async () => {
  const harm = fc.record({ which: fc.nat(), at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }), cut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      cases,
      fc.array(harm, { minLength: 1, maxLength: 4 }),
      async ({ lines, queries, segmentSize }, harms) => {
        const directory = await write(lines, segmentSize);
        const files = indexesIn(directory);
        for (const { which, at, byte, cut } of harms) {
          const file = files[which % files.length];
          const bytes = readFileSync(file);
          if (bytes.length === 0) continue;
          if (cut) truncateSync(file, at % bytes.length);
          else {
            bytes[at % bytes.length] ^= byte;
            writeFileSync(file, bytes);
          }
        }
        const reader = await VoteLogReader.open(directory);
        for (const what of queries) await expectSame(reader, lines, what);
        // The writer puts them right.
        const file = path.join(directory, 'votes.jsonl');
        const writer = await SegmentWriter.open({
          file,
          segmentSize,
          sizeBudget: 1 << 30,
          warn: (text) => expect(text).toBe(''),
        });
        while (await writer.catchUp());
        writer.close();
        for (const what of queries) await expectSame(reader, lines, what);
        expect(existsSync(file + INDEX_SUFFIX)).toBe(true);
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);
