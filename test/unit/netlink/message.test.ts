import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR } from '../../../wire/netlink/constants.js';
import {
  AttributeCursor,
  decodeErrno,
  encodeAck,
  encodeDone,
  encodeError,
  NetlinkCursor,
  NetlinkWriter,
} from '../../../wire/netlink/message.js';
import { toHex } from './build.js';

const attribute = fc.record({ type: fc.integer({ min: 0, max: 0x3fff }), value: fc.uint8Array({ maxLength: 40 }) });
const message = fc.record({
  type: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 0xffff }),
  seq: fc.integer({ min: 0, max: 0xffffffff }),
  pid: fc.integer({ min: 0, max: 0xffffffff }),
  attributes: fc.array(attribute, { maxLength: 6 }),
});

function write(
  messages: readonly (typeof message extends fc.Arbitrary<infer T> ? T : never)[],
  writer: NetlinkWriter,
): void {
  for (const { type, flags, seq, pid, attributes } of messages) {
    writer.begin(type, flags, seq, pid);
    for (const each of attributes) writer.attribute(each.type, each.value);
    writer.end();
  }
}

function read(buf: Uint8Array): unknown[] {
  const cursor = new NetlinkCursor();
  const attributes = new AttributeCursor();
  const found = [];
  cursor.reset(buf, 0, buf.length);
  while (cursor.next()) {
    const { type, flags, seq, pid, payload, end } = cursor;
    const list = [];
    attributes.reset(buf, payload, end);
    while (attributes.next()) {
      list.push({ type: attributes.type, value: buf.slice(attributes.at, attributes.at + attributes.length) });
    }
    expect(attributes.error).toBeUndefined();
    found.push({ type, flags, seq, pid, attributes: list });
  }
  expect(cursor.error).toBeUndefined();
  return found;
}

describe('netlink framing', () => {
  it('reads what was written, into a buffer that had to grow', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
        const writer = new NetlinkWriter(64);
        write(messages, writer);
        expect(writer.length % 4).toBe(0);
        expect(read(writer.take())).toEqual(messages);
        expect(writer.length).toBe(0);
      }),
    );
  });

  it('never reads past the end of any bytes, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, start) => {
        const cursor = new NetlinkCursor();
        const attributes = new AttributeCursor();
        cursor.reset(bytes, start, bytes.length);
        let messages = 0;
        while (cursor.next()) {
          expect(++messages).toBeLessThanOrEqual(bytes.length / 16);
          expect(cursor.end).toBeLessThanOrEqual(bytes.length);
        }
        attributes.reset(bytes, start, bytes.length);
        let count = 0;
        while (attributes.next()) {
          expect(++count).toBeLessThanOrEqual(bytes.length / 4);
          expect(attributes.at + attributes.length).toBeLessThanOrEqual(bytes.length);
        }
      }),
    );
  });

  it('says what is wrong with a datagram', () => {
    const cursor = new NetlinkCursor();
    const errorOf = (bytes: number[]): string | undefined => {
      cursor.reset(Uint8Array.from(bytes), 0, bytes.length);
      while (cursor.next());
      return cursor.error;
    };
    const header = (length: number): number[] => [length, 0, 0, 0, ...new Array<number>(12).fill(0)];
    expect(errorOf([])).toBeUndefined();
    expect(errorOf(header(16))).toBeUndefined();
    // The padding of the last message may be missing.
    expect(errorOf([...header(17), 1])).toBeUndefined();
    expect(errorOf([1, 2, 3])).toMatch('cut off');
    expect(errorOf(header(15))).toMatch('shorter than its header');
    expect(errorOf(header(17))).toMatch('overruns');
    expect(errorOf([0xff, 0xff, 0xff, 0xff, ...new Array<number>(12).fill(0)])).toMatch('overruns');
  });

  it('stops at an attribute that overruns or is no attribute', () => {
    const cursor = new AttributeCursor();
    for (const bytes of [
      [9, 0, 1, 0, 1, 2, 3, 4],
      [3, 0, 1, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ]) {
      cursor.reset(Uint8Array.from(bytes), 0, bytes.length);
      expect(cursor.next()).toBe(false);
      expect(cursor.error).toMatch('overruns');
    }
  });

  it('nests, and drops what is cancelled', () => {
    const writer = new NetlinkWriter();
    writer.begin(1, 0, 0, 0);
    const nest = writer.nestBegin(5);
    writer.attributeU32(6, 0x01020304);
    writer.nestEnd(nest);
    writer.end();
    writer.begin(2, 0, 0, 0);
    writer.attributeString(1, 'gone');
    writer.cancel();
    expect(toHex(writer.take().subarray(16))).toBe('0c000580' + '0800060004030201');
  });
});

describe('control answers', () => {
  const request = new Uint8Array(24).fill(0xaa);
  request.set([24, 0, 0, 0, 0x18, 0, 5, 6, 1, 2, 3, 4, 9, 9, 9, 9]);
  const answered = { request, start: 0, end: 24, pid: 77, capped: false };

  const one = (write: (writer: NetlinkWriter) => void): NetlinkCursor & { bytes: Uint8Array } => {
    const writer = new NetlinkWriter();
    write(writer);
    const bytes = writer.take();
    const cursor = new NetlinkCursor();
    cursor.reset(bytes, 0, bytes.length);
    expect(cursor.next()).toBe(true);
    return Object.assign(cursor, { bytes });
  };

  it('an acknowledgement holds the request header only', () => {
    const answer = one((writer) => encodeAck(writer, answered));
    expect(answer).toMatchObject({ type: NLMSG_ERROR, flags: NLM_F_CAPPED, seq: 0x04030201, pid: 77 });
    expect(answer.bytes.length).toBe(36);
    expect(decodeErrno(answer.bytes, answer.payload, answer.end)).toBe(0);
    expect(answer.bytes.subarray(20, 36)).toEqual(request.subarray(0, 16));
  });

  it('an error repeats the request unless capped, and may say why', () => {
    const whole = one((writer) => encodeError(writer, answered, 17));
    expect(whole).toMatchObject({ flags: 0 });
    expect(decodeErrno(whole.bytes, whole.payload, whole.end)).toBe(17);
    expect(whole.bytes.subarray(20)).toEqual(request);
    const capped = one((writer) => encodeError(writer, { ...answered, capped: true }, 3, 'why'));
    expect(capped).toMatchObject({ flags: NLM_F_CAPPED | NLM_F_ACK_TLVS });
    expect(toHex(capped.bytes.subarray(36))).toBe('0800010077687900');
  });

  it('a dump ends with DONE', () => {
    const done = one((writer) => encodeDone(writer, 5, 6));
    expect(done).toMatchObject({ type: NLMSG_DONE, flags: NLM_F_MULTI, seq: 5, pid: 6 });
    expect(decodeErrno(done.bytes, done.payload, done.end)).toBe(0);
    expect(decodeErrno(done.bytes, done.payload, done.payload + 3)).toBeUndefined();
  });
});
