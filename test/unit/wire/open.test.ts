import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asFromCapability,
  CapabilityCode,
  hasCapability,
  makeCapabilities,
  multiprotocolFamilies,
} from '../../../wire/bgp/capabilities.js';
import { isBgpError } from '../../../wire/bgp/error.js';
import { encodeMessage } from '../../../wire/bgp/message.js';
import {
  decodeNotification,
  encodeNotification,
  encodeShutdownCommunication,
  notificationName,
  shutdownCommunication,
} from '../../../wire/bgp/notification.js';
import { decodeOpen, encodeOpen } from '../../../wire/bgp/open.js';
import { decodeRouteRefresh, encodeRouteRefresh } from '../../../wire/bgp/route-refresh.js';
import { fromHex } from './build.js';

const MARKER = 'ffffffffffffffffffffffffffffffff';

/** `2/6` for an error, else the decoded OPEN. */
function decode(bytes: Uint8Array) {
  const open = decodeOpen(bytes, 0, bytes.length);
  return isBgpError(open) ? `${open.code}/${open.subcode}` : open;
}

const open = fc.record({
  version: fc.constant(4),
  as: fc.integer({ min: 1, max: 0xffffffff }),
  holdTime: fc.oneof(fc.constant(0), fc.integer({ min: 3, max: 65535 })),
  routerId: fc.ipV4().filter((text) => text !== '0.0.0.0'),
  capabilities: fc.array(
    fc.record({ code: fc.integer({ min: 66, max: 255 }), value: fc.uint8Array({ maxLength: 200 }) }),
    { maxLength: 8 },
  ),
});

describe('OPEN', () => {
  it('reads back what it writes, in the extended form too', () => {
    fc.assert(
      fc.property(open, fc.nat(3), (message, families) => {
        const offered = makeCapabilities({ families, as: message.as, routeRefresh: true, extendedMessage: true });
        const full = { ...message, capabilities: [...offered, ...message.capabilities] };
        expect(decode(encodeOpen(full))).toEqual(full);
      }),
    );
  });

  it('takes capabilities in one parameter or in one each', () => {
    // FRR's layout (one each) and BIRD's (all in one), the same capabilities.
    const each = fromHex(`${MARKER}00390104fde900b40a0001021c0206010400010001020601040002000102020200020641040000fde9`);
    const one = encodeOpen({
      version: 4,
      as: 65001,
      holdTime: 180,
      routerId: '10.0.1.2',
      capabilities: makeCapabilities({ families: 3, as: 65001, routeRefresh: true }),
    });
    expect(decode(each)).toEqual(decode(one));
  });

  it('understands what is offered and keeps the rest', () => {
    const capabilities = makeCapabilities({ families: 2, as: 4200000000, routeRefresh: true });
    expect(multiprotocolFamilies({ capabilities })).toBe(2);
    expect(asFromCapability({ capabilities })).toBe(4200000000);
    expect(hasCapability({ capabilities }, CapabilityCode.EXTENDED_MESSAGE)).toBe(false);
    expect(multiprotocolFamilies({ capabilities: [] })).toBe(1);
    // Values of a wrong length count as not sent.
    expect(multiprotocolFamilies({ capabilities: [{ code: 1, value: Uint8Array.of(0, 2) }] })).toBe(1);
    expect(asFromCapability({ capabilities: [{ code: 65, value: Uint8Array.of(1) }] })).toBeUndefined();
  });

  it.each([
    ['version 3', '001d0103fde900b40a00010200', '2/1'],
    ['hold time 1', '001d0104fde900010a00010200', '2/6'],
    ['hold time 2', '001d0104fde900020a00010200', '2/6'],
    ['identifier 0.0.0.0', '001d0104fde900b40000000000', '2/3'],
    ['AS 0', '001d01040000 00b40a00010200', '2/2'],
    ['AS 0 in the capability', '00250104fde900b40a00010208 0206410400000000', '2/2'],
    ['an optional parameter of type 1', '00200104fde900b40a00010203010100', '2/4'],
    ['parameters that end early', '001d0104fde900b40a000102ff', '2/0'],
    ['extended parameters without a length', '001e0104fde900b40a000102ffff', '2/0'],
    ['a parameter that overruns', '00200104fde900b40a00010203020901', '2/0'],
    ['a capability that overruns', '00210104fde900b40a0001020402020105', '2/0'],
    ['too few bytes', '001c0104fde900b40a0001', '2/0'],
  ])('refuses %s', (_what, hex, expected) => {
    expect(decode(fromHex(MARKER + hex))).toBe(expected);
  });

  it('never throws on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (body) => decode(encodeMessage(1, body)) !== undefined));
  });
});

describe('NOTIFICATION', () => {
  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 300 }), (code, subcode, data) => {
        const bytes = encodeNotification({ code, subcode, data });
        expect(decodeNotification(bytes, 0, bytes.length)).toEqual({ code, subcode, data });
      }),
    );
    expect(encodeNotification({ code: 1, subcode: 1, data: new Uint8Array(9000) }).length).toBe(4096);
    expect(isBgpError(decodeNotification(new Uint8Array(20), 0, 20))).toBe(true);
  });

  it('has names for people', () => {
    expect(notificationName(6, 2)).toBe('Cease/Administrative Shutdown');
    expect(notificationName(3, 0)).toBe('UPDATE Message Error');
    expect(notificationName(3, 99)).toBe('UPDATE Message Error/subcode 99');
    expect(notificationName(77, 1)).toBe('code 77/subcode 1');
  });

  it('carries a shutdown communication, cut at a character', () => {
    const read = (text: string) =>
      shutdownCommunication({ code: 6, subcode: 2, data: encodeShutdownCommunication(text) });
    expect(read('maintenance até 03:00')).toBe('maintenance até 03:00');
    expect(read('é'.repeat(200))).toBe('é'.repeat(127));
    expect(read('a\u001b[2Jb')).toBe('a [2Jb');
    expect(shutdownCommunication({ code: 6, subcode: 2, data: Uint8Array.of(9, 65) })).toBeUndefined();
    expect(shutdownCommunication({ code: 6, subcode: 7, data: Uint8Array.of(1, 65) })).toBeUndefined();
  });
});

describe('ROUTE-REFRESH', () => {
  it('reads back what it writes and answers wrong lengths', () => {
    const bytes = encodeRouteRefresh(1, 2);
    expect(decodeRouteRefresh(bytes, 0, 23)).toEqual({ afi: 2, safi: 1, subtype: 2, family: 1 });
    expect(decodeRouteRefresh(bytes, 0, 22)).toMatchObject({ code: 7, subcode: 1 });
    bytes[22] = 133;
    expect(decodeRouteRefresh(bytes, 0, 23)).toMatchObject({ safi: 133, family: undefined });
  });
});
