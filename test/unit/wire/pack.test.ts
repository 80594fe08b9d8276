import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import { UpdatePacker } from '../../../wire/bgp/pack.js';
import { reencodeUpdate } from '../../../wire/bgp/reencode.js';
import type { ReencodeOptions } from '../../../wire/bgp/reencode.js';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import type { Family } from '../../../wire/family.js';
import { PrefixTable } from '../../../wire/prefix-table.js';
import {
  AS_PATH,
  attribute,
  concat,
  mpReach,
  mpUnreach,
  NEXT_HOP,
  NEXT_HOP_6,
  nlri,
  ORIGIN,
  toHex,
  update,
} from './build.js';

/** What a receiver makes of a byte stream: `prefix` → route attributes in hex, `-` for withdrawn; and how many messages there were. */
function receive(
  stream: Uint8Array,
  maxLength: number,
): { routes: Map<string, string>; messages: number; endOfRib: string } {
  const framer = new MessageFramer(maxLength);
  const view = new UpdateView();
  const cursor = new NlriCursor();
  const table = new PrefixTable();
  const raw = new Uint8Array(65536);
  const routes = new Map<string, string>();
  let messages = 0;
  let endOfRib = '';
  framer.push(stream);
  for (; framer.next(); messages++) {
    const { buffer, start, end } = framer;
    const verdict = parseUpdate(buffer, start, end, { as4: true, ebgp: true, families: 3 }, view);
    expect(verdict.reason).toBe('');
    if (view.endOfRib !== undefined) endOfRib += view.endOfRib;
    for (const section of view.sections.slice(0, view.sectionCount)) {
      const rawEnd = extractRouteAttributes(buffer, view, section.mp, raw, 0);
      const attrs = section.kind === 'announce' ? toHex(raw.subarray(0, rawEnd)) : '-';
      cursor.reset(buffer, section.start, section.end, section.family);
      while (cursor.next())
        routes.set(table.format(table.intern(section.family, buffer, cursor.at, cursor.bits)), attrs);
    }
  }
  expect(framer.error).toBeUndefined();
  expect(view.sectionCount + messages).toBeGreaterThan(0);
  return { routes, messages, endOfRib };
}

const family = fc.constantFrom<Family>(0, 1);
const MAX = 4096;

function manyPrefixes(which: Family, count: number, bits: number): { table: PrefixTable; ids: Uint32Array } {
  const table = new PrefixTable();
  const ids = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(16).fill(0x20, 0, 1);
    bytes.set([i >> 8, i & 0xff], 1);
    ids[i] = table.intern(which, bytes, 0, bits);
  }
  return { table, ids };
}

function attributesOf(which: Family, filler: number): Uint8Array {
  const more = filler > 0 ? [attribute(0xc0, 99, new Array<number>(filler).fill(5))] : [];
  return which === 0
    ? concat(ORIGIN, AS_PATH, NEXT_HOP, ...more)
    : concat(attribute(0x80, 14, NEXT_HOP_6), ORIGIN, AS_PATH, ...more);
}

