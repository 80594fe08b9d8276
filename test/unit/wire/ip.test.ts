import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, formatIpv4, formatIpv6, parseAddress, parseIpv4, parseIpv6 } from '../../../wire/ip.js';
import { formatPrefix, parsePrefix } from '../../../wire/prefix-text.js';

describe('addresses', () => {
  it.each([
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:DB8::', '2001:db8::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('writes %s as RFC 5952 asks: %s', (text, canonical) => {
    expect(formatIpv6(parseIpv6(text)!)).toBe(canonical);
  });

  it.each([
    '1::2::3',
    ':1',
    '1:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
    '',
  ])('refuses %j as IPv6', (text) => expect(parseIpv6(text)).toBeUndefined());

  it.each(['1.2.3', '1.2.3.4.5', '256.0.0.1', '010.0.0.1', '1.2.3.', ' 1.2.3.4', '1.2.3.-4'])(
    'refuses %j as IPv4',
    (text) => expect(parseIpv4(text)).toBeUndefined(),
  );

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatIpv4(parseIpv4(text)!) === text));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
      }),
    );
  });

  it('agrees with the system on what an address is', () => {
    const text = fc.oneof(fc.ipV6(), fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '.', '2'), maxLength: 24 }));
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseIpv6(candidate) !== undefined).toBe(isIPv6(candidate));
        expect(parseIpv4(candidate) !== undefined).toBe(isIPv4(candidate));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('prefixes', () => {
  it('clears host bits', () => {
    const prefix = parsePrefix('10.1.2.3/9')!;
    expect(formatPrefix(prefix.family, prefix.address, 0, prefix.bits)).toBe('10.0.0.0/9');
    expect(parsePrefix('2001:db8::1')).toMatchObject({ family: 1, bits: 128 });
  });

  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/08', 'x/8', '10.0.0.0/8/8'])(
    'refuses %j',
    (text) => expect(parsePrefix(text)).toBeUndefined(),
  );
});
