// Records on the main thread: which of them travel together, and what happens when nothing more may be on its way.
import { describe, expect, test } from 'vitest';
import { BATCH_BYTES, RecordStream, type Batch } from '../../../../hypervisor/recording/record-stream.js';
import {
  compareSegments,
  formatSegmentName,
  parseSegmentName,
} from '../../../../hypervisor/recording/segment-names.js';
import { decodeBgp4mp, Bgp4mpView } from '../../../../wire/mrt/bgp4mp.js';
import { bgp4mpFields } from '../../../../wire/mrt/encode.js';
import { Bgp4mpSubtype } from '../../../../wire/mrt/types.js';

const NOON = Date.UTC(2026, 2, 14, 12, 0, 0);
const ENDS = {
  peerAs: 65_001,
  localAs: 65_000,
  peerAddress: Uint8Array.of(10, 0, 1, 2),
  localAddress: Uint8Array.of(10, 0, 1, 1),
};
const FIELDS = bgp4mpFields(ENDS);
const AS4 = Bgp4mpSubtype.MESSAGE_AS4;

function stream(buffers = Infinity): { stream: RecordStream; posted: Batch[] } {
  const posted: Batch[] = [];
  const parts = {
    rotateAfter: 60_000,
    buffer: () => (buffers-- > 0 ? new Uint8Array(BATCH_BYTES) : undefined),
    post: (_: number, batch: Batch) => void posted.push(batch),
  };
  return { stream: new RecordStream(0, 'received', parts), posted };
}

describe('a stream of records', () => {
  test('is MRT, with microseconds, around the bytes that were given', () => {
    const { stream: of, posted } = stream();
    const message = Uint8Array.from({ length: 40 }, (_, i) => i);
    of.append(NOON + 0.123, AS4, FIELDS, message, 10, 30);
    of.flush();
    const [{ bytes, length, records, time }] = posted;
    const record = Buffer.from(bytes.subarray(0, length));
    expect([records, time]).toEqual([1, NOON + 0.123]);
    expect([record.readUInt32BE(0), record.readUInt16BE(4), record.readUInt32BE(8), record.readUInt32BE(12)]).toEqual([
      NOON / 1000,
      17,
      length - 12,
      123,
    ]);
    const session = new Bgp4mpView();
    expect(decodeBgp4mp(bytes, 16, length, AS4, session)).toBeUndefined();
    expect([session.peerAs, session.localAs, session.as4]).toEqual([65_001, 65_000, true]);
    expect(bytes.slice(session.messageStart, session.messageEnd)).toEqual(message.slice(10, 30));
  });

  test('is cut where a batch is full and where a rotation window ends', () => {
    const { stream: of, posted } = stream();
    const big = new Uint8Array(4096);
    const many = Math.floor(BATCH_BYTES / (16 + FIELDS.length + big.length));
    for (let i = 0; i <= many; i++) of.append(NOON, AS4, FIELDS, big, 0, big.length);
    of.append(NOON + 59_999, AS4, FIELDS, big, 0, 19);
    of.append(NOON + 60_000, AS4, FIELDS, big, 0, 19);
    of.flush();
    of.flush();
    expect(posted.map(({ records }) => records)).toEqual([many, 2, 1]);
    expect(posted.map(({ time }) => time)).toEqual([NOON, NOON, NOON + 60_000]);
  });

  test('drops and counts records while no buffer is to be had', () => {
    const { stream: of, posted } = stream(0);
    for (let i = 0; i < 3; i++) of.append(NOON, AS4, FIELDS, new Uint8Array(19), 0, 19);
    of.flush();
    expect([posted.length, of.status.dropped]).toEqual([0, 3]);
  });
});

test('names of files: those of the field, and back; in the order of time and number', () => {
  const all = [
    { name: 'updates.20260314.1200.gz', start: NOON, number: 1 },
    { name: 'updates.20260314.1200.2.gz', start: NOON, number: 2 },
    { name: 'updates.20260314.1200.10.gz', start: NOON, number: 10 },
    { name: 'updates.20260314.1201.gz', start: NOON + 60_000, number: 1 },
  ];
  for (const { name, ...segment } of all) {
    expect(parseSegmentName(name)).toEqual(segment);
    expect(formatSegmentName(segment, true)).toBe(name);
  }
  expect([...all].reverse().sort(compareSegments)).toEqual(all);
  for (const name of ['rib.20260314.1200.gz', 'updates.20260314.1200.gz.part', 'votes.jsonl']) {
    expect(parseSegmentName(name)).toBeUndefined();
  }
});
