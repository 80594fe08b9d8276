import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { NlriCursor, parseUpdate, SOUND, UpdateView } from '../../../wire/bgp/update.js';
import type { UpdateContext } from '../../../wire/bgp/update.js';
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
  sequence,
  toHex,
  update,
} from './build.js';

const EBGP: UpdateContext = { as4: true, ebgp: true, families: 3 };
const view = new UpdateView();

function verdictOf(message: Uint8Array, context: Partial<UpdateContext> = {}) {
  return parseUpdate(message, 0, message.length, { ...EBGP, ...context }, view);
}

/** The sections of the last parse as text: `announce 10.0.0.0/8 (mp)`. */
function sectionsOf(message: Uint8Array): string[] {
  const cursor = new NlriCursor();
  const table = new PrefixTable();
  return view.sections.slice(0, view.sectionCount).map(({ kind, family, start, end, mp }) => {
    const prefixes: string[] = [];
    cursor.reset(message, start, end, family);
    while (cursor.next()) prefixes.push(table.format(table.intern(family, message, cursor.at, cursor.bits)));
    return `${kind} ${prefixes.join(' ')}${mp ? ' (mp)' : ''}`;
  });
}

/** An announcement of 20.66.0.0/24 with the three mandatory attributes and more. */
function announcement(...more: Uint8Array[]): Uint8Array {
  return update({ attributes: [ORIGIN, AS_PATH, NEXT_HOP, ...more], nlri: nlri('20.66.0.0/24') });
}

describe('the split', () => {
  it('finds both encodings of both families, withdrawals first', () => {
    const message = update({
      withdrawn: nlri('10.1.0.0/16'),
      attributes: [
        mpReach(2, 1, NEXT_HOP_6, nlri('2001:db8::/32', '2001:db8:1::/48')),
        mpUnreach(1, 1, nlri('10.2.0.0/16')),
        ORIGIN,
        AS_PATH,
        NEXT_HOP,
      ],
      nlri: nlri('10.3.0.0/16', '0.0.0.0/0'),
    });
    expect(verdictOf(message)).toBe(SOUND);
    expect(sectionsOf(message)).toEqual([
      'withdraw 10.1.0.0/16',
      'withdraw 10.2.0.0/16 (mp)',
      'announce 2001:db8::/32 2001:db8:1::/48 (mp)',
      'announce 10.3.0.0/16 0.0.0.0/0',
    ]);
  });

  it('leaves out families that are not negotiated, and does not judge them', () => {
    const message = update({
      withdrawn: nlri('10.1.0.0/16'),
      attributes: [mpUnreach(2, 1, Uint8Array.of(200)), ORIGIN, AS_PATH, NEXT_HOP],
      nlri: nlri('10.3.0.0/16'),
    });
    expect(verdictOf(message, { families: 1 })).toBe(SOUND);
    expect(sectionsOf(message)).toEqual(['withdraw 10.1.0.0/16', 'announce 10.3.0.0/16']);
    expect(verdictOf(message).kind).toBe('reset');
    expect(verdictOf(announcement(), { families: 2 })).toBe(SOUND);
    expect(view.sectionCount).toBe(0);
  });

  it.each([
    ['an empty message', update({}), 0],
    ['an empty MP_UNREACH_NLRI alone', update({ attributes: [mpUnreach(2, 1, nlri())] }), 1],
    ['an empty MP_UNREACH_NLRI for IPv4', update({ attributes: [mpUnreach(1, 1, nlri())] }), 0],
    ['one beside another attribute', update({ attributes: [mpUnreach(2, 1, nlri()), ORIGIN] }), undefined],
    [
      'one beside a withdrawal',
      update({ withdrawn: nlri('10.0.0.0/8'), attributes: [mpUnreach(2, 1, nlri())] }),
      undefined,
    ],
    ['one of an unknown family', update({ attributes: [mpUnreach(99, 1, nlri())] }), undefined],
    ['a withdrawal', update({ withdrawn: nlri('10.0.0.0/8') }), undefined],
  ])('End-of-RIB: %s', (_what, message, family) => {
    expect(verdictOf(message)).toBe(SOUND);
    expect(view.endOfRib).toBe(family);
  });

  it('extracts route attributes with the next hop that counts', () => {
    const mp6 = mpReach(2, 1, NEXT_HOP_6, nlri('2001:db8::/32'));
    const med = attribute(0x80, 4, [0, 0, 0, 7]);
    const out = new Uint8Array(200);
    const extract = (message: Uint8Array, mp: boolean) => {
      expect(verdictOf(message)).toBe(SOUND);
      return toHex(out.subarray(3, extractRouteAttributes(message, view, mp, out, 3)));
    };
    const both = update({ attributes: [mp6, ORIGIN, AS_PATH, NEXT_HOP, med], nlri: nlri('10.0.0.0/8') });
    expect(extract(both, false)).toBe(toHex(concat(ORIGIN, AS_PATH, NEXT_HOP, med)));
    expect(extract(both, true)).toBe(toHex(concat(attribute(0x80, 14, NEXT_HOP_6), ORIGIN, AS_PATH, med)));
    const ipv4 = update({ attributes: [ORIGIN, mpReach(1, 1, [10, 9, 9, 9], nlri('10.0.0.0/8')), AS_PATH] });
    expect(extract(ipv4, true)).toBe(toHex(concat(ORIGIN, attribute(0x40, 3, [10, 9, 9, 9]), AS_PATH)));
  });

  it('keeps flags and order, drops what is discarded', () => {
    const odd = attribute(0xe0, 99, [1, 2, 3], true);
    const message = announcement(odd, attribute(0x80, 9, [1, 1, 1, 1]), attribute(0xc0, 99, [9]));
    expect(verdictOf(message)).toMatchObject({ kind: 'sound', discard: [9, 99] });
    const out = new Uint8Array(200);
    const end = extractRouteAttributes(message, view, false, out, 0);
    expect(toHex(out.subarray(0, end))).toBe(toHex(concat(ORIGIN, AS_PATH, NEXT_HOP, odd)));
  });
});

