import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bgp4mpView, decodeBgp4mp } from '../../../wire/mrt/bgp4mp.js';
import { encodeMessageEt, encodePeerIndexTable, encodeRib, encodeStateChangeEt } from '../../../wire/mrt/encode.js';
import { MrtFramer } from '../../../wire/mrt/framer.js';
import { TableDumpView, decodeTableDump } from '../../../wire/mrt/table-dump.js';
import { RibView, decodePeerIndexTable } from '../../../wire/mrt/table-dump-v2.js';
import { recordTypeName } from '../../../wire/mrt/types.js';

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const as = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function framed(record: Uint8Array): MrtFramer {
  const framer = new MrtFramer();
  framer.push(record);
  expect(framer.next()).toBe(true);
  return framer;
}

describe('BGP4MP', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        address,
        as,
        as,
        fc.uint8Array({ minLength: 19, maxLength: 100 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 2 ** 42 }),
        (peerAddress, peerAs, localAs, message, sent, micros) => {
          const localAddress = peerAddress.map((byte) => byte ^ 1);
          const ends = { peerAs, localAs, peerAddress, localAddress };
          const r = framed(encodeMessageEt(micros / 1000, ends, message, sent));
          const view = new Bgp4mpView();
          expect(decodeBgp4mp(r.buffer, r.start, r.end, r.subtype, view)).toBeUndefined();
          expect(Math.round(r.time * 1000)).toBe(micros);
          expect(view).toMatchObject({ kind: 'message', as4: true, local: sent, peerAs, localAs, addPath: false });
          expect(r.buffer.slice(view.peerAddressAt, view.peerAddressAt + view.addressLength)).toEqual(peerAddress);
          expect(r.buffer.slice(view.localAddressAt, view.localAddressAt + view.addressLength)).toEqual(localAddress);
          expect(r.buffer.slice(view.messageStart, view.messageEnd)).toEqual(message);
        },
      ),
    );
  });

  it('reads state changes', () => {
    const ends = { peerAs: 1, localAs: 2, peerAddress: new Uint8Array(4), localAddress: new Uint8Array(4) };
    const r = framed(encodeStateChangeEt(0, ends, 6, 8));
    const view = new Bgp4mpView();
    expect(decodeBgp4mp(r.buffer, r.start, r.end, r.subtype, view)).toBeUndefined();
    expect(view).toMatchObject({ kind: 'state-change', oldState: 6, newState: 8 });
  });

  it('reads 2-byte AS numbers', () => {
    const body = new Uint8Array([0xfd, 0xe9, 0, 7, 0, 3, 0, 1, 10, 0, 0, 1, 10, 0, 0, 2, ...new Uint8Array(19)]);
    const view = new Bgp4mpView();
    expect(decodeBgp4mp(body, 0, body.length, 1, view)).toBeUndefined();
    expect(view).toMatchObject({ as4: false, peerAs: 65001, localAs: 7, interfaceIndex: 3, messageStart: 16 });
  });
});

describe('TABLE_DUMP_V2', () => {
  const peer = fc.record({ address, as, id: fc.uint8Array({ minLength: 4, maxLength: 4 }) });

  it('reads back a peer index table', () => {
    fc.assert(
      fc.property(fc.array(peer, { maxLength: 20 }), fc.stringMatching(/^[a-z]{0,10}$/), (peers, viewName) => {
        const collector = new Uint8Array([1, 2, 3, 4]);
        const r = framed(encodePeerIndexTable(5, collector, viewName, peers));
        expect(decodePeerIndexTable(r.buffer, r.start, r.end)).toEqual({ collector, viewName, peers });
      }),
    );
  });

  it('reads back RIB records', () => {
    const entry = fc.record({
      peerIndex: fc.nat(65535),
      originatedTime: as,
      attributes: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(0 as const, 1 as const), fc.array(entry, { maxLength: 10 }), (family, entries) => {
        const nlri = new Uint8Array([20, 192, 0, 32]);
        const r = framed(encodeRib(77, family, 9, nlri, entries));
        const view = new RibView();
        expect(view.open(r.buffer, r.start, r.end, r.subtype)).toBe(true);
        expect(view).toMatchObject({ family, sequence: 9, bits: 20, entryCount: entries.length });
        expect(r.buffer.slice(view.nlriStart, view.nlriEnd)).toEqual(nlri);
        const seen = [];
        while (view.next()) {
          const { peerIndex, originatedTime } = view;
          seen.push({
            peerIndex,
            originatedTime,
            attributes: r.buffer.slice(view.attributesStart, view.attributesEnd),
          });
        }
        expect(view.error).toBeUndefined();
        expect(seen).toEqual(entries);
      }),
    );
  });

  it('reads path identifiers', () => {
    const body = new Uint8Array([0, 0, 0, 1, 8, 10, 0, 1, 0, 4, 0, 0, 0, 9, 0, 0, 0, 42, 0, 1, 0xaa]);
    const view = new RibView();
    expect(view.open(body, 0, body.length, 8)).toBe(true);
    expect(view.next()).toBe(true);
    expect(view).toMatchObject({ peerIndex: 4, originatedTime: 9, pathId: 42, attributesStart: 20, attributesEnd: 21 });
    expect(view.next()).toBe(false);
  });
});

describe('TABLE_DUMP', () => {
  it('reads a route', () => {
    const fixed = [0, 0, 0, 5, 10, 1, 0, 0, 16, 1, 0, 0, 0, 9, 192, 0, 2, 1, 0xfd, 0xe9, 0, 3];
    const body = new Uint8Array([...fixed, 0x40, 1, 0]);
    const view = new TableDumpView();
    expect(decodeTableDump(body, 0, body.length, 1, view)).toBeUndefined();
    expect(view).toMatchObject({ family: 0, sequence: 5, bits: 16, prefixAt: 4, originatedTime: 9, peerAs: 65001 });
    expect(view).toMatchObject({ peerAddressAt: 14, attributesStart: 22, attributesEnd: 25 });
  });
});

describe('any bytes', () => {
  it('never throw, and what is found lies inside', () => {
    const bgp4mp = new Bgp4mpView();
    const rib = new RibView();
    const dump = new TableDumpView();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(14), (bytes, subtype) => {
        const end = bytes.length;
        if (decodeBgp4mp(bytes, 0, end, subtype, bgp4mp) === undefined && bgp4mp.kind === 'message') {
          expect(bgp4mp.messageEnd).toBe(end);
          expect(bgp4mp.messageStart).toBeLessThanOrEqual(end - 19);
        }
        if (decodeTableDump(bytes, 0, end, subtype, dump) === undefined) {
          expect(dump.attributesEnd).toBeLessThanOrEqual(end);
        }
        const table = decodePeerIndexTable(bytes, 0, end);
        if (!('reason' in table)) expect(table.peers.length).toBeLessThanOrEqual(end);
        if (rib.open(bytes, 0, end, subtype)) {
          let entries = 0;
          while (rib.next()) {
            entries++;
            expect(rib.attributesEnd).toBeLessThanOrEqual(end);
          }
          expect(entries === rib.entryCount || rib.error !== undefined).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('have a name', () => {
    expect(recordTypeName(13, 2)).toBe('TABLE_DUMP_V2/RIB_IPV4_UNICAST');
    expect(recordTypeName(17, 4)).toBe('BGP4MP_ET/MESSAGE_AS4');
    expect(recordTypeName(12, 2)).toBe('TABLE_DUMP/AFI_IPv6');
    expect(recordTypeName(99, 7)).toBe('type 99/7');
  });
});
