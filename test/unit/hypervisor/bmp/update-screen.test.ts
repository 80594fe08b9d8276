// What of a neighbour's UPDATEs reaches a collector, and in which words the end of a session does.
import { describe, expect, test } from 'vitest';
import { downReason } from '../../../../hypervisor/bmp/peers.js';
import { UpdateScreen } from '../../../../hypervisor/bmp/update-screen.js';

const RULES = { as4: true, ebgp: true, families: 1 };
const MARKER = Buffer.alloc(16, 0xff);

function message(type: number, body: readonly number[]): Buffer {
  return Buffer.concat([MARKER, Buffer.of(0, 19 + body.length, type), Buffer.from(body)]);
}

/** 20.0.1.0/24 withdrawn, 20.0.2.0/24 announced; or these bytes in its place. */
function update(origin: number, announced: readonly number[] = [24, 20, 0, 2]): Buffer {
  const attributes = [0x40, 1, 1, origin, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 10, 0, 1, 2];
  return message(2, [0, 4, 24, 20, 0, 1, 0, attributes.length, ...attributes, ...announced]);
}

describe('an UPDATE', () => {
  /** What is told of a message that lies between others in a buffer. */
  function told(bytes: Buffer): Buffer | undefined {
    const screen = new UpdateScreen();
    const buffer = Buffer.concat([Buffer.alloc(7, 0xee), bytes, Buffer.alloc(7, 0xee)]);
    if (!screen.judge(buffer, 7, 7 + bytes.length, RULES)) return undefined;
    return Buffer.from(screen.buffer.subarray(screen.start, screen.end));
  }

  test('that is sound is told as it is', () => {
    expect(told(update(0))).toEqual(update(0));
  });

  test('with an impossible ORIGIN is told as the withdrawals that it amounts to', () => {
    const withdrawn = (third: number): Buffer => message(2, [0, 4, 24, 20, 0, third, 0, 0]);
    expect(told(update(7))).toEqual(Buffer.concat([withdrawn(1), withdrawn(2)]));
  });

  test('whose prefixes cannot be located is not told', () => {
    expect(told(update(0, [33, 20, 0, 2, 0, 0]))).toBeUndefined();
  });
});

describe('the end of a session (RFC 7854 section 4.9)', () => {
  const data = Uint8Array.of(1, 2);
  const notification = message(3, [6, 2, 1, 2]);

  test.each([
    ['we sent a NOTIFICATION', { origin: 'sent', code: 6, subcode: 2, data }, { reason: 1, data: notification }],
    ['we ended it without one', { origin: 'sent', code: 0, subcode: 0, data }, { reason: 2, data: Buffer.of(0, 0) }],
    ['the neighbour sent one', { origin: 'received', code: 6, subcode: 2, data }, { reason: 3, data: notification }],
    ['the connection broke', { origin: 'transport', code: 0, subcode: 0, data }, { reason: 4 }],
  ] as const)('%s', (text, down, expected) => {
    const { reason, data: bytes } = downReason({ ...down, text });
    expect({ reason, ...(bytes && { data: Buffer.from(bytes) }) }).toEqual(expected);
  });
});
