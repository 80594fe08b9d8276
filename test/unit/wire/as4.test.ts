import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeAttributesToAs2, routeAttributesToAs4, toAs4 } from '../../../wire/bgp/as4.js';
import { Canonicaliser } from '../../../wire/bgp/canonical.js';
import { describeAttributes } from '../../../wire/bgp/describe.js';
import { MessageFramer } from '../../../wire/bgp/framing.js';
import { parseUpdate, SOUND, UpdateView } from '../../../wire/bgp/update.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import { attribute, concat, NEXT_HOP, nlri, ORIGIN, sequence, set, toHex, u16, u32, update } from './build.js';

const sequence2 = (...ases: number[]) => [2, ases.length, ...ases.flatMap(u16)];
const set2 = (...ases: number[]) => [1, ases.length, ...ases.flatMap(u16)];
const path = (value: number[]) => attribute(0x40, 2, value);
const path4 = (value: number[]) => attribute(0xc0, 17, value);
const TRANS = 23456;

function widen(...attributes: Uint8Array[]): Record<string, string> {
  const out = new ByteWriter();
  const attrs = concat(...attributes);
  routeAttributesToAs4(attrs, 0, attrs.length, out);
  return Object.fromEntries(describeAttributes(out.take()).map(({ name, text }) => [name, text]));
}

function narrow(...attributes: Uint8Array[]): string {
  const out = new ByteWriter();
  routeAttributesToAs2(concat(...attributes), out);
  return toHex(out.take());
}

