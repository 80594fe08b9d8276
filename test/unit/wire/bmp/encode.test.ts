// BMP messages, byte by byte as RFC 7854, 8671 and 9069 have them, read with offsets that are written out here.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  peerHeader,
  writeInitiation,
  writePeerDown,
  writePeerUp,
  writeRouteMonitoring,
  writeStatistics,
  writeTermination,
} from '../../../../wire/bmp/encode.js';
import { BmpPeerFlag, BmpPeerType, BmpStatistic } from '../../../../wire/bmp/types.js';
import { ByteWriter } from '../../../../wire/byte-writer.js';

/** What `write` appends, behind bytes that are there already. */
function written(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter(8);
  out.u8(0xee);
  write(out);
  expect(out.buffer[0]).toBe(0xee);
  return Buffer.from(out.buffer.subarray(1, out.length));
}

/** Version, length and type of exactly one message; returns what is behind them. */
function bodyOf(message: Buffer, type: number): Buffer {
  expect([message[0], message.readUInt32BE(1), message[5]]).toEqual([3, message.length, type]);
  return message.subarray(6);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const HEADER = peerHeader({ address: Uint8Array.of(10, 0, 1, 2), as: 65_001, id: Uint8Array.of(1, 2, 3, 4) });
const bytes = fc.uint8Array({ maxLength: 300 });

describe('per-peer header', () => {
  test('of an IPv4 neighbour', () => {
    expect(Buffer.from(HEADER)).toEqual(
      hex(`00 00 0000000000000000 000000000000000000000000 0a000102 0000fde9 01020304 ${'00'.repeat(8)}`),
    );
  });

  test('of an IPv6 neighbour without four-byte AS numbers, Adj-RIB-Out post-policy: V, L, A and O', () => {
    const address = hex('fd000002000000000000000000000002');
    const { LEGACY_AS_PATH, ADJ_RIB_OUT, POST_POLICY } = BmpPeerFlag;
    const flags = LEGACY_AS_PATH | ADJ_RIB_OUT | POST_POLICY;
    const header = Buffer.from(peerHeader({ address, as: 2 ** 32 - 1, id: Uint8Array.of(1, 2, 3, 4), flags }));
    expect([header[0], header[1]]).toEqual([0, 0xf0]);
    expect(header.subarray(10, 26)).toEqual(address);
    expect(header.readUInt32BE(26)).toBe(2 ** 32 - 1);
  });

  test('of a Loc-RIB: type 3, no address', () => {
    const id = Uint8Array.of(10, 0, 0, 1);
    const none = new Uint8Array(0);
    const header = peerHeader({
      address: none,
      as: 65_000,
      id,
      type: BmpPeerType.LOC_RIB,
      flags: BmpPeerFlag.FILTERED,
    });
    expect(Buffer.from(header)).toEqual(hex(`03 80 ${'00'.repeat(24)} 0000fde8 0a000001 ${'00'.repeat(8)}`));
  });
});

describe('messages', () => {
  test('Initiation and Termination have TLVs; text is UTF-8 and is cut at 65,535 bytes', () => {
    const who = written((out) => writeInitiation(out, [[1, 'é'], [2, 'x'.repeat(70_000)]])); // prettier-ignore
    const body = bodyOf(who, 4);
    expect(body.subarray(0, 10)).toEqual(hex('0001 0002 c3a9 0002 ffff'));
    expect(body.length).toBe(10 + 65_535);
    expect(
      bodyOf(
        written((out) => writeTermination(out, 1, 'bye')),
        5,
      ),
    ).toEqual(hex('0001 0002 0001 0000 0003 627965'));
  });

  test('Peer Up: the near end in 16 bytes, ports, both OPENs, and what is said behind them', () => {
    const session = { localAddress: Uint8Array.of(10, 0, 1, 1), localPort: 179, remotePort: 40_000 };
    const opens = { sentOpen: hex('aa'), receivedOpen: hex('bbcc') };
    const up = written((out) => writePeerUp(out, HEADER, 1.5, { ...session, ...opens }, [[3, 'global']]));
    expect(bodyOf(up, 3).subarray(42)).toEqual(
      hex('000000000000000000000000 0a000101 00b3 9c40 aa bbcc 0003 0006 676c6f62616c'),
    );
  });

  test('Peer Down: the reason and what it wants', () => {
    const data = hex('0102');
    expect(
      bodyOf(
        written((out) => writePeerDown(out, HEADER, 0, { reason: 3, data })),
        2,
      ).subarray(42),
    ).toEqual(hex('03 0102'));
    expect(
      bodyOf(
        written((out) => writePeerDown(out, HEADER, 0, { reason: 4 })),
        2,
      ).subarray(42),
    ).toEqual(hex('04'));
  });

  test('Statistics: gauges have eight bytes, counters four, which begin anew at their end', () => {
    const { ADJ_RIB_IN_ROUTES, UPDATES_TREATED_AS_WITHDRAW } = BmpStatistic;
    const report = written((out) =>
      writeStatistics(out, HEADER, 0, [
        [ADJ_RIB_IN_ROUTES, 2 ** 32 + 5],
        [UPDATES_TREATED_AS_WITHDRAW, 2 ** 32 + 5],
      ]),
    );
    expect(bodyOf(report, 1).subarray(42)).toEqual(hex('00000002 0007 0008 0000000100000005 000b 0004 00000005'));
  });

  test('Route Monitoring is the header, the time, and the UPDATE as it is', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.integer({ min: 0, max: 4e12 }), (before, update, behind, micros) => {
        const buffer = Buffer.concat([before, update, behind]);
        const to = before.length + update.length;
        const message = written((out) => writeRouteMonitoring(out, HEADER, micros / 1000, buffer, before.length, to));
        const body = bodyOf(message, 0);
        expect(body.subarray(0, 34)).toEqual(Buffer.from(HEADER.subarray(0, 34)));
        expect(body.readUInt32BE(34) * 1e6 + body.readUInt32BE(38)).toBe(micros);
        expect(body.readUInt32BE(38)).toBeLessThan(1e6);
        expect(body.subarray(42)).toEqual(Buffer.from(update));
      }),
    );
  });

  test('a stream of them is cut into the same messages again by their lengths', () => {
    const arbitrary = fc.array(fc.oneof(bytes, fc.string()), { maxLength: 20 });
    fc.assert(
      fc.property(arbitrary, (parts) => {
        const stream = written((out) => {
          for (const part of parts) {
            if (typeof part === 'string') writeInitiation(out, [[0, part]]);
            else writeRouteMonitoring(out, HEADER, 0, part, 0, part.length);
          }
        });
        const found: string[] = [];
        for (let at = 0; at < stream.length; at += stream.readUInt32BE(at + 1)) {
          const body = stream.subarray(at + 6, at + stream.readUInt32BE(at + 1));
          found.push(stream[at + 5] === 4 ? body.subarray(4).toString() : body.subarray(42).toString('hex'));
        }
        const text = (part: string): string => Buffer.from(part).toString();
        expect(found).toEqual(
          parts.map((part) => (typeof part === 'string' ? text(part) : Buffer.from(part).toString('hex'))),
        );
      }),
    );
  });
});
