import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../wire/ip.js';
import { decodeAddress, encodeAddress } from '../../../wire/netlink/address.js';
import type { InterfaceAddress } from '../../../wire/netlink/address.js';
import * as nl from '../../../wire/netlink/constants.js';
import { decodeLink, encodeLink, isLinkUp } from '../../../wire/netlink/link.js';
import type { Link } from '../../../wire/netlink/link.js';
import { NetlinkWriter } from '../../../wire/netlink/message.js';
import { decodeNeighbor } from '../../../wire/netlink/neighbor.js';
import { decodeNetconf } from '../../../wire/netlink/netconf.js';
import { decodeRule } from '../../../wire/netlink/rule.js';
import { formatText } from '../../../wire/netlink/text.js';
import { BODY } from './build.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const name = fc.stringMatching(/^[!-.0-~]{1,15}$/);
const mac = fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ minLength: 6, maxLength: 6 }));
const header = { messageType: nl.RTM_NEWLINK, flags: 0, seq: 0, pid: 0 };

describe('links', () => {
  const link: fc.Arbitrary<Link> = fc.record({
    family: fc.constant(0),
    index: u32,
    type: fc.nat(0xffff),
    flags: u32,
    name,
    mtu: u32,
    operstate: fc.nat(255),
    txQueueLength: u32,
    address: mac,
    broadcast: mac,
    master: u32,
    lower: u32,
    kind: fc.oneof(fc.constant(''), name),
  });

  it('survive the way through netlink', () => {
    fc.assert(
      fc.property(link, (each) => {
        const writer = new NetlinkWriter();
        encodeLink(writer, header, each);
        const message = writer.take();
        expect(decodeLink(message, BODY, message.length)).toEqual(each);
      }),
    );
  });

  it('are up when switched on and connected', () => {
    expect(isLinkUp(nl.IFF_UP | nl.IFF_RUNNING)).toBe(true);
    expect(isLinkUp(nl.IFF_UP)).toBe(false);
    expect(isLinkUp(nl.IFF_RUNNING)).toBe(false);
  });
});

describe('addresses', () => {
  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
  const ofFamily = (family: number, length: number): fc.Arbitrary<InterfaceAddress> =>
    fc.record({
      family: fc.constant(family),
      index: u32,
      prefixLength: fc.nat(length * 8),
      flags: u32,
      scope: fc.nat(255),
      local: bytes(length),
      address: bytes(length),
      broadcast: fc.oneof(fc.constant(new Uint8Array(0)), bytes(length)),
      label: fc.oneof(fc.constant(''), name),
    });

  it('survive the way through netlink', () => {
    fc.assert(
      fc.property(fc.oneof(ofFamily(nl.AF_INET, 4), ofFamily(nl.AF_INET6, 16)), (address) => {
        const writer = new NetlinkWriter();
        encodeAddress(writer, header, address);
        const message = writer.take();
        expect(decodeAddress(message, BODY, message.length)).toEqual(address);
      }),
    );
  });

  it('have a local one wherever only one is said', () => {
    const writer = new NetlinkWriter();
    writer.begin(nl.RTM_NEWADDR, 0, 0, 0);
    writer.bytes(Uint8Array.of(nl.AF_INET6, 64, 0x80, 0, 3, 0, 0, 0));
    writer.attribute(nl.IFA_ADDRESS, parseAddress('fd00::1')!);
    writer.end();
    const message = writer.take();
    expect(decodeAddress(message, BODY, message.length)).toMatchObject({ local: parseAddress('fd00::1'), flags: 0x80 });
    expect(decodeAddress(message, BODY, BODY + 8)).toMatch('without an address');
    expect(decodeAddress(message, BODY, BODY + 7)).toMatch('cut off');
    message[BODY + 1] = 129;
    expect(decodeAddress(message, BODY, message.length)).toMatch('prefix length');
    message[BODY] = nl.AF_MPLS;
    expect(decodeAddress(message, BODY, message.length)).toMatch('family');
  });
});

describe('all decoders', () => {
  const decoders = { decodeLink, decodeAddress, decodeRule, decodeNeighbor, decodeNetconf };

  it('never throw on any bytes: they return an object, or say what is wrong', () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 10), fc.uint8Array({ maxLength: 80 }), (family, rest) => {
        const bytes = Uint8Array.of(family, ...rest);
        for (const decode of Object.values(decoders)) {
          const result = decode(bytes, 0, bytes.length);
          if (typeof result === 'string') expect(result).not.toBe('');
          else expect(result.family).toBe(family);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('say that a message is cut off or overrun', () => {
    const bytes = Uint8Array.of(2, ...new Array<number>(15).fill(0), 9, 0, 1, 0, 1);
    for (const decode of Object.values(decoders)) {
      expect(decode(bytes, 0, 3)).toMatch('cut off');
      expect(decode(bytes, 0, bytes.length)).toEqual(expect.stringMatching(/overruns/));
    }
  });
});

describe('names', () => {
  it('end at zero or with the attribute, and cannot play tricks', () => {
    const text = (...bytes: number[]): string => formatText(Uint8Array.from(bytes), 0, bytes.length);
    expect(text(0x65, 0x30, 0, 0x65)).toBe('e0');
    expect(text(0x65, 0x30)).toBe('e0');
    expect(text(0x1b, 0x5b, 0xe9)).toBe('\\x1b[\\xe9');
  });
});