describe('from a two-octet speaker (RFC 6793 section 4.2.3)', () => {
  it.each<[string, number[], number[] | undefined, string]>([
    ['no AS4_PATH', sequence2(65001, TRANS), undefined, `65001 ${TRANS}`],
    ['AS4_PATH of equal length', sequence2(TRANS, 1), sequence(70000, 1), '70000 1'],
    ['hops in front of AS4_PATH', sequence2(65001, 65002, TRANS), sequence(70000), '65001 65002 70000'],
    ['AS4_PATH longer than AS_PATH', sequence2(65001), sequence(70000, 70001), '65001'],
    [
      'a set counts as one hop',
      [...sequence2(65001, TRANS), ...set2(1, 2, 3)],
      [...sequence(70000), ...set(1, 2, 3)],
      '65001 70000 {1,2,3}',
    ],
    [
      'confederation segments in AS4_PATH are dropped',
      sequence2(65001, TRANS),
      [3, 1, ...u32(9), ...sequence(70000)],
      '65001 70000',
    ],
  ])('%s', (_what, as2, as4, expected) => {
    const attributes = [ORIGIN, path(as2), NEXT_HOP, ...(as4 ? [path4(as4)] : [])];
    expect(widen(...attributes)).toEqual({ ORIGIN: 'IGP', AS_PATH: expected, NEXT_HOP: '10.0.1.2' });
  });

  it('takes AGGREGATOR from AS4_AGGREGATOR, unless an old speaker aggregated later', () => {
    const aggregator4 = attribute(0xc0, 18, [...u32(70000), 10, 0, 0, 1]);
    const aggregator = (as: number) => attribute(0xc0, 7, [...u16(as), 10, 0, 0, 1]);
    const as2 = path(sequence2(65001, TRANS));
    const as4 = path4(sequence(70000));
    expect(widen(as2, aggregator(TRANS), as4, aggregator4)).toEqual({
      AS_PATH: '65001 70000',
      AGGREGATOR: '70000 10.0.0.1',
    });
    expect(widen(as2, aggregator(65001), as4, aggregator4)).toEqual({
      AS_PATH: `65001 ${TRANS}`,
      AGGREGATOR: '65001 10.0.0.1',
    });
    expect(widen(as2, aggregator(65001), as4)).toEqual({ AS_PATH: '65001 70000', AGGREGATOR: '65001 10.0.0.1' });
    expect(widen(as2, aggregator(TRANS))).toEqual({ AS_PATH: `65001 ${TRANS}`, AGGREGATOR: `${TRANS} 10.0.0.1` });
  });

  it('rewrites whole messages and cuts those that become too long', () => {
    const hops = Array.from({ length: 250 }, (_, i) => i + 1);
    const prefixes = Array.from({ length: 800 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const message = update({ attributes: [ORIGIN, path(sequence2(...hops)), NEXT_HOP], nlri: nlri(...prefixes) });
    const view = new UpdateView();
    expect(parseUpdate(message, 0, message.length, { as4: false, ebgp: true, families: 1 }, view)).toBe(SOUND);
    const out = new ByteWriter();
    expect(toAs4(message, view, 4096, out)).toBe(2);
    const framer = new MessageFramer();
    framer.push(out.take());
    let announced = 0;
    while (framer.next()) {
      const context = { as4: true, ebgp: true, families: 1 };
      expect(parseUpdate(framer.buffer, framer.start, framer.end, context, view)).toBe(SOUND);
      announced += (view.sections[0].end - view.sections[0].start) / 4;
    }
    expect(announced).toBe(800);
  });
});

describe('to a two-octet speaker (RFC 6793 section 4.2.2)', () => {
  it('adds AS4_* only where something is lost', () => {
    const small = [ORIGIN, path(sequence(65001, 1)), NEXT_HOP, attribute(0xc0, 7, [...u32(1), 10, 0, 0, 1])];
    expect(narrow(...small)).toBe(
      toHex(concat(ORIGIN, path(sequence2(65001, 1)), NEXT_HOP, attribute(0xc0, 7, [...u16(1), 10, 0, 0, 1]))),
    );
    const large = [
      path(sequence(65001, 70000)),
      attribute(0xc0, 7, [...u32(70000), 10, 0, 0, 1]),
      attribute(0xc0, 32, u32(0)),
    ];
    expect(narrow(...large)).toBe(
      toHex(
        concat(
          path(sequence2(65001, TRANS)),
          attribute(0xc0, 7, [...u16(TRANS), 10, 0, 0, 1]),
          path4(sequence(65001, 70000)),
          attribute(0xc0, 18, [...u32(70000), 10, 0, 0, 1]),
          attribute(0xc0, 32, u32(0)),
        ),
      ),
    );
  });

  it('comes back the same', () => {
    const as = fc
      .oneof(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 1, max: 0xffffffff }))
      .filter((n) => n !== TRANS);
    const segment = fc.tuple(fc.constantFrom(sequence, set), fc.array(as, { minLength: 1, maxLength: 30 }));
    const route = fc.tuple(fc.array(segment, { maxLength: 6 }), fc.option(as));
    const canonicaliser = new Canonicaliser();
    const canonical = (attrs: Uint8Array) => {
      const form = new Uint8Array(attrs.length);
      return toHex(form.subarray(0, canonicaliser.canonicalise(attrs, 0, attrs.length, 0, form)));
    };
    fc.assert(
      fc.property(route, ([segments, aggregator]) => {
        const attrs = concat(
          ORIGIN,
          path(segments.flatMap(([make, ases]) => make(...ases))),
          NEXT_HOP,
          ...(aggregator === null ? [] : [attribute(0xc0, 7, [...u32(aggregator), 10, 0, 0, 1])]),
          attribute(0xc0, 8, [0, 1, 0, 1]),
        );
        const old = new ByteWriter();
        routeAttributesToAs2(attrs, old);
        const back = new ByteWriter();
        routeAttributesToAs4(old.buffer, 0, old.length, back);
        expect(canonical(back.take())).toBe(canonical(attrs));
      }),
    );
  });
});

describe('hostile attributes', () => {
  it('never make the translations throw or blow up', () => {
    const odd = fc.tuple(fc.constantFrom(2, 7, 17, 18, 99), fc.uint8Array({ maxLength: 20 }));
    const attrs = fc.oneof(
      fc
        .array(odd, { maxLength: 6 })
        .map((list) => concat(...list.map(([type, value]) => attribute(0xc0, type, value)))),
      fc.uint8Array({ maxLength: 60 }),
    );
    fc.assert(
      fc.property(attrs, (bytes) => {
        const out = new ByteWriter();
        routeAttributesToAs4(bytes, 0, bytes.length, out);
        routeAttributesToAs2(bytes, out);
        // A path that lies about its length costs at most one whole segment more.
        expect(out.length).toBeLessThan(6 * (bytes.length + 255 * 4 * 8));
      }),
      { numRuns: 1000 },
    );
  });
});
