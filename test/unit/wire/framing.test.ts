import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import { encodeKeepalive, encodeMessage, MessageType } from '../../../wire/bgp/message.js';
import { concat, toHex } from './build.js';

/** Everything a framer makes of chunks: messages in hex with their type, then the error if there is one. */
function frames(chunks: Uint8Array[], maxLength = 4096): string[] {
  const framer = new MessageFramer(maxLength);
  const found: string[] = [];
  for (const chunk of chunks) {
    // A reader reuses its buffer: the framer must not rely on an old chunk.
    const buffer = chunk.slice();
    framer.push(buffer);
    while (framer.next()) found.push(`${framer.type} ${toHex(framer.buffer.subarray(framer.start, framer.end))}`);
    buffer.fill(0);
  }
  if (framer.error) found.push(`${framer.error.code}/${framer.error.subcode} ${toHex(framer.error.data)}`);
  return found;
}

function cut(bytes: Uint8Array, points: number[]): Uint8Array[] {
  const places = [0, ...points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, i) => bytes.subarray(places[i], place));
}

const message = fc.oneof(
  fc.constant(encodeKeepalive()),
  fc.uint8Array({ minLength: 4, maxLength: 4077 }).map((body) => encodeMessage(MessageType.UPDATE, body)),
  fc.uint8Array({ minLength: 2, maxLength: 30 }).map((body) => encodeMessage(MessageType.NOTIFICATION, body)),
);

describe('MessageFramer', () => {
  it('finds the same messages however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (messages, garbage, points) => {
          const stream = concat(...messages, garbage);
          const whole = frames([stream]);
          expect(frames(cut(stream, points))).toEqual(whole);
          expect(frames(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
          expect(whole.slice(0, messages.length)).toEqual(messages.map((bytes) => `${bytes[18]} ${toHex(bytes)}`));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not copy a message that lies whole in its chunk', () => {
    const chunk = concat(encodeKeepalive(), encodeKeepalive());
    const framer = new MessageFramer();
    framer.push(chunk);
    expect(framer.next()).toBe(true);
    expect(framer.buffer).toBe(chunk);
  });

  it('keeps what was not fetched before the next push', () => {
    const framer = new MessageFramer();
    framer.push(concat(encodeKeepalive(), encodeKeepalive()));
    expect(framer.next()).toBe(true);
    framer.push(encodeKeepalive());
    expect([framer.next(), framer.next(), framer.next()]).toEqual([true, true, false]);
  });

  it.each([
    ['a wrong marker', (bytes: Uint8Array) => bytes.fill(0, 3, 4), '1/1 '],
    ['a length below 19', (bytes: Uint8Array) => bytes.fill(18, 17, 18), '1/2 0012'],
    ['a length above the limit', (bytes: Uint8Array) => bytes.fill(0x10, 16, 17).fill(1, 17, 18), '1/2 1001'],
    ['an unknown type', (bytes: Uint8Array) => bytes.fill(6, 18, 19), '1/3 06'],
    ['type 0', (bytes: Uint8Array) => bytes.fill(0, 18, 19), '1/3 00'],
    ['a KEEPALIVE with a body', (bytes: Uint8Array) => bytes.fill(20, 17, 18), '1/2 0014'],
    ['a short UPDATE', (bytes: Uint8Array) => bytes.fill(22, 17, 18).fill(2, 18, 19), '1/2 0016'],
    ['a short OPEN', (bytes: Uint8Array) => bytes.fill(28, 17, 18).fill(1, 18, 19), '1/2 001c'],
    ['a short NOTIFICATION', (bytes: Uint8Array) => bytes.fill(20, 17, 18).fill(3, 18, 19), '1/2 0014'],
  ])('stops for good at %s', (_what, spoil, expected) => {
    const bad = encodeKeepalive();
    spoil(bad);
    expect(frames([concat(encodeKeepalive(), bad, encodeKeepalive()), encodeKeepalive()])).toEqual([
      `4 ${toHex(encodeKeepalive())}`,
      expected,
    ]);
  });

  it('takes long messages once extended messages are negotiated, but no long OPEN', () => {
    const long = encodeMessage(MessageType.UPDATE, new Uint8Array(60000));
    expect(frames([long])).toEqual([`1/2 ${toHex(long.subarray(16, 18))}`]);
    expect(frames(cut(long, [10, 5000, 30000]), 65535)).toEqual([`2 ${toHex(long)}`]);
    const open = encodeMessage(MessageType.OPEN, new Uint8Array(5000));
    expect(frames([open], 65535)).toEqual([`1/2 ${toHex(open.subarray(16, 18))}`]);
  });

  it('never throws and never runs away on any bytes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 80 })), (chunks) => frames(chunks).length >= 0));
  });
});