describe('RFC 7606', () => {
  const spoilt = (type: number, replacement: Uint8Array) =>
    update({
      attributes: [ORIGIN, AS_PATH, NEXT_HOP].map((part) => (part[1] === type ? replacement : part)),
      nlri: nlri('20.66.0.0/24'),
    });
  const path = (...bytes: number[]) => spoilt(2, attribute(0x40, 2, bytes));

  it.each<[string, Uint8Array, number, Partial<UpdateContext>?]>([
    ['ORIGIN 3', spoilt(1, attribute(0x40, 1, [3])), 6],
    ['ORIGIN of two bytes', spoilt(1, attribute(0x40, 1, [0, 0])), 5],
    ['ORIGIN as optional', spoilt(1, attribute(0xc0, 1, [0])), 4],
    ['ORIGIN missing', update({ attributes: [AS_PATH, NEXT_HOP], nlri: nlri('10.0.0.0/8') }), 3],
    ['AS_PATH missing', update({ attributes: [ORIGIN, NEXT_HOP], nlri: nlri('10.0.0.0/8') }), 3],
    ['NEXT_HOP missing', update({ attributes: [ORIGIN, AS_PATH], nlri: nlri('10.0.0.0/8') }), 3],
    ['MP_REACH without AS_PATH', update({ attributes: [mpReach(2, 1, NEXT_HOP_6, nlri('::/0')), ORIGIN] }), 3],
    ['AS_PATH segment type 5', path(5, 1, 0, 0, 0, 1), 11],
    ['AS_PATH segment overruns', path(2, 2, 0, 0, 0, 1), 11],
    ['AS_PATH with a byte left over', path(2, 1, 0, 0, 0, 1, 2), 11],
    ['AS_PATH with an empty segment', path(2, 0), 11],
    ['AS_PATH with two-octet numbers', path(2, 2, 0xfd, 0xe9, 0xfd, 0xf2), 11],
    ['AS_PATH with AS 0', path(...sequence(65001, 0)), 11],
    ['AS_PATH with a confederation segment', path(3, 1, 0, 0, 0, 1), 11],
    ['AS_PATH of somebody else', path(...sequence(65002)), 11, { neighborAs: 65001 }],
    ['AS_PATH empty where the first AS is checked', path(), 11, { neighborAs: 65001 }],
    ['NEXT_HOP of five bytes', spoilt(3, attribute(0x40, 3, [10, 0, 0, 1, 0])), 5],
    ['NEXT_HOP 0.0.0.0', spoilt(3, attribute(0x40, 3, [0, 0, 0, 0])), 8],
    [
      'MP next hop ::',
      update({ attributes: [mpReach(2, 1, new Array(16).fill(0), nlri('::/0')), ORIGIN, AS_PATH] }),
      8,
    ],
    ['MP_REACH flags', update({ attributes: [mpReach(2, 1, NEXT_HOP_6, nlri('::/0'), 0xc0), ORIGIN, AS_PATH] }), 4],
    ['MED of three bytes', announcement(attribute(0x80, 4, [0, 0, 1])), 5],
    ['MED as transitive', announcement(attribute(0xc0, 4, [0, 0, 0, 1])), 4],
    ['COMMUNITIES of five bytes', announcement(attribute(0xc0, 8, [0, 0, 0, 1, 2])), 5],
    ['COMMUNITIES empty', announcement(attribute(0xc0, 8, [])), 5],
    ['EXTENDED_COMMUNITIES of four bytes', announcement(attribute(0xc0, 16, [0, 0, 0, 1])), 5],
    ['LARGE_COMMUNITIES of eight bytes', announcement(attribute(0xc0, 32, [0, 0, 0, 1, 0, 0, 0, 1])), 5],
    ['ONLY_TO_CUSTOMER of two bytes', announcement(attribute(0xc0, 35, [0, 1])), 5],
    ['an unknown well-known attribute', announcement(attribute(0x40, 99, [1])), 2],
    ['an attribute that overruns', announcement(Uint8Array.of(0xc0, 99, 5, 1)), 5],
    ['an attribute header cut short', announcement(Uint8Array.of(0xc0)), 5],
    ['LOCAL_PREF of three bytes, internal', announcement(attribute(0x40, 5, [0, 0, 1])), 5, { ebgp: false }],
    ['ORIGINATOR_ID of three bytes, internal', announcement(attribute(0x80, 9, [0, 0, 1])), 5, { ebgp: false }],
    ['CLUSTER_LIST of three bytes, internal', announcement(attribute(0x80, 10, [0, 0, 1])), 5, { ebgp: false }],
  ])('treats as withdraw: %s', (_what, message, subcode, context) => {
    const verdict = verdictOf(message, context);
    expect(verdict).toMatchObject({ kind: 'treat-as-withdraw', code: 3, subcode });
    expect(verdict.reason).not.toBe('');
    expect(sectionsOf(message).filter((text) => text.startsWith('announce'))).toHaveLength(1);
  });

  it.each<[string, Uint8Array, number[], Partial<UpdateContext>?]>([
    ['ATOMIC_AGGREGATE with a value', announcement(attribute(0x40, 6, [1])), [6]],
    ['AGGREGATOR of six bytes', announcement(attribute(0xc0, 7, [0, 1, 10, 0, 0, 1])), [7]],
    ['AGGREGATOR with AS 0', announcement(attribute(0xc0, 7, [0, 0, 0, 0, 10, 0, 0, 1])), [7]],
    ['LOCAL_PREF from outside, whatever it is', announcement(attribute(0x40, 5, [0])), [5]],
    ['CLUSTER_LIST from outside', announcement(attribute(0x80, 10, [1, 1, 1, 1])), [10]],
    ['AS4_PATH from a four-octet speaker', announcement(attribute(0xc0, 17, sequence(1))), [17]],
    ['AS4_AGGREGATOR from a four-octet speaker', announcement(attribute(0xc0, 18, [1])), [18]],
    ['COMMUNITIES twice', announcement(attribute(0xc0, 8, [0, 0, 0, 1]), attribute(0xc0, 8, [7])), [8]],
    ['three of a kind', announcement(...[1, 2, 3].map((byte) => attribute(0xc0, 99, [byte]))), [99, 99]],
    ['a PREFIX_SID TLV that overruns', announcement(attribute(0xc0, 40, [1, 0, 7, 0])), [40]],
  ])('discards the attribute: %s', (_what, message, discard, context) => {
    expect(verdictOf(message, context)).toMatchObject({ kind: 'sound', discard });
  });

  it.each<[string, Uint8Array, number, Partial<UpdateContext>?]>([
    ['withdrawn routes overrun', spliced(update({ withdrawn: nlri('10.0.0.0/8') }), 19, [0, 9]), 1],
    ['attributes overrun', spliced(announcement(), 21, [1, 0]), 1],
    ['withdrawn prefix of 33 bits', update({ withdrawn: Uint8Array.of(33, 1, 2, 3, 4, 5) }), 10],
    ['withdrawn prefix cut short', update({ withdrawn: Uint8Array.of(24, 1, 2) }), 10],
    [
      'announced prefix of 33 bits',
      update({ attributes: [ORIGIN, AS_PATH, NEXT_HOP], nlri: Uint8Array.of(33, 1, 2, 3, 4, 5) }),
      10,
    ],
    [
      'announced prefix cut short',
      update({ attributes: [ORIGIN, AS_PATH, NEXT_HOP], nlri: Uint8Array.of(24, 1, 2) }),
      10,
    ],
    [
      'MP_REACH twice',
      update({ attributes: [mpReach(2, 1, NEXT_HOP_6, nlri('::/0')), mpReach(2, 1, NEXT_HOP_6, nlri('::/0'))] }),
      1,
    ],
    ['MP_UNREACH twice', update({ attributes: [mpUnreach(2, 1, nlri('::/0')), mpUnreach(99, 9, nlri())] }), 1],
    ['MP_REACH of four bytes', update({ attributes: [attribute(0x80, 14, [0, 2, 1, 0]), ORIGIN, AS_PATH] }), 9],
    ['MP_UNREACH of two bytes', update({ attributes: [attribute(0x80, 15, [0, 2])] }), 9],
    [
      'MP_REACH prefix of 129 bits',
      update({ attributes: [mpReach(2, 1, NEXT_HOP_6, Uint8Array.of(129, ...new Array(17).fill(1)))] }),
      9,
    ],
    ['MP_UNREACH prefix cut short', update({ attributes: [mpUnreach(2, 1, Uint8Array.of(64, 1))] }), 9],
    [
      'IPv6 next hop of four bytes',
      update({ attributes: [mpReach(2, 1, [1, 2, 3, 4], nlri('::/0')), ORIGIN, AS_PATH] }),
      9,
    ],
    [
      'IPv4 next hop of 16 bytes',
      update({ attributes: [mpReach(1, 1, NEXT_HOP_6, nlri('10.0.0.0/8')), ORIGIN, AS_PATH] }),
      9,
    ],
    ['a next hop that overruns', update({ attributes: [attribute(0x80, 14, [0, 99, 1, 200, 0, 0])] }), 9],
    [
      'MP_REACH that overruns',
      update({
        attributes: [ORIGIN, AS_PATH, NEXT_HOP, Uint8Array.of(0x80, 14, 9, 0, 2, 1)],
        nlri: nlri('10.0.0.0/8'),
      }),
      9,
    ],
    ['broken attributes and nothing announced', update({ attributes: [attribute(0x40, 1, [9])] }), 6],
  ])('resets: %s', (_what, message, subcode, context) => {
    const verdict = verdictOf(message, context);
    expect(verdict).toMatchObject({ kind: 'reset', code: 3, subcode });
    expect(verdict.reason).not.toBe('');
  });

  it.each<[string, Uint8Array, Partial<UpdateContext>?]>([
    ['an empty AS_PATH', path()],
    ['extended length where it is not needed', spoilt(2, attribute(0x40, 2, sequence(65001), true))],
    ['an unknown optional attribute', announcement(attribute(0x80, 99, []), attribute(0xe0, 100, [1]))],
    [
      'NEXT_HOP 0.0.0.0 beside MP_REACH',
      update({
        attributes: [mpReach(2, 1, NEXT_HOP_6, nlri('::/0')), ORIGIN, AS_PATH, attribute(0x40, 3, [0, 0, 0, 0])],
      }),
    ],
    [
      'a next hop with its link-local half',
      update({ attributes: [mpReach(2, 1, [...NEXT_HOP_6, ...NEXT_HOP_6], nlri('::/0')), ORIGIN, AS_PATH] }),
    ],
    [
      'two-octet numbers',
      update({ attributes: [ORIGIN, attribute(0x40, 2, [2, 1, 0xfd, 0xe9]), NEXT_HOP], nlri: nlri('10.0.0.0/8') }),
      { as4: false },
    ],
    [
      'AS4_PATH from a two-octet speaker',
      update({
        attributes: [ORIGIN, attribute(0x40, 2, [2, 1, 0x5b, 0xa0]), NEXT_HOP, attribute(0xc0, 17, sequence(70000))],
        nlri: nlri('10.0.0.0/8'),
      }),
      { as4: false },
    ],
    [
      'reflection attributes inside',
      announcement(attribute(0x80, 9, [1, 1, 1, 1]), attribute(0x80, 10, [1, 1, 1, 1])),
      { ebgp: false },
    ],
    ['confederation segments inside', path(3, 1, 0, 0, 0, 1), { ebgp: false }],
    ['the right first AS', announcement(), { neighborAs: 65001 }],
    [
      'unknown families',
      update({
        attributes: [mpReach(25, 65, [1], Uint8Array.of(255)), mpUnreach(1, 133, Uint8Array.of(9)), ORIGIN, AS_PATH],
      }),
    ],
  ])('accepts: %s', (_what, message, context) => {
    expect(verdictOf(message, context)).toBe(SOUND);
  });

  it('names the culprit in the data of a reset', () => {
    const culprit = mpReach(2, 1, [1, 2, 3, 4], nlri('::/0'));
    expect(verdictOf(update({ attributes: [ORIGIN, culprit] })).data).toEqual(culprit);
  });
});