describe('UpdatePacker', () => {
  it('writes what a receiver reads back, in messages of legal length', () => {
    fc.assert(
      fc.property(
        family,
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 17, max: 32 }),
        fc.nat(3900),
        (which, count, bits, filler) => {
          const { table, ids } = manyPrefixes(which, count, bits);
          const attrs = attributesOf(which, filler);
          const out = new ByteWriter();
          expect(new UpdatePacker(MAX).announce(which, attrs, table, ids, 0, count, out)).toBe(true);
          const { routes } = receive(out.take(), MAX);
          expect(routes.size).toBe(new Set(ids).size);
          expect(new Set(routes.values())).toEqual(new Set([toHex(attrs)]));
          new UpdatePacker(MAX).withdraw(which, table, ids, 0, count, out);
          const gone = receive(out.take(), MAX).routes;
          expect([...gone.keys()]).toEqual([...routes.keys()]);
          expect(new Set(gone.values())).toEqual(new Set(['-']));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('needs no more messages than it must', () => {
    const { table, ids } = manyPrefixes(0, 3000, 24);
    const out = new ByteWriter();
    const attrs = attributesOf(0, 0);
    new UpdatePacker(MAX).announce(0, attrs, table, ids, 0, 3000, out);
    expect(receive(out.take(), MAX).messages).toBe(Math.ceil(3000 / Math.floor((MAX - 23 - attrs.length) / 4)));
    new UpdatePacker(65535).announce(0, attrs, table, ids, 0, 3000, out);
    expect(receive(out.take(), 65535).messages).toBe(1);
  });

  it.each<[Family, number]>([
    [0, MAX - 23 - 4],
    [1, MAX - 23 - 6 - 4],
  ])('family %i: says no, and writes nothing, exactly when the attributes leave no room', (which, room) => {
    const { table, ids } = manyPrefixes(which, 2, 24);
    // Filler has a header of four bytes; the MP header grows from 3 to 9 bytes.
    const filler = room - attributesOf(which, 0).length - 4;
    const out = new ByteWriter();
    const packer = new UpdatePacker(MAX);
    expect(packer.announce(which, attributesOf(which, filler + 1), table, ids, 0, 2, out)).toBe(false);
    expect(out.length).toBe(0);
    expect(packer.announce(which, attributesOf(which, filler), table, ids, 0, 2, out)).toBe(true);
    expect(receive(out.take(), MAX).messages).toBe(2);
  });

  it('puts MP_REACH_NLRI first and refuses IPv6 without a next hop', () => {
    const { table, ids } = manyPrefixes(1, 1, 32);
    const out = new ByteWriter();
    const attrs = concat(ORIGIN, AS_PATH, attribute(0x80, 14, NEXT_HOP_6));
    expect(new UpdatePacker(MAX).announce(1, attrs, table, ids, 0, 1, out)).toBe(true);
    expect(out.buffer[19 + 4 + 1]).toBe(14);
    expect(new UpdatePacker(MAX).announce(1, concat(ORIGIN, AS_PATH), table, ids, 0, 1, out)).toBe(false);
  });

  it('marks the End-of-RIB of each family', () => {
    const out = new ByteWriter();
    new UpdatePacker(MAX).endOfRib(0, out);
    expect(out.length).toBe(23);
    new UpdatePacker(MAX).endOfRib(1, out);
    expect(receive(out.take(), MAX).endOfRib).toBe('01');
  });
});

describe('reencodeUpdate', () => {
  const message = update({
    withdrawn: nlri('10.9.0.0/16'),
    attributes: [
      mpReach(2, 1, NEXT_HOP_6, nlri('2001:db8::/32')),
      mpUnreach(2, 1, nlri('2001:db9::/32')),
      ORIGIN,
      AS_PATH,
      NEXT_HOP,
    ],
    nlri: nlri('10.1.0.0/16', '10.2.0.0/16'),
  });

  function reencode(options: Partial<ReencodeOptions>) {
    const view = new UpdateView();
    parseUpdate(message, 0, message.length, { as4: true, ebgp: true, families: 3 }, view);
    const out = new ByteWriter();
    const messages = reencodeUpdate(message, view, { families: 3, maxMessageLength: MAX, ...options }, out);
    const received = receive(out.take(), MAX);
    expect(received.messages).toBe(messages);
    return received.routes;
  }

  it('splits the families', () => {
    const all = receive(message, MAX).routes;
    const ipv4 = reencode({ families: 1 });
    const ipv6 = reencode({ families: 2 });
    expect([...ipv4.keys()].sort()).toEqual(['10.1.0.0/16', '10.2.0.0/16', '10.9.0.0/16']);
    expect(new Map([...ipv4, ...ipv6].sort())).toEqual(new Map([...all].sort()));
  });

  it('withdraws everything on demand, and what no longer fits', () => {
    const gone = (routes: Map<string, string>) => expect(new Set(routes.values())).toEqual(new Set(['-']));
    gone(reencode({ asWithdraw: true }));
    const rewrite = (attrs: Uint8Array, start: number, end: number, out: ByteWriter) => {
      out.bytes(attrs, start, end);
      out.bytes(attribute(0xc0, 99, new Array<number>(4090).fill(1)));
    };
    gone(reencode({ rewrite }));
  });
});
