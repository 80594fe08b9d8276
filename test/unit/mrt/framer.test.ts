import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessageEt } from '../../../wire/mrt/encode.js';
import { MrtFramer } from '../../../wire/mrt/framer.js';

const ends = {
  peerAs: 65001,
  localAs: 4_200_000_000,
  peerAddress: new Uint8Array([10, 0, 1, 2]),
  localAddress: new Uint8Array([10, 0, 1, 1]),
};
const message = fc.uint8Array({ minLength: 19, maxLength: 300 });

function join(parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

describe('MrtFramer', () => {
  it('finds the same records however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 200 })), (messages, cuts) => {
        const stream = join(messages.map((bytes, i) => encodeMessageEt(1000 * i + 0.5, ends, bytes)));
        const framer = new MrtFramer();
        const seen: Uint8Array[] = [];
        let at = 0;
        for (let i = 0; at < stream.length; i++) {
          const step = cuts.length === 0 ? stream.length : cuts[i % cuts.length];
          framer.push(stream.subarray(at, at + step));
          at += step;
          while (framer.next()) {
            expect(framer.type).toBe(17);
            expect(framer.microseconds).toBe(500);
            expect(framer.seconds).toBe(seen.length);
            expect(framer.offset).toBe(seen.reduce((sum, body) => sum + body.length + 16, 0));
            seen.push(framer.buffer.slice(framer.start, framer.end));
          }
        }
        expect(framer.error).toBeUndefined();
        expect(framer.pending).toBe(0);
        expect(seen.map((body) => body.slice(20))).toEqual(messages);
      }),
    );
  });

  it('refuses a record longer than the limit and says where', () => {
    const framer = new MrtFramer(100);
    const small = encodeMessageEt(0, ends, new Uint8Array(19));
    framer.push(join([small, encodeMessageEt(0, ends, new Uint8Array(4000))]));
    expect(framer.next()).toBe(true);
    expect(framer.next()).toBe(false);
    expect(framer.error?.at).toBe(small.length);
    expect(framer.error?.reason).toContain('limit of 100');
    framer.push(new Uint8Array(5000));
    expect(framer.next()).toBe(false);
  });

  it('accepts records beyond 64 KiB', () => {
    const framer = new MrtFramer();
    const big = encodeMessageEt(0, ends, new Uint8Array(70_000));
    for (let at = 0; at < big.length; at += 1000) framer.push(big.subarray(at, at + 1000));
    expect(framer.next()).toBe(true);
    expect(framer.end - framer.start).toBe(70_020);
  });

  it('says how much is missing of a record that is cut short', () => {
    const framer = new MrtFramer();
    const record = encodeMessageEt(0, ends, new Uint8Array(50));
    framer.push(record.subarray(0, record.length - 1));
    expect(framer.next()).toBe(false);
    expect(framer.error).toBeUndefined();
    expect(framer.pending).toBe(record.length - 1);
    expect(framer.pendingRecordLength).toBe(record.length);
  });

  it('refuses an extended record without room for its timestamp', () => {
    const framer = new MrtFramer();
    framer.push(new Uint8Array([0, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 2, 0, 0]));
    expect(framer.next()).toBe(false);
    expect(framer.error?.reason).toContain('timestamp');
  });
});