describe('hostile bytes', () => {
  const valid = update({
    withdrawn: nlri('10.1.0.0/16'),
    attributes: [
      mpReach(2, 1, NEXT_HOP_6, nlri('2001:db8::/32')),
      mpUnreach(2, 1, nlri('2001:db8:9::/48')),
      ORIGIN,
      AS_PATH,
      NEXT_HOP,
      attribute(0xc0, 7, [0, 0, 0, 1, 1, 2, 3, 4]),
      attribute(0xc0, 8, [0, 1, 0, 2]),
      attribute(0xc0, 40, [1, 0, 7, 0, 0, 0, 0, 0, 0, 1]),
    ],
    nlri: nlri('10.3.0.0/16'),
  });
  const mutated = fc
    .array(fc.tuple(fc.integer({ min: 19, max: valid.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((edits) => edits.reduce((bytes, [at, byte]) => bytes.fill(byte, at, at + 1), valid.slice()));
  const cutShort = fc.nat(valid.length).map((length) => valid.slice(0, length));
  const random = fc.uint8Array({ maxLength: 120 });

  it('never make the parser throw, read past the end or hand out prefixes that are none', () => {
    const context = fc.record({ as4: fc.boolean(), ebgp: fc.boolean(), families: fc.nat(3) });
    const raw = new Uint8Array(4096);
    const cursor = new NlriCursor();
    fc.assert(
      fc.property(fc.oneof(mutated, cutShort, random), context, (message, session) => {
        const verdict = parseUpdate(message, 0, message.length, session, view);
        if (verdict.kind === 'reset') return;
        for (const section of view.sections.slice(0, view.sectionCount)) {
          cursor.reset(message, section.start, section.end, section.family);
          let end = section.start;
          while (cursor.next()) end = cursor.at + ((cursor.bits + 7) >> 3);
          expect(end).toBe(section.end);
          expect(end).toBeLessThanOrEqual(message.length);
        }
        if (verdict.kind !== 'sound') return;
        for (const mp of [false, true]) {
          expect(extractRouteAttributes(message, view, mp, raw, 0)).toBeLessThanOrEqual(message.length);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

/** A copy of a message with bytes replaced. */
function spliced(message: Uint8Array, at: number, bytes: number[]): Uint8Array {
  const copy = message.slice();
  copy.set(bytes, at);
  return copy;
}
