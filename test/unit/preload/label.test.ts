// The layouts shared with the shim: hostile control messages never throw, addresses survive the way through a label.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressFamily, formatAddress, isLinkLocal } from '../../../preload/address.js';
import { decodeControlMessage, encodeConnectionLabel, LABEL_LENGTH } from '../../../preload/label.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

const LISTENER = hex(`42545231 4c 04 00b3 0000 0000 00000000
  0a000101 000000000000000000000000 00000000000000000000000000000000 0102030405060708`);

const NETLINK = hex(`42545231 4e 10 0000 0000 0000 89abcdef
  00000000000000000000000000000000 00000000000000000000000000000000 0102030405060708`);

describe('control messages', () => {
  it('decode as the shim writes them', () => {
    expect(decodeControlMessage(hex('00000001 00001234'))).toEqual({ kind: 'hello', pid: 0x1234 });
    expect(decodeControlMessage(Uint8Array.from([...hex('00000003 00000007'), ...LISTENER]))).toEqual({
      kind: 'listening',
      pid: 7,
      label: { family: 4, address: '10.0.1.1', port: 179, id: '0102030405060708' },
    });
    expect(decodeControlMessage(Uint8Array.from([...hex('00000006 00000007'), ...NETLINK]))).toEqual({
      kind: 'netlink',
      pid: 7,
      portId: 0x89abcdef,
    });
    expect(decodeControlMessage(hex('00000005 00000007 6f6f7073'))).toEqual({ kind: 'warn', pid: 7, text: 'oops' });
  });

  it('are unknown, never an exception, whatever the bytes', () => {
    expect(decodeControlMessage(hex('00000002 00000007 42545231'))).toEqual({ kind: 'unknown', pid: 7 });
    expect(decodeControlMessage(Uint8Array.from([...hex('00000006 00000007'), ...LISTENER])).kind).toBe('unknown');
    const kinds = ['netlink', 'hello', 'bound', 'listening', 'refused', 'warn', 'unknown'];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => kinds.includes(decodeControlMessage(bytes).kind)),
    );
    const typed = fc.tuple(
      fc.integer({ min: 0, max: 7 }),
      fc.uint8Array({ minLength: LABEL_LENGTH, maxLength: LABEL_LENGTH }),
    );
    fc.assert(
      fc.property(typed, ([type, body]) => {
        return kinds.includes(decodeControlMessage(Uint8Array.from([0, 0, 0, type, 0, 0, 0, 1, ...body])).kind);
      }),
    );
  });
});

describe('connection labels', () => {
  it('have the layout of struct btr_label', () => {
    const label = encodeConnectionLabel(
      { localAddress: 'fe80::1%e0', localPort: 179, peerAddress: 'fe80::2', peerPort: 0xc001, scopeId: 3 },
      hex('0102030405060708'),
    );
    expect(Buffer.from(label).toString('hex')).toBe(
      '42545231530600b3c001000000000003' +
        'fe800000000000000000000000000001' +
        'fe800000000000000000000000000002' +
        '0102030405060708',
    );
  });

  it('keep every address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => formatAddress(4, addressBytes(text)) === text && addressFamily(text) === 4),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = formatAddress(6, bytes);
        expect(addressBytes(text)).toEqual(bytes);
        expect(isLinkLocal(text)).toBe(bytes[0] === 0xfe && bytes[1] >> 6 === 2);
      }),
    );
  });

  it('refuse what is no address', () => {
    for (const text of ['', '10.0.0', '10.0.0.256', ':::', 'localhost'])
      expect(() => addressBytes(text)).toThrow(RangeError);
  });
});
